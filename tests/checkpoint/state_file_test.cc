#include "checkpoint/state_file.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "checkpoint/reference.h"
#include "expect_error.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

std::filesystem::path state_files() {
  return shared_folder() / "reference" / "checkpoints" / "state_files";
}

// TensorFlow joins relative paths to the folder; the names themselves must agree.
std::string without_folder(const std::string& path) {
  const std::string folder = "FOLDER/";
  return path.starts_with(folder) ? path.substr(folder.size()) : path;
}

TEST(CheckpointState, ReadsWhatTensorflowReads) {
  NEEDS_SHARED(state_files());
  const auto listed = read_json(state_files() / "expected.json");
  std::size_t read = 0;
  for (const auto& [name, expected] : listed["cases"].items()) {
    SCOPED_TRACE(name);
    const auto text = read_file(state_files() / (name + ".checkpoint"));
    const auto& tensorflow = expected["get_checkpoint_state"];
    if (tensorflow.is_null() || tensorflow.contains("error")) {
      EXPECT_THROW(parse_checkpoint_state(text), Error);
      continue;
    }
    ++read;
    const auto state = parse_checkpoint_state(text);
    EXPECT_EQ(state.newest, without_folder(tensorflow["model_checkpoint_path"]));
    const auto& all = tensorflow["all_model_checkpoint_paths"];
    ASSERT_EQ(state.all.size(), all.size());
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(state.all[i], without_folder(all[i]));
  }
  EXPECT_EQ(read, 17U);
}

TEST(CheckpointState, IsSpelledAsTensorflowSpellsIt) {
  NEEDS_SHARED(state_files());
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(state_files())) {
    if (!file.path().filename().string().starts_with("written_by_tensorflow_")) continue;
    const auto text = read_file(file.path());
    EXPECT_EQ(format_checkpoint_state(parse_checkpoint_state(text)), text) << file.path();
    ++files;
  }
  EXPECT_EQ(files, 6U);
}

TEST(CheckpointState, ListsTheNewestLastWhereItWasMissing) {
  EXPECT_EQ(format_checkpoint_state({"snapshot-300", {"snapshot-100"}}),
            "model_checkpoint_path: \"snapshot-300\"\n"
            "all_model_checkpoint_paths: \"snapshot-100\"\n"
            "all_model_checkpoint_paths: \"snapshot-300\"\n");
}

TEST(CheckpointState, LosesForeignFolders) {
  const TempDir folder;
  EXPECT_FALSE(read_checkpoint_state(folder.path()));
  write_file(folder / "checkpoint",
             "model_checkpoint_path: \"D:\\\\DLC\\\\demo\\\\train\\\\snapshot-200\"\n"
             "all_model_checkpoint_paths: \"/data/demo/train/snapshot-100\"\n"
             "all_model_checkpoint_paths: \"../elsewhere/snapshot-200\"\n");
  const auto state = read_checkpoint_state(folder.path());
  ASSERT_TRUE(state);
  EXPECT_EQ(state->newest, "snapshot-200");
  EXPECT_EQ(state->all, (std::vector<std::string>{"snapshot-100", "snapshot-200"}));
}

TEST(CheckpointState, ReadsWhatItWrites) {
  const TempDir folder;
  const CheckpointState written{"it's \"new\"\t-2", {"r\xC3\xA9seau-1", "it's \"new\"\t-2"}};
  write_checkpoint_state(folder.path(), written);
  const auto state = read_checkpoint_state(folder.path());
  ASSERT_TRUE(state);
  EXPECT_EQ(state->newest, written.newest);
  EXPECT_EQ(state->all, written.all);
}

TEST(CheckpointState, NamesTheLineThatIsWrong) {
  const TempDir folder;
  const auto read = [&](std::string_view text) {
    write_file(folder / "checkpoint", text);
    return read_checkpoint_state(folder.path());
  };
  const auto place = (folder / "checkpoint").string();
  EXPECT_ERROR(read("model_checkpoint_path: \"a\"\nnovelty: 1\n"), ErrorKind::corrupt,
               place + ": line 2: unknown field 'novelty'");
  EXPECT_ERROR(read("model_checkpoint_path: \"a\n"), ErrorKind::corrupt, "a quote is not closed");
  EXPECT_ERROR(read("model_checkpoint_path: \"\\q\""), ErrorKind::corrupt, "unknown escape '\\q'");
  EXPECT_ERROR(read("model_checkpoint_path \"a\""), ErrorKind::corrupt, "expected ':'");
  EXPECT_ERROR(read("all_model_checkpoint_paths: [\"a\", \"b\"\n"), ErrorKind::corrupt,
               "expected ']'");
  EXPECT_ERROR(read(""), ErrorKind::corrupt, "names no newest checkpoint");
  EXPECT_ERROR(read("model_checkpoint_path: \"a/..\""), ErrorKind::corrupt, "names no checkpoint");
  EXPECT_ERROR(read(std::string(2'000'000, '#')), ErrorKind::corrupt, "expected at most 1.0 MB");
}

TEST(CheckpointState, CutShortNeverNamesAnotherCheckpoint) {
  const std::string text = "model_checkpoint_path: \"snapshot-200\"\n";
  for (std::size_t size = 0; size < text.size() - 1; ++size)
    EXPECT_THROW(parse_checkpoint_state(text.substr(0, size)), Error) << size;
}

TEST(Snapshots, AreListedByNumber) {
  const TempDir folder;
  for (const std::string name :
       {"snapshot-1000.index", "snapshot-200.index", "snapshot-50.index", "snapshot-50.meta",
        "snapshot-best.index", "snapshot-3000.data-00000-of-00001", "notes.txt"})
    write_file(folder / name, "");
  const auto snapshots = list_snapshots(folder.path());
  ASSERT_EQ(snapshots.size(), 3U);
  EXPECT_EQ(snapshots[0].prefix, folder / "snapshot-50");
  EXPECT_EQ(snapshots[1].iteration, 200);
  EXPECT_EQ(snapshots[2].prefix, folder / "snapshot-1000");
  EXPECT_ERROR(list_snapshots(folder / "absent"), ErrorKind::io, "cannot list the folder");
}

}  // namespace
}  // namespace poseheir
