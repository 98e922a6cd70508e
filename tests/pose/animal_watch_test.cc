// Errors while several animals are trained, on a small project of two animals.
#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "poseheir/evaluate_animals.h"
#include "poseheir/media.h"
#include "poseheir/train.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

constexpr auto kConfig = R"(Task: mice
scorer: me
date: Jan1
multianimalproject: true
identity: false
individuals: [one, two]
uniquebodyparts: [feeder]
multianimalbodyparts: [nose, tail]
bodyparts: MULTI!
video_sets:
  clip.mp4: {crop: "0, 96, 0, 64"}
skeleton: [[tail, nose]]
TrainingFraction: [0.5]
iteration: 0
default_net_type: mobilenet_v2_0.35
default_augmenter: multi-animal-imgaug
pcutoff: 0.4
)";

constexpr int kPictures = 8, kWidth = 96, kHeight = 64;

void dot(Image& image, int x, int y, int channel) {
  for (int dy = -3; dy <= 3; ++dy)
    for (int dx = -3; dx <= 3; ++dx)
      image.pixels[static_cast<std::size_t>(((y + dy) * image.width + x + dx) * 3 + channel)] = 250;
}

// Each animal is a red nose before a blue tail; the feeder is green. The last picture has no label.
struct Mice {
  TempDir folder;
  Project project;
  ModelChoice choice;
  TrainOptions options;

  Mice() {
    write_file(folder / "config.yaml", kConfig);
    const auto clip = folder / "labeled-data/clip";
    fs::create_directories(clip);
    std::string labels =
        "scorer,me,me,me,me,me,me,me,me,me,me\n"
        "individuals,one,one,one,one,two,two,two,two,single,single\n"
        "bodyparts,nose,nose,tail,tail,nose,nose,tail,tail,feeder,feeder\n"
        "coords,x,y,x,y,x,y,x,y,x,y\n";
    for (int n = 0; n < kPictures; ++n) {
      Image image{kHeight, kWidth, std::vector<std::uint8_t>(kHeight * kWidth * 3, 30)};
      const int x = 20 + 7 * n, y = 14 + n;
      dot(image, x, y, 0), dot(image, x - 12, y, 2);
      dot(image, 88 - 4 * n, y + 28, 0), dot(image, 88 - 4 * n - 12, y + 30, 2);
      dot(image, 6, 58, 1);
      write_image(clip / fmt::format("img{}.png", n), image);
      labels += fmt::format("labeled-data/clip/img{}.png", n);
      labels += n == kPictures - 1 ? ",,,,,,,,,,\n"
                                   : fmt::format(",{},{},{},{},{},{},{},{},6,58\n", x, y, x - 12, y,
                                                 88 - 4 * n, y + 28, 76 - 4 * n, y + 30);
    }
    write_file(clip / "CollectedData_me.csv", labels);
    project = read_project(folder.path());
    TrainingSetOptions set;
    set.crop_size = {96, 96};
    create_training_dataset(project, set);
    options.init = "random";
    options.max_iterations = 12;
    options.save_iterations = 12;
    options.display_iterations = 4;
    options.eval_iterations = 4;
    options.engine.threads = 1;
  }
  TrainResult run() const { return train(project, choice, options); }
  fs::path run_folder() const { return model_paths(project, choice).train; }
};

// evaluate_animals is compared with DeepLabCut's evaluation in tests/oracle/animals.py.
TEST(AnimalWatch, MeasuresTheErrorsThatEvaluateTells) {
  const Mice mice;
  const auto result = mice.run();
  ASSERT_TRUE(result.last_error);
  EXPECT_EQ(result.last_error->iteration, 12);
  const auto curve = read_error_curve(mice.run_folder() / "error_curve.csv");
  ASSERT_EQ(curve.size(), 3U);
  const auto config = read_train_config(mice.project, mice.choice);
  const auto dataset = read_dataset(mice.project, mice.choice, config);
  const auto model = load_model(mice.project, mice.choice, {mice.run_folder() / "snapshot-12", 12});
  const auto all = evaluate_animals(mice.project, mice.choice, model, dataset.animals,
                                    dataset.split, mice.options.engine)
                       .metrics.all;
  const auto& seen = result.last_error->errors;
  EXPECT_TRUE(std::isfinite(all.train) && std::isfinite(all.test));
  // Summed in another order.
  EXPECT_NEAR(seen.train, all.train, 1e-12 * all.train);
  EXPECT_NEAR(seen.test, all.test, 1e-12 * all.test);
  const auto same = [](double a, double b) {
    return std::abs(a - b) < 1e-10 || (std::isnan(a) && std::isnan(b));
  };
  EXPECT_TRUE(same(seen.train_cutoff, all.train_cutoff));
  EXPECT_TRUE(same(seen.test_cutoff, all.test_cutoff));
}

TEST(AnimalWatch, MarksTheBestSnapshotAndLosesPatience) {
  Mice mice;
  mice.options.eval_iterations = 2;
  mice.options.patience = 2;
  mice.options.layer_rates = {{"backbone", 0}, {"heads", 0}};  // no step makes anything better
  const auto result = mice.run();
  EXPECT_TRUE(result.stopped_early);
  EXPECT_EQ(result.best_error->iteration, 2);
  EXPECT_EQ(result.last_iteration, 6);
  EXPECT_NE(read_file(mice.run_folder() / "best_snapshot.json").find("\"snapshot-2\""),
            std::string::npos);
  const auto best = choose_snapshots(mice.project, model_paths(mice.project, mice.choice), "best");
  EXPECT_EQ(best.front().iteration, 2);
}

TEST(AnimalWatch, SeesErrorsFallAsTheNetworkLearns) {
  Mice mice;
  mice.options.max_iterations = 240;
  mice.options.save_iterations = 240;
  mice.options.eval_iterations = 40;
  mice.run();
  const auto curve = read_error_curve(mice.run_folder() / "error_curve.csv");
  ASSERT_GE(curve.size(), 6U);
  EXPECT_LT(curve.back().errors.train, 6);
  EXPECT_LT(curve.back().errors.train, curve.front().errors.train / 2);
}

}  // namespace
}  // namespace poseheir
