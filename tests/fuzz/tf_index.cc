#include "fuzz/tables.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace poseheir;
  for_each_table({reinterpret_cast<const char*>(data), size}, [](const std::string& index) {
    read_every_tensor(parse_in_memory(index, std::string(4096, 'x')));
  });
  return 0;
}
