#include "pose/training_state.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "expect_error.h"
#include "pose/run_folder.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

Network small_network() {
  NetworkSpec spec;
  spec.net_type = "mobilenet_v2_0.35";
  spec.keypoints = 2;
  return build_network(spec);
}

Parameters filled(const Network& network, float first) {
  Parameters values;
  for (const auto& variable : network.variables) {
    values.emplace_back(element_count(variable.info.shape));
    for (auto& value : values.back()) value = first += 0.001F;
  }
  return values;
}

TEST(TrainingState, ComesBackBitForBit) {
  const TempDir folder;
  const auto network = small_network();
  TrainingState state;
  state.identity = R"({"seed":3})";
  state.next_iteration = 501;
  state.seconds = 12.345678901234567;
  state.sums = {1.0 / 3, 0.1, 0.2, 7};
  state.snapshots = {"snapshot-250", "snapshot-500"};
  state.parameters = filled(network, 1);
  state.optimizer.steps = 501;
  state.optimizer.first = filled(network, -2);
  state.optimizer.first[4].clear();  // a frozen variable has no slot
  write_training_state(folder / "train_state.safetensors", network, state, state.parameters,
                       state.optimizer);
  const auto back = read_training_state(folder / "train_state.safetensors", network);
  EXPECT_EQ(back.identity, state.identity);
  EXPECT_EQ(back.next_iteration, 501);
  EXPECT_EQ(back.seconds, state.seconds);
  EXPECT_EQ(back.sums.total, state.sums.total);
  EXPECT_EQ(back.sums.count, 7);
  EXPECT_EQ(back.snapshots, state.snapshots);
  EXPECT_EQ(back.parameters, state.parameters);
  EXPECT_EQ(back.optimizer.steps, 501);
  EXPECT_EQ(back.optimizer.first, state.optimizer.first);
  // What the engine's own state looks like without Adam.
  EXPECT_EQ(back.optimizer.second, Parameters(network.variables.size()));
}

TEST(TrainingState, IsNothingWhereThereIsNoFile) {
  const TempDir folder;
  EXPECT_FALSE(read_training_state_header(folder / "train_state.safetensors"));
}

TEST(RunFolder, KeepsTheFiveNewestSnapshotsAndTheBest) {
  const TempDir folder;
  const auto network = small_network();
  const RunFolder files(folder.path(), 5);
  TrainingState state;
  state.parameters = filled(network, 1);
  files.add_error({200, {5, 6, 0, 0}, 1});
  files.add_error({300, {9, 9, 0, 0}, 2});
  for (std::int64_t it = 100; it <= 800; it += 100)
    files.save(it, network, state, state.parameters, {});
  std::vector<std::int64_t> kept;
  for (const auto& snapshot : list_snapshots(folder.path())) kept.push_back(snapshot.iteration);
  EXPECT_EQ(kept, (std::vector<std::int64_t>{200, 400, 500, 600, 700, 800}));
  EXPECT_EQ(read_checkpoint_state(folder.path())->newest, "snapshot-800");
}

TEST(RunFolder, KeepsASnapshotThatWasSavedForItsErrorOnlyWhileItIsTheBest) {
  const TempDir folder;
  const auto network = small_network();
  const RunFolder files(folder.path(), 5);
  TrainingState state;
  state.parameters = filled(network, 1);
  const auto names = [&] {
    std::vector<std::int64_t> kept;
    for (const auto& snapshot : list_snapshots(folder.path())) kept.push_back(snapshot.iteration);
    return kept;
  };
  files.add_error({130, {5, 6, 0, 0}, 1});
  files.save(130, network, state, state.parameters, {}, false);
  files.save(200, network, state, state.parameters, {});
  EXPECT_EQ(names(), (std::vector<std::int64_t>{130, 200}));
  files.add_error({260, {5, 4, 0, 0}, 1});
  files.save(260, network, state, state.parameters, {}, false);
  EXPECT_EQ(names(), (std::vector<std::int64_t>{200, 260}));
  EXPECT_NE(read_file(folder / "best_snapshot.json").find("\"snapshot-260\""), std::string::npos);
}

TEST(RunFolder, DropsALineThatAKillCutOff) {
  const TempDir folder;
  const RunFolder files(folder.path(), 5);
  files.add_learning_stats(1000, 0.5, 0.005);
  write_file(folder / "learning_stats.csv", read_file(folder / "learning_stats.csv") + "20");
  write_file(folder / "error_curve.csv", "iterat");
  EXPECT_FALSE(files.cut_curves(1500).best());
  EXPECT_EQ(read_file(folder / "learning_stats.csv"), "1000, 0.50000, 0.005\n");
  EXPECT_FALSE(std::filesystem::exists(folder / "error_curve.csv"));
}

TEST(RunFolder, WritesLearningStatsAsDeepLabCut) {
  const TempDir folder;
  const RunFolder files(folder.path(), 5);
  files.add_learning_stats(1000, 0.012345, 0.005);
  files.add_learning_stats(2000, 0.01, static_cast<double>(0.0005F));
  EXPECT_EQ(read_file(folder / "learning_stats.csv"),
            "1000, 0.01235, 0.005\n2000, 0.01000, 0.0005000000237487257\n");
}

TEST(RunFolder, TakesBackRowsBehindTheStateItGoesOnFrom) {
  const TempDir folder;
  const RunFolder files(folder.path(), 5);
  for (const std::int64_t it : {100, 200, 300}) {
    files.add_learning_stats(it, 0.5, 0.005);
    files.add_loss({it, 0.5, 0.4, 0.1, 0.005, 1});
  }
  files.cut_curves(300);
  EXPECT_EQ(read_file(folder / "learning_stats.csv"), "100, 0.50000, 0.005\n200, 0.50000, 0.005\n");
  EXPECT_EQ(read_learning_curve(folder / "learning_curve.csv").size(), 2U);
}

}  // namespace
}  // namespace poseheir
