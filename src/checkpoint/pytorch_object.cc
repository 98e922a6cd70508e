#include "checkpoint/pytorch_object.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/pickle_numpy.h"
#include "base/text.h"

namespace poseheir {
namespace {

using Kind = PickleValue::Kind;

struct TorchType {
  std::string_view name;
  DType dtype;
};

constexpr std::array<TorchType, 12> kStorageClasses{{
    {"torch.FloatStorage", DType::f32},
    {"torch.DoubleStorage", DType::f64},
    {"torch.HalfStorage", DType::f16},
    {"torch.BFloat16Storage", DType::bf16},
    {"torch.LongStorage", DType::i64},
    {"torch.IntStorage", DType::i32},
    {"torch.ShortStorage", DType::i16},
    {"torch.CharStorage", DType::i8},
    {"torch.ByteStorage", DType::u8},
    {"torch.BoolStorage", DType::boolean},
    {"torch.ComplexFloatStorage", DType::c64},
    {"torch.ComplexDoubleStorage", DType::c128},
}};

constexpr std::array<TorchType, 20> kTypes{{
    {"torch.float32", DType::f32},
    {"torch.float64", DType::f64},
    {"torch.float16", DType::f16},
    {"torch.bfloat16", DType::bf16},
    {"torch.int64", DType::i64},
    {"torch.int32", DType::i32},
    {"torch.int16", DType::i16},
    {"torch.int8", DType::i8},
    {"torch.uint8", DType::u8},
    {"torch.uint16", DType::u16},
    {"torch.uint32", DType::u32},
    {"torch.uint64", DType::u64},
    {"torch.bool", DType::boolean},
    {"torch.complex64", DType::c64},
    {"torch.complex128", DType::c128},
    {"torch.float8_e5m2", DType::f8_e5m2},
    {"torch.float8_e4m3fn", DType::f8_e4m3},
    {"torch.float8_e8m0fnu", DType::f8_e8m0},
    {"torch.float8_e4m3fnuz", DType::f8_e4m3fnuz},
    {"torch.float8_e5m2fnuz", DType::f8_e5m2fnuz},
}};

// Known so that the error can name the tensor; none of them can be read.
constexpr std::array<std::string_view, 7> kQuantizedStorages{
    "torch.QInt8Storage",      "torch.QUInt8Storage",   "torch.QInt32Storage",
    "torch.QUInt4x2Storage",   "torch.QUInt2x4Storage", "torch.per_tensor_affine",
    "torch.per_channel_affine"};
constexpr std::array<std::string_view, 6> kOtherTensors{
    "torch._utils._rebuild_qtensor",           "torch._utils._rebuild_sparse_tensor",
    "torch._utils._rebuild_sparse_csr_tensor", "torch._utils._rebuild_meta_tensor_no_storage",
    "torch._utils._rebuild_nested_tensor",     "torch._utils._rebuild_wrapper_subclass"};

constexpr std::string_view kTensor = "torch.tensor", kTensorV3 = "torch.tensor_v3",
                           kParameter = "torch.parameter";

[[noreturn]] void fail(const std::string& text, ErrorKind kind = ErrorKind::corrupt) {
  throw Error(kind, text);
}

template <std::size_t N>
std::optional<DType> find_type(const std::array<TorchType, N>& types, const PickleValue& value) {
  if (!value.is(Kind::global)) return std::nullopt;
  for (const auto& type : types) {
    if (type.name == value.text) return type.dtype;
  }
  return std::nullopt;
}

std::uint64_t unsigned_of(const PickleValue& value, std::string_view what) {
  if (!value.is(Kind::integer) || value.integer < 0)
    fail(fmt::format("{}: expected a number of 0 or more, found {}", what, describe(value)));
  return static_cast<std::uint64_t>(value.integer);
}

std::vector<std::int64_t> sizes_of(const PickleValue& value, std::string_view what) {
  // torch.Size(…) wraps the tuple.
  const auto& tuple =
      value.is_record("torch.Size") && value.items.size() == 1 ? *value.items[0] : value;
  if (!tuple.is_sequence())
    fail(fmt::format("{}: expected a tuple of sizes, found {}", what, describe(tuple)));
  std::vector<std::int64_t> sizes;
  for (const auto* item : tuple.items)
    sizes.push_back(static_cast<std::int64_t>(unsigned_of(*item, what)));
  return sizes;
}

// ('storage', class, key, location, count), in legacy files with a sixth: None or (key, offset,
// size).
TorchStorage read_storage(const PickleValue& value) {
  if (!value.is(Kind::persistent))
    fail(fmt::format("expected a storage, found {}", describe(value)));
  const auto& id = *value.items[0];
  if (!id.is(Kind::tuple) || id.items.size() < 5 || id.items.size() > 6 ||
      !id.items[0]->is(Kind::text) || id.items[0]->text != "storage" ||
      !id.items[2]->is(Kind::text))
    fail(fmt::format("damaged storage reference: {}", describe(id)));
  TorchStorage storage;
  storage.dtype = find_type(kStorageClasses, *id.items[1]);
  if (!storage.dtype && id.items[1]->text != "torch.storage.UntypedStorage")
    fail(fmt::format("{} is quantised, which Poseheir does not read", describe(*id.items[1])),
         ErrorKind::unsupported);
  storage.key = id.items[2]->text;
  storage.count = unsigned_of(*id.items[4], "size of a storage");
  if (id.items.size() == 6 && !id.items[5]->is(Kind::none)) {
    const auto& view = *id.items[5];
    if (!view.is(Kind::tuple) || view.items.size() != 3) fail("damaged view of a storage");
    storage.offset = unsigned_of(*view.items[1], "offset of a storage's view");
    storage.count = unsigned_of(*view.items[2], "size of a storage's view");
  }
  return storage;
}

// _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks [, metadata]); v3 has its
// dtype in the seventh place.
TorchTensor read_tensor(std::string name, const PickleValue& record) {
  const auto& items = record.items;
  const bool is_v3 = record.text == kTensorV3;
  if (items.size() < (is_v3 ? 7U : 4U))
    fail(fmt::format("expected the parts of a tensor, found {} of them", items.size()));
  TorchTensor tensor;
  tensor.storage = read_storage(*items[0]);
  tensor.offset = unsigned_of(*items[1], "offset");
  tensor.info.name = std::move(name);
  tensor.info.shape = sizes_of(*items[2], "shape");
  tensor.strides = sizes_of(*items[3], "strides");
  if (tensor.strides.size() != tensor.info.shape.size())
    fail(fmt::format("shape {} with {} strides", shape_text(tensor.info.shape),
                     tensor.strides.size()));
  const auto dtype = is_v3 ? find_type(kTypes, *items[6]) : tensor.storage.dtype;
  if (!dtype)
    fail(fmt::format("its type ({}) is not supported", is_v3 ? describe(*items[6]) : "untyped"),
         ErrorKind::unsupported);
  tensor.info.dtype = *dtype;
  return tensor;
}

bool is_other_tensor(const PickleValue& value) {
  return value.is(Kind::record) &&
         std::find(kOtherTensors.begin(), kOtherTensors.end(), value.text) != kOtherTensors.end();
}

const PickleValue& unwrap(const PickleValue& value) {
  const auto* inner = &value;
  while (inner->is_record(kParameter) && !inner->items.empty()) inner = inner->items[0];
  return *inner;
}

std::string joined(std::string_view prefix, const PickleValue& key) {
  const auto last = key.is(Kind::text)      ? std::string(key.text)
                    : key.is(Kind::integer) ? std::to_string(key.integer)
                                            : describe(key);
  return prefix.empty() ? last : fmt::format("{}.{}", prefix, last);
}

// Collects the tensors below a value. The pickle's own limits bound depth and number.
class TensorWalk {
 public:
  std::vector<TorchTensor> tensors;
  std::size_t others = 0;  // values that are no tensors

