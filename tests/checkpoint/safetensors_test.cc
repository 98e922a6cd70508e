#include <gtest/gtest.h>

#include "checkpoint/formats.h"
#include "checkpoint/mapped.h"
#include "expect_error.h"

namespace poseheir {
namespace {

std::string safetensors_file(const std::string& header, const std::string& buffer) {
  ByteWriter file;
  file.write(static_cast<std::uint64_t>(header.size()));
  file.append(header);
  file.append(buffer);
  return file.take();
}

Checkpoint parse(const std::string& content) { return parse_safetensors(mapped(content)); }

Checkpoint parse(const std::string& header, const std::string& buffer) {
  return parse(safetensors_file(header, buffer));
}

constexpr auto kOneFloat = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";

TEST(Safetensors, ReadsTheFormatsOwnExample) {
  const auto checkpoint = parse(R"({"test":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}})",
                                std::string(16, '\0'));
  ASSERT_EQ(checkpoint.tensors.size(), 1U);
  EXPECT_EQ(checkpoint.tensors[0].info, (TensorInfo{"test", DType::i32, {2, 2}}));
  EXPECT_EQ(checkpoint.tensors[0].read().bytes.size(), 16U);
  EXPECT_EQ(checkpoint.format, "safetensors");
}

TEST(Safetensors, ReadsScalarsEmptyTensorsAndMetadata) {
  const auto checkpoint = parse(
      R"({"__metadata__":{"format":"pt","shape":"x"},"s":{"dtype":"BF16","shape":[],"data_offsets":[0,2]},)"
      R"("e":{"data_offsets":[2,2],"shape":[0,7],"dtype":"F64"}}    )",
      "ab");
  EXPECT_EQ(checkpoint.find("s")->info.dtype, DType::bf16);
  EXPECT_TRUE(checkpoint.find("e")->read().bytes.empty());
}

TEST(Safetensors, ReadsNoFileThatIsCutShort) {
  const auto file = safetensors_file(kOneFloat, "abcd");
  for (std::size_t size = 0; size < file.size(); ++size)
    EXPECT_THROW(parse(file.substr(0, size)), Error) << size << " bytes";
}

TEST(Safetensors, RefusesBuffersThatTheTensorsDoNotTile) {
  EXPECT_ERROR(parse(kOneFloat, "abc"), ErrorKind::corrupt, "'w' lies outside the file");
  EXPECT_ERROR(parse(kOneFloat, "abcde"), ErrorKind::corrupt, "1 bytes at the end");
  EXPECT_ERROR(parse(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})", "abcde"),
               ErrorKind::corrupt, "a hole");
  EXPECT_ERROR(parse(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                     R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                     "abc"),
               ErrorKind::corrupt, "they overlap");
  EXPECT_ERROR(parse(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", "abcd"),
               ErrorKind::corrupt, "outside");
}

TEST(Safetensors, RefusesSizesThatDoNotFit) {
  EXPECT_ERROR(parse(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "abcd"),
               ErrorKind::corrupt, "float32 [2] takes 8 bytes, but 4 are given");
  EXPECT_ERROR(
      parse(R"({"w":{"dtype":"F32","shape":[4294967296,4294967297],"data_offsets":[0,4]}})",
            "abcd"),
      ErrorKind::corrupt, "tensor 'w'");
  EXPECT_ERROR(
      parse(R"({"w":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,0]}})", ""),
      ErrorKind::corrupt, "a size of 18446744073709551615");
  for (const auto* size : {"-1", "1.0", "1e2", "18446744073709551616", "\"1\"", "null", "[1]"})
    EXPECT_ERROR(parse(std::string(R"({"w":{"dtype":"F32","shape":[)") + size + "]}}", ""),
                 ErrorKind::corrupt, "out of place");
}

TEST(Safetensors, RefusesHeadersOfAnotherForm) {
  EXPECT_ERROR(parse("[]", ""), ErrorKind::corrupt, "must begin with '{'");
  EXPECT_ERROR(parse(" {}", ""), ErrorKind::corrupt, "must begin with '{'");
  EXPECT_ERROR(parse("{", ""), ErrorKind::corrupt, "not valid JSON at its byte 2");
  EXPECT_ERROR(parse("{\"\xff\":1}", ""), ErrorKind::corrupt, "not valid JSON");
  EXPECT_ERROR(parse(R"({"w":[]})", ""), ErrorKind::corrupt, "'w': a list is out of place");
  EXPECT_ERROR(parse(R"({"w":{}})", ""), ErrorKind::corrupt, "'w' lacks");
  EXPECT_ERROR(parse(R"({"w":{"extra":1}})", ""), ErrorKind::corrupt, "unknown key 'extra'");
  EXPECT_ERROR(parse(R"({"w":{"dtype":"F32","dtype":"F32"}})", ""), ErrorKind::corrupt,
               "two 'dtype'");
  EXPECT_ERROR(parse(R"({"w":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}})", "a"),
               ErrorKind::unsupported, "type 'F4' is not supported");
  EXPECT_ERROR(parse(R"({"__metadata__":{"a":1}})", ""), ErrorKind::corrupt, "out of place");
  EXPECT_ERROR(parse(R"({"w":)" + std::string(1'000'000, '['), ""), ErrorKind::corrupt,
               "out of place");
}

TEST(Safetensors, RefusesTwoTensorsOfOneName) {
  EXPECT_ERROR(parse(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                     R"("w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                     "ab"),
               ErrorKind::corrupt, "two tensors are called 'w'");
}

TEST(Safetensors, RefusesHeaderLengthsBeyondTheFile) {
  ByteWriter file;
  file.write(~std::uint64_t{0});
  file.append("{}");
  EXPECT_ERROR(parse(file.text()), ErrorKind::corrupt, "18446744073709551615 bytes is announced");
}

// What safetensors 0.8.0 for Python writes for these tensors: by alignment, then by name.
TEST(Safetensors, WritesWhatTheReferenceWriterWrites) {
  const auto tensor = [](std::string name, DType dtype, std::string content) {
    const auto owner = std::make_shared<const std::string>(std::move(content));
    return StoredTensor{{std::move(name), dtype, {1}},
                        [owner] {
                          return TensorBytes{as_bytes_of(*owner), owner};
                        },
                        std::nullopt};
  };
  const std::vector<StoredTensor> tensors{
      tensor("bool", DType::boolean, "1"), tensor("f16", DType::f16, "22"),
      tensor("f\"32", DType::f32, "4444"), tensor("i64", DType::i64, "88888888"),
      tensor("u8", DType::u8, "u")};
  const TempDir folder;
  write_safetensors(folder / "w.safetensors", tensors);
  std::string header = R"({"i64":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
                       R"("f\"32":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},)"
                       R"("f16":{"dtype":"F16","shape":[1],"data_offsets":[12,14]},)"
                       R"("u8":{"dtype":"U8","shape":[1],"data_offsets":[14,15]},)"
                       R"("bool":{"dtype":"BOOL","shape":[1],"data_offsets":[15,16]}})";
  header.append((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(read_file(folder / "w.safetensors"), safetensors_file(header, "88888888444422u1"));
  const auto again = parse_safetensors(MappedFile::open(folder / "w.safetensors"));
  EXPECT_EQ(as_text(again.find("f\"32")->read().bytes), "4444");
}

TEST(Safetensors, LeavesTheOldFileWhereATensorCannotBeRead) {
  const TempDir folder;
  write_file(folder / "w.safetensors", "old");
  const std::vector<StoredTensor> tensors{
      {{"w", DType::f32, {1}},
       []() -> TensorBytes { throw Error(ErrorKind::corrupt, "damaged"); },
       {}}};
  EXPECT_ERROR(write_safetensors(folder / "w.safetensors", tensors), ErrorKind::corrupt, "damaged");
  EXPECT_EQ(read_file(folder / "w.safetensors"), "old");
  const auto entries = std::filesystem::directory_iterator(folder.path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
  const std::vector<StoredTensor> complex{{{"w", DType::c128, {1}}, {}, {}}};
  EXPECT_ERROR(write_safetensors(folder / "w.safetensors", complex), ErrorKind::unsupported,
               "complex128");
}

}  // namespace
}  // namespace poseheir
