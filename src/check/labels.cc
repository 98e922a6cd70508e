// Label files: the folders they lie in, names, doubled rows, the csv beside the h5.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "check/examination.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "CollectedData_";

// Stems "…/CollectedData_Ana" of a folder, whichever of the two files exist.
std::set<fs::path> label_stems(const fs::path& folder) {
  std::set<fs::path> stems;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto& path = entry.path();
    if (path.filename().string().starts_with(kPrefix) &&
        (path.extension() == ".h5" || path.extension() == ".csv"))
      stems.insert(folder / path.stem());
  }
  return stems;
}

void compare_names(Examination& examination, const std::string& place, const LabelTable& table) {
  const auto& parts = examination.project.bodyparts;
  std::vector<std::string> labelled;
  for (const auto& column : table.columns) {
    if (std::find(labelled.begin(), labelled.end(), column.bodypart) == labelled.end())
      labelled.push_back(column.bodypart);
  }
  for (const auto& part : parts) {
    if (std::find(labelled.begin(), labelled.end(), part) == labelled.end())
      examination.add(Severity::warning, "unlabelled-part", place,
                      fmt::format("no labels of '{}'{}", part, nearest_hint(part, labelled)));
  }
  for (const auto& part : labelled) {
    if (std::find(parts.begin(), parts.end(), part) == parts.end())
      examination.add(
          Severity::warning, "unknown-part", place,
          fmt::format("labels of '{}', which config.yaml does not list{}; they are left out", part,
                      nearest_hint(part, parts)));
  }
  if (!examination.project.multi_animal) {
    std::set<std::string> individuals;
    for (const auto& column : table.columns) individuals.insert(column.individual);
    if (individuals.size() > 1)
      examination.add(Severity::error, "individuals", place,
                      fmt::format("labels of several individuals ('{}') in a single-animal project",
                                  fmt::join(individuals, "', '")));
  }
  std::set<std::string> scorers;
  for (const auto& column : table.columns) scorers.insert(column.scorer);
  if (!scorers.contains(examination.project.scorer)) {
    examination.add(Severity::error, "scorer", place,
                    fmt::format("labelled by '{}', but the scorer of config.yaml is '{}'",
                                fmt::join(scorers, "', '"), examination.project.scorer));
  } else if (scorers.size() > 1) {
    examination.add(Severity::warning, "scorers", place,
                    fmt::format("several scorers, '{}'; those of '{}' are used",
                                fmt::join(scorers, "', '"), examination.project.scorer));
  }
}

