#include "checkpoint/locate.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <regex>

#include "base/text.h"
#include "checkpoint/interrupted.h"
#include "poseheir/checkpoint.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;

// A name of five digits or more, as printf's %05d makes them.
constexpr const char* kShard = R"(-(?:\d{5,}|\?{5})-of-(\d{5,9}))";

constexpr std::size_t kMaxName = 255;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

Located bundle(const fs::path& prefix) {
  return {Located::Kind::bundle, prefix, {index_of(prefix)}, {}};
}

bool is_bundle(const fs::path& prefix) {
  return is_file(index_of(prefix)) ||
         (is_file(data_file_of(prefix, 0, 1)) && pending_index(prefix).has_value());
}

// Names in a folder that could be asked for: prefixes, and files that look like checkpoints.
std::vector<std::string> names_in(const fs::path& folder) {
  constexpr std::array kEndings{".ckpt", ".pt", ".pth", ".safetensors"};
  std::vector<std::string> names;
  std::error_code code;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    const auto& file = entry->path();
    const auto ending = file.extension().string();
    if (ending == ".index") names.push_back(file.stem().string());
    if (std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end() && is_file(file))
      names.push_back(file.filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string inventory(const fs::path& folder, const std::string& wanted) {
  constexpr std::size_t kMost = 12;
  auto names = names_in(folder);
  if (names.empty()) return fmt::format("; no checkpoint lies in {}", folder.string());
  const auto hint = nearest_hint(wanted, names);
  const auto count = names.size();
  if (count > kMost) names.resize(kMost);
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + printable(name);
  return fmt::format("; {} has {}{}{}", folder.string(), text, count > kMost ? ", …" : "", hint);
}

Located shards(const fs::path& base, std::uint32_t count) {
  Located located{Located::Kind::shards, base, {}, {}};
  for (std::uint32_t shard = 0; shard < count; ++shard) {
    fs::path file = base;
    file += fmt::format("-{:05}-of-{:05}", shard, count);
    if (!is_file(file))
      throw Error(ErrorKind::io,
                  fmt::format("{}: it is missing; a checkpoint of {} files needs all of them",
                              file.string(), count));
    located.files.push_back(std::move(file));
  }
  if (located.files.empty())
    throw Error(ErrorKind::io, fmt::format("{}: a checkpoint of no files", base.string()));
  return located;
}

std::optional<Located> shards_named(const fs::path& path) {
  const auto name = path.filename().string();
  std::smatch match;
  // No file system has longer names, and std::regex recurses over them: a state file may hold any.
  if (name.size() > kMaxName ||
      !std::regex_match(name, match, std::regex(std::string("(.*)") + kShard)))
    return std::nullopt;
  return shards(folder_of(path) / match[1].str(),
                static_cast<std::uint32_t>(std::stoul(match[2].str())));
}

// "model.ckpt" where model.ckpt-00000-of-00002 lies.
std::optional<Located> shards_beginning_with(const fs::path& path) {
  const auto wanted = path.filename().string() + "-00000-of-";
  std::error_code code;
  for (fs::directory_iterator entry(folder_of(path), code), end; !code && entry != end;
       entry.increment(code)) {
    if (!entry->path().filename().string().starts_with(wanted)) continue;
    if (auto found = shards_named(folder_of(path) / entry->path().filename())) return found;
  }
  return std::nullopt;
}

Located part_of_bundle(const fs::path& file, const std::string& prefix_name, const char* what) {
  const auto prefix = folder_of(file) / prefix_name;
  if (is_bundle(prefix)) return bundle(file.has_parent_path() ? prefix : fs::path(prefix_name));
  throw Error(ErrorKind::io, fmt::format("{}: {} of a TensorFlow checkpoint, whose index {} is "
                                         "missing",
                                         file.string(), what, index_of(prefix).string()));
}

Located locate_in_folder(const fs::path& folder);

Located locate_file(const fs::path& file) {
  const auto name = file.filename().string();
  if (name == "checkpoint") return locate_in_folder(folder_of(file));
  if (name.ends_with(".index")) return bundle(fs::path(file).replace_extension());
  if (name.ends_with(".meta"))
    return part_of_bundle(file, file.stem().string(), "this is the graph");
  std::smatch match;
  static const std::regex data_file(std::string("(.*)\\.data") + kShard);
  if (std::regex_match(name, match, data_file))
    return part_of_bundle(file, match[1].str(), "this is a data file");
  if (auto found = shards_named(file)) return *found;
  return {Located::Kind::file, file, {file}, {}};
}

std::optional<Located> locate_exact(const fs::path& path) {
  if (is_bundle(path)) return bundle(path);
  if (is_file(path)) return locate_file(path);
  if (is_folder(folder_of(path))) {
    if (auto found = shards_named(path)) return found;
    return shards_beginning_with(path);
  }
  return std::nullopt;
}

// The state file is a hint: projects move, files are copied and deleted.
struct Hint {
  std::optional<CheckpointState> state;
  std::string complaint;
};

Hint read_hint(const fs::path& folder) try {
  return {read_checkpoint_state(folder), {}};
} catch (const Error& error) {
  return {std::nullopt, error.what()};
}

[[noreturn]] void throw_no_checkpoint(const fs::path& folder, const Hint& hint) {
  std::string text = fmt::format(
      "{}: expected a folder with a checkpoint: looked for snapshot-N.index, ", folder.string());
  if (hint.state) {
    text += fmt::format("and for '{}', which its state file `checkpoint` names",
                        printable(hint.state->newest));
  } else if (!hint.complaint.empty()) {
    text += fmt::format("and could not read its state file ({})", hint.complaint);
  } else {
    text += "for a state file `checkpoint` and for a single .index file";
  }
  throw Error(ErrorKind::io, text + inventory(folder, hint.state ? hint.state->newest : ""));
}

std::optional<Located> named_by(const Hint& hint, const fs::path& folder) {
  if (!hint.state || hint.state->newest == "checkpoint") return std::nullopt;
  try {
    return locate_exact(folder / hint.state->newest);
  } catch (const Error&) {
    return std::nullopt;  // half of it is there: no better than nothing
  }
}

Located locate_in_folder(const fs::path& folder) {
  const auto hint = read_hint(folder);
  const auto snapshots = list_snapshots(folder);
  if (auto found = named_by(hint, folder)) {
    const auto step = step_of_name(found->path);
    if (step && !snapshots.empty() && snapshots.back().iteration > *step)
      found->note = fmt::format("the folder also holds {}, which is newer by its number",
                                snapshots.back().prefix.filename().string());
    return *found;
  }
  const auto because = [&]() -> std::string {
    if (hint.state)
      return fmt::format("the state file names '{}', which is not here",
                         printable(hint.state->newest));
    return hint.complaint.empty() ? "" : "the state file was passed over: " + hint.complaint;
  };
  if (!snapshots.empty()) {
    auto located = bundle(snapshots.back().prefix);
    located.note = because();
    return located;
  }
  std::vector<std::string> prefixes;
  for (auto& name : names_in(folder))
    if (is_bundle(folder / name)) prefixes.push_back(std::move(name));
  if (prefixes.size() == 1) return bundle(folder / prefixes.front());
  // DeepLabCut's model folder keeps its snapshots in train/.
  if (!hint.state && prefixes.empty() && is_folder(folder / "train"))
    return locate_in_folder(folder / "train");
  throw_no_checkpoint(folder, hint);
}

}  // namespace

fs::path index_of(const fs::path& prefix) {
  auto path = prefix;
  path += ".index";
  return path;
}

fs::path data_file_of(const fs::path& prefix, std::uint32_t shard, std::uint32_t shards) {
  auto path = prefix;
  path += fmt::format(".data-{:05}-of-{:05}", shard, shards);
  return path;
}

Located locate_checkpoint(const fs::path& path) {
  if (is_folder(path) && !is_bundle(path)) return locate_in_folder(path);
  if (auto found = locate_exact(path)) return *found;
  if (!is_folder(folder_of(path)))
    throw Error(ErrorKind::io,
                fmt::format("{}: there is no folder {}", path.string(), folder_of(path).string()));
  if (is_file(data_file_of(path, 0, 1)))
    throw Error(ErrorKind::io,
                fmt::format("{}: its data file is here, but its index {} is missing, as when the "
                            "writing of it was cut off; take another snapshot, or train on to "
                            "write it anew",
                            path.string(), index_of(path).string()));
  const auto name = path.filename().string();
  throw Error(ErrorKind::io,
              fmt::format("{}: no such checkpoint (looked for a file of this name, for {}.index "
                          "and for {}-00000-of-…){}",
                          path.string(), name, name, inventory(folder_of(path), name)));
}

}  // namespace poseheir
