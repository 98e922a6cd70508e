// convert: the same tensors in another kind of file.
#include <fmt/format.h>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/print.h"
#include "poseheir/checkpoint.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

struct ConvertOptions {
  std::string in, out, to;
  Output output;
  bool overwrite = false, json = false;
};

CheckpointFormat format_for(const ConvertOptions& options) {
  if (options.to == "safetensors") return CheckpointFormat::safetensors;
  if (options.to == "tensorflow") return CheckpointFormat::tensorflow_v2;
  const auto name = std::filesystem::path(options.out).filename().string();
  if (name.ends_with(".safetensors")) return CheckpointFormat::safetensors;
  for (const char* ending : {".pt", ".pth", ".bin"}) {
    if (name.ends_with(ending))
      throw Error(ErrorKind::usage,
                  fmt::format("{}: PyTorch files are read but not written; give OUT the ending "
                              ".safetensors, which PyTorch's users read too",
                              options.out));
  }
  if (name.ends_with(".index") || name.find(".data-") != std::string::npos)
    throw Error(ErrorKind::usage,
                fmt::format("{}: give the prefix, without .index or .data-…: both files are "
                            "written",
                            options.out));
  return CheckpointFormat::tensorflow_v2;
}

std::vector<std::filesystem::path> files_of(const std::string& out, CheckpointFormat format) {
  if (format == CheckpointFormat::safetensors) return {out};
  return {out + ".data-00000-of-00001", out + ".index"};
}

void convert(const ConvertOptions& options) {
  const auto format = format_for(options);
  const auto files = files_of(options.out, format);
  for (const auto& file : files) {
    if (std::filesystem::exists(file) && !options.overwrite)
      throw Error(ErrorKind::usage,
                  fmt::format("{}: exists already; --overwrite replaces it", file.string()));
  }
  const auto checkpoint = read_checkpoint(options.in);
  write_checkpoint(options.out, format, checkpoint.tensors);
  for (const auto& file : checkpoint.files) options.output.detail("read: " + file.string());
  for (const auto& note : checkpoint.notes) options.output.warn("not carried over: " + note);
  std::uint64_t bytes = 0;
  std::vector<std::string> names;
  for (const auto& file : files) {
    bytes += std::filesystem::file_size(file);
    names.push_back(file.string());
    options.output.detail("written: " + file.string());
  }
  const auto* kind = format == CheckpointFormat::safetensors ? "safetensors" : "TensorFlow V2";
  if (options.json) {
    std::cout << nlohmann::ordered_json{{"tensors", checkpoint.tensors.size()},
                                        {"from", checkpoint.format},
                                        {"to", kind},
                                        {"files", names},
                                        {"bytes", bytes}}
                     .dump(2)
              << '\n';
    return;
  }
  std::cout << fmt::format("{}: {} tensors from {} to {}, {}\n", options.out,
                           checkpoint.tensors.size(), checkpoint.format, kind, size_text(bytes));
}

}  // namespace

void add_convert(CLI::App& app) {
  auto options = std::make_shared<ConvertOptions>();
  auto* command = app.add_subcommand("convert", "Write a checkpoint in another format");
  command->add_option("in", options->in, "TensorFlow V1 or V2, PyTorch or safetensors")->required();
  command
      ->add_option("out", options->out,
                   "FILE.safetensors, or the prefix of a TensorFlow V2 checkpoint")
      ->required();
  command->add_option("--to", options->to, "Format, where OUT's ending does not say it")
      ->check(CLI::IsMember({"tensorflow", "safetensors"}));
  command->add_flag("--overwrite", options->overwrite, "Replace OUT");
  command->add_flag("--json", options->json, "One JSON document instead of text");
  add_output_options(*command, options->output);
  command->footer(
      "Examples:\n"
      "  poseheir convert resnet_v1_50.ckpt resnet_v1_50.safetensors\n"
      "  poseheir convert snapshot-050.pt converted/snapshot-50");
  command->callback([options] { convert(*options); });
}

}  // namespace poseheir
