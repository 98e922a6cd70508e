#include "engine/plan_memory.h"

#include <algorithm>
#include <string>
#include <sys/mman.h>

#include "poseheir/error.h"

namespace poseheir {

void UnmapPages::operator()(std::byte* pages) const { ::munmap(pages, bytes); }

void Arena::reserve(std::size_t bytes) {
  bytes = std::max<std::size_t>(bytes, 1);
  if (pages_ && pages_.get_deleter().bytes >= bytes) return;
  pages_.reset();
  void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED)
    throw Error(ErrorKind::io, "no memory for " + std::to_string(bytes >> 20) +
                                   " MB of activations: take a smaller batch or smaller images");
  ::madvise(pages, bytes, MADV_HUGEPAGE);
  pages_ = {static_cast<std::byte*>(pages), UnmapPages{bytes}};
}

}  // namespace poseheir
