// Pictures: there, readable, as large as their labels say, and no test picture a twin of a training
// picture.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <fmt/format.h>

#include "base/text.h"
#include "check/examination.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

constexpr int kCells = 32;

std::vector<std::uint8_t> thumbnail_of(const Image& image) {
  std::vector<std::uint8_t> cells;
  for (int row = 0; row < kCells; ++row) {
    const int top = image.height * row / kCells;
    const int bottom = std::max(top + 1, image.height * (row + 1) / kCells);
    for (int column = 0; column < kCells; ++column) {
      const int left = image.width * column / kCells;
      const int right = std::max(left + 1, image.width * (column + 1) / kCells);
      std::uint64_t sum = 0;
      for (int y = top; y < bottom; ++y) {
        const auto* pixel = &image.pixels[(static_cast<std::size_t>(y) * image.width + left) * 3];
        for (const auto* end = pixel + (right - left) * 3; pixel < end; ++pixel) sum += *pixel;
      }
      const auto count = static_cast<std::uint64_t>(bottom - top) * (right - left) * 3;
      cells.push_back(static_cast<std::uint8_t>(sum / count));
    }
  }
  return cells;
}

// A mean over hundreds of pixels barely feels the camera's noise, and a small animal that moved by
// a few pixels changes some cell by more than this.
constexpr int kSameCell = 4;

bool near_duplicates(const PictureFacts& a, const PictureFacts& b) {
  if (a.thumbnail.empty() || b.thumbnail.empty() || a.size.width != b.size.width ||
      a.size.height != b.size.height)
    return false;
  return std::equal(a.thumbnail.begin(), a.thumbnail.end(), b.thumbnail.begin(),
                    [](int x, int y) { return std::abs(x - y) <= kSameCell; });
}

// A file that differs in case or ending only: systems treat names differently.
std::string similar_file(const fs::path& path) {
  std::error_code ignored;
  const auto stem = to_lower(path.stem().string());
  for (const auto& entry : fs::directory_iterator(path.parent_path(), ignored)) {
    if (to_lower(entry.path().stem().string()) == stem &&
        !entry.path().filename().string().starts_with("CollectedData"))
      return fmt::format("; '{}' is there", entry.path().filename().string());
  }
  return {};
}

// Findings of one kind in one folder: the first few by name, the rest as a number.
class Few {
 public:
  Few(Examination& examination, Severity severity, std::string kind, std::string folder)
      : examination_(examination),
        severity_(severity),
        kind_(std::move(kind)),
        folder_(std::move(folder)) {}
  void add(const std::string& place, std::string text) {
    if (count_++ < kListed) examination_.add(severity_, kind_, place, std::move(text));
  }
  void finish() const {
    if (count_ > kListed)
      examination_.add(severity_, kind_, folder_,
                       fmt::format("{} more of this kind", count_ - kListed));
  }

 private:
  static constexpr int kListed = 5;
  Examination& examination_;
  Severity severity_;
  std::string kind_, folder_;
  int count_ = 0;
};

void compare_points(const LabelFile& file, const LabelledImage& image, const ImageSize& size,
                    Few& outside) {
  for (std::size_t i = 0; i < image.points.size(); ++i) {
    const auto& point = image.points[i];
    if (point.missing()) continue;
    if (point.x >= 0 && point.x < size.width && point.y >= 0 && point.y < size.height) continue;
    const auto& column = file.table.columns[i];
    outside.add(picture_name(image),
                fmt::format("{}{} at ({:.1f}, {:.1f}) lies outside the picture of {} x {}: "
                            "DeepLabCut trains without it",
                            column.individual.empty() ? "" : column.individual + "'s ",
                            column.bodypart, point.x, point.y, size.width, size.height));
  }
}

void check_folder(Examination& examination, const LabelFile& file, bool decode,
                  Pictures& pictures) {
  const auto folder = examination.short_name(file.path.parent_path());
  Few missing(examination, Severity::error, "missing-picture", folder);
  Few unreadable(examination, Severity::error, "unreadable-picture", folder);
  Few outside(examination, Severity::warning, "outside", folder);
  for (const auto& image : file.table.images) {
    const auto path = image_path(examination.project, image);
    const auto name = picture_name(image);
    if (!fs::exists(path)) {
      missing.add(name, "labelled, but not there" + similar_file(path));
      continue;
    }
    try {
      PictureFacts facts{read_image_size(path), {}};
      if (decode) facts.thumbnail = thumbnail_of(read_image(path));
      compare_points(file, image, facts.size, outside);
      pictures.insert_or_assign(name, std::move(facts));
    } catch (const Error& error) {
      unreadable.add(name, error.what());
    }
  }
  for (const auto* few : {&missing, &unreadable, &outside}) few->finish();
}

void describe_sizes(Examination& examination, const Pictures& pictures) {
  std::map<std::pair<int, int>, int> sizes;
  for (const auto& [name, facts] : pictures) ++sizes[{facts.size.width, facts.size.height}];
  if (sizes.size() < 2) return;
  std::string text;
  for (const auto& [size, count] : sizes)
    text +=
        fmt::format("{}{} of {} x {}", text.empty() ? "" : ", ", count, size.first, size.second);
  examination.add(Severity::note, "sizes", "labeled-data", "pictures of several sizes: " + text);
}

std::vector<std::string> names_of(const Labels& labels, const std::vector<int>& rows) {
  std::vector<std::string> names;
  for (const int row : rows) {
    if (row >= 0 && static_cast<std::size_t>(row) < labels.images.size())
      names.push_back(picture_name(labels.images[static_cast<std::size_t>(row)]));
  }
  return names;
}

}  // namespace

Pictures check_pictures(Examination& examination, bool decode) {
  Pictures pictures;
  for (const auto& file : examination.files) check_folder(examination, file, decode, pictures);
  describe_sizes(examination, pictures);
  return pictures;
}

void check_leaks(Examination& examination, const Pictures& pictures) {
  for (const auto& set : examination.training_sets) {
    const auto train = names_of(set.labels, set.split.train);
    int leaked = 0, tested = 0;
    std::string example;
    for (const auto& name : names_of(set.labels, set.split.test)) {
      const auto picture = pictures.find(name);
      if (picture == pictures.end()) continue;
      ++tested;
      const auto twin = std::find_if(train.begin(), train.end(), [&](const auto& other) {
        const auto found = pictures.find(other);
        return other != name && found != pictures.end() &&
               near_duplicates(picture->second, found->second);
      });
      if (twin == train.end()) continue;
      if (++leaked == 1) example = fmt::format("{} and {}", name, *twin);
    }
    if (leaked > 0)
      examination.add(
          Severity::warning, "near-duplicates", set.name,
          fmt::format("{} of {} test pictures have a near-duplicate among the training pictures "
                      "(such as {}): the test error will look better than it is",
                      leaked, tested, example));
  }
}

}  // namespace poseheir
