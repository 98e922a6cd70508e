#include "pose/batches.h"

#include <future>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "pose/loader.h"
#include "pose/tiles.h"
#include "shared.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

const std::filesystem::path kFolder = "reference/targets";

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return nlohmann::json::parse(stream);
}

// The little project of the reference loaders.
struct LoaderProject {
  std::vector<TrainingRecord> records;
  std::vector<std::filesystem::path> paths;

  LoaderProject() {
    const auto folder = shared_folder() / kFolder / "loader_project";
    for (const auto& json : read_json(folder / "records.json")) {
      TrainingRecord record;
      auto path = folder;
      for (const auto& part : json["image"]) {
        record.path.push_back(part);
        path /= record.path.back();
      }
      record.channels = json["size"][0];
      record.height = json["size"][1];
      record.width = json["size"][2];
      for (const auto& joint : json["joints"])
        record.joints.push_back({joint[0], joint[1], joint[2]});
      records.push_back(record);
      paths.push_back(path);
    }
  }
};

void expect_equal(const std::vector<float>& ours, const std::filesystem::path& path) {
  const auto expected = read_npy<std::uint8_t>(path).values;
  ASSERT_EQ(ours.size(), expected.size());
  for (std::size_t i = 0; i < ours.size(); ++i)
    ASSERT_EQ(ours[i], static_cast<float>(expected[i])) << path << ", element " << i;
}

void expect_reference_batch(const std::filesystem::path& folder) {
  SCOPED_TRACE(folder.filename().string());
  const LoaderProject project;
  PictureCache cache(project.paths, 1U << 20U);
  const auto json = read_json(folder / "case.json");
  const bool imgaug = json["dataset_type"] == "imgaug";
  BatchOptions options;
  options.kind = imgaug ? LoaderKind::imgaug : LoaderKind::scalecrop;
  options.keypoints = 4;
  BatchChoice choice;
  choice.scale = json["global_scale"];
  if (imgaug) {
    choice.records = json["draws"][0].get<std::vector<int>>();
    choice.size_from = json["draws"][1];
  } else {
    choice.records = {json["draws"][0][0].get<int>()};
  }
  const auto batch = assemble_batch(
      project.records, [&](std::size_t i) { return cache.get(i); }, options, choice);
  const auto inputs = read_npy<std::uint8_t>(folder / "inputs.npy");
  ASSERT_EQ(batch.pixels.size(), inputs.values.size());
  ASSERT_EQ(batch.height, inputs.shape[1]);
  for (std::size_t i = 0; i < inputs.values.size(); ++i)
    ASSERT_NEAR(batch.pixels[i], inputs.values[i], 1) << "pixel value " << i;
  expect_equal(batch.targets.part_score, folder / "part_score.npy");
  expect_equal(batch.targets.locref_mask, folder / "locref_mask.npy");
  const auto locref = read_npy<float>(folder / "locref.npy").values;
  for (std::size_t i = 0; i < locref.size(); ++i)
    ASSERT_NEAR(batch.targets.locref[i], locref[i], 1e-6);
}

TEST(Batches, EqualThoseOfDeepLabCutsLoaders) {
  NEEDS_SHARED(kFolder);
  int cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(shared_folder() / kFolder)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with("loader_") || name == "loader_project") continue;
    expect_reference_batch(entry.path());
    ++cases;
  }
  EXPECT_EQ(cases, 7);
}

// Two grey pictures with a white square of which the joint is the middle.
struct Squares {
  std::vector<TrainingRecord> records;
  std::vector<std::shared_ptr<const Image>> pictures;

  Squares() {
    for (const int x : {80, 130}) {
      Image image{160, 200, std::vector<std::uint8_t>(160 * 200 * 3, 90)};
      for (int row = 60; row < 80; ++row)
        for (int column = x - 10; column < x + 10; ++column)
          for (int channel = 0; channel < 3; ++channel)
            image.pixels[(row * 200 + column) * 3 + channel] = 255;
      pictures.push_back(std::make_shared<const Image>(std::move(image)));
      records.push_back({{"labeled-data", "clip", "a.png"}, 3, 160, 200, {{0, double(x), 70}}});
    }
  }
  PictureSource source() const {
    return [this](std::size_t i) { return pictures[i]; };
  }
  Batch batch(const BatchOptions& options, std::int64_t iteration) const {
    return assemble_batch(records, source(), options, choose_batch(records, options, iteration));
  }
};

