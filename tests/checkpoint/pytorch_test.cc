#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <zlib.h>

#include "checkpoint/formats.h"
#include "checkpoint/mapped.h"
#include "checkpoint/zip_bytes.h"
#include "expect_error.h"
#include "shared.h"

namespace poseheir {
namespace {

using namespace std::string_literals;

const std::filesystem::path kData = std::string(POSEHEIR_TEST_DATA) + "/torch";

Checkpoint parse(const std::string& content) { return parse_pytorch(mapped(content)); }

// [name, dtype, shape, CRC-32 of the row-major bytes], as PyTorch sees the file.
void expect_tensors(const Checkpoint& checkpoint, const nlohmann::json& expected) {
  ASSERT_EQ(checkpoint.tensors.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto& tensor = checkpoint.tensors[i];
    const auto name = expected[i][0].get<std::string>();
    auto dtype = expected[i][1].get<std::string>();
    if (dtype == "float8_e4m3fn") dtype = "float8_e4m3";
    EXPECT_EQ(tensor.info.name, name);
    EXPECT_EQ(dtype_name(tensor.info.dtype), dtype) << name;
    EXPECT_EQ(tensor.info.shape, expected[i][2].get<std::vector<std::int64_t>>()) << name;
    const auto content = tensor.read();
    const auto bytes = content.bytes;
    EXPECT_EQ(
        ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())),
        expected[i][3].get<std::uint32_t>() * (bytes.empty() ? 0U : 1U))
        << name;
  }
}

nlohmann::json expectations() {
  return nlohmann::json::parse(std::ifstream(kData / "expected.json"));
}

Checkpoint read_any(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  return path.extension() == ".safetensors" ? parse_safetensors(file) : parse_pytorch(file);
}

TEST(PyTorch, ReadsEveryDtypeAndStrideAsPyTorchDoes) {
  const auto expected = expectations();
  for (const auto* name : {"snapshot-025.pt", "legacy.pt", "untyped.pt"}) {
    SCOPED_TRACE(name);
    expect_tensors(read_any(kData / name), expected[name]);
  }
}

TEST(PyTorch, ReadsTheSharedCollectionAsPyTorchDoes) {
  NEEDS_SHARED("data/checkpoints/torch");
  std::size_t seen = 0;
  const auto expected = expectations();
  for (const auto& [name, tensors] : expected.items()) {
    if (name.find('/') == std::string::npos) continue;
    SCOPED_TRACE(name);
    const auto checkpoint = read_any(shared_folder() / "data/checkpoints" / name);
    if (name.ends_with("/checkpoint.pt")) EXPECT_EQ(checkpoint.step, 42);
    expect_tensors(checkpoint, tensors);
    ++seen;
  }
  EXPECT_EQ(seen, 67U);
}

TEST(PyTorch, RefusesTheSharedTarTorchScriptAndBrokenFilesByName) {
  NEEDS_SHARED("data/checkpoints/torch");
  const auto torch = shared_folder() / "data/checkpoints/torch";
  std::size_t tars = 0, programs = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(torch)) {
    if (entry.path().extension() == ".tar") {
      EXPECT_ERROR(read_any(entry.path()), ErrorKind::unsupported, "the tar format of PyTorch");
      ++tars;
    } else if (entry.path().filename().string().starts_with("foo")) {
      EXPECT_ERROR(read_any(entry.path()), ErrorKind::unsupported, "a TorchScript program");
      ++programs;
    } else if (entry.path().filename() == "broken.pt") {
      EXPECT_FALSE(is_pytorch(MappedFile::open(entry.path())->bytes()));
    }
  }
  EXPECT_EQ(tars, 6U);
  EXPECT_EQ(programs, 9U);
}

