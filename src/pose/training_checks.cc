#include "pose/training_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <system_error>

#include "poseheir/error.h"

namespace poseheir {

void require_same_keypoints(const Project& project, const PoseConfig& config,
                            const Dataset& dataset) {
  const auto names = config.keypoint_names.size();
  const auto count = static_cast<std::size_t>(config.network.keypoints);
  if (names > 0 && names != count)
    throw Error(ErrorKind::mismatch,
                fmt::format("{}: num_joints is {}, but all_joints_names has {}; make them agree, "
                            "or the model anew (poseheir create-training-dataset --overwrite)",
                            config.path.string(), count, names));
  const auto labelled = dataset.labels.bodyparts.size();
  if (!project.multi_animal && labelled != count)
    throw Error(ErrorKind::mismatch,
                fmt::format("{}: num_joints is {}, but {} body parts are labelled; make the model "
                            "anew (poseheir create-training-dataset --overwrite)",
                            config.path.string(), count, labelled));
  for (const auto& record : dataset.records)
    for (const auto& joint : record.joints)
      if (joint.id < 0 || static_cast<std::size_t>(joint.id) >= count)
        throw Error(
            ErrorKind::mismatch,
            fmt::format("{}: its training set labels keypoint {} of {}, but num_joints is {} "
                        "(numbers count from 0); make the model anew (poseheir "
                        "create-training-dataset --overwrite)",
                        config.path.string(), joint.id, fmt::join(record.path, "/"), count));
}

void refuse_vain_options(const TrainOptions& options, const PoseConfig& config,
                         const TrainingPlan& plan) {
  const bool never = plan.eval_iterations == 0;
  if (options.recipe != Recipe::dlc && options.optimizer != OptimizerChoice::by_config)
    throw Error(ErrorKind::usage, "--optimizer is of --recipe dlc; fast has its own");
  if (options.patience && never)
    throw Error(ErrorKind::usage,
                fmt::format("{}: --patience waits for better errors, but none are measured while "
                            "training (--eval-iters 0)",
                            config.path.string()));
}

void make_training_folder(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code)
    throw Error(ErrorKind::io,
                fmt::format("{}: cannot be made: {}; check who owns the folders above it and "
                            "whether they may be written",
                            folder.string(), code.message()));
}

void refuse_to_replace_others(const std::filesystem::path& folder, std::int64_t first_iteration) {
  if (std::filesystem::exists(folder / "run.json")) return;
  const auto old = list_snapshots(folder);
  if (old.empty() || old.back().iteration <= first_iteration) return;
  throw Error(ErrorKind::usage,
              fmt::format("{}: holds snapshots of a training that is not Poseheir's, up to {}; "
                          "--run-name NAME trains beside it, --overwrite in its place, --init "
                          "{} goes on from it",
                          folder.string(), old.back().prefix.filename().string(),
                          old.back().prefix.string()));
}

std::shared_ptr<const Image> of_recorded_size(std::shared_ptr<const Image> picture,
                                              const std::filesystem::path& path,
                                              const TrainingRecord& record) {
  if (picture->width != record.width || picture->height != record.height)
    throw Error(
        ErrorKind::mismatch,
        fmt::format("{}: a picture of {} x {} pixels, but it was labelled at {} x {}; put "
                    "that one back, or label it anew and make another training set "
                    "(poseheir create-training-dataset)",
                    path.string(), picture->width, picture->height, record.width, record.height));
  return picture;
}

}  // namespace poseheir
