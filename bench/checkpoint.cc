// Copying a checkpoint of ResNet-50's size beside `cp`, and the speed of the checksum.
#include "poseheir/checkpoint.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fmt/core.h>
#include <functional>
#include <string>
#include <vector>

#include "base/crc32c.h"

using namespace poseheir;
namespace fs = std::filesystem;

namespace {

constexpr int kRepeats = 21;

// 94 MB in 264 tensors of ResNet's sizes: mostly small ones, a few of 9 MB.
std::vector<StoredTensor> resnet_sized() {
  std::vector<StoredTensor> tensors;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    std::vector<float> values(element_count(shape));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 977) / 977;
    tensors.push_back(make_tensor({name, DType::f32, std::move(shape)}, std::move(values)));
  };
  for (int i = 0; i < 8; ++i) add(fmt::format("large/{:03}", i), {3, 3, 512, 512});
  for (int i = 0; i < 18; ++i) add(fmt::format("middle/{:03}", i), {256, 1024});
  for (int i = 0; i < 238; ++i) add(fmt::format("small/{:03}", i), {256});
  return tensors;
}

double milliseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

struct Contender {
  const char* name;
  std::function<void()> work;
  std::vector<double> times = {};
};

// Turn about, so that what else the machine does meets all alike.
void race(std::vector<Contender> contenders) {
  for (int i = 0; i < kRepeats; ++i)
    for (auto& contender : contenders) contender.times.push_back(milliseconds(contender.work));
  for (auto& [name, work, times] : contenders) {
    std::sort(times.begin(), times.end());
    fmt::print("{:<32} {:8.1f} ms median, quartiles {:.1f} and {:.1f}\n", name,
               times[times.size() / 2], times[times.size() / 4], times[times.size() * 3 / 4]);
  }
}

void run(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
}

}  // namespace

int main(int argc, char** argv) {
  const fs::path folder = argc > 1 ? argv[1] : "bench-checkpoint";
  fs::create_directories(folder);
  const auto source = folder / "snapshot-1";
  write_checkpoint(source, CheckpointFormat::tensorflow_v2, resnet_sized());
  const auto data = source.string() + ".data-00000-of-00001";
  const auto size = static_cast<double>(fs::file_size(data));
  const auto copy = (folder / "copy").string();
  fmt::print("{:.1f} MB\n", size / 1e6);

  std::vector<std::byte> block(4U << 20U, std::byte{7});
  std::uint32_t sum = 0;
  race({{"cp", [&] { run("cp " + data + " " + copy); }},
        {"cp, then sync of the copy", [&] { run("cp " + data + " " + copy + " && sync " + copy); }},
        {"read and write a checkpoint",
         [&] {
           const auto checkpoint = read_checkpoint(source);
           write_checkpoint(folder / "snapshot-2", CheckpointFormat::tensorflow_v2,
                            checkpoint.tensors);
         }},
        {"read and verify",
         [&] {
           for (const auto& tensor : read_checkpoint(source).tensors) tensor.read();
         }},
        {"CRC-32C of 1 GiB in a cache", [&] {
           for (int i = 0; i < 256; ++i) sum ^= crc32c(block);
         }}});
  fs::remove_all(folder);
  return sum == 1 ? 1 : 0;
}
