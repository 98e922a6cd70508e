#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <numeric>
#include <zlib.h>

#include "base/file.h"
#include "base/pickle.h"
#include "dlc/mat.h"
#include "dlc/records.h"
#include "expect_error.h"
#include "shared.h"

namespace poseheir {
namespace {

using namespace std::string_literals;

std::string text_of(const TrainingRecord& record) {
  std::string text;
  for (const auto& part : record.path) text += part + "/";
  text += fmt::format(" {}x{}x{}", record.channels, record.height, record.width);
  for (const auto& joint : record.joints)
    text += fmt::format(" {}:{},{}", joint.id, joint.x, joint.y);
  return text;
}

std::vector<std::string> texts_of(const std::vector<TrainingRecord>& records) {
  std::vector<std::string> texts;
  for (const auto& record : records) texts.push_back(text_of(record));
  return texts;
}

const std::vector<std::string> kDemo{
    "labeled-data/clip/img2.png/ 1x80x96 0:20,30 2:95,79",
    "labeled-data/clip/img0.png/ 3x97x131 0:30,40 1:70,20 2:130,96",
    "labeled-data/clip/img1.png/ 3x128x160 0:50,60 2:159,64 3:100,127"};

TEST(TrainingMat, ReadsWhatDeepLabCutWroteAndWritesTheSameBytes) {
  NEEDS_SHARED("reference/targets/loader_project/demo.mat");
  const auto path = shared_folder() / "reference/targets/loader_project/demo.mat";
  const auto records = read_training_records(path);
  EXPECT_EQ(texts_of(records), kDemo);
  const auto written = format_training_mat(records);
  EXPECT_EQ(written.substr(124), read_file(path).substr(124));  // behind the header's free text
}

TEST(TrainingMat, ReadsNoFileThatIsCutShort) {
  TrainingRecord record{{"labeled-data", "clip é", "img0.png"}, 3, 97, 131, {{0, 30, 40}}};
  const auto file = format_training_mat({record, record});
  EXPECT_EQ(text_of(parse_training_mat(as_bytes_of(file))[1]),
            "labeled-data/clip é/img0.png/ 3x97x131 0:30,40");
  for (std::size_t size = 0; size < file.size(); ++size)
    EXPECT_THROW(parse_training_mat(as_bytes_of(file.substr(0, size))), Error) << size << " bytes";
}

TEST(TrainingMat, SurvivesEveryFlippedByte) {
  const TrainingRecord record{{"labeled-data", "clip", "img0.png"}, 3, 97, 131, {{0, 30, 40}}};
  const auto file = format_training_mat({record});
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (const char bits : {'\x01', '\x80', '\xff'}) {
      auto damaged = file;
      damaged[at] = static_cast<char>(damaged[at] ^ bits);
      try {
        parse_training_mat(as_bytes_of(damaged));
      } catch (const Error&) {
      }
    }
  }
}

std::string compressed(std::string_view content) {
  std::string result(compressBound(content.size()), '\0');
  auto size = static_cast<uLongf>(result.size());
  ::compress(reinterpret_cast<Bytef*>(result.data()), &size,
             reinterpret_cast<const Bytef*>(content.data()), content.size());
  result.resize(size);
  return result;
}

std::string with_compressed_variable(const std::string& file, std::string_view variable) {
  ByteWriter out;
  out.append(file.substr(0, 128));
  const auto packed = compressed(variable);
  out.write(std::uint32_t{15});
  out.write(static_cast<std::uint32_t>(packed.size()));
  out.append(packed);
  return out.take();
}

TEST(TrainingMat, ReadsCompressedVariablesWithinBounds) {
  const TrainingRecord record{{"labeled-data", "clip", "img0.png"}, 3, 97, 131, {{0, 30, 40}}};
  const auto file = format_training_mat({record});
  const auto packed = with_compressed_variable(file, std::string_view(file).substr(128));
  EXPECT_EQ(text_of(parse_training_mat(as_bytes_of(packed)).at(0)), text_of(record));
  const auto bomb = with_compressed_variable(file, std::string(50'000'000, '\0'));
  EXPECT_ERROR(parse_training_mat(as_bytes_of(bomb)), ErrorKind::corrupt, "more than 64 times");
}

TEST(TrainingMat, RefusesFlagsAndDimensionsThatAreNoWholeNumbers) {
  const auto file = format_training_mat({});
  // The flags (element at 136) and the dimensions (at 152) as doubles far beyond any integer.
  for (const std::size_t tag : {136U, 152U}) {
    auto damaged = file;
    damaged[tag] = '\x09';
    damaged[tag + 15] = '\x7e';
    EXPECT_THROW(parse_mat(as_bytes_of(damaged)), Error) << "element at " << tag;
  }
}

TEST(TrainingMat, RefusesOtherFiles) {
  EXPECT_ERROR(parse_mat(as_bytes_of(std::string(200, 'x'))), ErrorKind::corrupt, "MATLAB 5 file");
  auto file = format_training_mat({});
  file[126] = 'M';
  file[127] = 'I';
  EXPECT_ERROR(parse_mat(as_bytes_of(file)), ErrorKind::unsupported, "big-endian");
}

TEST(Split, ReadsEveryDocumentationPickleAndItsMat) {
  NEEDS_SHARED("data/dlc-outputs/docpickle");
  // What Python's pickle says: records, train rows, test rows, percent, sum of the train rows.
  struct Expected {
    std::string_view part;
    std::size_t records, train, test;
    double fraction;
    int sum;
  };
  const Expected expected[] = {{"Tal_LipsJan28__", 207, 207, 392, 0.35, 21321},
                               {"SpeechProductionFeb12__", 519, 519, 1026, 0.34, 237021},
                               {"felixhol+biteOscope__DLC", 286, 378, 20, 0.95, 74679},
                               {"felixhol+biteOscope__LC", 378, 378, 20, 0.95, 75259},
                               {"BrailleJul26__", 89, 94, 5, 0.95, 4534}};
  std::size_t seen = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(shared_folder() / "data/dlc-outputs/docpickle")) {
    const auto name = entry.path().filename().string();
    SCOPED_TRACE(name);
    const auto split = read_split(entry.path());
    const auto records = read_training_records(entry.path());
    for (const auto& row : expected) {
      if (name.find(row.part) == std::string::npos) continue;
      ++seen;
      EXPECT_EQ(records.size(), row.records);
      EXPECT_EQ(split.train.size(), row.train);
      EXPECT_EQ(split.test.size(), row.test);
      EXPECT_EQ(split.fraction, row.fraction);
      EXPECT_EQ(std::accumulate(split.train.begin(), split.train.end(), 0), row.sum);
    }
  }
  EXPECT_EQ(seen, std::size(expected));
}

