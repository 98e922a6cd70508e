#include <algorithm>
#include <cstdlib>
#include <gmock/gmock.h>

#include "base/file.h"
#include "expect_error.h"
#include "poseheir/media.h"
#include "shared.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

// tests/data/media/pictures: made by tests/data/media/make_pictures.py; beside each picture the
// array that DeepLabCut's imread gives for it.
std::filesystem::path picture(const std::string& name) {
  return std::filesystem::path(POSEHEIR_TEST_DATA) / "media/pictures" / name;
}

int largest_difference(const std::string& name) {
  const auto expected = read_npy<std::uint8_t>(picture(name + ".npy"));
  const auto image = read_image(picture(name));
  EXPECT_EQ(image.height, expected.shape[0]) << name;
  EXPECT_EQ(image.width, expected.shape[1]) << name;
  EXPECT_EQ(image.pixels.size(), expected.values.size()) << name;
  int largest = 0;
  for (std::size_t i = 0; i < std::min(image.pixels.size(), expected.values.size()); ++i)
    largest = std::max(largest, std::abs(image.pixels[i] - expected.values[i]));
  return largest;
}

TEST(ReadImage, SeesWhatDeepLabCutSeesInEveryLosslessKind) {
  for (const auto* name :
       {"rgb.png", "rgba.png", "grey.png", "grey16.png", "rgb16.png", "rgba16.png", "palette.png",
        "bilevel.png", "rgb.tif", "lzw.tif", "rgb.bmp"})
    EXPECT_EQ(largest_difference(name), 0) << name;
}

TEST(ReadImage, DecodesJpegWithinTheRoundingOfItsTransform) {
  EXPECT_LE(largest_difference("grey.jpg"), 1);
  EXPECT_LE(largest_difference("rgb444.jpg"), 3);
  // FFmpeg places halved colour samples a little differently from libjpeg.
  EXPECT_LE(largest_difference("rgb.jpg"), 9);
}

TEST(ReadImageSize, CountsChannelsAsStored) {
  const auto channels = [](const char* name) { return read_image_size(picture(name)).channels; };
  EXPECT_EQ(channels("rgb.png"), 3);
  EXPECT_EQ(channels("rgba.png"), 4);
  EXPECT_EQ(channels("grey.png"), 1);
  EXPECT_EQ(channels("palette.png"), 1);
  EXPECT_EQ(channels("rgb.jpg"), 3);
  EXPECT_EQ(channels("grey.jpg"), 1);
  EXPECT_EQ(read_image_size(picture("rgb.png")).height, 7);
  EXPECT_EQ(read_image_size(picture("rgb.png")).width, 9);
  EXPECT_EQ(read_image_size(picture("rgb.jpg")).width, 64);
}

TEST(ReadImage, RefusesWhatIsNoPictureOrCutShort) {
  const TempDir folder;
  EXPECT_ERROR(read_image(folder / "none.png"), ErrorKind::io, "none.png");
  write_file(folder / "text.png", "this is no picture at all, only a line of text\n");
  EXPECT_ERROR(read_image(folder / "text.png"), ErrorKind::corrupt, "text.png: ");
  write_file(folder / "empty.png", "");
  EXPECT_THROW(read_image(folder / "empty.png"), Error);
  const auto whole = read_file(picture("rgb.png"));
  for (std::size_t size = 0; size + 12 < whole.size();
       size += 7) {  // the last 12 bytes are only an end mark
    write_file(folder / "cut.png", whole.substr(0, size));
    EXPECT_THROW(read_image(folder / "cut.png"), Error) << size << " bytes";
  }
}

TEST(WriteImage, KeepsEveryPixelInPng) {
  const TempDir folder;
  const auto image = read_image(picture("rgb.png"));
  write_image(folder / "again.png", image);
  const auto again = read_image(folder / "again.png");
  EXPECT_EQ(again.width, image.width);
  EXPECT_EQ(again.pixels, image.pixels);
}

TEST(WriteImage, KeepsJpegClose) {
  const TempDir folder;
  const auto image = read_image(picture("rgb444.jpg"));
  write_image(folder / "again.jpg", image);
  const auto again = read_image(folder / "again.jpg");
  ASSERT_EQ(again.pixels.size(), image.pixels.size());
  int largest = 0;
  for (std::size_t i = 0; i < image.pixels.size(); ++i)
    largest = std::max(largest, std::abs(image.pixels[i] - again.pixels[i]));
  EXPECT_LE(largest, 12);
}

TEST(WriteImage, RefusesUnknownExtensionsAndWrongSizes) {
  const TempDir folder;
  EXPECT_ERROR(write_image(folder / "a.webp", {1, 1, {0, 0, 0}}), ErrorKind::usage, ".png or .jpg");
  EXPECT_ERROR(write_image(folder / "a.png", {2, 1, {0, 0, 0}}), ErrorKind::usage, "three bytes");
}

}  // namespace
}  // namespace poseheir
