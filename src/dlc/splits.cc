#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "base/file.h"
#include "base/pickle_numpy.h"
#include "base/text.h"
#include "dlc/mat.h"
#include "dlc/records.h"

namespace poseheir {
namespace {

using Kind = PickleValue::Kind;

[[noreturn]] void fail(const std::string& text, ErrorKind kind = ErrorKind::corrupt) {
  throw Error(kind, text);
}

// A fraction that went from config.yaml into the pickle as ruamel.yaml's own kind of number.
constexpr std::string_view kYamlNumber = "ruamel.yaml.scalarfloat.ScalarFloat";

double fraction_of(const PickleValue& value) {
  return number_of(value.is_record(kYamlNumber) && value.items.size() == 1 ? *value.items[0]
                                                                           : value);
}

PickleRules rules() {
  PickleRules rules{plain_pickle_globals()};
  for (const auto& global : numpy_pickle_globals()) rules.allowed.push_back(global);
  rules.allowed.push_back({kYamlNumber});
  return rules;
}

int whole(double value, std::string_view what) {
  if (!(value >= 0 && value <= 1e6) || value != std::floor(value))
    fail(fmt::format("expected a whole number for {}, found {}", what, value));
  return static_cast<int>(value);
}

std::vector<int> indices_of(const PickleValue& value) {
  std::vector<int> indices;
  for (const auto index : numpy_integers(value)) {
    // DeepLabCut pads lists with -1 to make a fraction exact.
    if (index != -1) indices.push_back(whole(static_cast<double>(index), "a row"));
  }
  return indices;
}

std::vector<std::string> path_of(const PickleValue& image) {
  if (image.is(Kind::text)) return path_components(image.text);
  std::vector<std::string> parts;
  for (const auto* part : image.items) {
    if (!part->is(Kind::text)) fail(fmt::format("expected a path, found {}", describe(*part)));
    parts.emplace_back(part->text);
  }
  if (!image.is_sequence() || parts.empty())
    fail(fmt::format("expected a path, found {}", describe(image)));
  return parts;
}

std::vector<double> values_of(const PickleValue& value) {
  if (!value.is_sequence()) return numpy_array(value).values;
  std::vector<double> values;
  for (const auto* item : value.items) values.push_back(number_of(*item));
  return values;
}

void add_joints(std::vector<TrainingRecord::Joint>& joints, const PickleValue& value,
                int individual) {
  const auto array = numpy_array(value);
  if (array.values.empty()) return;
  if (array.shape.size() != 2 || array.shape[1] != 3)
    fail("joints: expected three columns (number, x, y)");
  for (std::size_t at = 0; at < array.values.size(); at += 3)
    joints.push_back({whole(array.values[at], "a joint"), array.values[at + 1],
                      array.values[at + 2], individual});
}

// A matrix, or one for each individual.
std::vector<TrainingRecord::Joint> joints_of(const PickleValue& value) {
  std::vector<TrainingRecord::Joint> joints;
  if (!value.is(Kind::dict)) {
    add_joints(joints, value, 0);
    return joints;
  }
  for (std::size_t i = 0; i + 1 < value.items.size(); i += 2)
    add_joints(joints, *value.items[i + 1], whole(number_of(*value.items[i]), "an individual"));
  std::stable_sort(joints.begin(), joints.end(),
                   [](const auto& a, const auto& b) { return a.individual < b.individual; });
  return joints;
}

TrainingRecord record_of(const PickleValue& value) {
  const auto* image = value.find("image");
  const auto* size = value.find("size");
  const auto* joints = value.find("joints");
  if (image == nullptr || size == nullptr)
    fail(fmt::format("expected a record with image and size, found {}", describe(value)));
  TrainingRecord record;
  record.path = path_of(*image);
  const auto sizes = values_of(*size);
  if (sizes.size() != 3) fail("size: expected channels, height, width");
  record.channels = whole(sizes[0], "channels");
  record.height = whole(sizes[1], "height");
  record.width = whole(sizes[2], "width");
  if (joints != nullptr) record.joints = joints_of(*joints);
  return record;
}

const PickleValue& documentation_of(const PickleDocument& document) {
  const auto& root = document.root();
  if (!root.is_sequence() || root.items.size() < 4 || !root.items[0]->is(Kind::list))
    fail(
        fmt::format("expected DeepLabCut's list of records, train rows, test rows and fraction; "
                    "found {}",
                    describe(root)));
  return root;
}

}  // namespace

std::vector<std::string> path_components(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const auto end = std::min(path.find_first_of("/\\"), path.size());
    if (end > 0) parts.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

Split parse_split(Bytes pickle) {
  const auto document = parse_pickle(pickle, rules());
  const auto& root = documentation_of(document);
  return {indices_of(*root.items[1]), indices_of(*root.items[2]), fraction_of(*root.items[3])};
}

std::vector<TrainingRecord> parse_pickled_records(Bytes pickle) {
  const auto document = parse_pickle(pickle, rules());
  const auto* list = &document.root();
  if (list->is_sequence() && !list->items.empty() && !list->items[0]->is(Kind::dict))
    list = documentation_of(document).items[0];
  if (!list->is_sequence())
    fail(fmt::format("expected a list of records, found {}", describe(*list)));
  std::vector<TrainingRecord> records;
  for (const auto* item : list->items) {
    try {
      records.push_back(record_of(*item));
    } catch (const Error& error) {
      throw error.within(fmt::format("record {}", records.size()));
    }
  }
  return records;
}

std::string format_split(const std::vector<TrainingRecord>& records, const Split& split) {
  PickleWriter writer(PickleWriter::Protocol::binary_3);
  writer.begin_list().begin_list();
  for (const auto& record : records) {
    writer.begin_dict().text("image").begin_tuple();
    for (const auto& part : record.path) writer.text(part);
    writer.end().text("size").begin_tuple();
    writer.integer(record.channels).integer(record.height).integer(record.width).end();
    std::vector<std::int64_t> joints;
    for (const auto& joint : record.joints)
      joints.insert(joints.end(), {joint.id, static_cast<std::int64_t>(joint.x),
                                   static_cast<std::int64_t>(joint.y)});
    writer.text("joints").int64_array(joints, 3).end();
  }
  writer.end();
  writer.int64_array(std::vector<std::int64_t>(split.train.begin(), split.train.end()));
  writer.int64_array(std::vector<std::int64_t>(split.test.begin(), split.test.end()));
  return writer.real(split.fraction).end().finish();
}

Split read_split(const std::filesystem::path& documentation_pickle) {
  const auto file = MappedFile::open(documentation_pickle);
  try {
    return parse_split(file->bytes());
  } catch (const Error& error) {
    throw error.within(documentation_pickle.string());
  }
}

std::vector<TrainingRecord> read_training_records(const std::filesystem::path& mat_or_pickle) {
  const auto file = MappedFile::open(mat_or_pickle);
  try {
    return as_text(file->bytes()).starts_with("MATLAB") ? parse_training_mat(file->bytes())
                                                        : parse_pickled_records(file->bytes());
  } catch (const Error& error) {
    throw error.within(mat_or_pickle.string());
  }
}

void write_training_records(const std::filesystem::path& mat,
                            const std::vector<TrainingRecord>& records) {
  write_file(mat, format_training_mat(records));
}

void write_split(const std::filesystem::path& documentation_pickle,
                 const std::vector<TrainingRecord>& records, const Split& split) {
  write_file(documentation_pickle, format_split(records, split));
}

}  // namespace poseheir
