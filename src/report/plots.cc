#include "report/plots.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <functional>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "poseheir/error.h"
#include "report/summary.h"

namespace poseheir {
namespace {

constexpr std::array kColours = {"#0072b2", "#d55e00", "#007d5a", "#a8568a", "#8a6d00"};
constexpr int kNoProgram = 127;  // the shell's exit status

std::string colour(std::size_t run) { return kColours[run % kColours.size()]; }
std::string number(double value) { return std::isnan(value) ? "NaN" : fmt::format("{}", value); }

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("''") : std::string(1, c);
  return result + "'";
}

// A script's curves: data blocks first, then one plot command over all of them.
class Script {
 public:
  void block(const std::string& rows, const std::string& using_and_style) {
    const auto name = fmt::format("$data{}", count_++);
    blocks_ += name + " << END\n" + rows + "END\n";
    curves_ += (curves_.empty() ? "" : ", \\\n  ") + name + " " + using_and_style;
  }
  void again(const std::string& using_and_style) {
    curves_ += fmt::format(", \\\n  $data{} {}", count_ - 1, using_and_style);
  }
  void set(const std::string& text) { settings_ += text + "\n"; }
  bool empty() const { return curves_.empty(); }
  std::string text() const { return blocks_ + settings_ + "plot " + curves_ + "\n"; }

 private:
  std::string blocks_, settings_, curves_;
  int count_ = 0;
};

Script loss_script(const std::vector<RunReport>& runs, double LossPoint::*loss, const char* title) {
  Script script;
  script.set(fmt::format(
      "set xlabel 'Iterations'\nset ylabel '{}'\nset logscale y\nset format y '%g'", title));
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::vector<double> values;
    for (const auto& p : runs[i].losses) values.push_back(p.*loss > 0 ? p.*loss : kMissing);
    const auto means = smoothed(values, 0.8);
    std::string rows;
    for (std::size_t k = 0; k < values.size(); ++k)
      rows += fmt::format("{} {} {}\n", runs[i].losses[k].iteration, number(values[k]),
                          number(means[k]));
    if (rows.empty() || means.empty() || std::isnan(means.back())) continue;
    const auto shade = "#66" + colour(i).substr(1);  // gnuplot's alpha: 00 opaque, ff clear
    script.block(rows,
                 fmt::format("using 1:2 with lines lw 1 lc rgb '#b0{}' notitle", shade.substr(3)));
    script.again(fmt::format("using 1:3 with lines lw 2.5 lc rgb '{}' title {}", colour(i),
                             quoted(runs[i].name)));
  }
  return script;
}

Script error_script(const std::vector<RunReport>& runs, bool cutoff, double pcutoff) {
  Script script;
  script.set(fmt::format("set xlabel 'Iterations'\nset ylabel '{}'\nset yrange [0:*]",
                         cutoff ? fmt::format("Error, likelihood at least {} (px)", pcutoff)
                                : "Error, all points (px)"));
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::string rows;
    bool any = false;
    for (const auto& p : runs[i].errors) {
      const double train = cutoff ? p.errors.train_cutoff : p.errors.train,
                   test = cutoff ? p.errors.test_cutoff : p.errors.test;
      any = any || !std::isnan(train) || !std::isnan(test);
      rows += fmt::format("{} {} {}\n", p.iteration, number(train), number(test));
    }
    if (!any) continue;
    script.block(rows,
                 fmt::format("using 1:3 with linespoints lw 2.5 pt 7 ps 0.8 lc rgb '{}' title {}",
                             colour(i), quoted(runs[i].name + ", test")));
    script.again(
        fmt::format("using 1:2 with linespoints lw 2 dt 2 pt 8 ps 0.9 lc rgb '{}' title {}",
                    colour(i), quoted(runs[i].name + ", train")));
  }
  return script;
}

Script keypoint_script(const std::vector<RunReport>& runs,
                       const std::vector<std::string>& bodyparts) {
  Script script;
  std::string ticks;
  for (std::size_t i = 0; i < bodyparts.size(); ++i)
    ticks += fmt::format("{}{} {}", i == 0 ? "" : ", ", quoted(bodyparts[i]), i);
  const double width = 0.8 / static_cast<double>(std::max<std::size_t>(runs.size(), 1));
  double highest = 0;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    std::string rows;
    for (std::size_t i = 0; i < runs[r].metrics.keypoints.size(); ++i) {
      const auto test =
          bootstrap_mean(runs[r].metrics.distances, runs[r].split.test, static_cast<int>(i));
      const double x = static_cast<double>(i) - 0.4 + width * (static_cast<double>(r) + 0.5);
      if (std::isnan(test.mean)) continue;
      rows += fmt::format("{} {} {} {}\n", x, test.mean, number(test.low), number(test.high));
      highest = std::max({highest, test.mean, std::isnan(test.high) ? 0 : test.high});
    }
    if (rows.empty()) continue;
    script.block(rows, fmt::format("using 1:2:({}) with boxes lc rgb '{}' title {}", width * 0.92,
                                   colour(r), quoted(runs[r].name)));
    script.again("using 1:3:(0):($4-$3) with vectors nohead lw 1.6 lc rgb '#1b1f24' notitle");
  }
  script.set("set xlabel 'Keypoint'");
  script.set("set ylabel 'Test error (px), 95 % intervals'");
  script.set(fmt::format("set xrange [-0.6:{}]", static_cast<double>(bodyparts.size()) - 0.4));
  // Room for the key above the highest bar.
  script.set(fmt::format(
      "set yrange [0:{}]",
      highest > 0 ? 1.05 * highest + 0.09 * highest * static_cast<double>(runs.size()) : 1));
  script.set("set xtics rotate by -40 noenhanced (" + ticks + ")");
  script.set("set style fill solid 0.85 noborder");
  script.set("unset grid");
  script.set("set grid y lt 1 lw 0.6 lc rgb '#d8dce2'");
  return script;
}

