// What torch.save pickles: nested containers whose tensors are views of storages. Shared by the zip
// and the legacy container, which differ only in where the storages lie.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/pickle.h"
#include "checkpoint/formats.h"

namespace poseheir {

// The persistent id of a storage.
struct TorchStorage {
  std::optional<DType> dtype;  // none: untyped, the tensor says what its bytes are
  std::string_view key;
  std::uint64_t count = 0;   // elements; bytes where untyped
  std::uint64_t offset = 0;  // legacy files: elements before a view of another storage

  std::uint64_t element_bytes() const { return dtype ? element_size(*dtype) : 1; }
};

struct TorchTensor {
  TensorInfo info;
  TorchStorage storage;
  std::uint64_t offset = 0;  // of the first element, in elements
  std::vector<std::int64_t> strides;
};

struct TorchObject {
  std::vector<TorchTensor> tensors;  // sorted by name
  std::vector<std::string> notes;
  std::optional<std::int64_t> step;
};

PickleRules torch_pickle_rules();

// Names are the keys on the way to a tensor, joined by dots; `model.` is left out where every
// tensor lies below it, and optimizer and scheduler state is passed over with a note.
TorchObject torch_object(const PickleValue& root);

// Every storage the pickle speaks of, used by a tensor or not; may repeat.
std::vector<TorchStorage> torch_storages(const PickleValue& root);

// A tensor over `storage_bytes` bytes, which `read` delivers: a view of them where its strides are
// those of a row-major tensor, gathered otherwise. Throws Error(corrupt) if it reaches beyond them.
using ReadStorage = std::function<TensorBytes()>;
StoredTensor torch_stored_tensor(const TorchTensor& tensor, std::uint64_t storage_bytes,
                                 std::uint64_t file_bytes, ReadStorage read);

Checkpoint parse_pytorch_legacy(const SharedFile& file);

}  // namespace poseheir
