#include "checkpoint/formats.h"
#include "checkpoint/zip_bytes.h"

namespace {

void read(std::string file) {
  using namespace poseheir;
  try {
    const auto mapped = MappedFile::of_memory("memory", std::move(file));
    if (!is_pytorch(mapped->bytes())) return;
    for (const auto& tensor : parse_pytorch(mapped).tensors) {
      try {
        tensor.read();
      } catch (const Error&) {
      }
    }
  } catch (const Error&) {
  }
}

}  // namespace

// Once as a file, once as the pickle of a sound archive, since few mutations leave a zip readable.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  read(input);
  const std::string storage(64, 's');
  read(poseheir::zip_of({{"m/data.pkl", input}, {"m/data/0", storage}, {"m/data/1", storage}}));
  return 0;
}
