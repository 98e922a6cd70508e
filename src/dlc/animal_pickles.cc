// Training records of several animals as DeepLabCut pickles them: joints by individual.
#include <map>

#include "base/pickle.h"
#include "dlc/records.h"

namespace poseheir {
namespace {

void write_record(PickleWriter& writer, const TrainingRecord& record) {
  writer.begin_dict().text("image").begin_tuple();
  for (const auto& part : record.path) writer.text(part);
  writer.end().text("size").int64_array(
      std::vector<std::int64_t>{record.channels, record.height, record.width});
  std::map<int, std::vector<float>> rows;
  for (const auto& joint : record.joints) {
    auto& row = rows[joint.individual];
    row.insert(row.end(), {static_cast<float>(joint.id), static_cast<float>(joint.x),
                           static_cast<float>(joint.y)});
  }
  writer.text("joints").begin_dict();
  for (const auto& [individual, values] : rows)
    writer.integer(individual).array(values, std::vector<std::size_t>{values.size() / 3, 3});
  writer.end().end();
}

void write_records(PickleWriter& writer, const std::vector<TrainingRecord>& records) {
  writer.begin_list();
  for (const auto& record : records) write_record(writer, record);
  writer.end();
}

}  // namespace

std::string format_animal_records(const std::vector<TrainingRecord>& records) {
  PickleWriter writer(PickleWriter::Protocol::binary_3);
  write_records(writer, records);
  return writer.finish();
}

std::string format_animal_split(const std::vector<TrainingRecord>& records, const Split& split) {
  PickleWriter writer(PickleWriter::Protocol::binary_3);
  writer.begin_list();
  write_records(writer, records);
  writer.int64_array(std::vector<std::int64_t>(split.train.begin(), split.train.end()));
  writer.int64_array(std::vector<std::int64_t>(split.test.begin(), split.test.end()));
  return writer.real(split.fraction).end().finish();
}

}  // namespace poseheir
