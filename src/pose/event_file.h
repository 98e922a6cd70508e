// The curves of a run as an event file that TensorBoard opens (a TFRecord of Event messages).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "poseheir/metrics.h"

namespace poseheir {

using Scalars = std::vector<std::pair<std::string, double>>;  // tag, value

// A record as it stands in the file: length, its checksum, the bytes, their checksum.
std::string format_record(const std::string& message);
std::string format_scalars(double wall_time, std::int64_t step, const Scalars& scalars);

class EventFile {
 public:
  // A new file in `folder` for each call of train: its first events say that steps from
  // `first_step` count anew, so that TensorBoard drops what an interrupted call had written beyond.
  EventFile(const std::filesystem::path& folder, std::int64_t first_step);

  void add(const LossPoint& point) const;
  void add(const ErrorPoint& point) const;

  // Removes the files that earlier runs wrote there; TensorFlow's stay.
  static void clear(const std::filesystem::path& folder);

 private:
  void append(const std::string& message) const;
  std::filesystem::path path_;
};

}  // namespace poseheir
