// config.yaml: odd keys, and paths from before the project moved.
#include <algorithm>
#include <fmt/format.h>

#include "base/file.h"
#include "check/examination.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

std::string file_name(const std::string& path) { return path.substr(path.find_last_of("/\\") + 1); }

bool is_this_folder(const std::string& path, const std::filesystem::path& folder) {
  std::error_code ignored;
  return std::filesystem::equivalent(folder / path, folder, ignored);  // "." is this folder
}

// The text with `from` replaced, if it stands there once and so cannot mean anything else.
bool replace_once(std::string& text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  if (at == std::string::npos || text.find(from, at + 1) != std::string::npos) return false;
  text.replace(at, from.size(), to);
  return true;
}

}  // namespace

void check_config(Examination& examination) {
  const auto& project = examination.project;
  const auto name = examination.config.filename().string();
  for (const auto& warning : project.warnings)
    examination.add(Severity::warning, "config", name, warning);
  auto text = read_file(examination.config);
  std::string changes;
  for (const auto& video : project.videos) {
    if (std::filesystem::exists(video) || std::filesystem::exists(project.folder / video)) continue;
    const auto here = project.folder / "videos" / file_name(video);
    const bool found = std::filesystem::exists(here);
    examination.add(
        Severity::warning, "moved-video", name,
        fmt::format("video '{}' is not there{}", video,
                    found ? "; a file of its name lies in videos/"
                          : "; labels are found without it, predictions on it are not made"));
    if (found &&
        replace_once(text, video, std::filesystem::absolute(here).lexically_normal().string()))
      changes += fmt::format("{}video_sets: {} is in videos/ now", changes.empty() ? "" : "; ",
                             file_name(video));
  }
  if (!is_this_folder(project.project_path, project.folder)) {
    const auto folder = std::filesystem::canonical(project.folder).string();
    examination.add(Severity::warning, "moved-project", name,
                    fmt::format("project_path is '{}', but the project lies in {}",
                                project.project_path, folder));
    text = edit_yaml_value(text, name, "project_path", folder).text;
    changes += (changes.empty() ? "" : "; ") + std::string("project_path: ") + folder;
  }
  if (!changes.empty()) examination.result.repairs.push_back({examination.config, changes, text});
}

}  // namespace poseheir
