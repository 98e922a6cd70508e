#include "base/pickle.h"

#include "dlc/records.h"

// The machine under every list of globals, and DeepLabCut's records above it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace poseheir;
  const Bytes bytes = std::as_bytes(std::span(data, size));
  try {
    parse_split(bytes);
  } catch (const Error&) {
  }
  try {
    parse_pickled_records(bytes);
  } catch (const Error&) {
  }
  return 0;
}
