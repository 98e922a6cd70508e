#include "checkpoint/formats.h"

// Once as a file, once as the header of a file with four bytes of data.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace poseheir;
  const std::string input(reinterpret_cast<const char*>(data), size);
  ByteWriter file;
  file.write(static_cast<std::uint64_t>(size));
  file.append(input);
  file.append("data");
  for (const auto& content : {input, file.text()}) {
    try {
      for (const auto& tensor : parse_safetensors(MappedFile::of_memory("memory", content)).tensors)
        tensor.read();
    } catch (const Error&) {
    }
  }
  return 0;
}
