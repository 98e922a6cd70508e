#include "dlc/mat.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace poseheir;
  std::string file = format_training_mat({}).substr(0, 128);
  const std::string input(reinterpret_cast<const char*>(data), size);
  for (const auto& content : {input, file + input}) {
    try {
      parse_training_mat(as_bytes_of(content));
    } catch (const Error&) {
    }
  }
  return 0;
}
