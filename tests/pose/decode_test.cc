#include "pose/decode.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "shared.h"

namespace poseheir {
namespace {

const std::filesystem::path kFolder = "reference/decode";

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return nlohmann::json::parse(stream);
}

// [h, w, J] or [h, w, J, 2] or [n, h, w, C] as a batch.
FeatureMap map_from(const std::filesystem::path& path, bool batch) {
  auto array = read_npy<float>(path);
  auto shape = array.shape;
  if (!batch) shape.insert(shape.begin(), 1);
  std::int64_t channels = 1;
  for (std::size_t i = 3; i < shape.size(); ++i) channels *= shape[i];
  return {static_cast<int>(shape[0]), static_cast<int>(shape[1]), static_cast<int>(shape[2]),
          static_cast<int>(channels), std::move(array.values)};
}

std::vector<double> flat(const std::vector<std::vector<PredictedPoint>>& poses) {
  std::vector<double> values;
  for (const auto& pose : poses)
    for (const auto& point : pose)
      values.insert(values.end(), {point.x, point.y, point.likelihood});
  return values;
}

template <typename T>
void expect_near(const std::vector<double>& ours, const std::vector<T>& expected) {
  ASSERT_EQ(ours.size(), expected.size());
  for (std::size_t i = 0; i < ours.size(); ++i)
    EXPECT_NEAR(ours[i], expected[i], i % 3 == 2 ? 1e-6 : 1e-4) << "element " << i;
}

std::vector<std::filesystem::path> cases(const std::string& prefix) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(shared_folder() / kFolder))
    if (entry.path().filename().string().starts_with(prefix)) found.push_back(entry.path());
  return found;
}

TEST(Decode, TakesTheBestCellOfEachKeypointAsDeepLabCut) {
  NEEDS_SHARED(kFolder);
  for (const auto& folder : cases("single_")) {
    SCOPED_TRACE(folder.filename().string());
    // The offsets of these cases are in pixels already.
    const DecodeOptions options{.stride_pixels = read_json(folder / "case.json")["stride"],
                                .locref_stdev = 1,
                                .arithmetic = DecodeArithmetic::numpy};
    const auto scores = map_from(folder / "scmap.npy", false);
    const auto locref = map_from(folder / "locref.npy", false);
    expect_near(flat(decode_poses(scores, locref, options)),
                read_npy<double>(folder / "argmax_pose.npy").values);
  }
  EXPECT_EQ(cases("single_").size(), 7U);
}

TEST(Decode, ListsSeveralCellsBestFirst) {
  NEEDS_SHARED(kFolder);
  for (const auto& folder : cases("single_")) {
    if (folder.filename() == "single_ties") continue;  // NumPy's order among equals is unspecified
    for (const int outputs : {1, 2, 5}) {
      const auto file = folder / fmt::format("multi_pose_{}.npy", outputs);
      if (!std::filesystem::exists(file)) continue;
      SCOPED_TRACE(file.string());
      const DecodeOptions options{.stride_pixels = read_json(folder / "case.json")["stride"],
                                  .locref_stdev = 1,
                                  .outputs = outputs,
                                  .arithmetic = DecodeArithmetic::numpy};
      expect_near(flat(decode_poses(map_from(folder / "scmap.npy", false),
                                    map_from(folder / "locref.npy", false), options)),
                  read_npy<float>(file).values);
    }
  }
}

TEST(Decode, ReadsABatchWithRawOffsets) {
  NEEDS_SHARED(kFolder);
  for (const auto& folder : cases("raw_")) {
    for (const int outputs : {1, 3}) {
      SCOPED_TRACE(fmt::format("{}, {} outputs", folder.filename().string(), outputs));
      const DecodeOptions options{.outputs = outputs, .arithmetic = DecodeArithmetic::numpy};
      expect_near(flat(decode_poses(map_from(folder / "scmap.npy", true),
                                    map_from(folder / "locref_raw.npy", true), options)),
                  read_npy<double>(folder / fmt::format("getposeNP_{}.npy", outputs)).values);
    }
  }
  EXPECT_EQ(cases("raw_").size(), 4U);
}

TEST(Decode, EqualsTheGraphsOwnPosesWithTheFirstCellAmongEquals) {
  NEEDS_SHARED(kFolder);
  for (const auto& folder : cases("graph_")) {
    SCOPED_TRACE(folder.filename().string());
    auto scores = map_from(folder / "part_pred.npy", true);
    apply_sigmoid(scores);
    auto expected = read_npy<float>(folder / "pose.npy").values;  // y, x, likelihood
    for (std::size_t i = 0; i < expected.size(); i += 3) std::swap(expected[i], expected[i + 1]);
    expect_near(flat(decode_poses(scores, map_from(folder / "locref.npy", true), {})), expected);
  }
  EXPECT_EQ(cases("graph_").size(), 2U);
}

TEST(Decode, RefusesMoreOutputsThanCells) {
  const FeatureMap scores{1, 1, 2, 1, {0.5F, 0.25F}}, locref{1, 1, 2, 2, {0, 0, 0, 0}};
  EXPECT_ERROR(decode_poses(scores, locref, {.outputs = 3}), ErrorKind::mismatch,
               "num_outputs is 3, but a map of 1 x 2 cells has only 2");
}

}  // namespace
}  // namespace poseheir
