// In which points two runs differ, in the words of somebody who has to do something about it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace poseheir {

// Of what decides over the weights; empty where all agrees. `there` is a run's identity, where it
// is known with "pictures" and "pose_cfg_text" of its run.json, so that files and keys can be
// named; `now` has these.
std::string difference(const nlohmann::json& there, const nlohmann::json& now);
// The labels themselves only decide over the errors that are measured.
bool labels_differ(const nlohmann::json& there, const nlohmann::json& now);

}  // namespace poseheir
