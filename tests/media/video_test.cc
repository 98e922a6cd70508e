#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <map>
#include <sstream>
#include <zlib.h>

#include "base/file.h"
#include "expect_error.h"
#include "poseheir/media.h"
#include "shared.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

using ::testing::IsEmpty;

unsigned long crc_of(const Image& image) {
  return ::crc32(0, image.pixels.data(), static_cast<unsigned>(image.pixels.size()));
}

struct FrameCrc {
  int frame, height, width;
  unsigned long crc;
};

// tests/data/media/frame_crcs.csv: made by frame_crcs.py beside it.
std::map<std::string, std::vector<FrameCrc>> opencv_frames() {
  std::map<std::string, std::vector<FrameCrc>> videos;
  std::ifstream stream(std::filesystem::path(POSEHEIR_TEST_DATA) / "media/frame_crcs.csv");
  std::string line;
  std::getline(stream, line);
  while (std::getline(stream, line)) {
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream cells(line);
    std::string video;
    FrameCrc frame{};
    cells >> video >> frame.frame >> frame.height >> frame.width >> std::hex >> frame.crc;
    videos[video].push_back(frame);
  }
  return videos;
}

TEST(VideoReader, ShowsPixelForPixelWhatOpenCvShows) {
  NEEDS_SHARED("data/projects");
  const auto videos = opencv_frames();
  ASSERT_EQ(videos.size(), 4U);
  for (const auto& [name, frames] : videos) {
    VideoReader reader(shared_folder() / name);
    Image image;
    int index = -1;
    for (const auto& expected : frames) {
      while (index < expected.frame && reader.next(image)) ++index;
      ASSERT_EQ(index, expected.frame) << name;
      EXPECT_EQ(image.height, expected.height) << name;
      EXPECT_EQ(image.width, expected.width) << name;
      EXPECT_EQ(crc_of(image), expected.crc) << name << ", frame " << index;
    }
    EXPECT_THAT(reader.problems(), IsEmpty()) << name;
  }
}

TEST(VideoReader, CountsFramesByReadingThem) {
  NEEDS_SHARED("reference/dlc-project/videos/m3v1_50.mp4");
  VideoReader reader(shared_folder() / "reference/dlc-project/videos/m3v1_50.mp4");
  EXPECT_EQ(reader.info().height, 480);
  EXPECT_EQ(reader.info().width, 640);
  EXPECT_EQ(reader.info().declared_frames, 50);
  EXPECT_EQ(reader.info().codec, "h264");
  EXPECT_NEAR(reader.info().frames_per_second, 30, 1);
  Image image;
  int count = 0;
  while (reader.next(image)) ++count;
  EXPECT_EQ(count, 50);
  EXPECT_FALSE(reader.next(image));
}

// The track header's matrix of the first clip, replaced by one that asks for a turn.
std::string turned_clip(std::array<std::int32_t, 4> turn) {
  auto bytes = read_file(shared_folder() / "reference/dlc-project/videos/m3v1_50.mp4");
  const auto matrix = bytes.find("tkhd") + 44;
  const std::size_t places[] = {0, 4, 12, 16};
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t byte = 0; byte < 4; ++byte)
      bytes[matrix + places[i] + byte] =
          static_cast<char>(static_cast<std::uint32_t>(turn[i]) >> (24 - 8 * byte));
  }
  return bytes;
}

// Expected: OpenCV 4.11 with CAP_PROP_ORIENTATION_AUTO, which other versions switch on by default.
TEST(VideoReader, TurnsPicturesAsTheContainerSays) {
  NEEDS_SHARED("reference/dlc-project/videos/m3v1_50.mp4");
  constexpr std::int32_t kOne = 0x10000;
  struct Turn {
    std::array<std::int32_t, 4> matrix;
    int height;
    unsigned long crc;
  };
  const TempDir folder;
  for (const auto& turn :
       {Turn{{0, kOne, -kOne, 0}, 640, 0xb8f1b893}, Turn{{-kOne, 0, 0, -kOne}, 480, 0x97d96e9d},
        Turn{{0, -kOne, kOne, 0}, 640, 0x6f356e80}}) {
    write_file(folder / "turned.mp4", turned_clip(turn.matrix));
    VideoReader reader(folder / "turned.mp4");
    Image image;
    ASSERT_TRUE(reader.next(image));
    EXPECT_EQ(reader.info().height, turn.height);
    EXPECT_EQ(image.height, turn.height);
    EXPECT_EQ(crc_of(image), turn.crc);
  }
}

