// system: what this machine can do, and how exactly its numbers are TensorFlow's.
#include <chrono>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/model_options.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "poseheir/error.h"
#include "poseheir/fidelity.h"
#include "poseheir/machine.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct SystemArguments {
  bool fidelity = false, json = false;
  Output output;
  std::vector<std::string> networks;
  std::string weights;
  EngineOptions engine;
};

// As installed, or in the build tree.
fs::path shipped_reference() {
  const auto program = fs::read_symlink("/proc/self/exe").parent_path();
  for (const auto& base : {program, program.parent_path()}) {
    auto file = base / "share/poseheir/fidelity/reference.safetensors";
    if (fs::exists(file)) return file;
  }
  throw Error(ErrorKind::io,
              "the reference values were not found in share/poseheir/fidelity beside or above " +
                  program.string() + "; install Poseheir whole");
}

Json json_of(const Machine& machine) {
  Json json = {{"version", POSEHEIR_VERSION},
               {"processor", machine.processor},
               {"instruction_sets", machine.instruction_sets},
               {"used", machine.used},
               {"bf16", machine.bf16},
               {"processors", machine.processors},
               {"allowed", machine.allowed},
               {"cpu_limit", machine.cpu_limit},
               {"threads", machine.threads},
               {"memory", machine.memory},
               {"available", machine.available},
               {"memory_limit", machine.memory_limit},
               {"engine", machine.engine},
               {"torch", machine.torch.empty() ? Json() : Json(machine.torch)},
               {"built_with", POSEHEIR_LIBRARIES}};
  return json;
}

void print_machine(const Machine& machine) {
  const auto limit = machine.cpu_limit == 0
                         ? std::string("no limit of its control group")
                         : fmt::format("its control group allows {:.3g}", machine.cpu_limit);
  const auto memory_limit =
      machine.memory_limit == 0
          ? std::string("no limit of its control group")
          : fmt::format("its control group allows {}", size_text(machine.memory_limit));
  std::cout << fmt::format("poseheir {}\n", POSEHEIR_VERSION)
            << fmt::format("processor: {}\n", machine.processor)
            << fmt::format("instruction sets: {}; the engine uses {}\n",
                           fmt::join(machine.instruction_sets, " "), machine.used)
            << fmt::format("bf16: {}\n", machine.bf16
                                             ? "in hardware"
                                             : "not in hardware; --precision bf16 gains nothing")
            << fmt::format("threads: {} ({} processors, {} allowed to this process, {})\n",
                           machine.threads, machine.processors, machine.allowed, limit)
            << fmt::format("memory: {}, {} available ({})\n", size_text(machine.memory),
                           size_text(machine.available), memory_limit)
            << fmt::format("engine: {}\n", machine.engine)
            << fmt::format("--engine torch: {}\n",
                           machine.torch.empty() ? "not in this build" : machine.torch)
            << fmt::format("built with: {}\n", POSEHEIR_LIBRARIES);
}

// MobileNet's real weights, where the user has named them.
std::optional<Checkpoint> backbone_of(const SystemArguments& arguments) {
  if (arguments.weights.empty()) return std::nullopt;
  return read_checkpoint(arguments.weights);
}

std::vector<NetworkFidelity> measure(const SystemArguments& arguments) {
  const auto reference = read_checkpoint(shipped_reference());
  const auto backbone = backbone_of(arguments);
  const auto networks =
      arguments.networks.empty() ? fidelity_networks(reference) : arguments.networks;
  ProgressLine line(arguments.output.quiet);
  std::vector<NetworkFidelity> results;
  for (const auto& network : networks) {
    line.update([&] {
      return fmt::format("network {} of {}: {}", results.size() + 1, networks.size(), network);
    });
    results.push_back(
        measure_fidelity(reference, network, arguments.engine, backbone ? &*backbone : nullptr));
  }
  return results;
}

// A network whose weights are not at hand is no failure; one that the engine cannot run is.
bool is_skipped(const NetworkFidelity& result) {
  return result.obstacle.find("--weights") != std::string::npos;
}

bool all_passed(const std::vector<NetworkFidelity>& results) {
  return std::all_of(results.begin(), results.end(),
                     [](const auto& result) { return result.passed() || is_skipped(result); });
}

