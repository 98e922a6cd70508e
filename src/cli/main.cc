// The program: finds the command, runs it, turns an error into one line and an exit code.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <fmt/format.h>
#include <iostream>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "cli/commands.h"
#include "cli/output.h"
#include "poseheir/error.h"
#include "poseheir/names.h"

namespace {

using poseheir::Error;
using poseheir::ErrorKind;

constexpr int kFailed = 1;
constexpr int kBadRequest = 2;

// The module with the commands that need an engine: beside the program in a build, else as
// installed.
std::filesystem::path runtime_module() {
  const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  for (const auto& folder : {program, program.parent_path() / POSEHEIR_LIBDIR / "poseheir"}) {
    auto path = folder / "libposeheir_runtime.so";
    if (std::filesystem::exists(path)) return path;
  }
  return {};
}

void add_runtime_commands(CLI::App& app) {
  const auto path = runtime_module();
  if (path.empty()) return;  // built without the engine
  // OpenMP's threads wait by spinning, and on shared cores they spin away each other's time: 40
  // training steps on two busy cores took 65 s so, 7 s with a short spin. Read when libgomp loads.
  ::setenv("GOMP_SPINCOUNT", "1000", 0);
  void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr)
    throw Error(ErrorKind::io, fmt::format("{}: {}", path.string(), ::dlerror()));
  auto* add =
      reinterpret_cast<void (*)(CLI::App&)>(::dlsym(module, "poseheir_add_runtime_commands"));
  if (add == nullptr)
    throw Error(ErrorKind::corrupt, path.string() + ": not a module of this program");
  add(app);
}

void refuse_unknown_command(const CLI::App& app, const std::string& word) {
  std::string known;
  for (const auto* command : app.get_subcommands({})) {
    if (command->get_name() == word) return;
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  throw Error(ErrorKind::usage, fmt::format("unknown command '{}'; known are: {}", word, known));
}

std::vector<std::string> long_options(const CLI::App& command) {
  std::vector<std::string> names;
  for (const auto* option : command.get_options())
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

// Words that the command has no use for: an option it does not know, else one word too many.
CLI::ParseError extras_error(const CLI::App& app) {
  const auto& command = *app.get_subcommands().front();
  const auto words = command.remaining();
  const auto option = std::find_if(words.begin(), words.end(),
                                   [](const std::string& word) { return word.starts_with('-'); });
  std::string text;
  if (option == words.end()) {
    text = fmt::format("'{}' is one word too many for {}", words.empty() ? "" : words.front(),
                       command.get_name());
  } else {
    const auto word = option->substr(0, option->find('='));
    text = fmt::format("{} has no option '{}'{}", command.get_name(), word,
                       poseheir::nearest_hint(word, long_options(command)));
  }
  return {text, CLI::ExitCodes::ExtrasError};
}

// What a person can do about it, where that is plain.
std::string advice_on(const std::error_code& code) {
  if (code == std::errc::no_space_on_device) return "; free some space and run the command again";
  if (code == std::errc::permission_denied || code == std::errc::read_only_file_system)
    return "; check who owns the folder and whether it may be written";
  return "";
}

// Needed for errors that come before, or instead of, the parsing of options.
std::string color_of(int argc, char** argv) {
  constexpr std::string_view kOption = "--color";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == kOption && i + 1 < argc) return argv[i + 1];
    if (word.starts_with(kOption) && word.substr(kOption.size()).starts_with('='))
      return std::string(word.substr(kOption.size() + 1));
  }
  return "auto";
}

int run(int argc, char** argv) {
  CLI::App app(
      "Poseheir: gives DeepLabCut models the head start of a pretrained one, without TensorFlow");
  app.name("poseheir");
  app.set_version_flag("--version", "poseheir " POSEHEIR_VERSION);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  poseheir::add_inspect(app);
  poseheir::add_transfer(app);
  poseheir::add_convert(app);
  // Commands that need no engine start without loading one.
  const std::set<std::string> light = {"--version", "inspect", "transfer", "convert"};
  if (argc < 2 || !light.contains(argv[1])) add_runtime_commands(app);
  if (argc < 2) {
    std::cerr << app.help();
    return kBadRequest;
  }
  if (argv[1][0] != '-') refuse_unknown_command(app, argv[1]);
  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& error) {
    return error.get_exit_code();  // a command's own, such as 130: interrupted
  } catch (const CLI::ParseError& error) {
    const bool extras = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
    const int code = extras ? app.exit(extras_error(app)) : app.exit(error);
    return code == 0 ? 0 : kBadRequest;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // A file beyond the limit of a shell or batch job is an error to be told, not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  const auto complain = [&](const std::string& text) {
    poseheir::Output output;
    output.color = color_of(argc, argv);
    output.fail(text);
  };
  try {
    return run(argc, argv);
  } catch (const Error& error) {
    complain(error.what());
    return error.kind() == ErrorKind::usage ? kBadRequest : kFailed;
  } catch (const std::filesystem::filesystem_error& error) {
    complain(error.path1().string() + ": " + error.code().message() + advice_on(error.code()));
    return kFailed;
  } catch (const std::exception& error) {
    complain(std::string("unexpected: ") + error.what());
    return kFailed;
  }
}
