#include "poseheir/report.h"

#include <algorithm>
#include <fstream>
#include <gmock/gmock.h>
#include <iterator>
#include <regex>

#include "report/sample_runs.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string text_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

ExamplePicture grey_example() {
  ExamplePicture example{"labeled-data/a/img1.png (test)",
                         {60, 80, std::vector<std::uint8_t>(60 * 80 * 3, 128)},
                         {},
                         {}};
  example.labels = {{20, 20}, {60, 40}};
  example.predictions = {{22, 20, 0.9}, {60, 41, 0.2}};
  return example;
}

TEST(Report, WritesOnePageThatNeedsNoNetwork) {
  const TempDir folder;
  auto run = sample_run("inherited", 4);
  run.examples = {grey_example()};
  const auto files =
      write_report(folder / "report", {run, sample_run("fresh", 10)}, sample_options());
  const auto page = text_of(files.page);
  EXPECT_FALSE(std::regex_search(
      page, std::regex(R"((src|href|action)\s*=\s*["']?(https?:)?//)", std::regex::icase)));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  EXPECT_THAT(page, HasSubstr("Chart.js v3"));
  EXPECT_THAT(page, HasSubstr("THE SOFTWARE IS PROVIDED"));
  EXPECT_THAT(page, HasSubstr("data:image/jpeg;base64,/9j/"));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(page, Not(HasSubstr("{{")));
}

TEST(Report, ShowsTheNumbersItWasGiven) {
  const TempDir folder;
  const auto files = write_report(
      folder / "report", {sample_run("inherited", 4), sample_run("fresh", 10)}, sample_options());
  const auto page = text_of(files.page);
  EXPECT_THAT(page, HasSubstr("4.00 <small>px test error"));
  EXPECT_THAT(page, HasSubstr("10.0 <small>px test error"));
  EXPECT_THAT(page, HasSubstr("\"loss\":[[100,0.1,0.08,2.0]"));
  EXPECT_THAT(page, HasSubstr(files.verdict.substr(0, 30)));
  EXPECT_THAT(page, HasSubstr("Sample &lt;project&gt;"));
}

TEST(Report, MakesNaNAGapAndNotANumber) {
  const TempDir folder;
  auto run = sample_run("inherited", 4);
  run.losses[3].total_loss = kMissing;
  const auto page = text_of(write_report(folder / "report", {run}, sample_options()).page);
  EXPECT_THAT(page, HasSubstr("[400,null,"));
  EXPECT_FALSE(
      std::regex_search(page.substr(page.find("id=\"data\">"), 4000), std::regex("nan|NaN|inf")));
  EXPECT_THAT(text_of(folder / "report/losses.csv"), HasSubstr("inherited,400,,0.02,"));
}

TEST(Report, SaysWhichColourIsWhichKeypointAndWhatTheMarkersAre) {
  const TempDir folder;
  auto run = sample_run("inherited", 4);
  run.examples = {grey_example()};
  const auto page = text_of(write_report(folder / "report", {run}, sample_options()).page);
  EXPECT_THAT(page, HasSubstr("</span>label</span>"));
  EXPECT_THAT(page, HasSubstr("prediction below p-cutoff 0.6"));
  // The first keypoint's colour is full red with a little white.
  EXPECT_THAT(page, HasSubstr("background:rgb(255,38,38)\"></span>snout</span>"));
}

TEST(Report, LeavesOutWhatARunLacks) {
  const TempDir folder;
  RunReport bare;
  bare.name = "only losses";
  bare.losses = {{100, 0.5, 0.4, 0.1, 0.005, 3}};
  const auto page = text_of(write_report(folder / "report", {bare}, sample_options()).page);
  EXPECT_THAT(page, HasSubstr("Loss while training"));
  EXPECT_THAT(page, Not(HasSubstr("Error per keypoint</h2>")));
  EXPECT_THAT(page, Not(HasSubstr("Example pictures</h2>")));
  EXPECT_THAT(page, HasSubstr("no test error yet"));
}

TEST(Report, WritesTheNumbersAsCsv) {
  const TempDir folder;
  write_report(folder / "report", {sample_run("a, b", 4)}, sample_options());
  EXPECT_THAT(text_of(folder / "report/losses.csv"),
              HasSubstr("\"a, b\",100,0.1,0.08,0.02,0.005,2.0\n"));
  EXPECT_THAT(text_of(folder / "report/errors.csv"), HasSubstr("\"a, b\",1000,1.0,4.0,,,20.0\n"));
  EXPECT_THAT(text_of(folder / "report/keypoints.csv"), HasSubstr("\"a, b\",snout,test,4.05"));
  EXPECT_THAT(text_of(folder / "report/cutoff.csv"), HasSubstr("\"a, b\",0.4,1.0,"));
}

TEST(Report, DrawsThePlotsWithGnuplotOrSaysThatItIsAbsent) {
  const TempDir folder;
  auto options = sample_options();
  options.plots = true;
  const auto files =
      write_report(folder / "report", {sample_run("it's", 4), sample_run("fresh", 10)}, options);
  for (const auto* name :
       {"loss", "part-loss", "error", "error-per-keypoint", "error-over-cutoff"}) {
    if (!files.notes.empty()) {
      EXPECT_THAT(files.notes[0], HasSubstr("gnuplot"));
      continue;
    }
    EXPECT_EQ(text_of(folder / "report" / (std::string(name) + ".png")).substr(0, 4), "\x89PNG")
        << name;
    EXPECT_THAT(text_of(folder / "report" / (std::string(name) + ".svg")), HasSubstr("</svg>"))
        << name;
  }
}

TEST(DrawPoses, EnlargesSmallPicturesAndMarksPointsWhereTheyAre) {
  const auto image = draw_poses(grey_example(), sample_options());
  EXPECT_EQ(image.width, 640);
  EXPECT_EQ(image.height, 480);
  const auto at = [&](int x, int y) {
    return &image.pixels[(static_cast<std::size_t>(y) * image.width + x) * 3];
  };
  // The label at (20, 20) is a white cross at 8 times that; its arm reaches left of the discs.
  EXPECT_GT(at(156, 160)[0], 200);
  EXPECT_GT(at(156, 160)[2], 200);
  // The likely prediction is a filled disc in a colour, the unlikely one hollow.
  const auto grey = [&](const std::uint8_t* p) {
    return std::max({p[0], p[1], p[2]}) - std::min({p[0], p[1], p[2]}) < 12;
  };
  EXPECT_FALSE(grey(at(176, 158)));
  // Nothing is drawn far from the points.
  EXPECT_EQ(at(400, 60)[0], 128);
}

}  // namespace
}  // namespace poseheir
