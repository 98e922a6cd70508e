// What a command tells beside its result, on stderr: --quiet, --verbose, --color.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace poseheir {

struct Output {
  bool quiet = false, verbose = false;
  std::string color = "auto";

  void fail(const std::string& text) const;    // "poseheir: …": an error, always
  void warn(const std::string& text) const;    // "warning: …", with --quiet too
  void note(const std::string& text) const;    // not with --quiet
  void detail(const std::string& text) const;  // only with --verbose
};

void add_output_options(CLI::App& command, Output& output);

// Whether stderr is to be coloured: "always", "never", or on a terminal ("auto"; not with NO_COLOR
// set).
bool is_colored(const std::string& color);
std::string in_red(const std::string& text, bool colored);

}  // namespace poseheir