TEST(Split, MatAndPickleOfOneTrainingSetAgree) {
  NEEDS_SHARED("data/dlc-outputs/trainmat");
  const auto outputs = shared_folder() / "data/dlc-outputs";
  const auto project = shared_folder() /
                       "reference/dlc-project/training-datasets/iteration-0/"
                       "UnaugmentedDataSet_openfieldOct30";
  const auto prefix = "articulateinstruments+DeepLabCut-for-Speech-Production__"s;
  const auto lips =
      prefix + "Lips__training-datasets__iteration-0__UnaugmentedDataSet_Tal_LipsJan28__";
  const auto speech = prefix +
                      "Ultrasound__training-datasets__iteration-0__UnaugmentedDataSet_"
                      "SpeechProductionFeb12__";
  const auto braille =
      "priyank001+Braille_Pose_Estimation__training-datasets__iteration-0__UnaugmentedDataSet_"
      "BrailleJul26__"s;
  const std::pair<std::filesystem::path, std::filesystem::path> pairs[] = {
      {project / "openfield_Pranav95shuffle1.mat",
       project / "Documentation_data-openfield_95shuffle1.pickle"},
      {outputs / "trainmat" / (lips + "Tal_Lips_AW35shuffle0.mat"),
       outputs / "docpickle" / (lips + "Documentation_data-Tal_Lips_35shuffle0.pickle")},
      {outputs / "trainmat" / (speech + "SpeechProduction_AW34shuffle0.mat"),
       outputs / "docpickle" / (speech + "Documentation_data-SpeechProduction_34shuffle0.pickle")},
      {outputs / "trainmat" / (braille + "Braille_Priyank Namdev95shuffle1.mat"),
       outputs / "docpickle" / (braille + "Documentation_data-Braille_95shuffle1.pickle")}};
  for (const auto& [mat, pickle] : pairs) {
    SCOPED_TRACE(mat.string());
    EXPECT_EQ(texts_of(read_training_records(mat)), texts_of(read_training_records(pickle)));
  }
}

TEST(Split, ReadsEverySharedTrainingMat) {
  NEEDS_SHARED("data/dlc-outputs/trainmat");
  std::size_t seen = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(shared_folder() / "data/dlc-outputs/trainmat")) {
    const auto records = read_training_records(entry.path());
    EXPECT_FALSE(records.empty()) << entry.path();
    for (const auto& record : records) {
      ASSERT_EQ(record.path.size(), 3U) << entry.path();
      EXPECT_EQ(record.path[0], "labeled-data");
      EXPECT_FALSE(record.joints.empty());
    }
    ++seen;
  }
  EXPECT_EQ(seen, 9U);
}

TEST(Split, ComesBackAsItWasWritten) {
  const std::vector<TrainingRecord> records{
      {{"labeled-data", "clip", "img0.png"}, 3, 97, 131, {{0, 30, 40}, {2, 5, 6}}},
      {{"labeled-data", "clip", "img1.png"}, 1, 80, 96, {}}};
  const auto pickle = format_split(records, {{3, 0, 2}, {1}, 0.75});
  const auto split = parse_split(as_bytes_of(pickle));
  EXPECT_EQ(split.train, (std::vector<int>{3, 0, 2}));
  EXPECT_EQ(split.test, (std::vector<int>{1}));
  EXPECT_EQ(split.fraction, 0.75);
  EXPECT_EQ(texts_of(parse_pickled_records(as_bytes_of(pickle))), texts_of(records));
  for (std::size_t size = 0; size < pickle.size(); ++size)
    EXPECT_THROW(parse_split(as_bytes_of(pickle.substr(0, size))), Error) << size << " bytes";
}

TEST(Split, ReadsRecordsOfSeveralAnimalsByIndividual) {
  const std::vector<TrainingRecord> records = {
      {{"a", "b.png"}, 3, 4, 5, {{1, 1.25, 2, 0}, {0, 3, 2.5, 2}}}};
  for (const auto& pickle :
       {format_animal_records(records), format_animal_split(records, {{0}, {}, 1})}) {
    const auto read = parse_pickled_records(as_bytes_of(pickle));
    EXPECT_EQ(texts_of(read), texts_of(records));
    EXPECT_EQ(read.at(0).joints.at(1).individual, 2);
    EXPECT_EQ(read.at(0).joints.at(1).y, 2.5);
  }
}

}  // namespace
}  // namespace poseheir
