// Two small runs with known numbers: 8 pictures (4 train, 4 test), two body parts.
#pragma once

#include <vector>

#include "poseheir/report.h"

namespace poseheir {

// Every distance of the test pictures is near `test`, every one of the training pictures 1 px.
inline RunReport sample_run(const std::string& name, double test) {
  RunReport run;
  run.name = name;
  run.split = {{0, 1, 2, 3}, {4, 5, 6, 7}, 0.5};
  for (int row = 0; row < 8; ++row) {
    const double off = 0.1 * (row % 2);
    const double base = row < 4 ? 1.0 : test;
    run.metrics.distances.push_back({base + off, base - off});
    run.likelihoods.push_back({0.9, row == 7 ? 0.3 : 0.8});
  }
  run.metrics.all = {1.0, test, 1.0, test};
  run.metrics.keypoints = {{"snout", {1.05, test + 0.05, 1.05, test + 0.05}, 4, 4},
                           {"tail", {0.95, test - 0.05, 0.95, test - 0.05}, 4, 4}};
  for (int i = 1; i <= 10; ++i)
    run.losses.push_back({i * 100, 0.1 / i, 0.08 / i, 0.02 / i, 0.005, i * 2.0});
  for (int i = 1; i <= 5; ++i)
    run.errors.push_back({i * 200, {5.0 / i, test * 5 / i, kMissing, kMissing}, i * 4.0});
  run.settings = {{"network", "mobilenet_v2_0.35"}, {"start", name}};
  return run;
}

inline ReportOptions sample_options() {
  ReportOptions options;
  options.title = "Sample <project>";
  options.bodyparts = {"snout", "tail"};
  options.skeleton = {{"snout", "tail"}};
  options.plots = false;
  return options;
}

}  // namespace poseheir
