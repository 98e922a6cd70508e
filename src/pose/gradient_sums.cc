#include "pose/gradient_sums.h"

#include <algorithm>
#include <chrono>

namespace poseheir {
namespace {

// Large enough that a message's latency does not count, small enough that the last ones, which
// nothing hides, are soon through.
constexpr std::size_t kFloatsOfBucket = 256U << 10U;  // 1 MB

}  // namespace

void GradientSums::add(std::vector<float>& gradient) {
  if (!has_open_) {
    if (used_ == buckets_.size()) buckets_.emplace_back();
    buckets_[used_].gradients.clear();
    has_open_ = true;
  }
  auto& bucket = buckets_[used_];
  bucket.gradients.push_back(&gradient);
  open_floats_ += gradient.size();
  if (open_floats_ >= kFloatsOfBucket) begin(bucket);
}

void GradientSums::begin(Bucket& bucket) {
  std::span<const float> mine = *bucket.gradients.front();
  if (bucket.gradients.size() > 1) {
    bucket.packed.clear();
    for (const auto* gradient : bucket.gradients)
      bucket.packed.insert(bucket.packed.end(), gradient->begin(), gradient->end());
    mine = bucket.packed;
  }
  bucket.total.resize(mine.size());
  ranks_.begin_sum(mine, bucket.total);
  ++used_;
  has_open_ = false;
  open_floats_ = 0;
}

void GradientSums::finish() {
  using Clock = std::chrono::steady_clock;
  if (has_open_) begin(buckets_[used_]);
  const auto start = Clock::now();
  ranks_.finish_sums();
  waited_seconds_ += std::chrono::duration<double>(Clock::now() - start).count();
  bytes_ = 0;
  for (std::size_t i = 0; i < used_; ++i) {
    auto& bucket = buckets_[i];
    bytes_ += bucket.total.size() * sizeof(float);
    if (bucket.gradients.size() == 1) {
      bucket.gradients.front()->swap(bucket.total);
      continue;
    }
    auto from = bucket.total.cbegin();
    for (auto* gradient : bucket.gradients) {
      const auto size = static_cast<std::ptrdiff_t>(gradient->size());
      std::copy_n(from, size, gradient->begin());
      from += size;
    }
  }
  used_ = 0;
}

}  // namespace poseheir
