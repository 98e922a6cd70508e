// The examination from end to end, and the writing of repairs.
#include "poseheir/check.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/file.h"
#include "check/examination.h"

namespace poseheir {

int ProjectCheck::count(Severity severity) const {
  return static_cast<int>(
      std::count_if(findings.begin(), findings.end(),
                    [&](const Finding& finding) { return finding.severity == severity; }));
}

std::string picture_name(const LabelledImage& image) {
  std::string name;
  for (const auto& component : image.path) name += (name.empty() ? "" : "/") + component;
  return name;
}

ProjectCheck check_project(const std::filesystem::path& config, bool look_at_pictures) {
  Examination examination;
  examination.project = read_project(config);
  examination.config = std::filesystem::is_directory(config) ? config / "config.yaml" : config;
  check_config(examination);
  check_labels(examination);
  const auto pictures = check_pictures(examination, look_at_pictures);
  check_sides(examination);
  check_models(examination);
  if (look_at_pictures) check_leaks(examination, pictures);
  auto& findings = examination.result.findings;
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  return std::move(examination.result);
}

std::vector<std::filesystem::path> apply_repairs(const std::vector<Repair>& repairs) {
  std::vector<std::filesystem::path> backups;
  FileTransaction files;
  for (const auto& repair : repairs) {
    auto& backup = backups.emplace_back();
    if (!std::filesystem::exists(repair.file)) {
      files.append(files.add(repair.file), repair.content);
      continue;
    }
    backup = repair.file.string() + ".bak";
    for (int i = 2; std::filesystem::exists(backup); ++i)
      backup = fmt::format("{}.bak{}", repair.file.string(), i);
    files.append(files.add(backup), read_file(repair.file));
    files.append(files.add(repair.file), repair.content);
  }
  files.commit();
  return backups;
}

}  // namespace poseheir
