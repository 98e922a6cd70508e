// The stream of PyTorch up to 1.5: five pickles, then the storages one after another.
#include <fmt/format.h>
#include <map>

#include "base/text.h"
#include "checkpoint/pytorch_object.h"

namespace poseheir {
namespace {

using Kind = PickleValue::Kind;
using namespace std::string_view_literals;

constexpr std::size_t kMagicSize = 15;  // the first pickle; is_pytorch has looked at it
constexpr std::int64_t kProtocol = 1001;

struct StorageBytes {
  std::uint64_t element_bytes = 0, needed = 0;  // elements that persistent ids speak of
  Bytes bytes;
};
using Storages = std::map<std::string_view, StorageBytes>;

void check_system(const PickleValue& system) {
  const auto* little = system.find("little_endian");
  if (little == nullptr || !little->is(Kind::boolean))
    throw Error(ErrorKind::corrupt,
                fmt::format("expected facts of the writing machine, found {}", describe(system)));
  if (little->integer == 0)
    throw Error(ErrorKind::unsupported, "big-endian; Poseheir reads little-endian files");
}

Storages wanted_storages(const PickleValue& root) {
  Storages storages;
  for (const auto& storage : torch_storages(root)) {
    const auto [place, fresh] = storages.try_emplace(storage.key);
    auto& wanted = place->second;
    if (!fresh && wanted.element_bytes != storage.element_bytes())
      throw Error(ErrorKind::corrupt, fmt::format("storage '{}' has elements of {} and of {} bytes",
                                                  printable(storage.key), wanted.element_bytes,
                                                  storage.element_bytes()));
    wanted.element_bytes = storage.element_bytes();
    wanted.needed = std::max(wanted.needed, storage.offset == 0 ? storage.count : 0);
  }
  return storages;
}

// Per key: the number of elements, then the elements.
void read_storages(ByteReader& reader, const PickleValue& keys, Storages& storages) {
  if (!keys.is(Kind::list))
    throw Error(ErrorKind::corrupt,
                fmt::format("expected the list of storages, found {}", describe(keys)));
  for (const auto* key : keys.items) {
    const auto place = key->is(Kind::text) ? storages.find(key->text) : storages.end();
    if (place == storages.end())
      throw Error(ErrorKind::corrupt,
                  fmt::format("it holds a storage that no tensor refers to: {}", describe(*key)));
    auto& storage = place->second;
    const auto offset = reader.offset();
    const auto count = reader.read<std::uint64_t>();
    if (count < storage.needed || count > reader.remaining() / storage.element_bytes)
      throw Error(
          ErrorKind::corrupt,
          fmt::format("offset {}: storage '{}' claims {} elements of {} bytes; {} are needed, "
                      "and {} bytes are left in the file",
                      offset, printable(key->text), count, storage.element_bytes, storage.needed,
                      reader.remaining()));
    storage.bytes = reader.take(count * storage.element_bytes);
  }
}

}  // namespace

Checkpoint parse_pytorch_legacy(const SharedFile& file) {
  const auto rules = torch_pickle_rules();
  ByteReader reader(file->bytes());
  reader.skip(kMagicSize);
  const auto protocol = parse_pickle(reader, rules);
  if (!protocol.root().is(Kind::integer) || protocol.root().integer != kProtocol)
    throw Error(ErrorKind::unsupported, fmt::format("legacy protocol: expected {}, found {}",
                                                    kProtocol, describe(protocol.root())));
  const auto system = parse_pickle(reader, rules);
  check_system(system.root());
  const auto document = parse_pickle(reader, rules);
  const auto keys = parse_pickle(reader, rules);
  auto storages = wanted_storages(document.root());
  read_storages(reader, keys.root(), storages);
  if (!reader.at_end())
    throw Error(ErrorKind::corrupt,
                fmt::format("{} bytes after the last storage", reader.remaining()));

  auto object = torch_object(document.root());
  Checkpoint checkpoint;
  checkpoint.format = "PyTorch legacy";
  checkpoint.notes = std::move(object.notes);
  checkpoint.step = object.step;
  for (const auto& tensor : object.tensors) {
    const auto bytes = storages.at(tensor.storage.key).bytes;
    checkpoint.tensors.push_back(
        torch_stored_tensor(tensor, bytes.size(), file->bytes().size(), [bytes, file] {
          return TensorBytes{bytes, file};
        }));
  }
  return checkpoint;
}

}  // namespace poseheir
