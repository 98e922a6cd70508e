#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "checkpoint/locate.h"
#include "poseheir/checkpoint.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

// The number after the last "-", as DeepLabCut sorts its snapshots.
std::optional<std::int64_t> iteration_of(std::string_view name) {
  const auto dash = name.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto digits = name.substr(dash + 1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < 0)
    return std::nullopt;
  return number;
}

}  // namespace

std::optional<std::int64_t> step_of_name(const std::filesystem::path& path) {
  const auto name = path.filename().string();
  // "resnet-50" has a number too, but no step.
  if (name.find("snapshot") == std::string::npos && name.find("ckpt") == std::string::npos)
    return std::nullopt;
  if (const auto step = iteration_of(name)) return step;
  return iteration_of(path.stem().string());
}

std::vector<Snapshot> list_snapshots(const std::filesystem::path& folder) {
  std::vector<Snapshot> snapshots;
  std::error_code code;
  for (std::filesystem::directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    const auto& file = entry->path();
    if (file.extension() != ".index") continue;
    auto prefix = file;
    prefix.replace_extension();
    const auto iteration = iteration_of(prefix.filename().string());
    if (iteration) snapshots.push_back({std::move(prefix), *iteration});
  }
  if (code)
    throw Error(ErrorKind::io,
                fmt::format("{}: cannot list the folder: {}", folder.string(), code.message()));
  std::sort(snapshots.begin(), snapshots.end(), [](const Snapshot& a, const Snapshot& b) {
    return a.iteration != b.iteration ? a.iteration < b.iteration : a.prefix < b.prefix;
  });
  return snapshots;
}

}  // namespace poseheir
