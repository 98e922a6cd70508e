// How threads share a kernel's pieces.
#pragma once

#include <omp.h>

namespace {

// body(piece) for all of [0, pieces), by all threads. Each begins with a range of its own, so that
// it finds in its cache what it wrote a layer before, and then helps where others are behind: a
// thread whose core has other things to do, too (a loading thread, another program), would make all
// of them wait. What a piece computes must not depend on who computes it.
template <class Body>
inline void share_pieces(long pieces, const Body& body) {
  constexpr int kMostRanges = 64;
  struct alignas(64) Range {
    long next, end;
  };
  const int threads = omp_get_max_threads();
  const int most = threads < kMostRanges ? threads : kMostRanges;
  const int count = pieces < most ? int(pieces) : most;
  if (count <= 1) {
    for (long piece = 0; piece < pieces; ++piece) body(piece);
    return;
  }
  Range ranges[kMostRanges];
  for (int k = 0; k < count; ++k) ranges[k] = {k * pieces / count, (k + 1) * pieces / count};
#pragma omp parallel num_threads(threads)
  {
    const int self = omp_get_thread_num();
    for (int k = 0; k < count; ++k) {
      Range& range = ranges[(self + k) % count];
      for (;;) {
        const long piece = __atomic_fetch_add(&range.next, 1, __ATOMIC_RELAXED);
        if (piece >= range.end) break;
        body(piece);
      }
    }
  }
}

}  // namespace
