#include <fmt/format.h>
#include <unordered_map>

#include "base/text.h"
#include "checkpoint/formats.h"
#include "checkpoint/pytorch_object.h"
#include "checkpoint/zip.h"

namespace poseheir {
namespace {

using namespace std::string_view_literals;

constexpr auto kZipMagic = "PK\3\4"sv;
// PROTO 2, LONG1 of ten bytes, STOP: the pickle that opens a legacy file.
constexpr auto kLegacyMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"sv;

// The oldest format is a tar archive with members sys_info, pickle, tensors, storages.
bool is_torch_tar(std::string_view file) {
  constexpr std::size_t kMagicAt = 257;
  return file.size() > kMagicAt + 5 && file.substr(kMagicAt, 5) == "ustar" &&
         (file.starts_with("sys_info\0"sv) || file.starts_with("pickle\0"sv) ||
          file.starts_with("tensors\0"sv) || file.starts_with("storages\0"sv));
}

struct Archive {
  std::vector<ZipEntry> entries;
  std::string folder;  // "snapshot-025/"

  const ZipEntry* find(std::string_view name) const {
    return find_entry(entries, folder + std::string(name));
  }
};

Archive open_archive(Bytes file) {
  Archive archive{read_zip_directory(file), ""};
  for (const auto& entry : archive.entries) {
    const auto slash = entry.name.find('/');
    if (slash == std::string_view::npos || entry.name.substr(slash + 1) != "data.pkl") continue;
    archive.folder = std::string(entry.name.substr(0, slash + 1));
  }
  if (archive.folder.empty() && archive.find("data.pkl") == nullptr)
    throw Error(ErrorKind::unsupported,
                "a zip archive, but not one of PyTorch: there is no <folder>/data.pkl in it");
  if (archive.find("constants.pkl") != nullptr)
    throw Error(ErrorKind::unsupported,
                "a TorchScript program, not a checkpoint; in Python, save the state dict of the "
                "loaded model (torch.save(torch.jit.load(…).state_dict(), …))");
  return archive;
}

// The whole content of an entry, in memory of its own where it is deflated.
TensorBytes content_of(const ZipEntry& entry, const SharedFile& file) {
  TensorBytes content{entry.stored, file};
  if (entry.deflated) {
    const auto owner = std::make_shared<const std::string>(inflate_entry(entry));
    content = {as_bytes_of(*owner), owner};
  }
  check_entry_crc(entry, content.bytes);
  return content;
}

void check_byte_order(const Archive& archive, const SharedFile& file) {
  const auto* entry = archive.find("byteorder");
  if (entry == nullptr) return;
  const auto content = content_of(*entry, file);
  if (as_text(content.bytes) != "little")
    throw Error(ErrorKind::unsupported,
                fmt::format("its byte order is '{}'; Poseheir reads little-endian files",
                            printable(as_text(content.bytes))));
}

StoredTensor stored_tensor(const TorchTensor& tensor, const Archive& archive,
                           const SharedFile& file) {
  const auto name = printable(tensor.info.name);
  const auto* entry = archive.find(fmt::format("data/{}", tensor.storage.key));
  if (entry == nullptr)
    throw Error(ErrorKind::corrupt,
                fmt::format("tensor '{}': its storage 'data/{}' is not in the file", name,
                            printable(tensor.storage.key)));
  if (tensor.storage.count > entry->size / tensor.storage.element_bytes())
    throw Error(
        ErrorKind::corrupt,
        fmt::format("tensor '{}': its storage 'data/{}' should hold {} elements, but has {} "
                    "bytes",
                    name, printable(tensor.storage.key), tensor.storage.count, entry->size));
  return torch_stored_tensor(
      tensor, tensor.storage.count * tensor.storage.element_bytes(), file->bytes().size(),
      [entry = *entry, file, name] {
        try {
          return content_of(entry, file);
        } catch (const Error& error) {
          throw error.within(fmt::format("{}: tensor '{}'", file->path().string(), name));
        }
      });
}

Checkpoint parse_zip(const SharedFile& file) {
  const auto archive = open_archive(file->bytes());
  check_byte_order(archive, file);
  const auto pickle = content_of(*archive.find("data.pkl"), file);
  const auto document = parse_pickle(pickle.bytes, torch_pickle_rules());
  auto object = torch_object(document.root());
  Checkpoint checkpoint;
  checkpoint.format = "PyTorch zip";
  checkpoint.notes = std::move(object.notes);
  checkpoint.step = object.step;
  for (const auto& tensor : object.tensors)
    checkpoint.tensors.push_back(stored_tensor(tensor, archive, file));
  return checkpoint;
}

}  // namespace

bool is_pytorch(Bytes file) {
  const auto text = as_text(file);
  return text.starts_with(kZipMagic) || text.starts_with(kLegacyMagic) || is_torch_tar(text);
}

Checkpoint parse_pytorch(const SharedFile& file) {
  const auto text = as_text(file->bytes());
  if (is_torch_tar(text))
    throw Error(ErrorKind::unsupported,
                "the tar format of PyTorch before 0.2; load it in Python and save it again "
                "(torch.save(torch.load(…), …))");
  return text.starts_with(kLegacyMagic) ? parse_pytorch_legacy(file) : parse_zip(file);
}

}  // namespace poseheir
