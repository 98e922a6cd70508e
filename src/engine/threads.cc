#include "engine/threads.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <omp.h>

#include "poseheir/engine.h"

namespace poseheir {
namespace {

// "quota period" in microseconds, or "max period": no limit.
double cpu_share(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::atof(quota.c_str()) / period;
}

}  // namespace

std::vector<std::string> control_groups() {
  const std::string root = "/sys/fs/cgroup";
  std::vector<std::string> folders = {root};  // a container sees its own group as the root
  std::ifstream own("/proc/self/cgroup");
  for (std::string line; std::getline(own, line);) {
    if (!line.starts_with("0::")) continue;
    for (auto folder = line.substr(3); !folder.empty() && folder != "/";) {
      folders.push_back(root + folder);
      const auto slash = folder.find_last_of('/');
      folder.resize(slash == std::string::npos ? 0 : slash);
    }
  }
  return folders;
}

double cpu_limit() {
  double least = 0;
  for (const auto& folder : control_groups()) {
    const double share = cpu_share(folder);
    if (share > 0 && (least == 0 || share < least)) least = share;
  }
  return least;
}

int available_threads() {
  const int threads = omp_get_num_procs();
  const double limit = cpu_limit();
  return limit == 0 ? threads : std::clamp(int(std::ceil(limit)), 1, threads);
}

int thread_count(const EngineOptions& options) {
  static const int available = available_threads();
  return options.threads > 0 ? options.threads : available;
}

ThreadScope::ThreadScope(int threads) : before_(omp_get_max_threads()) {
  omp_set_num_threads(thread_count({threads, {}}));
}

ThreadScope::~ThreadScope() { omp_set_num_threads(before_); }

}  // namespace poseheir
