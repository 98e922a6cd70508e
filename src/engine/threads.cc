#include "engine/threads.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <omp.h>
#include <string>

namespace poseheir {
namespace {

// "quota period" in microseconds, or "max period": no limit.
double cgroup_share(const std::string& folder) {
  std::ifstream file("/sys/fs/cgroup" + folder + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::atof(quota.c_str()) / period;
}

}  // namespace

int available_threads() {
  int threads = omp_get_num_procs();
  std::ifstream own("/proc/self/cgroup");
  for (std::string line; std::getline(own, line);) {
    if (!line.starts_with("0::")) continue;
    for (auto folder = line.substr(3); !folder.empty(); folder.resize(
             folder.find_last_of('/') == std::string::npos ? 0 : folder.find_last_of('/'))) {
      const double share = cgroup_share(folder);
      if (share > 0) threads = std::min(threads, std::max(1, int(std::ceil(share))));
    }
  }
  const double share = cgroup_share("");  // a container sees its own group as the root
  if (share > 0) threads = std::min(threads, std::max(1, int(std::ceil(share))));
  return std::max(threads, 1);
}

ThreadScope::ThreadScope(int threads) : before_(omp_get_max_threads()) {
  static const int available = available_threads();
  omp_set_num_threads(threads > 0 ? threads : available);
}

ThreadScope::~ThreadScope() { omp_set_num_threads(before_); }

}  // namespace poseheir