TEST(PyTorch, TakesTheModelOfADeepLabCutSnapshotAndNotesTheRest) {
  for (const auto* name : {"snapshot-025.pt", "legacy.pt"}) {
    const auto checkpoint = read_any(kData / name);
    EXPECT_EQ(checkpoint.step, 25);
    EXPECT_NE(checkpoint.find("backbone.conv.weight"), nullptr);
    EXPECT_THAT(checkpoint.notes,
                testing::ElementsAre("'metadata': 3 values that are no tensors, passed over",
                                     "'optimizer': training state, passed over",
                                     "'scheduler': training state, passed over"));
  }
}

TEST(PyTorch, ReadsViewsOfTheMappedFileWithoutCopyingThem) {
  const auto file = MappedFile::open(kData / "snapshot-025.pt");
  const auto checkpoint = parse_pytorch(file);
  const auto bytes = checkpoint.find("backbone.conv.weight")->read().bytes;
  EXPECT_GE(bytes.data(), file->bytes().data());
  EXPECT_LT(bytes.data(), file->bytes().data() + file->bytes().size());
}

TEST(PyTorch, SurvivesFlippedBytesOfALegacyFile) {
  const auto content = read_file(kData / "legacy.pt");
  for (std::size_t at = 15; at < content.size(); at += 3) {
    auto damaged = content;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    try {
      for (const auto& tensor : parse(damaged).tensors) tensor.read();
    } catch (const Error& error) {
      EXPECT_NE(error.kind(), ErrorKind::io) << error.what();
    }
  }
}

TEST(PyTorch, NoticesFlippedBytesInAStorage) {
  auto content = read_file(kData / "snapshot-025.pt");
  const float needle[] = {2.125F, 2.25F, 2.375F};  // late values of the base tensor
  const auto at = content.find(std::string(reinterpret_cast<const char*>(needle), sizeof needle));
  ASSERT_NE(at, std::string::npos);
  content[at] ^= 1;
  const auto checkpoint = parse(content);
  EXPECT_ERROR(checkpoint.find("backbone.conv.weight")->read(), ErrorKind::corrupt,
               "m.pt: tensor 'backbone.conv.weight': zip entry");
}

// A state dict of one float tensor 'w' over storage '0' of `count` elements.
std::string pickle_of(std::string_view count, std::string_view offset, std::string_view shape,
                      std::string_view strides) {
  return "\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n"
         "FloatStorage\nX\x01\0\0\0"
         "0X\x03\0\0\0cpu"s +
         std::string(count) + "tQ" + std::string(offset) + std::string(shape) +
         std::string(strides) +
         "\x89"
         "ccollections\nOrderedDict\n)RtRs."s;
}

std::string archive_of(const std::string& pickle, std::size_t floats = 4) {
  return zip_of(
      {{"m/data.pkl", pickle}, {"m/data/0", std::string(4 * floats, '\1')}, {"m/version", "3\n"}});
}

TEST(PyTorch, ReadsNoFileThatIsCutShort) {
  const auto pickle = pickle_of("K\x04", "K\0"s, "K\x04\x85", "K\x01\x85");
  // A small archive and a small stream at every byte, real ones at every few.
  const auto legacy =
      "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2eM\xe9\x03."
      "}U\rlittle_endian\x88s."s +
      pickle +
      "](U\x01"
      "0e." +
      "\4\0\0\0\0\0\0\0"s + std::string(16, 'x');
  for (const auto& [content, step] : {std::pair{archive_of(pickle), 1},
                                      {legacy, 1},
                                      {read_file(kData / "snapshot-025.pt"), 13},
                                      {read_file(kData / "legacy.pt"), 7}}) {
    EXPECT_NO_THROW(parse(content));
    for (std::size_t size = 0; size < content.size(); size += static_cast<std::size_t>(step))
      EXPECT_THROW(parse(content.substr(0, size)), Error) << size << " bytes";
  }
}

