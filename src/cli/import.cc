// poseheir import: annotations of another program become a DeepLabCut project.
#include "poseheir/import.h"

#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/print.h"

namespace poseheir {
namespace {

struct Request {
  std::string file, to;
  ImportOptions options;
  Output output;
  bool dry_run = false, json = false;
};

std::string today() {
  const auto now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  return fmt::format("{:%b}{}", local, local.tm_mday);  // as DeepLabCut names projects
}

void print(const AnnotationSet& set, const Request& request) {
  std::cout << fmt::format("{}: {}, {}, {} ({})\n", request.file, set.format,
                           counted(set.pictures.size(), "labelled picture"),
                           counted(set.bodyparts.size(), "body part"),
                           fmt::join(set.bodyparts, ", "));
  if (!set.individuals.empty())
    std::cout << fmt::format("several animals: {}\n", fmt::join(set.individuals, ", "));
  if (request.dry_run) {
    std::cout << fmt::format("would make the project {}\n", request.to);
    return;
  }
  std::cout << fmt::format(
      "project: {0}/config.yaml\nnext:\n  poseheir check {0}\n  poseheir "
      "create-training-dataset {0}\n  poseheir train {0}\n",
      request.to);
}

void run(Request request) {
  if (request.options.date.empty()) request.options.date = today();
  const auto set = read_annotations(request.file, request.options);
  for (const auto& warning : set.warnings) request.output.warn(warning);
  if (!request.dry_run) write_imported_project(request.to, set, request.options);
  if (!request.json) return print(set, request);
  std::cout << nlohmann::ordered_json{{"format", set.format},
                                      {"pictures", set.pictures.size()},
                                      {"bodyparts", set.bodyparts},
                                      {"individuals", set.individuals},
                                      {"project", request.to},
                                      {"written", !request.dry_run},
                                      {"warnings", set.warnings}}
                   .dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
            << '\n';
}

}  // namespace

void add_import(CLI::App& app) {
  auto request = std::make_shared<Request>();
  auto& options = request->options;
  options.date.clear();
  auto* command = app.add_subcommand(
      "import", "Make a DeepLabCut project of SLEAP, COCO or Lightning Pose annotations");
  command
      ->add_option("file", request->file,
                   "SLEAP's .slp or .pkg.slp, COCO's .json, or a .csv or .h5 of labels")
      ->required();
  command->add_option("--to", request->to, "folder of the new project")->required();
  command->add_option("--pictures", options.pictures,
                      "where pictures and videos lie, if not where the file says");
  command->add_option("--task", options.task, "name of the project")->capture_default_str();
  command->add_option("--scorer", options.scorer, "who labelled")->capture_default_str();
  command->add_option("--date", options.date, "of the project, such as Nov24 (today)");
  command->add_option("--category", options.category, "COCO: which, if several have keypoints");
  command->add_flag("--dry-run", request->dry_run, "say what would be made");
  command->add_flag("--json", request->json, "print one JSON document");
  add_output_options(*command, request->output);
  command->footer(
      "Examples:\n"
      "  poseheir import labels.pkg.slp --to my-project --task reach --scorer Ana\n"
      "  poseheir import person_keypoints.json --pictures train2017 --to people --category person");
  command->callback([request] { run(*request); });
}

}  // namespace poseheir
