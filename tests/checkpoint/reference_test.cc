#include "checkpoint/reference.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/crc32c.h"
#include "expect_error.h"

namespace poseheir {
namespace {

using nlohmann::json;

// TensorFlow's name of a dtype, and ours.
const std::map<std::string, DType> kDTypes{
    {"DT_FLOAT", DType::f32},  {"DT_DOUBLE", DType::f64},    {"DT_INT32", DType::i32},
    {"DT_UINT8", DType::u8},   {"DT_INT16", DType::i16},     {"DT_INT8", DType::i8},
    {"DT_INT64", DType::i64},  {"DT_BOOL", DType::boolean},  {"DT_QINT8", DType::qi8},
    {"DT_QUINT8", DType::qu8}, {"DT_QINT32", DType::qi32},   {"DT_BFLOAT16", DType::bf16},
    {"DT_HALF", DType::f16},   {"DT_UINT16", DType::u16},    {"DT_UINT32", DType::u32},
    {"DT_UINT64", DType::u64}, {"DT_COMPLEX64", DType::c64}, {"DT_COMPLEX128", DType::c128}};

float expected_float(const json& value) {
  if (value.is_null()) return std::nanf("");
  if (value.is_boolean()) return value.get<bool>() ? 1.0F : 0.0F;
  if (value.is_string()) return value == "inf" ? HUGE_VALF : -HUGE_VALF;
  return static_cast<float>(value.get<double>());
}

void expect_values(const StoredTensor& tensor, const json& expected) {
  if (tensor.info.dtype == DType::c64 || tensor.info.dtype == DType::c128) return;  // by checksum
  const auto values = read_floats(tensor);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_LT(i, values.size());
    const auto wanted = expected_float(expected[i]);
    if (std::isnan(wanted)) {
      EXPECT_TRUE(std::isnan(values[i])) << tensor.info.name << " " << i;
    } else {
      EXPECT_EQ(values[i], wanted) << tensor.info.name << " " << i;
    }
  }
}

void expect_tensor(const Checkpoint& checkpoint, const json& expected) {
  const auto name = expected["name"].get<std::string>();
  const auto* tensor = checkpoint.find(name);
  ASSERT_NE(tensor, nullptr) << name;
  EXPECT_EQ(tensor->info.dtype, kDTypes.at(expected["dtype"])) << name;
  EXPECT_EQ(tensor->info.shape, expected["shape"].get<std::vector<std::int64_t>>()) << name;
  const auto data = tensor->read();
  EXPECT_EQ(data.bytes.size(), expected["bytes"].get<std::size_t>()) << name;
  const auto crc = std::stoul(expected["crc32c"].get<std::string>(), nullptr, 16);
  EXPECT_EQ(crc32c(data.bytes), crc) << name;
  if (tensor->crc32c) EXPECT_EQ(*tensor->crc32c, crc) << name;
  expect_values(*tensor, expected["first_values"]);
}

void expect_as_listed(const std::filesystem::path& path, const json& listed) {
  const auto checkpoint = read_checkpoint(path);
  std::size_t strings = 0;
  for (const auto& expected : listed["tensors"]) {
    if (expected["dtype"] == "DT_STRING") {
      ++strings;
    } else {
      expect_tensor(checkpoint, expected);
    }
  }
  EXPECT_EQ(checkpoint.notes.size(), strings);
  EXPECT_EQ(checkpoint.tensors.size() + strings, listed["number_of_tensors"].get<std::size_t>());
}

class ReferenceCheckpoint : public testing::TestWithParam<std::string> {};

TEST_P(ReferenceCheckpoint, ReadsAsTensorFlowReadsIt) {
  const auto folder = reference_checkpoints() / GetParam();
  NEEDS_SHARED(folder);
  const auto listed = read_json(folder / "expected.json");
  expect_as_listed(folder / listed["prefix"].get<std::string>(), listed);
}

INSTANTIATE_TEST_SUITE_P(All, ReferenceCheckpoint,
                         testing::Values("dtypes", "names", "sliced", "sliced_grid", "sharded",
                                         "sharded_slices", "object_based", "v1", "v1_sharded",
                                         "snappy"));

}  // namespace
}  // namespace poseheir