  void walk(const std::string& name, const PickleValue& wrapped) {
    const auto& value = unwrap(wrapped);
    if (value.is_record(kTensor) || value.is_record(kTensorV3)) {
      add(name, value);
    } else if (is_other_tensor(value)) {
      fail(fmt::format("tensor '{}' is of a kind that Poseheir does not read: {}", printable(name),
                       value.text),
           ErrorKind::unsupported);
    } else if (value.is(Kind::dict)) {
      for (std::size_t i = 0; i + 1 < value.items.size(); i += 2)
        walk(joined(name, *value.items[i]), *value.items[i + 1]);
    } else if (value.is_sequence()) {
      for (std::size_t i = 0; i < value.items.size(); ++i)
        walk(name.empty() ? std::to_string(i) : fmt::format("{}.{}", name, i), *value.items[i]);
    } else {
      ++others;
    }
  }

 private:
  void add(const std::string& name, const PickleValue& value) {
    if (name.empty())
      fail("it holds one tensor without a name; expected a dict of tensors",
           ErrorKind::unsupported);
    try {
      tensors.push_back(read_tensor(name, value));
    } catch (const Error& error) {
      throw error.within(fmt::format("tensor '{}'", printable(name)));
    }
  }
};

bool is_training_state(std::string_view key) {
  return key.starts_with("optim") || key.find("scheduler") != std::string_view::npos ||
         key.starts_with("grad_scaler");
}

void walk_root(const PickleValue& root, TorchObject& object) {
  for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
    const auto& value = unwrap(*root.items[i + 1]);
    const auto name = joined("", *root.items[i]);
    if (is_training_state(name) && !value.is_record(kTensor)) {
      object.notes.push_back(fmt::format("'{}': training state, passed over", printable(name)));
      continue;
    }
    TensorWalk walk;
    walk.walk(name, value);
    if (walk.others > 0)
      object.notes.push_back(
          fmt::format("'{}': {} that {} no tensor{}, passed over", printable(name),
                      walk.others == 1 ? "one value" : fmt::format("{} values", walk.others),
                      walk.others == 1 ? "is" : "are", walk.others == 1 ? "" : "s"));
    std::move(walk.tensors.begin(), walk.tensors.end(), std::back_inserter(object.tensors));
  }
}

// DeepLabCut 3: {model, metadata {epoch, …}, optimizer, …}.
void drop_model_prefix(const PickleValue& root, std::vector<TorchTensor>& tensors) {
  constexpr std::string_view kPrefix = "model.";
  const auto* model = root.find("model");
  if (model == nullptr || !model->is(Kind::dict)) return;
  if (!std::all_of(tensors.begin(), tensors.end(),
                   [&](const auto& tensor) { return tensor.info.name.starts_with(kPrefix); }))
    return;
  for (auto& tensor : tensors) tensor.info.name.erase(0, kPrefix.size());
}

std::optional<std::int64_t> find_epoch(const PickleValue& root) {
  const auto* metadata = root.find("metadata");
  const auto* epoch = metadata != nullptr ? metadata->find("epoch") : nullptr;
  if (epoch == nullptr) epoch = root.find("epoch");
  if (epoch == nullptr || !epoch->is(Kind::integer)) return std::nullopt;
  return epoch->integer;
}

void collect_storages(const PickleValue& value, std::vector<TorchStorage>& storages) {
  if (value.is(Kind::persistent)) {
    storages.push_back(read_storage(value));
    return;
  }
  for (const auto* item : value.items) collect_storages(*item, storages);
  if (value.state != nullptr) collect_storages(*value.state, storages);
}

// --- bytes ------------------------------------------------------------------------------------

bool is_row_major(const TorchTensor& tensor) {
  std::int64_t expected = 1;
  for (std::size_t i = tensor.strides.size(); i-- > 0;) {
    if (tensor.info.shape[i] != 1 && tensor.strides[i] != expected) return false;
    expected *= tensor.info.shape[i];
  }
  return true;
}

// Elements from the start of the storage to the last one that the tensor touches, plus one.
std::uint64_t reach_of(const TorchTensor& tensor) {
  std::uint64_t last = tensor.storage.offset;
  bool overflows = __builtin_add_overflow(last, tensor.offset, &last);
  for (std::size_t i = 0; i < tensor.strides.size(); ++i) {
    std::uint64_t step = 0;
    const auto steps = static_cast<std::uint64_t>(tensor.info.shape[i] - 1);
    overflows |=
        __builtin_mul_overflow(steps, static_cast<std::uint64_t>(tensor.strides[i]), &step);
    overflows |= __builtin_add_overflow(last, step, &last);
  }
  overflows |= __builtin_add_overflow(last, std::uint64_t{1}, &last);
  if (overflows) fail("its offset and strides reach beyond any file");
  return last;
}

TensorBytes gather(const TorchTensor& tensor, std::size_t width, Bytes storage) {
  const auto count = element_count(tensor.info.shape);
  const auto owner = std::make_shared<std::vector<std::byte>>(count * width);
  std::vector<std::int64_t> index(tensor.strides.size(), 0);
  std::size_t from = (tensor.storage.offset + tensor.offset) * width;
  for (std::size_t i = 0; i < count; ++i) {
    std::copy_n(storage.data() + from, width, owner->data() + i * width);
    for (std::size_t axis = index.size(); axis-- > 0;) {
      const auto stride = static_cast<std::size_t>(tensor.strides[axis]) * width;
      from += stride;
      if (++index[axis] < tensor.info.shape[axis]) break;
      from -= stride * static_cast<std::size_t>(index[axis]);
      index[axis] = 0;
    }
  }
  return {*owner, owner};
}

}  // namespace

