#include "pose/run_difference.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <sstream>
#include <vector>

#include "pose/run_record.h"

namespace poseheir {
namespace {

using nlohmann::json;

// What people call the keys that stand for options.
const std::map<std::string, std::string>& options_by_key() {
  static const std::map<std::string, std::string> names = {
      {"recipe", "--recipe"},
      {"seed", "--seed"},
      {"freeze", "--freeze"},
      {"frozen", "the layers of --freeze"},
      {"layer_rates", "--rate"},
      {"heads_first", "--heads-first"},
      {"optimizer", "--optimizer"},
      {"precision", "--precision"},
      {"engine", "--engine"},
      {"batch_size", "the batch (--batch-size, or batch_size of pose_cfg.yaml)"},
      {"first_iteration", "the first iteration (in the name of the start weights)"},
      {"last_iteration", "the last iteration (--maxiters)"},
      {"start_weights", "the file of start weights (--init, or init_weights of pose_cfg.yaml)"}};
  return names;
}

std::string text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "not recorded";
  return value.dump();
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kTold = 3;
  if (names.size() <= kTold) return fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{} and {} more", fmt::join(names.begin(), names.begin() + kTold, ", "),
                     names.size() - kTold);
}

// Of pictures of both runs those whose `what` differs.
std::vector<std::string> changed(const json& there, const json& now, const char* what) {
  std::vector<std::string> names;
  if (!there.contains(kPictures) || !now.contains(kPictures)) return names;
  for (const auto& [name, sums] : now[kPictures].items()) {
    const auto old = there[kPictures].find(name);
    if (old != there[kPictures].end() && (*old)[what] != sums[what]) names.push_back(name);
  }
  return names;
}

std::vector<std::string> only_in(const json& one, const json& other) {
  std::vector<std::string> names;
  if (!one.contains(kPictures) || !other.contains(kPictures)) return names;
  for (const auto& [name, sums] : one[kPictures].items())
    if (!other[kPictures].contains(name)) names.push_back(name);
  return names;
}

// "key: value", and lines that belong to it, by key.
std::map<std::string, std::string> settings_of(const std::string& yaml) {
  std::map<std::string, std::string> settings;
  std::istringstream lines(yaml);
  std::string key;
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(':');
    const bool begins = !line.empty() && line.find_first_of(" -#") != 0 && colon < line.size();
    if (begins) key = line.substr(0, colon);
    if (key.empty() || line.starts_with('#')) continue;
    const auto rest = line.find_first_not_of(' ', begins ? colon + 1 : 0);
    if (rest == std::string::npos) continue;
    auto& value = settings[key];
    if (!value.empty()) value += ' ';
    value.append(line, rest);
  }
  return settings;
}

std::string pose_config_difference(const json& there, const json& now) {
  const auto file = text_of(now.value("pose_cfg", json("pose_cfg.yaml")));
  const std::string changed = file + " has changed";
  if (!there.contains(kPoseConfigText)) return changed;
  const auto before = settings_of(there[kPoseConfigText]),
             after = settings_of(now[kPoseConfigText]);
  std::vector<std::string> keys;
  const auto value = [](const auto& settings, const std::string& key) {
    const auto found = settings.find(key);
    return found == settings.end() ? std::string("absent") : found->second;
  };
  for (const auto& [key, old] : before)
    if (value(after, key) != old)
      keys.push_back(fmt::format("{} was {}, is {}", key, old, value(after, key)));
  for (const auto& [key, fresh] : after)
    if (!before.contains(key)) keys.push_back(fmt::format("{} was absent, is {}", key, fresh));
  return keys.empty() ? changed + " (in spaces or comments)"
                      : fmt::format("{}: {}", changed, listed(keys));
}

std::string training_set_difference(const json& there, const json& now) {
  std::vector<std::string> parts;
  const auto say = [&](const char* what, const std::vector<std::string>& names) {
    if (!names.empty()) parts.push_back(fmt::format("{}: {}", what, listed(names)));
  };
  say("labels of training pictures have changed", changed(there, now, kLabelsSum));
  say("pictures are gone from the training set", only_in(there, now));
  say("pictures are new in the training set", only_in(now, there));
  if (parts.empty()) return "the training set (its pictures, their order or labels) has changed";
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string pictures_difference(const json& there, const json& now) {
  const auto names = changed(there, now, kPictureSum);
  if (!names.empty())
    return fmt::format("pictures have other contents than then: {}", listed(names));
  // Of other pictures the training set tells.
  const bool others = !only_in(there, now).empty() || !only_in(now, there).empty();
  return others ? std::string() : "contents of training pictures have changed";
}

}  // namespace

std::string difference(const json& there, const json& now) {
  std::vector<std::string> parts;
  const auto differs = [&](const std::string& key) {
    return (there.contains(key) ? there[key] : before_it_was_told(key)) != now.at(key);
  };
  for (const auto& [key, name] : options_by_key()) {
    if (!now.contains(key) || !differs(key)) continue;
    const auto old = there.contains(key) ? there[key] : before_it_was_told(key);
    parts.push_back(fmt::format("{} was {}, is {}", name, text_of(old), text_of(now[key])));
  }
  const bool same_file = !differs("start_weights");
  if (same_file && differs("start_weights_fnv1a"))
    parts.push_back(fmt::format("the start weights have other values than then ({})",
                                text_of(now.at("start_weights"))));
  if (differs("pose_cfg_crc32c")) parts.push_back(pose_config_difference(there, now));
  if (differs("training_set_crc32c")) parts.push_back(training_set_difference(there, now));
  if (differs("training_pictures"))
    parts.push_back(fmt::format("the training pictures were {}, are {}",
                                text_of(there.value("training_pictures", json())),
                                text_of(now["training_pictures"])));
  if (differs("pictures_crc32c")) {
    if (auto text = pictures_difference(there, now); !text.empty()) parts.push_back(text);
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

bool labels_differ(const json& there, const json& now) {
  return there.value("labels_crc32c", "") != now.value("labels_crc32c", "");
}

}  // namespace poseheir
