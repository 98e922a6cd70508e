// Training records of several animals: joints by individual, two decimals of float32.
#include <cmath>

#include "dlc/records.h"
#include "poseheir/project.h"

namespace poseheir {
namespace {

// As NumPy rounds float32.
float two_decimals(double value) {
  return std::nearbyint(static_cast<float>(value) * 100.0F) / 100.0F;
}

void add_joints(TrainingRecord& record, const std::vector<Point>& points, int individual,
                int first_id) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].missing()) continue;
    const float x = two_decimals(points[i].x), y = two_decimals(points[i].y);
    if (x > 0 && x < static_cast<float>(record.width) && y > 0 &&
        y < static_cast<float>(record.height))
      record.joints.push_back({first_id + static_cast<int>(i), double{x}, double{y}, individual});
  }
}

}  // namespace

std::vector<TrainingRecord> make_animal_records(const Project& project, const AnimalLabels& labels,
                                                const std::vector<int>& rows) {
  std::vector<TrainingRecord> records;
  for (const int row : rows) {
    const auto& image = labels.images.at(static_cast<std::size_t>(row));
    const auto size = labelled_size(image_path(project, {image.path, {}}));
    TrainingRecord record{image.path, size.channels, size.height, size.width, {}};
    const auto animals = static_cast<int>(image.animals.size());
    for (int i = 0; i < animals; ++i)
      add_joints(record, image.animals[static_cast<std::size_t>(i)], i, 0);
    add_joints(record, image.unique, animals, static_cast<int>(labels.bodyparts.size()));
    if (!record.joints.empty()) records.push_back(std::move(record));
  }
  return records;
}

}  // namespace poseheir
