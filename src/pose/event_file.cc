#include "pose/event_file.h"

#include <bit>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <unistd.h>

#include "base/append.h"
#include "base/crc32c.h"
#include "base/proto.h"

namespace poseheir {
namespace {

constexpr std::string_view kEnding = ".poseheir";

// Fields of tensorflow.Event, Summary.Value and SessionLog.
constexpr std::uint32_t kWallTime = 1, kStep = 2, kVersion = 3, kSummary = 5, kSessionLog = 7;
constexpr std::uint32_t kValue = 1, kTag = 1, kSimpleValue = 2, kStatus = 1, kStart = 1;

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

ByteWriter event_at(double wall_time, std::int64_t step) {
  ByteWriter event;
  write_tag(event, kWallTime, WireType::fixed64);
  event.write(std::bit_cast<std::uint64_t>(wall_time));
  if (step != 0) write_varint_field(event, kStep, static_cast<std::uint64_t>(step));
  return event;
}

std::string version_event(double wall_time) {
  auto event = event_at(wall_time, 0);
  write_bytes_field(event, kVersion, "brain.Event:2");
  return std::move(event).take();
}

std::string start_event(double wall_time, std::int64_t step) {
  ByteWriter log;
  write_varint_field(log, kStatus, kStart);
  auto event = event_at(wall_time, step);
  write_bytes_field(event, kSessionLog, std::move(log).take());
  return std::move(event).take();
}

std::uint32_t masked_crc_of(std::string_view bytes) { return mask_crc(crc32c(as_bytes_of(bytes))); }

}  // namespace

std::string format_record(const std::string& message) {
  ByteWriter length;
  length.write(static_cast<std::uint64_t>(message.size()));
  const auto head = std::move(length).take();
  ByteWriter record;
  record.append(head);
  record.write(masked_crc_of(head));
  record.append(message);
  record.write(masked_crc_of(message));
  return std::move(record).take();
}

std::string format_scalars(double wall_time, std::int64_t step, const Scalars& scalars) {
  ByteWriter summary;
  for (const auto& [tag, value] : scalars) {
    if (std::isnan(value)) continue;  // not measured
    ByteWriter scalar;
    write_bytes_field(scalar, kTag, tag);
    write_fixed32_field(scalar, kSimpleValue,
                        std::bit_cast<std::uint32_t>(static_cast<float>(value)));
    write_bytes_field(summary, kValue, std::move(scalar).take());
  }
  auto event = event_at(wall_time, step);
  write_bytes_field(event, kSummary, std::move(summary).take());
  return std::move(event).take();
}

EventFile::EventFile(const std::filesystem::path& folder, std::int64_t first_step) {
  std::filesystem::create_directories(folder);
  char host[256] = "host";
  ::gethostname(host, sizeof host - 1);
  const double time = now();
  // TensorBoard reads the files of a folder in the order of their names.
  path_ =
      folder / fmt::format("events.out.tfevents.{:.6f}.{}.{}{}", time, host, ::getpid(), kEnding);
  append(version_event(time));
  append(start_event(time, first_step));
}

void EventFile::add(const LossPoint& point) const {
  append(format_scalars(now(), point.iteration,
                        {{"loss/total", point.total_loss},
                         {"loss/score_map", point.part_loss},
                         {"loss/location", point.locref_loss},
                         {"learning_rate", point.rate}}));
}

void EventFile::add(const ErrorPoint& point) const {
  append(format_scalars(now(), point.iteration,
                        {{"error_px/train", point.errors.train},
                         {"error_px/test", point.errors.test},
                         {"error_px/train_with_pcutoff", point.errors.train_cutoff},
                         {"error_px/test_with_pcutoff", point.errors.test_cutoff}}));
}

void EventFile::append(const std::string& message) const {
  append_whole(path_, format_record(message));
}

void EventFile::clear(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::vector<std::filesystem::path> ours;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.path().filename().string().ends_with(kEnding)) ours.push_back(entry.path());
  for (const auto& path : ours) std::filesystem::remove(path, ignored);
}

}  // namespace poseheir
