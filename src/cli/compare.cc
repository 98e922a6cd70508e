// compare: the runs of one or more projects on one page.
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "cli/commands.h"
#include "cli/model_options.h"
#include "poseheir/error.h"
#include "poseheir/report.h"

namespace poseheir {
namespace {

struct CompareRequest {
  std::vector<std::string> configs;
  ModelChoice choice;
  int examples = 4;
  std::string folder;
  Output output;
  bool open = false, json = false;
};

struct Compared {
  std::vector<RunReport> runs;
  ReportOptions options;
  std::filesystem::path folder;
};

Compared collect(const CompareRequest& request) {
  Compared compared;
  for (const auto& config : request.configs) {
    const auto [project, choice] = read_model_telling({config, request.choice}, request.output);
    for (auto& run : collect_runs(project, {choice, request.examples})) {
      if (request.configs.size() > 1)
        run.name = project.folder.filename().string() + ", " + run.name;
      compared.runs.push_back(std::move(run));
    }
    if (!compared.folder.empty()) {
      if (compared.options.bodyparts != project.bodyparts)
        throw Error(ErrorKind::mismatch, config + ": its body parts differ from those of " +
                                             request.configs[0] +
                                             "; only runs with the same keypoints can be compared");
      continue;
    }
    const auto paths = model_paths(project, choice);
    compared.folder = paths.evaluation / "report";
    compared.options = {
        project.task + " " + project.date + ", shuffle " + std::to_string(choice.shuffle),
        project.skeleton, project.bodyparts, project.pcutoff};
  }
  if (!request.folder.empty()) compared.folder = request.folder;
  return compared;
}

// In a child of a child, so that the browser outlives this program and its words stay out of ours.
void open_page(const std::filesystem::path& page) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::fork() == 0) {
      ::execlp("xdg-open", "xdg-open", page.c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::_exit(0);
  }
  int status = 0;
  if (child > 0) ::waitpid(child, &status, 0);
}

nlohmann::ordered_json errors_json(const ErrorSummary& errors) {
  return {{"train", errors.train},
          {"test", errors.test},
          {"train_with_pcutoff", errors.train_cutoff},
          {"test_with_pcutoff", errors.test_cutoff}};
}

void print_json(const Compared& compared, const ReportFiles& files) {
  nlohmann::ordered_json runs = nlohmann::ordered_json::array();
  for (const auto& run : compared.runs) {
    nlohmann::ordered_json keypoints;
    for (const auto& keypoint : run.metrics.keypoints)
      keypoints[keypoint.bodypart] = errors_json(keypoint.errors);
    runs.push_back({{"name", run.name},
                    {"errors_px", errors_json(run.metrics.all)},
                    {"keypoints_px", keypoints},
                    {"inherited", !run.transferred.empty()}});
  }
  const nlohmann::ordered_json document = {{"verdict", files.verdict},
                                           {"page", files.page.string()},
                                           {"runs", runs},
                                           {"notes", files.notes}};
  std::cout << document.dump(2) << '\n';
}

std::string pixels(double value) { return std::isnan(value) ? "-" : fmt::format("{:.2f}", value); }

void print_table(const Compared& compared, const ReportFiles& files, const Output& output) {
  std::size_t width = 3;
  for (const auto& run : compared.runs) width = std::max(width, run.name.size());
  std::cout << fmt::format("{:<{}}  {:>10}  {:>10}  {:>16}  {:>16}\n", "run", width, "train (px)",
                           "test (px)", "train, p-cutoff", "test, p-cutoff");
  for (const auto& run : compared.runs) {
    const auto& errors = run.metrics.all;
    std::cout << fmt::format("{:<{}}  {:>10}  {:>10}  {:>16}  {:>16}\n", run.name, width,
                             pixels(errors.train), pixels(errors.test), pixels(errors.train_cutoff),
                             pixels(errors.test_cutoff));
  }
  std::cout << '\n' << files.verdict << "\n\nPage: " << files.page.string() << '\n';
  for (const auto& note : files.notes) output.note("note: " + note);
}

void compare(const CompareRequest& request) {
  const auto compared = collect(request);
  const auto files = write_report(compared.folder, compared.runs, compared.options);
  if (request.json)
    print_json(compared, files);
  else
    print_table(compared, files, request.output);
  if (request.open) open_page(files.page);
}

}  // namespace

void add_compare(CLI::App& app) {
  auto request = std::make_shared<CompareRequest>();
  auto* command = app.add_subcommand("compare",
                                     "One offline page: curves, errors and pictures of a project's "
                                     "runs, and what the inheritance gained");
  command
      ->add_option("config", request->configs,
                   "config.yaml of a project, or its folder; several to compare projects")
      ->required();
  add_choice_options(*command, request->choice);
  command->add_option("--examples", request->examples, "Test pictures to show")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  command->add_option(
      "-o,--output", request->folder,
      "Folder for the page, plots and numbers (default: report beside the evaluation results)");
  command->add_flag("--open", request->open, "Open the page in a browser");
  command->add_flag("--json", request->json, "Print one JSON document");
  add_output_options(*command, request->output);
  command->footer(
      "Examples:\n"
      "  poseheir compare my-project/config.yaml --open\n"
      "  poseheir compare my-project --shuffle 2 --output report --json");
  command->callback([request] { compare(*request); });
}

}  // namespace poseheir
