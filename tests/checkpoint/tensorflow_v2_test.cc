#include <cstring>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "checkpoint/bundle_files.h"
#include "checkpoint/ordered_code.h"
#include "checkpoint/reference.h"
#include "expect_error.h"
#include "killed.h"
#include "temp_dir.h"
#include "tiny_disk.h"

namespace poseheir {
namespace {

using namespace std::string_literals;

// The worked example of docs/formats/tensorflow-v2.md: two tensors, byte by byte.
const std::string kData =
    "\x00\x00\x80\x3f\x00\x00\x00\xc0\x00\x00\x00\x3f\x00\x00\x50\x40\x2a\0\0\0\0\0\0\0"s;
const std::string kIndex =
    "\x00\x00\x06\x08\x01\x1a\x02\x08\x01\x00\x0c\x13"
    "conv/weights\x08\x01\x12\x08\x12\x02\x08\x02\x12\x02\x08\x02\x28\x10\x35\xf2\x70\x96\x25"
    "\x00\x0b\x0d"
    "global_step\x08\x09\x12\x00\x20\x10\x28\x08\x35\xae\x8d\x91\xf5"
    "\x00\x00\x00\x00\x01\x00\x00\x00\x00\x73\xea\x58\x6c"
    "\x00\x00\x00\x00\x01\x00\x00\x00\x00\xc0\xf2\xa1\xb0"
    "\x00\x01\x02\x68\x00\x4e\x00\x00\x00\x00\x01\x00\x00\x00\x00\x7c\x86\x99\x09"
    "\x53\x08\x60\x0e"s +
    std::string(36, '\0') + "\x57\xfb\x80\x8b\x24\x75\x47\xdb";

StoredTensor step_of(std::int64_t value) {
  const auto file =
      MappedFile::of_memory("memory", std::string(reinterpret_cast<char*>(&value), 8));
  return stored_view({"global_step", DType::i64, {}}, file, file->bytes());
}

std::vector<StoredTensor> worked_example() {
  return {step_of(42), make_tensor({"conv/weights", DType::f32, {2, 2}}, {1, -2, 0.5, 3.25})};
}

TEST(TensorflowV2, ReadsTheWorkedExample) {
  const auto checkpoint = parse_in_memory(kIndex, kData);
  ASSERT_EQ(checkpoint.tensors.size(), 2U);
  EXPECT_EQ(checkpoint.tensors[0].info, (TensorInfo{"conv/weights", DType::f32, {2, 2}}));
  EXPECT_EQ(checkpoint.tensors[0].crc32c, 0xC30D4189U);
  EXPECT_EQ(read_floats(checkpoint.tensors[0]), (std::vector<float>{1, -2, 0.5, 3.25}));
  EXPECT_EQ(checkpoint.tensors[1].info, (TensorInfo{"global_step", DType::i64, {}}));
  EXPECT_EQ(read_floats(checkpoint.tensors[1]), (std::vector<float>{42}));
}

TEST(TensorflowV2, WritesTheWorkedExample) {
  const TempDir folder;
  write_checkpoint(folder / "t", CheckpointFormat::tensorflow_v2, worked_example());
  EXPECT_EQ(read_file(folder / "t.index"), kIndex);
  EXPECT_EQ(read_file(folder / "t.data-00000-of-00001"), kData);
  const auto checkpoint = read_checkpoint(folder / "t");
  EXPECT_EQ(checkpoint.step, 42);
  EXPECT_EQ(checkpoint.format, "TensorFlow V2");
  EXPECT_EQ(checkpoint.path, folder / "t");
  EXPECT_EQ(checkpoint.files.size(), 2U);
}

TEST(TensorflowV2, ViewsTensorsWhereTheyLie) {
  const auto data = MappedFile::of_memory("memory.data", kData);
  const auto checkpoint =
      parse_tensorflow_v2(as_bytes_of(kIndex), [&](auto, auto) { return data; });
  EXPECT_EQ(checkpoint.tensors[0].read().bytes.data(), data->bytes().data());
}

TEST(TensorflowV2, NamesTheDamagedTensor) {
  auto data = kData;
  data[5] ^= 1;
  const auto checkpoint = parse_in_memory(kIndex, data);
  EXPECT_ERROR(checkpoint.tensors[0].read(), ErrorKind::corrupt,
               "memory.data: tensor 'conv/weights' at offset 0 is damaged");
  EXPECT_NO_THROW(checkpoint.tensors[1].read());
}

TEST(TensorflowV2, OpensNoIndexThatIsCutShort) {
  for (std::size_t size = 0; size < kIndex.size(); ++size)
    EXPECT_THROW(parse_in_memory(kIndex.substr(0, size), kData), Error) << size;
}

TEST(TensorflowV2, OpensNoDataThatAreCutShort) {
  for (std::size_t size = 0; size < kData.size(); ++size)
    EXPECT_ERROR(parse_in_memory(kIndex, kData.substr(0, size)), ErrorKind::corrupt,
                 fmt::format("lie outside memory.data, which has {} bytes", size));
}

TEST(TensorflowV2, NoticesEveryFlippedBitOfAnIndex) {
  const auto folder = reference_checkpoint("damaged");
  const auto data = read_file(folder / "sound.data-00000-of-00001");
  auto index = read_file(folder / "sound.index");
  EXPECT_NO_THROW(parse_in_memory(index, data));
  for (std::size_t bit = 0; bit < 8 * index.size(); ++bit) {
    const auto mask = static_cast<char>(1U << bit % 8);
    index[bit / 8] ^= mask;
    EXPECT_THROW(parse_in_memory(index, data), Error) << "byte " << bit / 8 << " bit " << bit % 8;
    index[bit / 8] ^= mask;
  }
}

TEST(TensorflowV2, NoticesEveryCutAndEveryFlippedByteOfACompressedIndex) {
  const auto folder = reference_checkpoint("snappy");
  NEEDS_SHARED(folder);
  const auto data = read_file(folder / "snappy.data-00000-of-00001");
  auto index = read_file(folder / "snappy.index");
  EXPECT_NO_THROW(parse_in_memory(index, data));
  for (std::size_t at = 0; at < index.size(); ++at) {
    EXPECT_THROW(parse_in_memory(index.substr(0, at), data), Error) << at << " bytes";
    const auto mask = static_cast<char>(1U << at % 8);
    index[at] ^= mask;
    EXPECT_THROW(parse_in_memory(index, data), Error) << "byte " << at;
    index[at] ^= mask;
  }
}

TEST(TensorflowV2, ListsACheckpointWhoseStepIsDamaged) {
  const TempDir folder;
  auto data = kData;
  data[20] ^= 1;
  write_file(folder / "t.index", kIndex);
  write_file(folder / "t.data-00000-of-00001", data);
  const auto checkpoint = read_checkpoint(folder / "t");
  EXPECT_EQ(checkpoint.step, std::nullopt);
  EXPECT_ERROR(checkpoint.tensors[1].read(), ErrorKind::corrupt, "tensor 'global_step'");
}

TEST(TensorflowV2, NoticesEveryFlippedByteOfTensors) {
  for (std::size_t byte = 0; byte < kData.size(); ++byte) {
    auto data = kData;
    data[byte] ^= 0x10;
    const auto checkpoint = parse_in_memory(kIndex, data);
    EXPECT_THROW(checkpoint.tensors[byte < 16 ? 0 : 1].read(), Error) << byte;
    EXPECT_NO_THROW(checkpoint.tensors[byte < 16 ? 1 : 0].read()) << byte;
  }
}

std::string entry_of(const BundleEntry& entry) { return format_bundle_entry(entry); }

BundleEntry four_floats() {
  BundleEntry entry;
  entry.dtype = 1;
  entry.shape = {4};
  entry.size = 16;
  return entry;
}

TEST(TensorflowV2, RefusesEntriesThatLie) {
  const auto open = [](const BundleEntry& entry) {
    return parse_in_memory(index_of_entries({{"w", entry_of(entry)}}), std::string(16, 'x'));
  };
  auto entry = four_floats();
  entry.size = 12;
  EXPECT_ERROR(open(entry), ErrorKind::corrupt,
               "tensor 'w': 12 bytes, expected 16 for float32 [4]");
  entry = four_floats();
  entry.offset = static_cast<std::uint64_t>(-1);
  EXPECT_ERROR(open(entry), ErrorKind::corrupt, "lie outside memory.data");
  entry = four_floats();
  entry.offset = 1;
  EXPECT_ERROR(open(entry), ErrorKind::corrupt, "16 bytes at offset 1 lie outside");
  entry = four_floats();
  entry.shape = {-4};
  EXPECT_ERROR(open(entry), ErrorKind::corrupt, "shape [-4]: a negative size");
  entry.shape = {1LL << 40, 1LL << 40};
  EXPECT_ERROR(open(entry), ErrorKind::corrupt, "more elements than a file can hold");
  entry.shape.assign(33, 1);
  EXPECT_ERROR(open(entry), ErrorKind::corrupt, "more than 32 dimensions");
  entry = four_floats();
  entry.shard = 5;
  EXPECT_ERROR(open(entry), ErrorKind::corrupt, "data file 5 of a checkpoint that has 1");
  entry = four_floats();
  entry.dtype = 99;
  EXPECT_ERROR(open(entry), ErrorKind::corrupt, "unknown dtype 99");
}

TEST(TensorflowV2, RefusesNamesThatAreFarLargerThanTheIndex) {
  // Each entry repeats a name of 60,000 bytes in ten of its own.
  std::string entries = entry(0, "", format_bundle_header()) +
                        entry(0, std::string(60'000, 'n'), entry_of(four_floats()));
  for (int i = 0; i < 2'000; ++i)
    entries += entry(60'000, fmt::format("{:04}", i), entry_of(four_floats()));
  const auto index = table_of_block(with_restarts(entries, {0}), 0);
  ASSERT_LT(index.size(), 150'000U);
  EXPECT_ERROR(parse_in_memory(index, std::string(16, 'x')), ErrorKind::corrupt,
               "far larger than the index itself");
}

std::string slice_message(const TensorSlice& slice) {
  ByteWriter message;
  for (const auto& [start, length] : slice) {
    ByteWriter extent;
    if (start != 0) write_varint_field(extent, 1, static_cast<std::uint64_t>(start));
    write_varint_field(extent, 2, static_cast<std::uint64_t>(length));
    write_bytes_field(message, 1, extent.text());
  }
  return message.take();
}

// A variable of `rows` rows of four floats, a slice a row, all of them at the same 16 bytes.
std::string overlap_bomb(std::int64_t rows) {
  BundleEntry whole;
  whole.dtype = 1;
  whole.shape = {rows, 4};
  ByteWriter full;
  full.append(entry_of(whole));
  std::vector<NamedValue> parts;
  for (std::int64_t row = 0; row < rows; ++row) {
    const TensorSlice slice{{row, 1}, {0, 4}};
    write_bytes_field(full, 7, slice_message(slice));
    auto part = four_floats();
    part.shape = {1, 4};
    parts.push_back({slice_key("w", slice), entry_of(part)});
  }
  parts.push_back({"w", full.take()});
  return index_of_entries(std::move(parts));
}

TEST(TensorflowV2, RefusesSlicesThatMultiplyTheSameBytes) {
  EXPECT_NO_THROW(parse_in_memory(overlap_bomb(1), std::string(16, 'x')));
  EXPECT_ERROR(parse_in_memory(overlap_bomb(1'000), std::string(16, 'x')), ErrorKind::corrupt,
               "tensor 'w': 16000 bytes, but the data files have 16");
}

TEST(TensorflowV2, RefusesAVariableWithAHole) {
  EXPECT_ERROR(read_checkpoint(reference_checkpoint("sliced_incomplete") / "sliced_incomplete"),
               ErrorKind::corrupt, "tensor 'hole': its slices have 36 of its 48 bytes");
}

TEST(TensorflowV2, WritesNothingThatTensorflowCouldNotRead) {
  const TempDir folder;
  const auto write = [&](std::vector<StoredTensor> tensors) {
    write_checkpoint(folder / "t", CheckpointFormat::tensorflow_v2, tensors);
  };
  const auto byte = MappedFile::of_memory("memory", "x");
  EXPECT_ERROR(write({stored_view({"w", DType::f8_e4m3, {1}}, byte, byte->bytes())}),
               ErrorKind::unsupported, "tensor 'w' is float8_e4m3");
  EXPECT_ERROR(write({make_tensor({"", DType::f32, {}}, {1})}), ErrorKind::usage, "called ''");
  EXPECT_ERROR(write({step_of(1), step_of(2)}), ErrorKind::usage,
               "tensor 'global_step' is to be written twice");
  EXPECT_ERROR(write({stored_view({"w", DType::f32, {1}}, byte, byte->bytes())}),
               ErrorKind::mismatch, "tensor 'w' is float32 [1] but has 1 bytes");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(TensorflowV2, LeavesTheOldCheckpointWhenTheDiskIsFull) {
  const TinyDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small disk needs root";
  const auto prefix = disk.path() / "snapshot-1";
  write_checkpoint(prefix, CheckpointFormat::tensorflow_v2, worked_example());
  const std::vector<StoredTensor> large{
      make_tensor({"w", DType::f32, {1'000'000}}, std::vector<float>(1'000'000))};
  EXPECT_ERROR(write_checkpoint(prefix, CheckpointFormat::tensorflow_v2, large), ErrorKind::io,
               "No space left on device; free some space");
  EXPECT_EQ(read_file(disk.path() / "snapshot-1.index"), kIndex);
  EXPECT_EQ(read_file(disk.path() / "snapshot-1.data-00000-of-00001"), kData);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(disk.path()), {}), 2);
}

TEST(TensorflowV2, LeavesTheOldCheckpointWhenATensorIsDamaged) {
  const TempDir folder;
  write_checkpoint(folder / "t", CheckpointFormat::tensorflow_v2, worked_example());
  auto data = kData;
  data[20] ^= 1;
  EXPECT_ERROR(write_checkpoint(folder / "t", CheckpointFormat::tensorflow_v2,
                                parse_in_memory(kIndex, data).tensors),
               ErrorKind::corrupt, "tensor 'global_step'");
  EXPECT_EQ(read_file(folder / "t.data-00000-of-00001"), kData);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
}

// Two contents that differ in data and in index.
void write_value(const std::filesystem::path& prefix, float value) {
  write_checkpoint(prefix, CheckpointFormat::tensorflow_v2,
                   std::vector{make_tensor({"w", DType::f32, {2}}, {value, -value})});
}

float value_in(const std::filesystem::path& prefix) {
  const auto checkpoint = read_checkpoint(prefix);
  return read_floats(*checkpoint.find("w")).at(0);
}

TEST(TensorflowV2, IsWholeWheneverItsWriterIsKilled) {
  int killed = 0, fresh = 0;
  for (int call = 0;; ++call) {
    const TempDir folder;
    write_value(folder / "snapshot-5", 1);
    const auto fate = run_killed_before(call, [&] { write_value(folder / "snapshot-5", 2); });
    ASSERT_NE(fate, Fate::failed) << call;
    const float value = value_in(folder / "snapshot-5");
    EXPECT_TRUE(value == 1 || value == 2) << call << ": " << value;
    if (value == 2) ++fresh;
    // The next writer clears up, and ends with a pair that DeepLabCut can read.
    write_value(folder / "snapshot-6", 3);
    EXPECT_EQ(value_in(folder / "snapshot-5"), value) << call;
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 4) << call;
    if (fate == Fate::finished) break;
    ++killed;
  }
  EXPECT_GT(killed, 10);
  EXPECT_GT(fresh, 2);  // behind the first rename too
}

TEST(TensorflowV2, NamesADataFileWhoseIndexIsMissing) {
  const TempDir folder;
  write_value(folder / "snapshot-5", 1);
  std::filesystem::remove(folder / "snapshot-5.index");
  EXPECT_ERROR(read_checkpoint(folder / "snapshot-5"), ErrorKind::io,
               "its data file is here, but its index");
}

}  // namespace
}  // namespace poseheir
