#include "engine/plan_cache.h"

#include <algorithm>

namespace poseheir {

PlanCache::Entry& PlanCache::entry_for(int count, int height, int width) {
  auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) {
    return e.count == count && e.height == height && e.width == width;
  });
  if (entry == entries_.end()) {
    while (entries_.size() >= capacity_) entries_.pop_back();
    Entry made{count, height, width, -1, nullptr};
    const PlanOptions options{count, {height, width}, precision_, trained_, sum_over_parts_};
    packed_ = nullptr;  // the memory may move
    made.plan = std::make_unique<Plan>(network_, options,
                                       trained_.empty() ? std::make_shared<PlanMemory>() : shared_);
    entries_.push_front(std::move(made));
  } else {
    entries_.splice(entries_.begin(), entries_, entry);
  }
  return entries_.front();
}

Plan& PlanCache::get(const ImageBatch& images, const Parameters& parameters) {
  auto& current = entry_for(images.count, images.height, images.width);
  const bool is_spoilt = !trained_.empty() && packed_ != current.plan.get();
  if (current.version != version_ || is_spoilt) {
    current.plan->pack(parameters, current.version < 0 || is_spoilt);
    current.version = version_;
    packed_ = current.plan.get();
  }
  return *current.plan;
}

}  // namespace poseheir