bool same_value(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool same_points(const LabelledImage& a, const LabelledImage& b) {
  return std::equal(
      a.points.begin(), a.points.end(), b.points.begin(), b.points.end(),
      [](const Point& p, const Point& q) { return same_value(p.x, q.x) && same_value(p.y, q.y); });
}

// True if rows were dropped from `table`: those that say the same again.
bool drop_doubled_rows(Examination& examination, const std::string& place, LabelTable& table) {
  std::map<std::string, std::size_t> first;
  std::vector<LabelledImage> kept;
  for (const auto& image : table.images) {
    const auto name = picture_name(image);
    const auto [seen, is_new] = first.try_emplace(name, kept.size());
    if (is_new || !same_points(kept[seen->second], image)) {
      if (!is_new)
        examination.add(
            Severity::error, "contradicting-rows", place,
            fmt::format("{} is labelled twice, differently; delete the wrong row", name));
      kept.push_back(image);
      continue;
    }
    examination.add(Severity::warning, "doubled-row", place,
                    fmt::format("{} stands there twice with the same labels", name));
  }
  const bool dropped = kept.size() < table.images.size();
  table.images = std::move(kept);
  return dropped;
}

void compare_folders(Examination& examination, const std::string& place, const fs::path& folder,
                     const LabelTable& table) {
  std::set<std::string> others;
  for (const auto& image : table.images) {
    if (image.path.size() != 3 || image.path[0] != "labeled-data" ||
        image.path[1] != folder.filename().string())
      others.insert(picture_name(image));
  }
  if (!others.empty())
    examination.add(Severity::warning, "foreign-rows", place,
                    fmt::format("{} row{} of pictures outside its own folder, such as {}",
                                others.size(), others.size() == 1 ? "" : "s", *others.begin()));
}

bool same_tables(const LabelTable& a, const LabelTable& b) {
  return a.columns == b.columns && a.images.size() == b.images.size() &&
         std::equal(a.images.begin(), a.images.end(), b.images.begin(),
                    [](const LabelledImage& x, const LabelledImage& y) {
                      return x.path == y.path && x.points.size() == y.points.size() &&
                             std::equal(x.points.begin(), x.points.end(), y.points.begin(),
                                        [](const Point& p, const Point& q) {
                                          const auto near = [](double u, double v) {
                                            return same_value(u, v) || std::abs(u - v) < 1e-6;
                                          };
                                          return near(p.x, q.x) && near(p.y, q.y);
                                        });
                    });
}

void add_rewrite(Examination& examination, const fs::path& stem, const LabelTable& table,
                 const std::string& why, bool with_h5, bool with_csv) {
  const auto data = format_collected_data(table);
  if (with_h5) examination.result.repairs.push_back({stem.string() + ".h5", why, data.h5});
  if (with_csv) examination.result.repairs.push_back({stem.string() + ".csv", why, data.csv});
}

std::optional<LabelTable> read_if_possible(Examination& examination, const fs::path& path) {
  try {
    return read_label_table(path);
  } catch (const Error& error) {
    examination.add(Severity::error, "unreadable-labels", examination.short_name(path),
                    error.what());
    return std::nullopt;
  }
}

void check_stem(Examination& examination, const fs::path& stem) {
  const fs::path h5 = stem.string() + ".h5", csv = stem.string() + ".csv";
  const bool has_h5 = fs::exists(h5), has_csv = fs::exists(csv);
  const auto scorer = stem.filename().string().substr(kPrefix.size());
  const auto place = examination.short_name(has_h5 ? h5 : csv);
  if (scorer != examination.project.scorer)
    return examination.add(
        Severity::warning, "other-scorer", place,
        fmt::format("named after '{}', not after config.yaml's scorer '{}'{}: not used", scorer,
                    examination.project.scorer,
                    nearest_hint(scorer, std::vector{examination.project.scorer})));
  auto table = read_if_possible(examination, has_h5 ? h5 : csv);
  if (!table) return;
  auto other = has_h5 && has_csv ? read_if_possible(examination, csv) : std::nullopt;
  if (other && !same_tables(*table, *other))
    examination.add(Severity::warning, "csv-differs", examination.short_name(csv),
                    "differs from the .h5 beside it, which is what is used; if the csv is right, "
                    "delete the .h5 and let --fix make it anew");
  const bool agree = !has_csv || !has_h5 || (other && same_tables(*table, *other));
  compare_names(examination, place, *table);
  compare_folders(examination, place, stem.parent_path(), *table);
  std::string why;
  if (!has_h5) {
    examination.add(Severity::warning, "no-h5", place,
                    "there is no .h5 beside it, and DeepLabCut reads only that");
    why = "made from the csv";
  }
  if (table->windows_paths) {
    examination.add(Severity::warning, "windows-paths", place,
                    "pictures are named with Windows' separators");
    why += (why.empty() ? "" : "; ") + std::string("paths without backslashes");
  }
  if (drop_doubled_rows(examination, place, *table))
    why += (why.empty() ? "" : "; ") + std::string("doubled rows dropped");
  // A rewritten file holds points and nothing else; where that would lose something, hands off.
  if (!why.empty() && agree && !table->likelihoods)
    add_rewrite(examination, stem, *table, why, true, has_csv && why != "made from the csv");
  examination.result.pictures += static_cast<int>(table->images.size());
  for (const auto& image : table->images)
    examination.result.points += static_cast<int>(std::count_if(
        image.points.begin(), image.points.end(), [](const Point& p) { return !p.missing(); }));
  examination.files.push_back({has_h5 ? h5 : csv, std::move(*table)});
}

void check_empty_rows(Examination& examination) {
  int empty = 0;
  for (const auto& file : examination.files) {
    for (const auto& image : file.table.images)
      empty += std::all_of(image.points.begin(), image.points.end(),
                           [](const Point& point) { return point.missing(); });
  }
  if (empty > 0)
    examination.add(Severity::note, "no-labels", "labeled-data",
                    fmt::format("{} picture{} without any label: left out of training", empty,
                                empty == 1 ? "" : "s"));
}

void check_for_none(Examination& examination) {
  const auto& files = examination.files;
  const auto& findings = examination.result.findings;
  const bool unread = std::any_of(findings.begin(), findings.end(), [](const auto& finding) {
    return finding.kind == "unreadable-labels";
  });
  if (files.empty() && !unread)
    examination.add(Severity::error, "no-labels", "labeled-data",
                    fmt::format("no labels: expected CollectedData_{}.h5 or .csv in its folders",
                                examination.project.scorer));
  if (!files.empty() && std::all_of(files.begin(), files.end(),
                                    [](const auto& file) { return file.table.images.empty(); }))
    examination.add(Severity::error, "no-labels", "labeled-data",
                    "no labels: the files of labels hold no picture");
}

}  // namespace

