// The plans of the last few image sizes, for one network.
#pragma once

#include <list>
#include <memory>

#include "engine/plan.h"

namespace poseheir {

class PlanCache {
 public:
  PlanCache(const Network& network, Precision precision, std::size_t capacity)
      : network_(network), precision_(precision), capacity_(capacity) {}

  void set_trained(const std::vector<bool>& trained) {
    trained_ = trained;
    clear();
  }
  void set_sum_over_parts(const Trainer::SumOverParts& sum) {
    sum_over_parts_ = sum;
    clear();
  }
  void clear() {
    entries_.clear();
    packed_ = nullptr;
    shared_ = std::make_shared<PlanMemory>();
  }
  void parameters_changed() { ++version_; }  // those that are trained

  // Made, or found and its weights packed anew if they changed meanwhile. In training all plans
  // share their memory: weights change with every step, so each has to pack them anyway.
  Plan& get(const ImageBatch& images, const Parameters& parameters);
  std::size_t bytes_for(int count, int height, int width) {
    return entry_for(count, height, width).plan->bytes();
  }

 private:
  struct Entry {
    int count = 0, height = 0, width = 0;
    std::int64_t version = -1;
    std::unique_ptr<Plan> plan;
  };

  Entry& entry_for(int count, int height, int width);

  const Network& network_;
  Precision precision_;
  std::size_t capacity_;
  std::vector<bool> trained_;
  Trainer::SumOverParts sum_over_parts_;
  std::shared_ptr<PlanMemory> shared_ = std::make_shared<PlanMemory>();
  const Plan* packed_ = nullptr;  // the last one that packed its weights into `shared_`
  std::int64_t version_ = 0;
  std::list<Entry> entries_;  // the last used first
};

}  // namespace poseheir
