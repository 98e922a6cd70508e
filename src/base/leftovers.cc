#include "base/leftovers.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <fmt/format.h>

namespace poseheir {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = ".part";

}  // namespace

std::string part_name(const std::string& name, int process) {
  return fmt::format(".{}{}{}", name, kMark, process);
}

std::vector<Leftover> leftovers_in(const fs::path& folder) {
  std::vector<Leftover> found;
  std::error_code code;
  for (fs::directory_iterator entry(folder.empty() ? "." : folder, code), end;
       !code && entry != end; entry.increment(code)) {
    const auto file = entry->path().filename().string();
    const auto mark = file.rfind(kMark);
    if (!file.starts_with('.') || mark == std::string::npos || mark < 2) continue;
    int process = 0;
    const auto* end_of_name = file.data() + file.size();
    const auto parsed = std::from_chars(file.data() + mark + kMark.size(), end_of_name, process);
    if (parsed.ec == std::errc() && parsed.ptr == end_of_name && process > 0)
      found.push_back({entry->path(), file.substr(1, mark - 1), process});
  }
  return found;
}

bool is_running(int process) { return ::kill(process, 0) == 0 || errno != ESRCH; }

void remove_leftovers_of(const fs::path& path) {
  std::error_code ignored;
  for (const auto& part : leftovers_in(path.parent_path()))
    if (part.name == path.filename().string() && !is_running(part.process))
      fs::remove(part.path, ignored);
}

}  // namespace poseheir