Script cutoff_script(const std::vector<RunReport>& runs) {
  Script script;
  script.set(
      "set xlabel 'Likelihood cutoff'\nset ylabel 'Test error (px)'\nset yrange [0:*]\nset xrange "
      "[0:1]");
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::string rows;
    bool any = false;
    for (const auto& p : error_over_cutoff(runs[i])) {
      rows += fmt::format("{} {}\n", p.cutoff, number(p.test));
      any = any || !std::isnan(p.test);
    }
    if (any)
      script.block(rows,
                   fmt::format("using 1:2 with linespoints lw 2.5 pt 7 ps 0.6 lc rgb '{}' title {}",
                               colour(i), quoted(runs[i].name)));
  }
  return script;
}

// A file that goes away again.
class ScriptFile {
 public:
  explicit ScriptFile(const std::string& text) {
    path_ = (std::filesystem::temp_directory_path() / "poseheir-plot-XXXXXX").string();
    const int descriptor = ::mkstemp(path_.data());
    if (descriptor < 0) throw Error(ErrorKind::io, path_ + ": cannot be created");
    ::close(descriptor);
    write_file(path_, text);
  }
  ~ScriptFile() { ::unlink(path_.c_str()); }
  ScriptFile(const ScriptFile&) = delete;
  ScriptFile& operator=(const ScriptFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Drawn {
  int status = 0;
  std::string picture;  // the program's standard output
};

Drawn run_gnuplot(const std::string& script) {
  const ScriptFile file(script);
  Drawn drawn;
  // The path is mkstemp's own; no shell character can be in it but those of the temporary folder.
  FILE* pipe = ::popen(("gnuplot \"" + file.path() + "\" 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return {kNoProgram, ""};
  std::array<char, 65536> buffer{};
  for (std::size_t got; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    drawn.picture.append(buffer.data(), got);
  const int status = ::pclose(pipe);
  drawn.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  return drawn;
}

std::string styled(const std::string& script, bool svg) {
  return fmt::format(
      "set terminal {}\nset encoding utf8\nset grid lt 1 lw 0.6 lc rgb '#d8dce2'\nset border 3 lc "
      "rgb "
      "'#57606a'\nset tics nomirror\nset key top right opaque noenhanced width -2\nset datafile "
      "missing 'NaN'\n{}",
      svg ? "svg size 900,560 font 'Sans,14' background rgb 'white'"
          : "pngcairo size 1350,840 font 'Sans,15' background rgb 'white' linewidth 1.5",
      script);
}

}  // namespace

std::vector<std::string> write_plots(const std::filesystem::path& folder,
                                     const std::vector<RunReport>& runs,
                                     const ReportOptions& options) {
  const std::vector<std::pair<std::string, Script>> plots = {
      {"loss", loss_script(runs, &LossPoint::total_loss, "Total loss")},
      {"part-loss", loss_script(runs, &LossPoint::part_loss, "Part loss")},
      {"error", error_script(runs, false, options.pcutoff)},
      {"error-with-pcutoff", error_script(runs, true, options.pcutoff)},
      {"error-per-keypoint", keypoint_script(runs, options.bodyparts)},
      {"error-over-cutoff", cutoff_script(runs)}};
  std::vector<std::string> notes;
  for (const auto& [name, script] : plots) {
    if (script.empty()) continue;
    for (const bool svg : {false, true}) {
      const auto drawn = run_gnuplot(styled(script.text(), svg));
      if (drawn.status == kNoProgram)
        return {
            "The plots as PNG and SVG were left out: gnuplot is not installed (Debian: "
            "gnuplot-nox)."};
      const auto file = name + (svg ? ".svg" : ".png");
      if (drawn.status != 0 || drawn.picture.empty())
        notes.push_back(file + " was left out: gnuplot failed.");
      else
        write_file(folder / file, drawn.picture);
    }
  }
  return notes;
}

}  // namespace poseheir