TEST(PyTorch, ReadsAPlainUnalignedOrDeflatedZip) {
  const auto pickle = pickle_of("K\x04", "K\0"s, "K\x02K\x02\x86", "K\x02K\x01\x86");
  EXPECT_EQ(parse(archive_of(pickle)).tensors.at(0).info.shape, (std::vector<std::int64_t>{2, 2}));
  const auto deflated_zip =
      zip_of({{"m/data.pkl", deflated(pickle), 8, static_cast<std::uint32_t>(pickle.size())},
              {"m/data/0", deflated(std::string(16, '\1')), 8, 16}});
  EXPECT_EQ(as_text(parse(deflated_zip).tensors.at(0).read().bytes), std::string(16, '\1'));
}

TEST(PyTorch, RefusesTensorsThatReachBeyondTheirStorage) {
  const auto reject = [](const std::string& pickle, std::string_view text) {
    EXPECT_ERROR(parse(archive_of(pickle)), ErrorKind::corrupt, std::string(text));
  };
  const auto two_by_two = "K\x02K\x02\x86"s;
  reject(pickle_of("K\x04", "K\x01", two_by_two, "K\x02K\x01\x86"),
         "reaches 5 elements into a storage of 4");
  reject(pickle_of("K\x04", "K\0"s, two_by_two, "K\x03K\x01\x86"), "reaches 5 elements");
  reject(pickle_of("K\x05", "K\0"s, two_by_two, "K\x02K\x01\x86"), "should hold 5 elements");
  reject(pickle_of("K\x04", "K\0"s, two_by_two, "K\x01\x85"), "shape [2,2] with 1 strides");
  reject(pickle_of("K\x04", "J\xff\xff\xff\xff", two_by_two, "K\x02K\x01\x86"), "offset: expected");
  reject(pickle_of("K\x04", "K\0"s, "J\xff\xff\xff\xffK\x02\x86", "K\x02K\x01\x86"),
         "shape: expected");
  const auto huge = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"s;
  reject(pickle_of("K\x04", huge, two_by_two, "K\x02K\x01\x86"), "reaches");
  reject(pickle_of("K\x04", "K\0"s, huge + huge + "\x86", "K\x02K\x01\x86"),
         "more elements than a file");
  reject(pickle_of("K\x04", "K\0"s, two_by_two, huge + huge + "\x86"),
         "reaches 18446744073709551615");
  reject(pickle_of(huge, "K\0"s, two_by_two, "K\x02K\x01\x86"), "should hold");
}

TEST(PyTorch, RefusesStridesThatUnfoldAFewBytesToTerabytes) {
  const auto million = "J\x40\x42\x0f\0"s;
  const auto pickle = pickle_of("K\x04", "K\0"s, million + million + "\x86", "K\0K\0\x86"s);
  EXPECT_ERROR(parse(archive_of(pickle)), ErrorKind::corrupt,
               "tensor 'w': its strides unfold it to 4.0 TB");
}

TEST(PyTorch, RefusesWhatItCannotReadByName) {
  EXPECT_ERROR(
      read_any(kData / "quantized.pt"), ErrorKind::unsupported,
      "tensor 'q' is of a kind that Poseheir does not read: torch._utils._rebuild_qtensor");
  EXPECT_ERROR(parse(archive_of("cos\nsystem\n(S'true'\ntR.")), ErrorKind::unsupported,
               "'os.system'");
  EXPECT_ERROR(parse(archive_of("}.")), ErrorKind::unsupported,
               "no tensors in it, only a dict of 0");
  EXPECT_ERROR(parse(zip_of({{"x/y", "z"}})), ErrorKind::unsupported, "not one of PyTorch");
  const auto pickle = pickle_of("K\x04", "K\0"s, "K\x04\x85", "K\x01\x85");
  EXPECT_ERROR(parse(zip_of({{"m/data.pkl", pickle}, {"m/byteorder", "big"}})),
               ErrorKind::unsupported, "byte order is 'big'");
  EXPECT_ERROR(parse(zip_of({{"m/data.pkl", pickle}})), ErrorKind::corrupt,
               "'data/0' is not in the file");
}

}  // namespace
}  // namespace poseheir
