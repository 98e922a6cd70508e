#include "fuzz/tables.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace poseheir;
  for_each_table({reinterpret_cast<const char*>(data), size}, [](std::string table) {
    read_every_tensor(parse_tensorflow_v1_file(MappedFile::of_memory("memory", std::move(table))));
  });
  return 0;
}
