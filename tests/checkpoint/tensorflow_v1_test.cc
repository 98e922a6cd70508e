#include <gtest/gtest.h>

#include "checkpoint/bundle_files.h"
#include "checkpoint/ordered_code.h"
#include "checkpoint/reference.h"
#include "expect_error.h"

namespace poseheir {
namespace {

using namespace std::string_literals;

// The worked example of docs/formats/tensorflow-v1.md: one tensor of four floats.
const std::string kName =
    "\x0a\x0c"
    "conv/weights";
const std::string kWholeSlice = "\x0a\0\x0a\0"s;
const std::string kMeta = "\x0a\x26\x0a\x20"s + kName +
                          "\x12\x08\x12\x02\x08\x02\x12\x02\x08\x02\x18\x01\x22\x04" + kWholeSlice +
                          "\x12\x02\x08\x01";
const std::string kKey = "\0conv/weights\0\1\1\2\x80\x7f\x80\x7f"s;
const std::string kFloats = "\x00\x00\x80\x3f\x00\x00\x00\xc0\x00\x00\x00\x3f\x00\x00\x50\x40"s;
const std::string kValues =
    "\x12\x28"s + kName + "\x12\x04" + kWholeSlice + "\x1a\x12\x2a\x10" + kFloats;

Checkpoint parse(std::string file) {
  return parse_tensorflow_v1_file(MappedFile::of_memory("memory.ckpt", std::move(file)));
}

Checkpoint parse_entries(const std::vector<NamedValue>& entries) {
  return parse(table_of(entries));
}

// A record of other values for the example's tensor.
std::string record(const std::string& tensor_proto, const std::string& name = kName) {
  ByteWriter data;
  data.append(name);
  write_bytes_field(data, 2, kWholeSlice);
  write_bytes_field(data, 3, tensor_proto);
  ByteWriter saved;
  write_bytes_field(saved, 2, data.text());
  return saved.take();
}

TEST(TensorflowV1, ReadsTheWorkedExample) {
  const auto file = table_of({{"", kMeta}, {kKey, kValues}});
  EXPECT_EQ(file.size(), 202U);
  const auto checkpoint = parse(file);
  EXPECT_EQ(checkpoint.format, "TensorFlow V1");
  ASSERT_EQ(checkpoint.tensors.size(), 1U);
  EXPECT_EQ(checkpoint.tensors[0].info, (TensorInfo{"conv/weights", DType::f32, {2, 2}}));
  EXPECT_EQ(read_floats(checkpoint.tensors[0]), (std::vector<float>{1, -2, 0.5, 3.25}));
}

TEST(TensorflowV1, ReadsListsInEveryEncoding) {
  const std::vector<float> expected{1, -2, 0.5, 3.25};
  const auto read = [](const std::string& tensor) {
    return read_floats(parse_entries({{"", kMeta}, {kKey, record(tensor)}}).tensors.at(0));
  };
  EXPECT_EQ(read("\x2a\x08" + kFloats.substr(0, 8) + "\x2a\x08" + kFloats.substr(8)), expected);
  std::string unpacked;
  for (std::size_t i = 0; i < 16; i += 4) unpacked += "\x2d" + kFloats.substr(i, 4);
  EXPECT_EQ(read(unpacked), expected);
  EXPECT_EQ(read("\x2a\x08" + kFloats.substr(0, 8) + unpacked.substr(10)), expected);
}

TEST(TensorflowV1, RefusesRecordsThatLie) {
  const auto read = [](const std::string& value) {
    return parse_entries({{"", kMeta}, {kKey, value}}).tensors.at(0).read();
  };
  EXPECT_ERROR(read(record("\x2a\x08" + kFloats.substr(0, 8))), ErrorKind::corrupt,
               "memory.ckpt: tensor 'conv/weights': 8 bytes of values, expected 16");
  EXPECT_ERROR(read(record("\x2a\x14" + kFloats + "more")), ErrorKind::corrupt,
               "20 bytes of values, expected 16");
  EXPECT_ERROR(read(record("\x2a\x10" + kFloats,
                           "\x0a\x04"
                           "conv")),
               ErrorKind::corrupt, "its record is of another tensor");
  EXPECT_ERROR(read(""), ErrorKind::corrupt, "values expected, in a record of 0 bytes");
  EXPECT_ERROR(parse_entries({{"", kMeta}, {"\1", ""}}).tensors.at(0).read(), ErrorKind::corrupt,
               "no record for slice '-,-'");
}

TEST(TensorflowV1, RefusesValuesThatTheTypeCannotHold) {
  const std::string meta = "\x0a\x0f\x0a\x0d\x0a\x01w\x12\x04\x12\x02\x08\x01\x18\x04\x22\x00"s;
  auto whole = meta;
  whole[1] = 0x11;
  whole[3] = 0x0f;
  whole.back() = 2;
  whole += "\x0a\0"s;
  const auto read = [&](const std::string& tensor) {
    ByteWriter data;
    data.append("\x0a\x01w\x12\x02\x0a\0"s);
    write_bytes_field(data, 3, tensor);
    ByteWriter saved;
    write_bytes_field(saved, 2, data.text());
    return read_floats(
        parse_entries({{"", whole}, {slice_key("w", {{0, -1}}), saved.take()}}).tensors.at(0));
  };
  EXPECT_EQ(read("\x3a\x02\xC8\x01"), (std::vector<float>{200}));  // uint8
  EXPECT_ERROR(read("\x3a\x02\xC8\x02"), ErrorKind::corrupt, "the value 328 is no uint8");
}

TEST(TensorflowV1, RefusesATableThatIsNone) {
  EXPECT_ERROR(parse_entries({{"", format_bundle_header()}}), ErrorKind::corrupt, "field 1");
  EXPECT_ERROR(parse_entries({{"a", "b"}}), ErrorKind::corrupt, "table of contents is missing");
}

// Opens and reads everything.
void read_all(const Checkpoint& checkpoint) {
  for (const auto& tensor : checkpoint.tensors) tensor.read();
}

TEST(TensorflowV1, NoticesEveryFlippedBitAndEveryCut) {
  const auto folder = reference_checkpoint("v1_sharded");
  const auto second = MappedFile::open(folder / "v1.ckpt-00001-of-00002");
  const auto first = read_file(folder / "v1.ckpt-00000-of-00002");
  const auto read = [&](std::string bytes) {
    const std::vector<SharedFile> shards{MappedFile::of_memory("memory", std::move(bytes)), second};
    read_all(parse_tensorflow_v1(shards));
  };
  EXPECT_NO_THROW(read(first));
  for (std::size_t size = 0; size < first.size(); ++size)
    EXPECT_THROW(read(first.substr(0, size)), Error) << size;
  for (std::size_t bit = 0; bit < 8 * first.size(); ++bit) {
    auto flipped = first;
    flipped[bit / 8] ^= static_cast<char>(1U << bit % 8);
    EXPECT_THROW(read(flipped), Error) << "byte " << bit / 8 << " bit " << bit % 8;
  }
}

TEST(TensorflowV1, RefusesShardsThatDisagree) {
  const auto whole = table_of({{"", kMeta}, {kKey, kValues}});
  const auto one = MappedFile::of_memory("one", whole);
  EXPECT_ERROR(parse_tensorflow_v1(std::vector<SharedFile>{one, one}), ErrorKind::corrupt,
               "tensor 'conv/weights': slice -,- overlaps");
  auto meta = kMeta;
  meta[meta.find("\x18\x01") + 1] = 3;
  const auto other = MappedFile::of_memory("other", table_of({{"", meta}, {kKey, kValues}}));
  EXPECT_ERROR(parse_tensorflow_v1(std::vector<SharedFile>{one, other}), ErrorKind::corrupt,
               "is listed as dtype 1 [2,2] and as dtype 3 [2,2]");
}

}  // namespace
}  // namespace poseheir