BatchOptions everything() {
  BatchOptions options;
  options.batch_size = 2;
  options.keypoints = 1;
  options.scale_jitter = {0.5, 1.25};
  auto& augment = options.augment;
  augment.rotation = {0.4, {-25, 25, {}}, {}};
  augment.motion_blur = {0.5, {-90, 90, {}}, {-1, 1, {}}};
  augment.covering = {0.5, {}, {}};
  augment.elastic = {0.5, {0, 40, {}}, {}};
  augment.histeq = {0.1, {}, {}};
  augment.clahe = {0.1, {0.1, 8, {}}, {3, 12, {}}};
  augment.emboss = {0.1, {0, 0, {0, 1}}, {0, 0, {0.5, 1.5}}};
  augment.crop_and_pad = {0.4, {-0.15, 0.15, {}}, {}};
  return options;
}

TEST(Batches, DependOnSeedAndIterationAlone) {
  const Squares squares;
  auto options = everything();
  const auto batch = squares.batch(options, 17);
  EXPECT_EQ(squares.batch(options, 17).pixels, batch.pixels);
  EXPECT_NE(squares.batch(options, 18).pixels, batch.pixels);
  options.seed = 1;
  EXPECT_NE(squares.batch(options, 17).pixels, batch.pixels);
}

// Centre of the brightest pixels against the joint, wherever both were moved.
struct Spot {
  double x = 0, y = 0;
  int pixels = 0;
};
Spot white_spot(const Image& image) {
  Spot spot;
  for (int row = 0; row < image.height; ++row)
    for (int column = 0; column < image.width; ++column)
      if (image.pixels[(static_cast<std::size_t>(row) * image.width + column) * 3] > 200) {
        spot.x += column + 0.5;
        spot.y += row + 0.5;
        ++spot.pixels;
      }
  spot.x /= std::max(spot.pixels, 1);
  spot.y /= std::max(spot.pixels, 1);
  return spot;
}

TEST(Augment, KeepsJointsOnWhatTheyMark) {
  const Squares squares;
  auto options = everything().augment;
  options.motion_blur.probability = options.histeq.probability = options.clahe.probability = 0;
  // Elastic moves a joint by its few neighbours, the square by its whole area.
  options.emboss.probability = options.elastic.probability = 0;
  options.mirror = Sometimes{0.5, {1, 1, {}}, {}};
  int compared = 0;
  for (std::uint64_t i = 0; i < 60; ++i) {
    Sample sample{*squares.pictures[i % 2], {{0, squares.records[i % 2].joints[0].x, 70}}};
    Random random({i});
    augment(sample, 240, 300, options, random);
    const auto spot = white_spot(sample.image);
    if (spot.pixels < 600) continue;  // partly outside
    EXPECT_NEAR(spot.x, sample.joints[0].x, 1) << i;
    EXPECT_NEAR(spot.y, sample.joints[0].y, 1) << i;
    ++compared;
  }
  EXPECT_GT(compared, 50);
}

// A cell's place on the picture, by TensorFlow's rule for SAME at a stride of 2 and a kernel of 3:
// the first window begins at pixel 0 of an even side, at -1 of an odd one. Four strides: MobileNet.
int place_of_first_cell(int side) {
  int place = 0;
  for (int step = 1; step <= 8; step *= 2, side = (side + 1) / 2) place += side % 2 == 0 ? step : 0;
  return place;
}

TEST(FastTiles, PlaceCellsAsThePicturesAtPredictionDo) {
  EXPECT_EQ(tile_side(162, 384), 162);
  EXPECT_EQ(tile_side(640, 384), 384);
  EXPECT_EQ(tile_side(1080, 384), 376);
  EXPECT_EQ(place_of_first_cell(162), 1);
  EXPECT_EQ(place_of_first_cell(192), 15);  // where a tile of whole cells would put it
  for (int side = 33; side < 2200; ++side) {
    const int tile = tile_side(side, 384);
    ASSERT_LE(tile, 384);
    ASSERT_GT(tile, std::min(side, 353) - 1) << side;
    ASSERT_EQ(place_of_first_cell(tile), place_of_first_cell(side)) << side;
  }
}

