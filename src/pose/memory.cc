#include "pose/memory.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <limits>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

#include "poseheir/error.h"

namespace poseheir {
namespace {

constexpr auto kNoLimit = std::numeric_limits<std::size_t>::max();

// "MemAvailable:  123 kB"
std::size_t free_on_machine() {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  for (std::size_t value = 0; file >> name >> value; std::getline(file, unit))
    if (name == "MemAvailable:") return value * 1024;
  return kNoLimit;
}

std::size_t number_in(const std::string& path) {
  std::ifstream file(path);
  std::size_t value = 0;
  return file >> value ? value : kNoLimit;  // "max" too
}

std::size_t left_in_group(const std::string& folder) {
  const auto limit = number_in("/sys/fs/cgroup" + folder + "/memory.max");
  const auto used = number_in("/sys/fs/cgroup" + folder + "/memory.current");
  if (limit == kNoLimit || used == kNoLimit) return kNoLimit;
  return limit > used ? limit - used : 0;
}

std::size_t left_in_groups() {
  auto left = left_in_group("");  // a container sees its own group as the root
  std::ifstream own("/proc/self/cgroup");
  for (std::string line; std::getline(own, line);) {
    if (!line.starts_with("0::")) continue;
    for (auto folder = line.substr(3); folder.size() > 1;
         folder.resize(std::min(folder.size() - 1, folder.find_last_of('/'))))
      left = std::min(left, left_in_group(folder));
  }
  return left;
}

std::size_t left_of_address_space() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kNoLimit;
  const auto pages = number_in("/proc/self/statm");
  const auto used = pages == kNoLimit ? 0 : pages * static_cast<std::size_t>(::getpagesize());
  return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

// Parameters, their gradients and two slots of the optimizer.
constexpr std::size_t kCopiesOfParameters = 4;

std::size_t pictures_in_memory(const TrainingNeeds& needs) {
  std::size_t bytes = 0;
  for (const auto& record : needs.records)
    bytes += std::size_t(3) * static_cast<std::size_t>(record.width) *
             static_cast<std::size_t>(record.height);
  return std::min(bytes, needs.picture_bytes);
}

std::size_t parameters_in_memory(const Network& network) {
  std::size_t bytes = 0;
  for (const auto& variable : network.variables) bytes += 4 * element_count(variable.info.shape);
  return kCopiesOfParameters * bytes;
}

// A plan that cannot even be reserved needs more than there is.
std::size_t plan_bytes(Trainer& trainer, int count, MapSize size) {
  try {
    return trainer.bytes_for(count, size.height, size.width);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::io) throw;
    return kNoLimit / 8;
  }
}

std::size_t need_of(Trainer& trainer, const TrainingNeeds& needs, MapSize size, int count) {
  const auto pixels =
      std::size_t(3) * static_cast<std::size_t>(size.height) * static_cast<std::size_t>(size.width);
  const auto plan = static_cast<double>(plan_bytes(trainer, count, size)) * needs.growth;
  return static_cast<std::size_t>(plan) +
         static_cast<std::size_t>(needs.batches_ahead) * static_cast<std::size_t>(count) * pixels *
             2 +
         parameters_in_memory(needs.network) + pictures_in_memory(needs);
}

std::string gigabytes(std::size_t bytes) {
  if (bytes < 1'000'000'000) return fmt::format("{:.0f} MB", static_cast<double>(bytes) / 1e6);
  return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
}

}  // namespace

std::size_t available_memory() {
  return std::min({free_on_machine(), left_in_groups(), left_of_address_space()});
}

std::optional<int> largest_batch(std::size_t need_of_one, std::size_t need_of_two,
                                 std::size_t available) {
  if (need_of_one > available) return std::nullopt;
  const auto each = std::max<std::size_t>(need_of_two - std::min(need_of_one, need_of_two), 1);
  return static_cast<int>(std::min<std::size_t>(1 + (available - need_of_one) / each, 1U << 20U));
}

MemoryNeed require_memory(Trainer& trainer, const TrainingNeeds& needs, MapSize size, int count,
                          std::size_t available, const std::filesystem::path& folder) {
  const auto need = need_of(trainer, needs, size, count);
  if (need <= available) return {need, available};
  const auto one = need_of(trainer, needs, size, 1), two = need_of(trainer, needs, size, 2);
  const auto fits = largest_batch(one, two, available);
  const auto advice =
      fits ? fmt::format("a batch of {} fits (--batch-size {})", *fits, *fits)
           : std::string(
                 "not even one picture at a time fits: take a smaller network, a smaller "
                 "global_scale or crop, or --freeze backbone");
  const auto wanted =
      need >= kNoLimit / 8 ? one + static_cast<std::size_t>(count - 1) * (two - one) : need;
  throw Error(ErrorKind::usage,
              fmt::format("{}: training on batches of {} pictures of {} x {} pixels needs about "
                          "{}, but {} can be had; {}",
                          folder.string(), count, size.width, size.height, gigabytes(wanted),
                          gigabytes(available), advice));
}

}  // namespace poseheir