PickleRules torch_pickle_rules() {
  PickleRules rules{plain_pickle_globals(), true};
  auto& allowed = rules.allowed;
  for (const auto& global : numpy_pickle_globals()) allowed.push_back(global);
  for (const auto& type : kStorageClasses) allowed.push_back({type.name});
  for (const auto& type : kTypes) allowed.push_back({type.name});
  for (const auto name : kQuantizedStorages) allowed.push_back({name});
  for (const auto name : kOtherTensors) allowed.push_back({name});
  allowed.push_back({"torch.storage.UntypedStorage"});
  allowed.push_back({"torch.Size"});
  allowed.push_back({"torch.device"});
  allowed.push_back({"torch._utils._rebuild_tensor", PickleBuild::record, kTensor});
  allowed.push_back({"torch._utils._rebuild_tensor_v2", PickleBuild::record, kTensor});
  allowed.push_back({"torch._utils._rebuild_tensor_v3", PickleBuild::record, kTensorV3});
  allowed.push_back({"torch._utils._rebuild_parameter", PickleBuild::record, kParameter});
  allowed.push_back(
      {"torch._utils._rebuild_parameter_with_state", PickleBuild::record, kParameter});
  allowed.push_back({"torch.nn.parameter.Parameter", PickleBuild::record, kParameter});
  allowed.push_back({"builtins.complex"});
  allowed.push_back({"__builtin__.complex"});
  return rules;
}

