// Annotations of several individuals, as DeepLabCut merges them for a training set.
#include <algorithm>
#include <fmt/format.h>

#include "base/text.h"
#include "dlc/table.h"
#include "poseheir/error.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

constexpr auto kUnique = "single";  // the individual that the unique body parts belong to

std::size_t index_in(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

// Which point of a picture a column belongs to.
struct Column {
  std::size_t individual = 0, part = 0;
  bool unique = false, is_x = false;
};

class Columns {
 public:
  Columns(const Table& table, const AnimalLabels& labels, const std::string& file)
      : labels_(labels), file_(file) {
    for (const auto& column : table.columns) columns_.push_back(column_of(column));
    check_complete();
  }

  void put(LabelledAnimals& image, std::size_t column, double value) const {
    const auto& at = columns_[column];
    auto& point = at.unique ? image.unique[at.part] : image.animals[at.individual][at.part];
    (at.is_x ? point.x : point.y) = value;
  }

 private:
  Column column_of(const std::vector<std::string>& levels) const {
    const auto &individual = levels[1], &part = levels[2], &coordinate = levels[3];
    Column column;
    column.unique = individual == kUnique;
    column.is_x = coordinate == "x";
    const auto& parts = column.unique ? labels_.unique_bodyparts : labels_.bodyparts;
    column.part = index_in(parts, part);
    column.individual = column.unique ? 0 : index_in(labels_.individuals, individual);
    if (!column.unique && column.individual == labels_.individuals.size())
      throw unknown("individual", individual, labels_.individuals);
    if (column.part == parts.size())
      throw unknown(column.unique ? "unique body part" : "body part", part, parts);
    if (!column.is_x && coordinate != "y")
      throw Error(ErrorKind::corrupt,
                  fmt::format("{}: column '{}', expected x or y", file_, coordinate));
    return column;
  }

  void check_complete() const {
    const auto expected = 2 * (labels_.individuals.size() * labels_.bodyparts.size() +
                               labels_.unique_bodyparts.size());
    if (columns_.size() != expected)
      throw Error(ErrorKind::mismatch,
                  fmt::format("{}: {} columns, but config.yaml's individuals and body parts make "
                              "{}; make the training set anew",
                              file_, columns_.size(), expected));
  }

  Error unknown(const char* what, const std::string& name,
                const std::vector<std::string>& known) const {
    return {ErrorKind::mismatch, fmt::format("{}: labels of the {} '{}', which config.yaml does "
                                             "not list{}",
                                             file_, what, name, nearest_hint(name, known))};
  }

  const AnimalLabels& labels_;
  const std::string& file_;
  std::vector<Column> columns_;
};

}  // namespace

AnimalLabels read_animal_labels(const std::filesystem::path& path, const Project& project) {
  const auto file = path.string();
  const auto table = read_table(path);
  if (!column_levels(table, file).individuals)
    throw Error(ErrorKind::mismatch,
                file + ": labels of a single animal, but config.yaml says multianimalproject");
  AnimalLabels labels;
  labels.scorer = table.columns.empty() ? project.scorer : table.columns[0][0];
  labels.individuals = project.individuals;
  labels.bodyparts = animal_bodyparts(project);
  labels.unique_bodyparts = project.unique_bodyparts;
  const Columns columns(table, labels, file);
  if (table.rows.empty() && table.row_count() > 0)
    throw Error(ErrorKind::corrupt, file + ": numbered rows, expected paths of pictures");
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    LabelledAnimals image;
    image.path = path_components(table.rows[row]);
    image.animals.assign(labels.individuals.size(), std::vector<Point>(labels.bodyparts.size()));
    image.unique.resize(labels.unique_bodyparts.size());
    for (std::size_t column = 0; column < table.columns.size(); ++column)
      columns.put(image, column, table.at(row, column));
    labels.images.push_back(std::move(image));
  }
  return labels;
}

AnimalLabels read_training_animals(const Project& project, const ModelPaths& paths) {
  const auto stem = paths.training_set / ("CollectedData_" + project.scorer);
  for (const auto* extension : {".h5", ".csv"}) {
    const std::filesystem::path file = stem.string() + extension;
    if (std::filesystem::exists(file)) return read_animal_labels(file, project);
  }
  throw Error(ErrorKind::io, fmt::format("{}.h5: no such file; it holds the labels of the training "
                                         "set; run create-training-dataset first",
                                         stem.string()));
}

}  // namespace poseheir