void check_labels(Examination& examination) {
  const auto root = examination.project.folder / "labeled-data";
  std::vector<fs::path> folders;
  if (fs::is_directory(root)) {
    for (const auto& entry : fs::directory_iterator(root)) {
      // DeepLabCut draws labels into folders of this name.
      if (entry.is_directory() && !entry.path().filename().string().ends_with("_labeled"))
        folders.push_back(entry.path());
    }
  }
  std::sort(folders.begin(), folders.end());
  const auto& stems = examination.project.video_stems;
  std::size_t listed = 0;
  for (const auto& folder : folders) {
    ++examination.result.folders;
    const auto files = label_stems(folder);
    const bool known = std::find(stems.begin(), stems.end(), folder.filename()) != stems.end();
    listed += known;
    if (files.empty())
      examination.add(Severity::warning, "no-label-file", examination.short_name(folder),
                      "pictures without a file of labels");
    for (const auto& stem : files) check_stem(examination, stem);
  }
  if (listed > 0 && listed < folders.size()) {
    for (const auto& folder : folders) {
      if (std::find(stems.begin(), stems.end(), folder.filename()) == stems.end())
        examination.add(Severity::warning, "unlisted-folder", examination.short_name(folder),
                        "no video of config.yaml has this name, so its labels are not used");
    }
  }
  check_for_none(examination);
  check_empty_rows(examination);
}

void check_sides(Examination& examination) {
  std::vector<std::vector<Point>> configurations;
  std::vector<std::string> names;
  const auto& parts = examination.project.bodyparts;
  for (const auto& file : examination.files) {
    for (const auto& image : file.table.images) {
      std::map<std::string, std::vector<Point>> animals;
      for (std::size_t i = 0; i < file.table.columns.size(); ++i) {
        const auto& column = file.table.columns[i];
        const auto part = std::find(parts.begin(), parts.end(), column.bodypart);
        if (column.scorer != examination.project.scorer || part == parts.end()) continue;
        auto& points = animals[column.individual];
        points.resize(parts.size());
        points[static_cast<std::size_t>(part - parts.begin())] = image.points[i];
      }
      for (auto& [animal, points] : animals) {
        names.push_back(picture_name(image) + (animal.empty() ? "" : ", " + animal));
        configurations.push_back(std::move(points));
      }
    }
  }
  const auto suspects = likely_swaps(parts, configurations);
  constexpr std::size_t kMostListed = 20;
  for (std::size_t i = 0; i < std::min(kMostListed, suspects.size()); ++i)
    examination.add(
        Severity::warning, "likely-swap", names[suspects[i].configuration],
        fmt::format("left and right of {} are likely swapped: exchanged, the points fit "
                    "the project's usual shape far better (by {:.0f}); look at it",
                    fmt::join(suspects[i].parts, ", "), suspects[i].gain));
  if (suspects.size() > kMostListed)
    examination.add(Severity::warning, "likely-swap", "labeled-data",
                    fmt::format("{} more pictures with likely swaps of left and right",
                                suspects.size() - kMostListed));
}

}  // namespace poseheir
