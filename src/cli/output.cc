#include "cli/output.h"

#include <cstdlib>
#include <iostream>
#include <unistd.h>

namespace poseheir {
namespace {

std::string painted(const char* code, const std::string& text, bool colored) {
  return colored ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
}

}  // namespace

bool is_colored(const std::string& color) {
  if (color == "always") return true;
  const char* none = std::getenv("NO_COLOR");  // no-color.org
  return color == "auto" && (none == nullptr || *none == '\0') && ::isatty(STDERR_FILENO) == 1;
}

std::string in_red(const std::string& text, bool colored) { return painted("1;31", text, colored); }

void Output::fail(const std::string& text) const {
  std::cerr << in_red("poseheir:", is_colored(color)) << ' ' << text << '\n' << std::flush;
}

void Output::warn(const std::string& text) const {
  std::cerr << painted("1;33", "warning:", is_colored(color)) << ' ' << text << '\n';
}

void Output::note(const std::string& text) const {
  if (!quiet) std::cerr << text << '\n';
}

void Output::detail(const std::string& text) const {
  if (verbose) std::cerr << painted("2", text, is_colored(color)) << '\n';
}

void add_output_options(CLI::App& command, Output& output) {
  auto* quiet =
      command.add_flag("--quiet", output.quiet, "No progress, no notes; warnings and errors only");
  command.add_flag("--verbose", output.verbose, "Tell which files are read and written")
      ->excludes(quiet);
  command
      .add_option("--color", output.color,
                  "auto (on a terminal, unless NO_COLOR is set), always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
}

}  // namespace poseheir
