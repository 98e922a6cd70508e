#include "poseheir/track_table.h"

#include "base/file.h"
#include "dlc/table.h"

namespace poseheir {
namespace {

void add_columns(Table& table, const std::string& scorer, const std::string& individual,
                 const std::vector<std::string>& bodyparts) {
  for (const auto& part : bodyparts)
    for (const auto* coordinate : {"x", "y", "likelihood"})
      table.columns.push_back({scorer, individual, part, coordinate});
}

Table table_of(const TrackTable& tracks) {
  Table table;
  table.level_names = {"scorer", "individuals", "bodyparts", "coords"};
  for (const auto& individual : tracks.individuals)
    add_columns(table, tracks.scorer, individual, tracks.bodyparts);
  add_columns(table, tracks.scorer, "single", tracks.unique_bodyparts);
  for (const auto& points : tracks.frames)
    for (const auto& point : points)
      table.values.insert(table.values.end(), {point.x, point.y, point.likelihood});
  return table;
}

}  // namespace

void write_track_table(const std::filesystem::path& path, const TrackTable& table) {
  write_file(path, format_table_appendable_h5(table_of(table), "tracks"));
}

void write_track_csv(const std::filesystem::path& path, const TrackTable& table) {
  write_file(path, format_table_csv(table_of(table)));
}

}  // namespace poseheir
