// Whole training steps of a project's model as `poseheir train --recipe dlc` makes them, loading
// and augmentation included; for bench/train.sh.
#include "poseheir/train.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "loading.h"
#include "poseheir/error.h"
#include "poseheir/media.h"

namespace poseheir::bench {
namespace {

// Seconds since 1970, as the shell's EPOCHREALTIME.
double now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

double peak_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  return 0;
}

struct Job {
  std::string config;
  double started = 0;
  int warm_up = 5, steps = 10;
  TrainOptions options;
};

// One line: median seconds of a step, seconds from the start of the process to the end of the first
// step, peak memory in MB.
void steps(const Job& job) {
  ModelChoice choice;
  choice.run_name = "bench";
  const auto model = read_model(job.config, choice);
  std::vector<double> ends;
  TrainHooks hooks;
  hooks.progress = [&](const TrainProgress&) { ends.push_back(now()); };
  hooks.stop = [&] { return static_cast<int>(ends.size()) > job.warm_up + job.steps; };
  train(model.project, model.choice, job.options, hooks);
  std::vector<double> seconds;
  for (std::size_t i = job.warm_up + 1; i < ends.size(); ++i)
    seconds.push_back(ends[i] - ends[i - 1]);
  std::nth_element(seconds.begin(), seconds.begin() + seconds.size() / 2, seconds.end());
  std::printf("%.4f %.2f %.0f\n", seconds.at(seconds.size() / 2), ends.front() - job.started,
              peak_megabytes());
}

Job job_of(int argc, char** argv) {
  Job job;
  job.config = argv[1];
  auto& options = job.options;
  options.recipe = Recipe::dlc;
  options.overwrite = true;
  options.eval_iterations = 0;
  for (int i = 2; i < argc; ++i) {
    const std::string name = argv[i];
    const auto value = [&] { return i + 1 < argc ? argv[++i] : ""; };
    if (name == "--started") job.started = std::atof(value());
    if (name == "--batch") options.batch_size = std::atoi(value());
    if (name == "--warm-up") job.warm_up = std::atoi(value());
    if (name == "--steps") job.steps = std::atoi(value());
    if (name == "--threads") options.engine.threads = std::atoi(value());
    if (name == "--bf16") options.engine.precision = Precision::bf16;
    if (name == "--freeze-base") options.freeze = Freeze::base;
  }
  return job;
}

// Cuts pictures to their upper left square.
void crop(int side, const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    const auto image = read_image(path);
    Image cut{std::min(side, image.height), std::min(side, image.width), {}};
    for (int row = 0; row < cut.height; ++row) {
      const auto* first = image.pixels.data() + std::size_t(row) * image.width * 3;
      cut.pixels.insert(cut.pixels.end(), first, first + std::ptrdiff_t(cut.width) * 3);
    }
    write_image(path, cut);
  }
}

}  // namespace
}  // namespace poseheir::bench

// train_bench POSE_CFG --started SECONDS --batch N --warm-up N --steps N --threads N [--bf16]
//             [--freeze-base]
// train_bench crop SIDE PICTURE...
// train_bench loader POSE_CFG [--batch N] [--steps N] [--recipe fast]
int main(int argc, char** argv) try {
  using namespace poseheir::bench;
  if (argc > 3 && std::strcmp(argv[1], "crop") == 0)
    crop(std::atoi(argv[2]), {argv + 3, argv + argc});
  else if (argc > 2 && std::strcmp(argv[1], "loader") == 0)
    loading(argc - 2, argv + 2);
  else if (argc > 1)
    steps(job_of(argc, argv));
  return argc > 1 ? 0 : 2;
} catch (const poseheir::Error& error) {
  std::fprintf(stderr, "train_bench: %s\n", error.what());
  return 1;
}