TEST(VideoReader, ReportsDamageAndGoesOn) {
  NEEDS_SHARED("data/projects/openfield-pranav/videos/m3v1mp4.mp4");
  auto bytes = read_file(shared_folder() / "reference/dlc-project/videos/m3v1_50.mp4");
  for (std::size_t i = 20'000; i < 20'400; ++i) bytes[i] = 0x5A;
  const TempDir folder;
  write_file(folder / "damaged.mp4", bytes);
  VideoReader reader(folder / "damaged.mp4");
  Image image;
  int count = 0;
  while (reader.next(image)) ++count;
  EXPECT_GE(count, 40);
  ASSERT_FALSE(reader.problems().empty());
  EXPECT_THAT(reader.problems()[0], ::testing::HasSubstr("damaged.mp4: after frame "));
}

// The frames that come out of a damaged clip and those reported lost are together all of it.
TEST(VideoReader, KnowsWhichFramesAreLost) {
  NEEDS_SHARED("reference/dlc-project/videos/m3v1_50.mp4");
  auto bytes = read_file(shared_folder() / "reference/dlc-project/videos/m3v1_50.mp4");
  // A packet of H.264 begins with the length of its first unit; a wrong one makes it unreadable.
  for (std::size_t i = 20'000; i < 30'000; ++i) bytes[i] = 0x5A;
  const TempDir folder;
  write_file(folder / "damaged.mp4", bytes);
  VideoReader reader(folder / "damaged.mp4");
  Image image;
  int frames = 0, lost = 0;
  while (reader.next(image)) {
    lost += reader.lost();
    ++frames;
  }
  lost += reader.lost();
  EXPECT_LT(frames, 50);
  EXPECT_EQ(frames + lost, 50);
}

TEST(VideoReader, RefusesWhatIsNoVideo) {
  const TempDir folder;
  EXPECT_ERROR(VideoReader(folder / "none.mp4"), ErrorKind::io, "none.mp4");
  write_file(folder / "text.mp4", "no video here");
  EXPECT_ERROR(VideoReader(folder / "text.mp4"), ErrorKind::corrupt, "text.mp4");
}

Image gradient(int height, int width, int shift) {
  Image image{height, width, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const int value : {2 * x + shift, 3 * y, 128})
        image.pixels.push_back(static_cast<std::uint8_t>(std::min(value, 255)));
    }
  }
  return image;
}

double mean_difference(const Image& a, const Image& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}

TEST(VideoWriter, WritesFramesThatComeBack) {
  const TempDir folder;
  VideoWriter writer(folder / "out.mp4", 48, 64, 25);
  for (int i = 0; i < 20; ++i) writer.write(gradient(48, 64, 5 * i));
  EXPECT_FALSE(std::filesystem::exists(folder / "out.mp4"));
  writer.finish();
  VideoReader reader(folder / "out.mp4");
  EXPECT_DOUBLE_EQ(reader.info().frames_per_second, 25);
  Image image;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(reader.next(image)) << i;
    EXPECT_LT(mean_difference(image, gradient(48, 64, 5 * i)), 3) << i;
  }
  EXPECT_FALSE(reader.next(image));
}

TEST(VideoWriter, TakesOddSidesAndLeavesNothingWhenNotFinished) {
  const TempDir folder;
  {
    VideoWriter writer(folder / "odd.mp4", 47, 63, 12.5);
    writer.write(gradient(47, 63, 0));
    writer.finish();
    VideoWriter abandoned(folder / "never.mp4", 48, 64, 25);
    abandoned.write(gradient(48, 64, 0));
    EXPECT_ERROR(abandoned.write(gradient(48, 63, 0)), ErrorKind::usage,
                 "63 x 48 pixels in a video of 64 x 48");
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  VideoReader reader(folder / "odd.mp4");
  Image image;
  ASSERT_TRUE(reader.next(image));
  EXPECT_EQ(image.height, 48);
  EXPECT_EQ(image.width, 64);
  EXPECT_ERROR(VideoWriter("/nowhere/x.mp4", 48, 64, 25), ErrorKind::io, "/nowhere/x.mp4");
}

}  // namespace
}  // namespace poseheir
