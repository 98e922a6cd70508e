#include "checkpoint/interrupted.h"

#include <algorithm>

#include "base/leftovers.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIndex = ".index", kData = ".data-00000-of-00001";

bool has_part(const std::vector<Leftover>& parts, const std::string& name, int process) {
  return std::any_of(parts.begin(), parts.end(), [&](const Leftover& part) {
    return part.name == name && part.process == process;
  });
}

// The data file of this index is in place already.
bool is_pending_index(const std::vector<Leftover>& parts, const Leftover& part) {
  if (!part.name.ends_with(kIndex)) return false;
  const auto name = part.name.substr(0, part.name.size() - kIndex.size());
  return !has_part(parts, name + std::string(kData), part.process);
}

}  // namespace

std::optional<fs::path> pending_index(const fs::path& prefix) {
  const auto parts = leftovers_in(prefix.parent_path());
  const auto wanted = prefix.filename().string() + std::string(kIndex);
  for (const auto& part : parts)
    if (part.name == wanted && is_pending_index(parts, part)) return part.path;
  return std::nullopt;
}

void finish_interrupted_writes(const fs::path& folder) {
  const auto parts = leftovers_in(folder);
  std::error_code ignored;  // what stays is found again, and hides nothing
  for (const auto& part : parts) {
    if (is_running(part.process)) continue;
    if (is_pending_index(parts, part))
      fs::rename(part.path, part.path.parent_path() / part.name, ignored);
    else if (part.name.ends_with(kIndex) || part.name.ends_with(kData))
      fs::remove(part.path, ignored);
  }
}

}  // namespace poseheir