TorchObject torch_object(const PickleValue& root) {
  TorchObject object;
  if (root.is(Kind::dict)) {
    walk_root(root, object);
    object.step = find_epoch(root);
  } else {
    TensorWalk walk;
    walk.walk("", root);
    object.tensors = std::move(walk.tensors);
  }
  if (object.tensors.empty())
    fail(fmt::format("no tensors in it, only {}", describe(root)), ErrorKind::unsupported);
  drop_model_prefix(root, object.tensors);
  auto& tensors = object.tensors;
  std::sort(tensors.begin(), tensors.end(),
            [](const auto& a, const auto& b) { return a.info.name < b.info.name; });
  const auto doubled =
      std::adjacent_find(tensors.begin(), tensors.end(),
                         [](const auto& a, const auto& b) { return a.info.name == b.info.name; });
  if (doubled != tensors.end())
    fail(fmt::format("two tensors are called '{}'", printable(doubled->info.name)));
  return object;
}

std::vector<TorchStorage> torch_storages(const PickleValue& root) {
  std::vector<TorchStorage> storages;
  collect_storages(root, storages);
  return storages;
}

StoredTensor torch_stored_tensor(const TorchTensor& tensor, std::uint64_t storage_bytes,
                                 std::uint64_t file_bytes, ReadStorage read) try {
  const auto width = element_size(tensor.info.dtype);
  const auto bytes = checked_byte_size(tensor.info.dtype, tensor.info.shape);
  if (bytes == 0) return {tensor.info, [] { return TensorBytes{}; }, std::nullopt};
  if (reach_of(tensor) > storage_bytes / width)
    fail(fmt::format("it reaches {} elements into a storage of {}", reach_of(tensor),
                     storage_bytes / width));
  if (is_row_major(tensor)) {
    const auto start = static_cast<std::size_t>((tensor.storage.offset + tensor.offset) * width);
    return {tensor.info,
            [start, bytes, read = std::move(read)] {
              const auto storage = read();
              return TensorBytes{storage.bytes.subspan(start, bytes), storage.owner};
            },
            std::nullopt};
  }
  // Strides may repeat elements: a few bytes could then stand for terabytes.
  if (bytes > 4 * file_bytes)
    fail(fmt::format("its strides unfold it to {}, more than four times the file",
                     bytes_text(bytes)));
  return {tensor.info,
          [tensor = TorchTensor{tensor.info,
                                {tensor.storage.dtype, {}, 0, tensor.storage.offset},
                                tensor.offset,
                                tensor.strides},
           width, read = std::move(read)] { return gather(tensor, width, read().bytes); },
          std::nullopt};
} catch (const Error& error) {
  throw error.within(fmt::format("tensor '{}'", printable(tensor.info.name)));
}

}  // namespace poseheir
