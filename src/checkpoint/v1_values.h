// The values of a TensorProto as V1 checkpoints store them: one typed list, turned into the plain
// little-endian bytes of a tensor.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/proto.h"
#include "poseheir/checkpoint.h"

namespace poseheir {

class V1Values {
 public:
  static bool holds(DType dtype);

  // Throws Error(corrupt) where so many values cannot stand in `record_size` bytes.
  V1Values(DType dtype, const std::vector<std::int64_t>& shape, std::size_t record_size);

  void take(ProtoReader tensor);

  // Throws Error(corrupt) unless exactly the expected number of values came. `owner` keeps the
  // record alive: one packed run of the tensor's own width is returned as it lies there.
  TensorBytes finish(std::shared_ptr<const void> owner);

 private:
  void take_run(Bytes run, std::size_t offset);
  void take_integer(std::uint64_t value);
  void append(Bytes bytes);

  DType dtype_;
  std::size_t expected_ = 0;  // bytes
  std::optional<Bytes> single_run_;
  std::string collected_;
};

}  // namespace poseheir
