#include "poseheir/evaluated.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/crc32c.h"
#include "base/file.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path index_of(const Snapshot& snapshot) { return snapshot.prefix.string() + ".index"; }

std::string checksum_of(const fs::path& file) {
  return fmt::format("{:08x}", crc32c(as_bytes_of(read_file(file))));
}

fs::path book_beside(const fs::path& results) { return results.parent_path() / "evaluated.json"; }

// Nothing is lost with it but time.
json read_book(const fs::path& path) {
  if (!fs::exists(path)) return json::object();
  auto book = json::parse(read_file(path), nullptr, false);
  return book.is_object() ? book : json::object();
}

// An index holds the checksum of each tensor.
json entry_of(const fs::path& results, const Snapshot& snapshot) {
  return {{"snapshot", snapshot.prefix.filename().string()},
          {"snapshot_index_crc32c", checksum_of(index_of(snapshot))},
          {"results_crc32c", checksum_of(results)}};
}

fs::file_time_type time_of(const Snapshot& snapshot) {
  auto time = fs::last_write_time(index_of(snapshot));
  std::error_code absent;
  const auto data = fs::last_write_time(snapshot.prefix.string() + ".data-00000-of-00001", absent);
  return absent ? time : std::max(time, data);
}

}  // namespace

ResultsAge age_of_results(const fs::path& results, const Snapshot& snapshot) {
  if (!fs::exists(results)) return ResultsAge::absent;
  if (!fs::exists(index_of(snapshot))) return ResultsAge::current;
  const auto book = read_book(book_beside(results));
  const auto known = book.find(results.filename().string());
  if (known != book.end()) {
    const auto now = entry_of(results, snapshot);
    if (*known == now) return ResultsAge::current;
    // Else another program wrote them since.
    if (known->is_object() && known->value("results_crc32c", "") == now["results_crc32c"])
      return ResultsAge::of_other_weights;
  }
  return time_of(snapshot) > fs::last_write_time(results) ? ResultsAge::older : ResultsAge::current;
}

void record_results(const fs::path& results, const Snapshot& snapshot) {
  if (!fs::exists(index_of(snapshot))) return;
  const auto path = book_beside(results);
  auto book = read_book(path);
  book[results.filename().string()] = entry_of(results, snapshot);
  write_file(path, book.dump(2) + "\n");
}

fs::path set_aside(const fs::path& file) {
  auto aside = fs::path(file.string() + ".before");
  for (int n = 2; fs::exists(aside); ++n) aside = fmt::format("{}.before-{}", file.string(), n);
  fs::rename(file, aside);
  return aside;
}

}  // namespace poseheir
