#include "pose/event_file.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

using namespace std::string_literals;

// What tensorboard 2.15.2's own EventFileWriter writes for the scalar "a" = 0.5 at step 3 and wall
// time 1.5, bit for bit.
const std::string kTheirs =
    "\x17\x00\x00\x00\x00\x00\x00\x00\xe7\xce\xf8\x1e\x09\x00\x00\x00\x00\x00\x00\xf8"
    "\x3f\x10\x03\x2a\x0a\x0a\x08\x0a\x01\x61\x15\x00\x00\x00\x3f\xde\x57\x68\xcd"s;

TEST(EventFile, HasTheBytesOfTensorBoardsOwnWriter) {
  EXPECT_EQ(format_record(format_scalars(1.5, 3, {{"a", 0.5}})), kTheirs);
}

TEST(EventFile, BeginsWithItsVersionAndTheStepFromWhichStepsCountAnew) {
  const TempDir folder;
  const EventFile file(folder.path(), 7);
  file.add(LossPoint{8, 0.5, 0.25, 0.125, 0.005, 1});
  const auto path = std::filesystem::directory_iterator(folder.path())->path();
  EXPECT_TRUE(path.filename().string().starts_with("events.out.tfevents.")) << path;
  const auto bytes = read_file(path);
  EXPECT_EQ(bytes.substr(21, 15),
            "\x1a\x0d"
            "brain.Event:2");
  EXPECT_NE(bytes.find("\x10\x07\x3a\x02\x08\x01"s), std::string::npos);  // step 7, START
  EXPECT_NE(bytes.find("loss/score_map"), std::string::npos);
  EventFile::clear(folder.path());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace poseheir
