// poseheir check: what is wrong with a project.
#include "poseheir/check.h"

#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/print.h"

namespace poseheir {
namespace {

struct Request {
  std::string config;
  Output output;
  bool fix = false, dry_run = false, json = false, quick = false;
};

const char* word(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warning:
      return "warning";
    case Severity::note:
      break;
  }
  return "note";
}

std::string numbers(const ProjectCheck& check) {
  return fmt::format("{}, {}, {}, {}", counted(check.folders, "folder"),
                     counted(check.pictures, "labelled picture"), counted(check.points, "point"),
                     counted(check.models, "model"));
}

void print_findings(const ProjectCheck& check) {
  std::cout << numbers(check) << '\n';
  for (const auto& finding : check.findings)
    std::cout << fmt::format("\n{}  {}  {}\n  {}\n", word(finding.severity), finding.kind,
                             finding.place, finding.text);
  std::cout << fmt::format("\n{}, {}, {}\n", counted(check.count(Severity::error), "error"),
                           counted(check.count(Severity::warning), "warning"),
                           counted(check.count(Severity::note), "note"));
}

void print_repairs(const ProjectCheck& check, const Request& request,
                   const std::vector<std::filesystem::path>& backups) {
  if (check.repairs.empty()) return;
  std::cout << (backups.empty() ? "--fix would write:\n" : "written:\n");
  for (std::size_t i = 0; i < check.repairs.size(); ++i) {
    std::cout << fmt::format("  {}: {}\n", check.repairs[i].file.string(), check.repairs[i].text);
    if (i < backups.size() && !backups[i].empty())
      std::cout << fmt::format("    as it was: {}\n", backups[i].string());
  }
  if (request.fix && !request.dry_run) std::cout << "run check again to see what is left\n";
}

nlohmann::ordered_json as_json(const ProjectCheck& check,
                               const std::vector<std::filesystem::path>& backups) {
  nlohmann::ordered_json json = {{"folders", check.folders},
                                 {"pictures", check.pictures},
                                 {"points", check.points},
                                 {"models", check.models},
                                 {"errors", check.count(Severity::error)},
                                 {"warnings", check.count(Severity::warning)}};
  json["findings"] = nlohmann::ordered_json::array();
  for (const auto& finding : check.findings)
    json["findings"].push_back({{"severity", word(finding.severity)},
                                {"kind", finding.kind},
                                {"place", finding.place},
                                {"text", finding.text}});
  json["repairs"] = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < check.repairs.size(); ++i) {
    nlohmann::ordered_json repair = {{"file", check.repairs[i].file.string()},
                                     {"text", check.repairs[i].text},
                                     {"written", i < backups.size()}};
    if (i < backups.size() && !backups[i].empty()) repair["backup"] = backups[i].string();
    json["repairs"].push_back(std::move(repair));
  }
  return json;
}

void run(const Request& request) {
  const auto check = check_project(request.config, !request.quick);
  std::vector<std::filesystem::path> backups;
  if (request.fix && !request.dry_run) backups = apply_repairs(check.repairs);
  if (request.json) {
    std::cout
        << as_json(check, backups).dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
        << '\n';
  } else {
    print_findings(check);
    print_repairs(check, request, backups);
  }
  if (check.count(Severity::error) > 0) throw CLI::RuntimeError(1);
}

}  // namespace

void add_check(CLI::App& app) {
  auto request = std::make_shared<Request>();
  auto* command = app.add_subcommand(
      "check", "Examine a project: labels, pictures, names, splits, models; exit code 1 on errors");
  command
      ->add_option("config", request->config, "config.yaml of a DeepLabCut project, or its folder")
      ->required();
  command->add_flag("--quick", request->quick,
                    "do not decode pictures (no unreadable ones, no near-duplicates found)");
  auto* fix = command->add_flag(
      "--fix", request->fix, "put right what needs no judgement; the old files are kept as .bak");
  command->add_flag("--dry-run", request->dry_run, "with --fix: say what would be written")
      ->needs(fix);
  command->add_flag("--json", request->json, "print one JSON document");
  add_output_options(*command, request->output);
  command->footer(
      "Examples:\n"
      "  poseheir check my-project\n"
      "  poseheir check my-project/config.yaml --fix --dry-run");
  command->callback([request] { run(*request); });
}

}  // namespace poseheir
