#include "checkpoint/zip.h"

#include <gtest/gtest.h>

#include "checkpoint/zip_bytes.h"
#include "expect_error.h"

namespace poseheir {
namespace {

std::vector<ZipEntry> read(const std::string& file) {
  return read_zip_directory(as_bytes_of(file));
}

TEST(Zip, FindsStoredAndDeflatedEntries) {
  const std::string text(1000, 'x');
  const auto file = zip_of({{"b/2", "two"}, {"b/1", deflated(text), 8, 1000}});
  const auto entries = read(file);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].name, "b/1");
  EXPECT_EQ(inflate_entry(entries[0]), text);
  EXPECT_EQ(as_text(find_entry(entries, "b/2")->stored), "two");
  EXPECT_EQ(find_entry(entries, "b/3"), nullptr);
}

TEST(Zip, ReadsNoArchiveThatIsCutShort) {
  const auto file = zip_of({{"a/1", "one"}, {"a/2", "two"}});
  for (std::size_t size = 0; size < file.size(); ++size)
    EXPECT_THROW(read(file.substr(0, size)), Error) << size << " bytes";
}

TEST(Zip, RefusesEntriesThatOverlap) {
  ZipPart twice{"a/2", "one"};
  twice.local_name = "a/2";
  auto file =
      zip_of({{"a/1", "PK\3\4 not a header of its own, but longer than one"}, {"a/2", "two"}});
  EXPECT_NO_THROW(read(file));
  // The second entry's place is inside the first one's data.
  const std::string inner = zip_of({{"a/2", "two"}}).substr(0, 36);
  ZipPart hidden{"a/2", "two"};
  hidden.local_offset = 33;
  EXPECT_ERROR(read(zip_of({{"a/1", inner}, hidden})), ErrorKind::corrupt, "overlap at offset 33");
}

TEST(Zip, RefusesHeadersThatDisagree) {
  ZipPart renamed{"a/1", "one"};
  renamed.local_name = "a/9";
  EXPECT_ERROR(read(zip_of({renamed})), ErrorKind::corrupt, "disagree about its name");
  auto resized = zip_of({{"a/1", "one"}});
  resized[18] = 2;
  EXPECT_ERROR(read(resized), ErrorKind::corrupt, "disagree about the stored size");
  ZipPart lost{"a/1", "one"};
  lost.local_offset = 3;
  EXPECT_ERROR(read(zip_of({lost})), ErrorKind::corrupt, "disagree about there being an entry");
  lost.local_offset = 100'000;
  EXPECT_ERROR(read(zip_of({lost})), ErrorKind::corrupt, "beyond the end of the file");
}

TEST(Zip, RefusesUnsafeAndDoubledNames) {
  for (const auto* name : {"/etc/passwd", "../a", "a/../../b", "a\\b"})
    EXPECT_ERROR(read(zip_of({{name, "x"}})), ErrorKind::corrupt, "unsafe entry name");
  EXPECT_ERROR(read(zip_of({{"a", "x"}, {"a", "y"}})), ErrorKind::corrupt,
               "two entries are called 'a'");
}

TEST(Zip, RefusesWhatItCannotUnpack) {
  ZipPart encrypted{"a", "x"};
  encrypted.flags = 1;
  EXPECT_ERROR(read(zip_of({encrypted})), ErrorKind::unsupported, "'a' is encrypted");
  EXPECT_ERROR(read(zip_of({{"a", "x", 12}})), ErrorKind::unsupported, "compression method 12");
  EXPECT_ERROR(inflate_entry(read(zip_of({{"a", "garbage", 8, 10}}))[0]), ErrorKind::corrupt,
               "does not unfold to the 10 bytes");
}

TEST(Zip, RefusesABombBeforeUnpackingIt) {
  const auto bomb = deflated(std::string(10'000'000, '\0'));
  EXPECT_ERROR(read(zip_of({{"a", bomb, 8, 10'000'000}})), ErrorKind::corrupt,
               "claims to unfold to 10.0 MB, more than 16 times the whole file");
  // One that lies about its size never writes more than it announced.
  EXPECT_ERROR(inflate_entry(read(zip_of({{"a", bomb, 8, 1000}}))[0]), ErrorKind::corrupt,
               "does not unfold to the 1000 bytes");
}

TEST(Zip, RefusesCountsThatCannotFit) {
  auto file = zip_of({{"a", "x"}});
  file[file.size() - 12] = '\xff';
  EXPECT_ERROR(read(file), ErrorKind::corrupt, "255 entries cannot fit");
}

}  // namespace
}  // namespace poseheir
