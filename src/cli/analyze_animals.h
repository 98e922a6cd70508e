// What `analyze` and `track` share: videos of several animals, and what is told of each video.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/model_options.h"
#include "poseheir/predict_animals.h"

namespace poseheir {

// Of one video.
struct Analyzed {
  std::filesystem::path video, result;
  std::int64_t frames = 0, declared = 0;
  std::vector<std::int64_t> lost;                         // frames that could not be decoded
  std::vector<std::string> problems;                      // a line each
  std::vector<std::pair<std::string, std::size_t>> also;  // "animals" and how many, for people
  bool skipped = false;
};

// One line a video, warnings on stderr; or all as one JSON document.
void print_analyzed(const std::vector<Analyzed>& videos, bool json);

struct FollowArguments {
  FollowOptions follow;
  std::string tracker;
  bool no_stitch = false, no_split = false, no_join = false;
};
void add_follow_options(CLI::App& command, FollowArguments& arguments);

// The files of a video: in `folder` or beside it; a part of the video under a name of its own.
AnimalFiles files_of(const std::filesystem::path& video, const std::string& folder,
                     const std::string& scorer, const std::optional<FrameRange>& frames);

// Detections to individuals for one video whose `_full.pickle` is there. What exists is kept unless
// `overwrite`.
class Follower {
 public:
  Follower(const Project& project, const ModelPaths& paths, std::string scorer,
           const FollowArguments& arguments);

  std::filesystem::path result(const AnimalFiles& files) const;
  bool is_done(const AnimalFiles& files) const { return std::filesystem::exists(result(files)); }
  void follow(const AnimalFiles& files, const FullPickle& detections, Analyzed& analyzed) const;

 private:
  const Project& project_;
  std::string scorer_;
  FollowOptions options_;
  InferenceConfig inference_;
  std::optional<Calibration> calibration_;
};

}  // namespace poseheir
