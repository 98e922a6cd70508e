#include "poseheir/checkpoint.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>

#include "base/text.h"
#include "checkpoint/formats.h"
#include "checkpoint/interrupted.h"
#include "checkpoint/locate.h"

namespace poseheir {
namespace {

struct FileFormat {
  bool (*recognises)(Bytes file);
  Checkpoint (*parse)(const SharedFile& file);
};

constexpr std::array kFileFormats{
    FileFormat{is_table, parse_tensorflow_v1_file},
    FileFormat{is_pytorch, parse_pytorch},
    FileFormat{is_safetensors, parse_safetensors},
};

Checkpoint read_single_file(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  for (const auto& format : kFileFormats)
    if (format.recognises(file->bytes())) return format.parse(file);
  throw Error(ErrorKind::corrupt,
              fmt::format("expected a checkpoint (TensorFlow, PyTorch or safetensors), found {} of "
                          "something else; is the file whole?",
                          bytes_text(file->bytes().size())));
}

Checkpoint read_shards(const std::vector<std::filesystem::path>& paths) {
  std::vector<SharedFile> shards;
  for (const auto& path : paths) shards.push_back(MappedFile::open(path));
  return parse_tensorflow_v1(shards);
}

// A writer may have finished between the look at its pending index and the opening of it.
SharedFile open_index(const std::filesystem::path& prefix) {
  const auto pending = pending_index(prefix);
  if (pending && std::filesystem::exists(*pending)) return MappedFile::open(*pending);
  return MappedFile::open(index_of(prefix));
}

Checkpoint read_bundle(const std::filesystem::path& prefix,
                       std::vector<std::filesystem::path>& files, bool only_list) {
  const auto index = open_index(prefix);
  std::vector<std::filesystem::path> missing;
  auto checkpoint = parse_tensorflow_v2(index->bytes(), [&](auto shard, auto shards) -> SharedFile {
    const auto path = data_file_of(prefix, shard, shards);
    if (std::filesystem::exists(path)) {
      files.push_back(path);
      return MappedFile::open(path);
    }
    if (!only_list)
      throw Error(ErrorKind::io, fmt::format("{} is missing; an index is of no use without its "
                                             "data files, which must lie beside it",
                                             path.string()));
    missing.push_back(path);
    return nullptr;
  });
  checkpoint.missing = std::move(missing);
  return checkpoint;
}

Checkpoint read_located(Located& located, bool only_list) {
  switch (located.kind) {
    case Located::Kind::bundle:
      return read_bundle(located.path, located.files, only_list);
    case Located::Kind::shards:
      return read_shards(located.files);
    case Located::Kind::file:
      break;
  }
  return read_single_file(located.path);
}

std::optional<std::int64_t> stored_step(const Checkpoint& checkpoint) {
  const auto* tensor = checkpoint.find("global_step");
  if (tensor == nullptr || tensor->info.dtype != DType::i64 || !tensor->info.shape.empty())
    return std::nullopt;
  try {
    std::int64_t step = 0;
    std::memcpy(&step, tensor->read().bytes.data(), sizeof step);
    return step;
  } catch (const Error&) {
    return std::nullopt;  // whoever reads the tensor meets the damage; the list is sound
  }
}

Checkpoint read_or_list(const std::filesystem::path& path, bool only_list) {
  auto located = locate_checkpoint(path);
  const auto place = located.files.front().string();
  try {
    auto checkpoint = read_located(located, only_list);
    checkpoint.path = located.path;
    checkpoint.files = located.files;
    if (!located.note.empty()) checkpoint.notes.push_back(located.note);
    if (const auto step = step_of_name(located.path)) checkpoint.step = step;
    if (!checkpoint.step) checkpoint.step = stored_step(checkpoint);
    return checkpoint;
  } catch (const Error& error) {
    if (std::string_view(error.what()).starts_with(place)) throw;
    throw error.within(place);
  }
}

}  // namespace

Checkpoint read_checkpoint(const std::filesystem::path& path) { return read_or_list(path, false); }

Checkpoint list_checkpoint(const std::filesystem::path& path) { return read_or_list(path, true); }

void write_checkpoint(const std::filesystem::path& path, CheckpointFormat format,
                      std::span<const StoredTensor> tensors) {
  std::vector<StoredTensor> sorted(tensors.begin(), tensors.end());
  const auto name = [](const StoredTensor& tensor) -> std::string_view { return tensor.info.name; };
  std::ranges::sort(sorted, {}, name);
  const auto twice = std::ranges::adjacent_find(sorted, {}, name);
  if (twice != sorted.end())
    throw Error(ErrorKind::usage, fmt::format("{}: tensor '{}' is to be written twice",
                                              path.string(), printable(twice->info.name)));
  if (format == CheckpointFormat::tensorflow_v2) return write_tensorflow_v2(path, sorted);
  write_safetensors(path, sorted);
}

const StoredTensor* Checkpoint::find(std::string_view name) const {
  const auto place = std::lower_bound(tensors.begin(), tensors.end(), name,
                                      [](const StoredTensor& tensor, std::string_view wanted) {
                                        return std::string_view(tensor.info.name) < wanted;
                                      });
  return place != tensors.end() && place->info.name == name ? &*place : nullptr;
}

}  // namespace poseheir
