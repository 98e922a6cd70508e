#include <fmt/format.h>

#include "poseheir/error.h"
#include "poseheir/ranks.h"

namespace poseheir {
namespace {

std::optional<Error> failure_of(const std::function<void()>& part) {
  try {
    part();
    return {};
  } catch (const Error& error) {
    return error;
  } catch (const std::exception& error) {
    return Error(ErrorKind::io, error.what());
  }
}

// Of the rank `from`, which alone knows it.
Error told_to_all(Ranks& ranks, const std::optional<Error>& own, int from) {
  std::string text = own ? own->what() : "";
  struct Head {
    ErrorKind kind;
    std::size_t size;
  } head{own ? own->kind() : ErrorKind::io, text.size()};
  ranks.broadcast(std::as_writable_bytes(std::span(&head, 1)), from);
  text.resize(head.size);
  ranks.broadcast(std::as_writable_bytes(std::span(text)), from);
  return {head.kind, text};
}

}  // namespace

std::string name_of(const Ranks& ranks) {
  return fmt::format("rank {} of {} on {}", ranks.rank(), ranks.size(), ranks.host());
}

void agree(Ranks* ranks, const std::function<void()>& part) {
  if (ranks == nullptr) return part();
  auto failure = failure_of(part);
  std::vector<double> failed(ranks->size(), 0.0);
  failed[ranks->rank()] = failure ? 1 : 0;
  ranks->sum(failed);
  int first = -1, count = 0;
  for (int rank = ranks->size() - 1; rank >= 0; --rank) {
    if (failed[rank] == 0) continue;
    first = rank;
    ++count;
  }
  if (count == 0) return;
  if (failure && count < ranks->size()) failure = failure->within(name_of(*ranks));
  throw told_to_all(*ranks, failure, first);
}

}  // namespace poseheir
