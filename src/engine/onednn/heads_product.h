// The matrix product of all heads on one value, and its gradients.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/onednn/context.h"

namespace poseheir::onednn {

class HeadsProduct {
 public:
  virtual ~HeadsProduct() = default;
  // Columns of the matrix, padded where the product asks for it.
  virtual int columns() const = 0;
  // `gradient`: the matrix's, in the plan's own type. Asks for that of the value where it is
  // needed.
  virtual void plan_backward(BufferId gradient, bool trains, int time) = 0;
  virtual void pack(const float* weights) = 0;  // [columns, inputs]
  virtual void forward() = 0;
  // `weights`: [columns, inputs], only where they train.
  virtual void backward(float* weights) = 0;
  virtual void list(std::vector<std::string>& implementations) const = 0;
};

// Writes the matrix, in fp32, at time `op`.
std::unique_ptr<HeadsProduct> make_heads_product(Context& context, int op, BufferId matrix);
// Columns of the heads of an op, padded as their product will have them.
int matrix_columns(const Context& context, const Op& op);

}  // namespace poseheir::onednn
