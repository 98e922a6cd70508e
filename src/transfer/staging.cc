#include "transfer/staging.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "poseheir/error.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = ".transfer-";

[[noreturn]] void throw_failed(const fs::path& path, const std::string& doing,
                               const std::error_code& code) {
  throw Error(ErrorKind::io,
              fmt::format("{}: cannot {}: {}; check who owns the folder and whether it may be "
                          "written: nothing was changed",
                          path.string(), doing, code.message()));
}

// Left by a process that was killed.
void remove_leftovers(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    int process = 0;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), process);
    if (process > 0 && ::kill(process, 0) != 0 && errno == ESRCH)
      fs::remove_all(entry.path(), ignored);
  }
}

fs::path backup_of(const fs::path& staged, const std::string& name) {
  return staged / ("old." + name);
}

}  // namespace

Staging::Staging(const fs::path& folder)
    : target_(folder), staged_(folder / fmt::format("{}{}", kPrefix, ::getpid())) {
  remove_leftovers(folder);
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

void Staging::roll_back() {
  std::error_code ignored;
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    if (!change->done) continue;
    const auto place = target_ / change->name;
    if (change->had_old) {
      fs::rename(backup_of(staged_, change->name), place, ignored);
    } else if (!change->removal) {
      fs::remove(place, ignored);
    }
  }
}

void Staging::commit() {
  try {
    for (auto& change : changes_) apply(change);
  } catch (const Error&) {
    roll_back();
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
