#include "animals/visiting_order.h"

#include <algorithm>
#include <cstddef>

namespace poseheir {
namespace {

constexpr std::size_t kSmallest = 8;    // slots
constexpr std::size_t kNeighbours = 9;  // slots tried beside the first one, where they exist
constexpr int kEmpty = -1;

// A number hashes to itself; a taken slot sends it to the next ones, then far away.
class Slots {
 public:
  void insert(int number) {
    place(number);
    if (++used_ * 5 >= (slots_.size() - 1) * 3) grow();
  }
  std::vector<int> walk() const {
    std::vector<int> numbers;
    std::copy_if(slots_.begin(), slots_.end(), std::back_inserter(numbers),
                 [](int number) { return number != kEmpty; });
    return numbers;
  }

 private:
  void place(int number) {
    const std::size_t mask = slots_.size() - 1;
    auto perturb = static_cast<std::size_t>(number);
    for (std::size_t slot = perturb & mask;; slot = (slot * 5 + 1 + perturb) & mask) {
      const auto last = slot + kNeighbours <= mask ? slot + kNeighbours : slot;
      for (auto at = slot; at <= last; ++at)
        if (slots_[at] == kEmpty) {
          slots_[at] = number;
          return;
        }
      perturb >>= 5;
    }
  }
  void grow() {
    const auto numbers = walk();
    std::size_t size = kSmallest;
    while (size <= used_ * 4) size *= 2;
    slots_.assign(size, kEmpty);
    for (const int number : numbers) place(number);
  }

  std::vector<int> slots_ = std::vector<int>(kSmallest, kEmpty);
  std::size_t used_ = 0;
};

}  // namespace

std::vector<int> visiting_order(const std::vector<int>& inserted) {
  Slots slots;
  for (const int number : inserted) slots.insert(number);
  return slots.walk();
}

}  // namespace poseheir
