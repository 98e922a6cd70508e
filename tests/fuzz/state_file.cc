#include "checkpoint/state_file.h"

#include <cstdint>
#include <cstdlib>

#include "poseheir/error.h"

// What parses must read the same when it is written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace poseheir;
  try {
    const auto state = parse_checkpoint_state({reinterpret_cast<const char*>(data), size});
    if (parse_checkpoint_state(format_checkpoint_state(state)).newest != state.newest) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
