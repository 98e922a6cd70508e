// YAML with places: every complaint about a value names file, line and key.
#pragma once

#include <filesystem>
#include <string>
#include <yaml-cpp/yaml.h>

#include "poseheir/error.h"

namespace poseheir {

// The root mapping of a file. Throws Error(io or corrupt), naming file and line.
YAML::Node load_yaml_file(const std::filesystem::path& path);
YAML::Node load_yaml_text(const std::string& text, const std::string& name);

// "config.yaml, line 12".
std::string yaml_place(const std::string& file, const YAML::Node& node);

// A value that is not what it should be: "config.yaml, line 12: key 'pcutoff' is 'high', expected
// a number".
Error wrong_yaml_value(const std::string& file, const std::string& key, const YAML::Node& node,
                       const std::string& expected);

// A text as a plain scalar, in quotes where YAML would take it for something else.
std::string yaml_scalar(const std::string& text);

}  // namespace poseheir
