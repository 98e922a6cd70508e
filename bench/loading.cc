#include "loading.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <malloc.h>
#include <opencv2/core.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "pose/training_pictures.h"
#include "pose/training_plan.h"
#include "poseheir/predict.h"
#include "poseheir/train.h"

namespace poseheir::bench {
namespace {

double processor_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

struct Job {
  std::string config;
  std::int64_t first = 0;
  int steps = 400;
  bool each = false;
  TrainOptions options;
};

Job job_of(int argc, char** argv) {
  Job job;
  job.config = argv[0];
  job.options.recipe = Recipe::dlc;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto value = [&] { return i + 1 < argc ? argv[++i] : ""; };
    if (name == "--batch") job.options.batch_size = std::atoi(value());
    if (name == "--steps") job.steps = std::atoi(value());
    if (name == "--first") job.first = std::atoi(value());
    if (name == "--each") job.each = true;
    if (name == "--recipe" && std::string(value()) == "fast") job.options.recipe = Recipe::fast;
  }
  return job;
}

template <typename Values>
std::uint32_t checksum(const Values& values, std::uint32_t before) {
  const std::span<const typename Values::value_type> span(values);
  return crc32c(std::as_bytes(span), before);
}

std::uint32_t checksum(const Batch& batch, std::uint32_t before) {
  const auto& targets = batch.targets;
  auto sum = checksum(batch.pixels, before);
  for (const auto* maps :
       {&targets.part_score, &targets.part_weights, &targets.locref, &targets.locref_mask})
    sum = checksum(*maps, sum);
  return sum;
}

}  // namespace

void loading(int argc, char** argv) {
  const auto job = job_of(argc, argv);
  const auto model = read_model(job.config, {});
  const auto config = read_train_config(model.project, model.choice);
  const auto records = read_dataset(model.project, model.choice, config).records;
  const auto plan = plan_training(build_network(config.network), config, job.options, 0);
  std::vector<std::filesystem::path> paths;
  for (const auto& record : records) paths.push_back(image_path(model.project, {record.path, {}}));
  TrainingPictures pictures(paths, std::size_t{1} << 30U, true, {});
  for (std::size_t i = 0; i < paths.size(); ++i) pictures.get(static_cast<int>(i));
  // As training does both.
  cv::setNumThreads(1);
#ifdef __GLIBC__
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 128 << 20);
#endif
  double seconds = 0;
  std::uint32_t sum = 0;
  for (auto it = job.first; it < job.first + job.steps; ++it) {
    const double start = processor_seconds();
    const auto batch = assemble_batch(
        records, [&](std::size_t i) { return pictures.get(static_cast<int>(i)); }, plan.batches,
        choose_batch(records, plan.batches, it));
    const double took = processor_seconds() - start;
    seconds += took;
    sum = checksum(batch, sum);
    if (job.each) std::printf("%ld %.2f %08x\n", static_cast<long>(it), took * 1e3, sum);
  }
  const double count = static_cast<double>(job.steps) * plan.batches.batch_size;
  std::printf("%.3f %08x\n", seconds * 1e3 / count, sum);
}

}  // namespace poseheir::bench
