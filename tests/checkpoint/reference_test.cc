#include "checkpoint/reference.h"

#include <cmath>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <vector>

#include "base/crc32c.h"
#include "base/file.h"
#include "expect_error.h"
#include "poseheir/checkpoint.h"
#include "temp_dir.h"

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
  const auto folder = reference_checkpoint(GetParam());
  NEEDS_SHARED(folder);
  const auto listed = read_json(folder / "expected.json");
  expect_as_listed(folder / listed["prefix"].get<std::string>(), listed);
}

INSTANTIATE_TEST_SUITE_P(All, ReferenceCheckpoint,
                         testing::Values("dtypes", "names", "sliced", "sliced_grid", "sharded",
                                         "sharded_slices", "object_based", "v1", "v1_sharded",
                                         "snappy"));

TEST(ReferenceCheckpoints, ManyTensorsFillTwoBlocks) {
  const auto folder = reference_checkpoint("many");
  NEEDS_SHARED(folder);
  const auto checkpoint = read_checkpoint(folder / "many");
  std::ifstream stream(folder / "expected.csv");
  std::string line;
  std::getline(stream, line);
  std::size_t count = 0;
  while (std::getline(stream, line)) {
    std::istringstream fields(line);
    std::string name, elements, offset, crc;
    std::getline(fields, name, ',');
    std::getline(fields, elements, ',');
    std::getline(fields, offset, ',');
    std::getline(fields, crc, ',');
    const auto* tensor = checkpoint.find(name);
    ASSERT_NE(tensor, nullptr) << name;
    EXPECT_EQ(tensor->info.shape, (std::vector<std::int64_t>{std::stoll(elements)}));
    EXPECT_EQ(crc32c(tensor->read().bytes), std::stoul(crc, nullptr, 16)) << name;
    ++count;
  }
  EXPECT_EQ(count, 2'600U);
  EXPECT_EQ(checkpoint.tensors.size(), 2'600U);
}

// The damaged bundles that open, because what is wrong with them is in a tensor or harmless.
const std::map<std::string, std::string> kOpening{
    {"sound", ""},           {"data_longer", ""},        {"data_bit_flip", "a/weights"},
    {"string_bit_flip", ""}, {"string_length_flip", ""}, {"crc_field", "a/weights"},
    {"shared_bytes", ""}};

// Never a value that TensorFlow does not give: what reads, reads with TensorFlow's checksum.
void expect_nothing_laxer(const Checkpoint& checkpoint, const json& tensorflow) {
  for (const auto& [name, said] : tensorflow["tensors"].items()) {
    const auto text = said.get<std::string>();
    const auto* tensor = checkpoint.find(name);
    if (tensor == nullptr) {
      EXPECT_EQ(name, "b/names");  // strings are passed over
    } else if (text.starts_with("ok")) {
      const auto crc = std::stoul(text.substr(text.size() - 8), nullptr, 16);
      EXPECT_EQ(crc32c(tensor->read().bytes), crc) << name;
    } else {
      EXPECT_ERROR(tensor->read(), ErrorKind::corrupt, name);
    }
  }
}

TEST(ReferenceCheckpoints, DamagedOnesAreRefusedOrReadRight) {
  const auto folder = shared_folder() / "reference" / "checkpoints" / "damaged";
  NEEDS_SHARED(folder);
  const auto listed = read_json(folder / "expected.json");
  EXPECT_EQ(listed["cases"].size(), 33U);
  for (const auto& [name, expected] : listed["cases"].items()) {
    SCOPED_TRACE(name);
    if (kOpening.contains(name)) {
      expect_nothing_laxer(read_checkpoint(folder / name), expected["tensorflow"]);
      continue;
    }
    try {
      read_checkpoint(folder / name);
      ADD_FAILURE() << "opened";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr((folder / (name + ".index")).string()));
      EXPECT_THAT(error.kind(),
                  testing::AnyOf(ErrorKind::corrupt, ErrorKind::unsupported, ErrorKind::io));
    }
  }
}

void expect_same_bytes_when_rewritten(const std::filesystem::path& prefix,
                                      const std::filesystem::path& index) {
  const TempDir folder;
  write_checkpoint(folder / "again", CheckpointFormat::tensorflow_v2,
                   read_checkpoint(prefix).tensors);
  EXPECT_EQ(read_file(folder / "again.index"), read_file(index)) << prefix;
  EXPECT_EQ(read_file(folder / "again.data-00000-of-00001"),
            read_file(prefix.string() + ".data-00000-of-00001"))
      << prefix;
}

// What the Saver wrote in one piece and in the order of names.
TEST(ReferenceCheckpoints, AreRewrittenByteForByte) {
  for (const std::string name : {"many", "snappy"}) {
    const auto folder = reference_checkpoint(name);
    NEEDS_SHARED(folder);
    const auto index =
        name == "snappy" ? folder / "uncompressed.index" : folder / (name + ".index");
    expect_same_bytes_when_rewritten(folder / name, index);
  }
}

TEST(ReferenceCheckpoints, CompressedInTwoBlocksReadTheSame) {
  const auto folder = reference_checkpoint("snappy");
  NEEDS_SHARED(folder);
  auto listed = read_json(folder / "expected.json");
  expect_as_listed(folder / "snappy_two_blocks", listed);
}

TEST(ReferenceCheckpoints, OfRealProjectsAreRewrittenByteForByte) {
  const auto weights =
      shared_folder() / "data/weights/mobilenet_v2_0.35_224/mobilenet_v2_0.35_imagenet.ckpt";
  const auto snapshot = shared_folder() /
                        "reference/dlc-project/dlc-models/iteration-0/"
                        "openfieldOct30-trainset95shuffle1/train/snapshot-4000";
  NEEDS_SHARED(weights.string() + ".index");
  for (const auto& prefix : {weights, snapshot})
    expect_same_bytes_when_rewritten(prefix, prefix.string() + ".index");
}

// Plain, an index begins with the entry of the empty key: nothing shared, nothing added.
bool is_compressed(const std::filesystem::path& index) {
  return !read_file(index).starts_with(std::string("\0\0", 2));
}

// As the Saver writes: in the order of names, nothing between and nothing after.
bool is_in_name_order(const Checkpoint& checkpoint) {
  std::size_t size = 0;
  const std::byte* end = nullptr;
  for (const auto& tensor : checkpoint.tensors) {
    const auto bytes = tensor.read().bytes;
    if (end != nullptr && bytes.data() != end) return false;
    end = bytes.data() + bytes.size();
    size += bytes.size();
  }
  return checkpoint.files.size() == 2 && size == std::filesystem::file_size(checkpoint.files[1]);
}

// Bundles from other people's repositories, of TensorFlow 1.0 to 2.14.
TEST(ReferenceCheckpoints, FromTheWildHaveValidChecksums) {
  const auto folder = shared_folder() / "data/checkpoints/tf-bundle";
  NEEDS_SHARED(folder);
  std::size_t bundles = 0;
  std::size_t tensors = 0;
  std::size_t rewritten = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    if (file.path().extension() != ".index") continue;
    ++bundles;
    const auto checkpoint = read_checkpoint(file.path());
    for (const auto& tensor : checkpoint.tensors) {
      ++tensors;
      EXPECT_EQ(crc32c(tensor.read().bytes), tensor.crc32c) << file.path() << tensor.info.name;
    }
    auto prefix = file.path();
    prefix.replace_extension();
    if (is_in_name_order(checkpoint) && !is_compressed(file.path())) {
      expect_same_bytes_when_rewritten(prefix, file.path());
      ++rewritten;
    }
  }
  EXPECT_EQ(bundles, 35U);
  EXPECT_EQ(tensors, 189U);
  EXPECT_EQ(rewritten, 11U);
}

}  // namespace
}  // namespace poseheir