TEST(FastTiles, KeepJointsOnWhatTheyMark) {
  const Squares squares;
  BatchOptions options;
  options.kind = LoaderKind::fast;
  options.batch_size = 4;
  options.largest_tile = 120;  // of pictures of 200 x 160: tiles of 104 x 96
  options.keypoints = 1;
  options.scale_jitter = {0.8, 1.3};
  options.augment.rotation = {0.4, {-25, 25, {}}, {}};
  options.augment.mirror = Sometimes{0.5, {1, 1, {}}, {}};
  options.targets.disc_radius_pixels = 8;
  for (std::int64_t iteration = 0; iteration < 10; ++iteration) {
    const auto batch = squares.batch(options, iteration);
    ASSERT_EQ(batch.width, 104);
    ASSERT_EQ(batch.height, 96);
    ASSERT_EQ(batch.targets.height, 12);
    for (int slot = 0; slot < 4; ++slot) {
      const auto size = static_cast<std::size_t>(96 * 104 * 3);
      Image tile{
          96, 104, {batch.pixels.begin() + slot * size, batch.pixels.begin() + (slot + 1) * size}};
      const auto spot = white_spot(tile);
      if (spot.x < 16 || spot.x > 88 || spot.y < 16 || spot.y > 80) continue;
      const int row = static_cast<int>(spot.y / 8), column = static_cast<int>(spot.x / 8);
      const auto cell = (slot * 12 + row) * batch.targets.width + column;
      EXPECT_EQ(batch.targets.part_score[cell], 1) << iteration << ' ' << slot;
      EXPECT_NEAR(batch.targets.locref[2 * cell] * 7.2801, spot.x - (column * 8 + 4), 1.5);
      EXPECT_NEAR(batch.targets.locref[2 * cell + 1] * 7.2801, spot.y - (row * 8 + 4), 1.5);
    }
  }
}

TEST(Batches, NameThePictureThatFitsNoTrainingSize) {
  const Squares squares;
  BatchOptions options;
  options.max_input_size = 100;
  EXPECT_ERROR(choose_batch(squares.records, options, 0), ErrorKind::usage,
               "labeled-data/clip/a.png: no training size fits: 200 x 160 pixels");
}

TEST(Batches, TakeEveryPictureOnceInAnEpochOfScalecrop) {
  const Squares squares;
  BatchOptions options;
  options.kind = LoaderKind::scalecrop;
  for (const std::int64_t epoch : {0, 1, 2}) {
    const auto first = choose_batch(squares.records, options, 2 * epoch).records[0];
    EXPECT_NE(choose_batch(squares.records, options, 2 * epoch + 1).records[0], first);
  }
}

TEST(Loader, HandsBatchesOnInOrderFromAnyIterationOn) {
  BatchLoader loader(
      [](std::int64_t iteration) {
        Batch batch;
        batch.iteration = iteration;
        return batch;
      },
      40, 3, 5);
  for (std::int64_t iteration = 40; iteration < 100; ++iteration)
    ASSERT_EQ(loader.next().iteration, iteration);
}

TEST(Loader, ThrowsWhatAWorkerThrewInsteadOfWaiting) {
  BatchLoader loader(
      [](std::int64_t iteration) -> Batch {
        if (iteration == 3) throw Error(ErrorKind::io, "img0003.png: absent");
        return {};
      },
      0, 2, 4);
  for (int i = 0; i < 3; ++i) loader.next();
  EXPECT_ERROR(loader.next(), ErrorKind::io, "img0003.png: absent");
  EXPECT_ERROR(loader.next(), ErrorKind::io, "img0003.png: absent");
}

TEST(Loader, MakesItselfWhatItsWorkersDoNotGetDone) {
  const auto own = std::this_thread::get_id();
  std::promise<void> release;
  const auto released = release.get_future().share();
  BatchLoader loader(
      [&](std::int64_t iteration) {
        if (iteration >= 3 && std::this_thread::get_id() != own) released.wait();
        Batch batch;
        batch.iteration = iteration;
        return batch;
      },
      0, 2, 4);
  for (std::int64_t iteration = 0; iteration < 20; ++iteration)
    ASSERT_EQ(loader.next().iteration, iteration);
  release.set_value();
  for (std::int64_t iteration = 20; iteration < 40; ++iteration)
    ASSERT_EQ(loader.next().iteration, iteration);
}

TEST(PictureCache, KeepsPicturesWhileTheBudgetLasts) {
  const TempDir folder;
  write_image(folder / "a.png", {2, 2, std::vector<std::uint8_t>(12, 1)});
  write_image(folder / "b.png", {2, 2, std::vector<std::uint8_t>(12, 2)});
  PictureCache cache({folder / "a.png", folder / "b.png"}, 12);
  EXPECT_EQ(cache.get(0).get(), cache.get(0).get());
  EXPECT_EQ(cache.get(1)->pixels[0], 2);
  std::filesystem::remove(folder / "b.png");
  EXPECT_ERROR(cache.get(1), ErrorKind::io, "b.png");
}

}  // namespace
}  // namespace poseheir
