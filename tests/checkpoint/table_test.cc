#include "checkpoint/table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <snappy.h>

#include "checkpoint/bundle_files.h"
#include "expect_error.h"

namespace poseheir {
namespace {

using namespace std::string_literals;

std::vector<NamedValue> entries_of(std::string_view file) {
  std::vector<NamedValue> entries;
  SortedTable(as_bytes_of(file)).scan([&](std::string_view key, const TableValue& value) {
    entries.push_back({std::string(key), std::string(as_text(value.bytes))});
  });
  return entries;
}

std::vector<NamedValue> many_entries(int count, std::size_t value_size) {
  std::vector<NamedValue> entries;
  for (int i = 0; i < count; ++i)
    entries.push_back({fmt::format("network/unit_{:05}/weights", i), std::string(value_size, 'v')});
  return entries;
}

TEST(Table, ReadsWhatItWrites) {
  const auto entries = many_entries(20'000, 30);  // several data blocks
  const auto file = table_of(entries);
  const auto found = entries_of(file);
  ASSERT_EQ(found.size(), entries.size());
  const SortedTable table(as_bytes_of(file));
  for (std::size_t i = 0; i < entries.size(); i += 501) {
    EXPECT_EQ(found[i].key, entries[i].key);
    const auto value = table.find(entries[i].key);
    ASSERT_TRUE(value) << entries[i].key;
    EXPECT_EQ(as_text(value->bytes), entries[i].value);
  }
  EXPECT_FALSE(table.find("network"));
  EXPECT_FALSE(table.find("zebra"));
}

TEST(Table, GivesALargeRecordABlockOfItsOwn) {
  const auto file = table_of({{"a", "small"}, {"b", std::string(600'000, 'x')}, {"c", "small"}});
  const auto found = entries_of(file);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[1].value.size(), 600'000U);
  // "a" ends its block before the large record: a header of 3 bytes, the key, the value, a restart.
  EXPECT_EQ(file.substr(0, 9 + 8 + 5 + 5),
            stored_block(with_restarts(entry(0, "a", "small"), {0}), 0) +
                entry(0, "b", std::string(600'000, 'x')).substr(0, 5));
}

TEST(Table, ReadsCompressedBlocks) {
  const auto body = with_restarts(entry(0, "key", std::string(1000, 'v')), {0});
  std::string packed;
  snappy::Compress(body.data(), body.size(), &packed);
  EXPECT_LT(packed.size(), 100U);
  const auto found = entries_of(table_of_block(packed, 1));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].value, std::string(1000, 'v'));
}

TEST(Table, RefusesCompressedBlocksThatClaimTooMuch) {
  const auto four_gigabytes = "\xFF\xFF\xFF\xFF\x0F"s + "ab";
  EXPECT_ERROR(entries_of(table_of_block(four_gigabytes, 1)), ErrorKind::corrupt,
               "Snappy block of impossible size");
  EXPECT_ERROR(entries_of(table_of_block("\x20garbage-garbage", 1)), ErrorKind::corrupt,
               "damaged Snappy block");
}

TEST(Table, RefusesBlocksOutsideTheFile) {
  const auto body = with_restarts(entry(0, "k", "v"), {0});
  for (const auto& hostile : {handle(0, 1ULL << 40U), handle(0, ~0ULL - 4), handle(~0ULL - 4, 8),
                              handle(1ULL << 40U, 8), handle(40, 200)})
    EXPECT_ERROR(entries_of(table_of_block(body, 0, "\xFF", hostile)), ErrorKind::corrupt,
                 "lies outside the file");
}

TEST(Table, RefusesEntriesThatLie) {
  const auto read = [](const std::string& body) { return entries_of(table_of_block(body, 0)); };
  const auto wrap = "\0\xFF\xFF\xFF\xFF\x0F\xFF\xFF\xFF\xFF\x0F"s;
  EXPECT_ERROR(read(with_restarts(wrap, {0})), ErrorKind::corrupt, "a key of 4294967295 bytes");
  EXPECT_ERROR(read(with_restarts("\0\1\xFF\xFF\xFF\xFF\x0Fk"s, {0})), ErrorKind::corrupt,
               "expected 4294967295 more bytes");
  EXPECT_ERROR(read(with_restarts(entry(0, "a", "") + entry(2, "b", ""), {0})), ErrorKind::corrupt,
               "shares 2 bytes with a key that has 1");
  EXPECT_ERROR(read(with_restarts(entry(0, "a", "") + entry(1, "b", ""), {0, 4})),
               ErrorKind::corrupt, "shares 1 bytes with a key that has 0");
  EXPECT_ERROR(read(with_restarts(entry(0, "a", ""), {0, 3})), ErrorKind::corrupt,
               "restart point 1 is not at an entry");
  EXPECT_ERROR(read(with_restarts(entry(0, "a", ""), {1})), ErrorKind::corrupt,
               "restart point 0 is not at 0");
  EXPECT_ERROR(read(with_restarts("", {})), ErrorKind::corrupt, "0 restart points");
  EXPECT_ERROR(read("\xFF\xFF\xFF\xFF"), ErrorKind::corrupt,
               "restart points in a block of 4 bytes");
  EXPECT_ERROR(read(""), ErrorKind::corrupt, "a block without restart points");
}

TEST(Table, RefusesKeysOutOfOrder) {
  const auto read = [](const std::string& entries, const std::string& last) {
    return entries_of(table_of_block(with_restarts(entries, {0}), 0, last));
  };
  EXPECT_ERROR(read(entry(0, "b", "") + entry(0, "a", ""), "z"), ErrorKind::corrupt,
               "key 'a' is not after");
  EXPECT_ERROR(read(entry(0, "a", "") + entry(0, "a", ""), "z"), ErrorKind::corrupt,
               "key 'a' is not after");
  EXPECT_ERROR(read(entry(0, "b", ""), "a"), ErrorKind::corrupt,
               "key 'b' is not in the block where the index puts it");
}

TEST(Table, RefusesAFileThatIsNone) {
  EXPECT_ERROR(entries_of("short"), ErrorKind::corrupt, "at least 48 bytes, found 5");
  EXPECT_ERROR(entries_of(std::string(64, '\0')), ErrorKind::corrupt,
               "last eight bytes are missing or changed");
  EXPECT_ERROR(entries_of(table_of_block(with_restarts(entry(0, "k", "v"), {0}), 7)),
               ErrorKind::corrupt, "unknown block type 7");
}

}  // namespace
}  // namespace poseheir
