#include "poseheir/checkpoint.h"

#include <algorithm>

namespace poseheir {

const StoredTensor* Checkpoint::find(std::string_view name) const {
  const auto place = std::lower_bound(tensors.begin(), tensors.end(), name,
                                      [](const StoredTensor& tensor, std::string_view wanted) {
                                        return std::string_view(tensor.info.name) < wanted;
                                      });
  return place != tensors.end() && place->info.name == name ? &*place : nullptr;
}

}  // namespace poseheir
