// A network made ready for one image size, batch and precision: every buffer placed, every
// primitive made, nothing left to allocate.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/plan_memory.h"

namespace poseheir {

struct PlanOptions {
  int images = 0;
  MapSize size;
  Precision precision = Precision::fp32;
  std::vector<bool> trained;                  // by variable; empty: forward only
  Trainer::SumOverParts sum_over_parts = {};  // empty: the batch is whole
};

class Plan {
 public:
  // `network` must outlive the plan; `outputs` are the network's own. Plans that share `memory`
  // spoil each other's: whichever was not the last at work is to be packed afresh.
  Plan(const Network& network, const PlanOptions& options,
       std::shared_ptr<PlanMemory> memory = std::make_shared<PlanMemory>());
  ~Plan();

  // Brings the weights into the layouts of the primitives: all of them, or those that are trained.
  // The plan keeps pointers into `parameters`.
  void pack(const Parameters& parameters, bool afresh = true);
  const FeatureMaps& forward(const std::uint8_t* pixels);
  // Each of the shape of its output.
  void backward(const FeatureMaps& output_gradients, const Trainer::GradientReady& ready);

  const Parameters& gradients() const;  // by variable; empty where there is none
  // Moves the moving statistics towards those of the last batch.
  void move_statistics(Parameters& parameters) const;
  std::vector<std::string> implementations() const;
  const std::vector<OperationTime>& times() const;  // of the last passes
  std::size_t bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace poseheir