void print_fidelity_json(const std::vector<NetworkFidelity>& results) {
  Json list = Json::array();
  for (const auto& result : results) {
    Json one = {{"network", result.network}, {"passed", result.passed()}};
    if (!result.obstacle.empty()) one["obstacle"] = result.obstacle;
    for (const auto& deviation : result.deviations)
      one["deviations"][deviation.quantity] = {{"largest", deviation.largest},
                                               {"tolerance", deviation.tolerance},
                                               {"where", deviation.where}};
    list.push_back(one);
  }
  std::cout << Json{{"passed", all_passed(results)}, {"networks", list}}.dump(2) << '\n';
}

std::string cell_of(const NetworkFidelity& result, const std::string& quantity) {
  for (const auto& deviation : result.deviations)
    if (deviation.quantity == quantity)
      return fmt::format("{:.1e} of {:.0e}{}", deviation.largest, deviation.tolerance,
                         deviation.passed() ? "" : "!");
  return "-";
}

void print_fidelity(const std::vector<NetworkFidelity>& results) {
  const std::vector<std::string> quantities = {"outputs", "losses", "gradient norms",
                                               "gradient elements"};
  std::vector<std::string> header = {"network"};
  header.insert(header.end(), quantities.begin(), quantities.end());
  header.emplace_back("");
  TextTable table(header);
  std::vector<std::string> remarks;
  for (const auto& result : results) {
    std::vector<std::string> row = {result.network};
    for (const auto& quantity : quantities) row.push_back(cell_of(result, quantity));
    row.emplace_back(result.passed() ? "passed" : is_skipped(result) ? "left out" : "FAILED");
    table.add(std::move(row));
    if (!result.obstacle.empty()) remarks.push_back(result.network + ": " + result.obstacle);
    for (const auto& deviation : result.deviations)
      if (!deviation.passed())
        remarks.push_back(fmt::format("{}: {} differ most at {}", result.network,
                                      deviation.quantity, deviation.where));
  }
  std::cout << "Largest deviation from TensorFlow's values, of the tolerance asked for\n\n";
  table.print(std::cout);
  if (!remarks.empty()) std::cout << '\n';
  for (const auto& remark : remarks) std::cout << remark << '\n';
}

void run_fidelity(const SystemArguments& arguments) {
  const auto results = measure(arguments);
  if (arguments.json) {
    print_fidelity_json(results);
  } else {
    print_fidelity(results);
  }
  if (!all_passed(results)) throw CLI::RuntimeError(1);
}

void run_system(const SystemArguments& arguments) {
  const bool measures = arguments.fidelity;
  if (!measures && (!arguments.networks.empty() || !arguments.weights.empty()))
    throw Error(ErrorKind::usage,
                "--network and --weights choose what --fidelity measures: add it");
  if (measures) return run_fidelity(arguments);
  const auto machine = describe_machine();
  if (arguments.json) {
    std::cout << json_of(machine).dump(2) << '\n';
  } else {
    print_machine(machine);
  }
}

}  // namespace

void add_system(CLI::App& app) {
  auto arguments = std::make_shared<SystemArguments>();
  auto* command =
      app.add_subcommand("system", "What this machine can do, and how exact its numbers are");
  command->add_flag("--fidelity", arguments->fidelity,
                    "Compare outputs, losses and gradients of every network with TensorFlow's");
  command->add_option("--network", arguments->networks,
                      "With --fidelity: this network alone; may be given again");
  command->add_option("--weights", arguments->weights,
                      "With --fidelity: ImageNet weights of MobileNetV2 0.35 "
                      "(mobilenet_v2_0.35_224.ckpt), which are not shipped");
  add_engine_options(*command, arguments->engine);
  command->add_flag("--json", arguments->json, "One JSON document");
  add_output_options(*command, arguments->output);
  command->footer(
      "Examples:\n"
      "  poseheir system\n"
      "  poseheir system --fidelity --network resnet_50 --network mobilenet_v2_1.0");
  command->callback([arguments] { run_system(*arguments); });
}

}  // namespace poseheir
