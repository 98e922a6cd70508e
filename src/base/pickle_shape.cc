#include <algorithm>

#include "base/pickle_machine.h"

namespace poseheir {
namespace {

constexpr std::size_t kMaxDepth = 64;

bool is_container(const PickleValue& value) {
  return !value.items.empty() || value.state != nullptr;
}

}  // namespace

void PickleMachine::check_shape(std::size_t pickle_size) {
  const std::uint64_t limit = 32 * static_cast<std::uint64_t>(pickle_size) + 1024;
  if (!is_container(*document_.root_)) return;
  std::unordered_map<const PickleValue*, Extent> extents;
  std::vector<const PickleValue*> path{document_.root_};
  extents.try_emplace(document_.root_);
  while (!path.empty()) {
    const auto* value = path.back();
    auto& extent = extents.at(value);
    const auto count = value->items.size() + (value->state != nullptr ? 1 : 0);
    if (extent.next == count) {
      extent.done = true;
      path.pop_back();
      continue;
    }
    const auto* child =
        extent.next < value->items.size() ? value->items[extent.next] : value->state;
    std::size_t depth = 0;
    std::uint64_t size = 1 + child->text.size() / 16;
    if (is_container(*child)) {
      const auto [known, fresh] = extents.try_emplace(child);
      if (fresh) {
        path.push_back(child);
        if (path.size() > kMaxDepth) fail("values nest deeper than 64");
        continue;
      }
      if (!known->second.done) fail("a value that contains itself");
      depth = known->second.depth;
      size = known->second.size;
    }
    auto& parent = extents.at(value);
    ++parent.next;
    parent.depth = std::max(parent.depth, depth + 1);
    parent.size += size;
    if (parent.depth > kMaxDepth) fail("values nest deeper than 64");
    if (parent.size > limit) fail("its shared parts unfold to more values than it has bytes for");
  }
}

}  // namespace poseheir
