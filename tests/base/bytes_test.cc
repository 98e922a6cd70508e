#include "base/bytes.h"

#include <gtest/gtest.h>

#include "expect_error.h"

namespace poseheir {
namespace {

TEST(Bytes, ReadsWhatTheWriterWrote) {
  ByteWriter writer;
  writer.write(std::uint32_t{0xDB477524});
  writer.write_varint(300);
  ByteReader reader(as_bytes_of(writer.text()));
  EXPECT_EQ(reader.read<std::uint32_t>(), 0xDB477524U);
  EXPECT_EQ(reader.read_varint64(), 300U);
  EXPECT_TRUE(reader.at_end());
}

TEST(Bytes, NamesTheOffsetOfAReadPastTheEnd) {
  ByteReader reader(as_bytes_of("abc"), 100);
  reader.skip(1);
  EXPECT_ERROR(reader.read<std::uint32_t>(), ErrorKind::corrupt,
               "offset 101: expected 4 more bytes, found 2");
}

TEST(Bytes, RefusesNumbersThatDoNotFit) {
  ByteReader reader(as_bytes_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
  EXPECT_ERROR(reader.read_varint64(), ErrorKind::corrupt, "more than 64 bits");
  ByteReader narrow(as_bytes_of("\xff\xff\xff\xff\x7f"));
  EXPECT_ERROR(narrow.read_varint32(), ErrorKind::corrupt, "more than 32 bits");
}

}  // namespace
}  // namespace poseheir
