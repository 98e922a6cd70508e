#include "transfer/staging.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sstream>
#include <unistd.h>

#include "base/file.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = ".transfer-", kJournal = "journal";

[[noreturn]] void throw_failed(const fs::path& path, const std::string& doing,
                               const std::error_code& code) {
  throw Error(ErrorKind::io,
              fmt::format("{}: cannot {}: {}; check who owns the folder and whether it may be "
                          "written: nothing was changed",
                          path.string(), doing, code.message()));
}

fs::path backup_of(const fs::path& staged, const std::string& name) {
  return staged / ("old." + name);
}

}  // namespace

Staging::Staging(const fs::path& folder)
    : target_(folder), staged_(folder / fmt::format("{}{}", kPrefix, ::getpid())), lock_(folder) {
  recover(folder);
  std::error_code code;
  fs::remove_all(staged_, code);
  code.clear();
  if (!fs::create_directory(staged_, code)) throw_failed(folder, "write into it", code);
}

Staging::~Staging() {
  std::error_code ignored;
  fs::remove_all(staged_, ignored);
}

void Staging::apply(Change& change) {
  std::error_code code;
  const auto place = target_ / change.name;
  change.had_old = fs::exists(place);
  if (change.had_old) {
    // A second name of the old file, so that the rename below replaces it in one step.
    fs::create_hard_link(place, backup_of(staged_, change.name), code);
    if (code) throw_failed(place, "keep the old file", code);
  }
  if (!change.removal) {
    fs::rename(staged_ / change.name, place, code);
    if (code) throw_failed(place, "put it in place", code);
  } else if (change.had_old && !fs::remove(place, code)) {
    throw_failed(place, "remove it", code);
  }
  change.done = true;
}

void Staging::roll_back(const fs::path& target, const fs::path& staged,
                        const std::vector<Change>& changes) {
  std::error_code ignored;
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    if (!change->done) continue;
    const auto place = target / change->name;
    if (change->had_old) {
      fs::rename(backup_of(staged, change->name), place, ignored);
    } else if (!change->removal) {
      fs::remove(place, ignored);
    }
  }
}

// "replace 1 snapshot-0.index": what is done, whether there was an old file, its name.
void Staging::write_journal() const {
  std::string text;
  for (const auto& change : changes_)
    text += fmt::format("{} {} {}\n", change.removal ? "remove" : "replace",
                        fs::exists(target_ / change.name) ? 1 : 0, change.name);
  write_file(staged_ / kJournal, text);
}

// What a process that is gone had done of its changes; nothing where it had done all or none.
std::vector<Staging::Change> Staging::read_journal(const fs::path& target, const fs::path& staged) {
  std::vector<Change> changes;
  if (!fs::exists(staged / kJournal)) return changes;
  std::istringstream lines(read_file(staged / kJournal));
  std::string action, name;
  bool had_old = false;
  while (lines >> action >> had_old >> std::ws && std::getline(lines, name)) {
    Change change{name, action == "remove"};
    change.had_old = had_old;
    change.done =
        change.removal ? had_old && !fs::exists(target / name) : !fs::exists(staged / name);
    changes.push_back(change);
  }
  if (!changes.empty() && changes.back().done) changes.clear();
  return changes;
}

// A process that held the lock before us and left its hidden folder was killed.
void Staging::recover(const fs::path& target) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(target, ignored)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    roll_back(target, entry.path(), read_journal(target, entry.path()));
    fs::remove_all(entry.path(), ignored);
  }
}

void Staging::commit() {
  write_journal();
  try {
    for (auto& change : changes_) apply(change);
  } catch (const Error&) {
    roll_back(target_, staged_, changes_);
    throw;
  }
  const int folder = ::open(target_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;  // the files themselves are safe
  ::fsync(folder);
  ::close(folder);
}

std::string Staging::without_staging(const std::string& text) const {
  const auto inner = staged_.filename().string() + "/";
  auto result = text;
  for (auto place = result.find(inner); place != std::string::npos; place = result.find(inner))
    result.erase(place, inner.size());
  return result;
}

}  // namespace poseheir
