// Google's leveldb as a second opinion: the tables are its own format.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <leveldb/env.h>
#include <leveldb/iterator.h>
#include <leveldb/options.h>
#include <leveldb/table.h>
#include <leveldb/table_builder.h>
#include <memory>

#include "checkpoint/bundle_files.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

std::vector<NamedValue> read_by_leveldb(const std::filesystem::path& path) {
  leveldb::Options options;
  options.paranoid_checks = true;
  leveldb::RandomAccessFile* opened = nullptr;
  EXPECT_TRUE(leveldb::Env::Default()->NewRandomAccessFile(path.string(), &opened).ok());
  const std::unique_ptr<leveldb::RandomAccessFile> file(opened);
  leveldb::Table* table = nullptr;
  const auto status =
      leveldb::Table::Open(options, file.get(), std::filesystem::file_size(path), &table);
  EXPECT_TRUE(status.ok()) << status.ToString();
  const std::unique_ptr<leveldb::Table> owner(table);
  leveldb::ReadOptions reading;
  reading.verify_checksums = true;
  const std::unique_ptr<leveldb::Iterator> at(table->NewIterator(reading));
  std::vector<NamedValue> entries;
  for (at->SeekToFirst(); at->Valid(); at->Next())
    entries.push_back({at->key().ToString(), at->value().ToString()});
  EXPECT_TRUE(at->status().ok()) << at->status().ToString();
  return entries;
}

std::string written_by_leveldb(const std::filesystem::path& path,
                               const std::vector<NamedValue>& entries) {
  leveldb::Options options;
  options.compression = leveldb::kNoCompression;
  options.block_size = 262'144;
  leveldb::WritableFile* opened = nullptr;
  EXPECT_TRUE(leveldb::Env::Default()->NewWritableFile(path.string(), &opened).ok());
  const std::unique_ptr<leveldb::WritableFile> file(opened);
  leveldb::TableBuilder builder(options, file.get());
  for (const auto& [key, value] : entries) builder.Add(key, value);
  EXPECT_TRUE(builder.Finish().ok());
  EXPECT_TRUE(file->Close().ok());
  return read_file(path);
}

// Names with shared beginnings, prefixes of one another, 0xFF bytes at block borders.
std::vector<NamedValue> awkward_entries(int count) {
  std::vector<NamedValue> entries{{"", "header"}, {"\x01", ""}, {"\x01\xFF", "x"}};
  for (int i = 0; i < count; ++i) {
    const auto name =
        fmt::format("scope_{:04}{}", i / 4, std::string(static_cast<std::size_t>(i % 4), '\xFF'));
    entries.push_back({name, std::string(static_cast<std::size_t>(i * 7919 % 160), 'v')});
  }
  return entries;
}

class LeveldbOracle : public testing::TestWithParam<int> {};

TEST_P(LeveldbOracle, ReadsAndWritesTheSameTable) {
  const TempDir folder;
  const auto entries = awkward_entries(GetParam());
  const auto ours = table_of(entries);
  write_file(folder / "ours", ours);
  const auto found = read_by_leveldb(folder / "ours");
  ASSERT_EQ(found.size(), entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(found[i].key, entries[i].key);
    EXPECT_EQ(found[i].value, entries[i].value);
  }
  EXPECT_EQ(written_by_leveldb(folder / "theirs", entries), ours);
}

INSTANTIATE_TEST_SUITE_P(Sizes, LeveldbOracle,
                         testing::Values(0, 1, 15, 16, 17, 300, 6'000, 20'000));

}  // namespace
}  // namespace poseheir
