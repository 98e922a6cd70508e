#include "report/page.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <set>

#include "base/text.h"
#include "report/numbers.h"

namespace poseheir {
namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  return result;
}

// Replaces each {{name}} once, from left to right, so that a value is never searched for names.
std::string filled(std::string_view pattern,
                   const std::map<std::string, std::string, std::less<>>& values) {
  std::string result;
  for (std::size_t at = 0;;) {
    const auto open = pattern.find("{{", at);
    const auto close = open == std::string_view::npos ? open : pattern.find("}}", open);
    if (close == std::string_view::npos) return result.append(pattern.substr(at));
    result.append(pattern.substr(at, open - at));
    const auto value = values.find(pattern.substr(open + 2, close - open - 2));
    if (value != values.end()) result += value->second;
    at = close + 2;
  }
}

// "</script>" inside a script element would end it.
std::string in_script(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    result += text[i];
    if (text[i] == '<' && i + 1 < text.size() && text[i + 1] == '/') result += '\\';
  }
  return result;
}

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) {
      return i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U;
    };
    const unsigned bits = byte(0) << 16U | byte(1) << 8U | byte(2);
    text += kDigits[bits >> 18U];
    text += kDigits[bits >> 12U & 63U];
    text += i + 1 < bytes.size() ? kDigits[bits >> 6U & 63U] : '=';
    text += i + 2 < bytes.size() ? kDigits[bits & 63U] : '=';
  }
  return text;
}

std::string swatch(std::size_t run) {
  return fmt::format("<span class=\"swatch\" style=\"background:var(--run{})\"></span>", run % 5);
}

std::string plot(const char* id, const char* label, const std::string& caption) {
  return fmt::format(
      "<figure><div class=\"plot\"><canvas id=\"{}\" role=\"img\" "
      "aria-label=\"{}\"></canvas></div><figcaption>{}</figcaption></figure>",
      id, label, caption);
}

std::string cell(double value) {
  if (std::isnan(value)) return "<td>–</td>";
  return fmt::format("<td data-value=\"{}\">{}</td>", shortest_double(value), pixels_text(value));
}

std::string head(const std::string& text) {
  return "<th scope=\"col\"><button type=\"button\">" + escaped(text) + "</button></th>";
}

std::string with_unit(double pixels) {
  return std::isnan(pixels) ? "–" : pixels_text(pixels) + " px";
}

std::string card(const RunReport& run, std::size_t number) {
  const auto& errors = run.metrics.all;
  const auto test = bootstrap_mean(run.metrics.distances, run.split.test, -1);
  auto text = fmt::format(
      "<div class=\"card\"><h3>{}{}</h3><div class=\"big\">{} <small>px test "
      "error</small></div><dl>",
      swatch(number), escaped(run.name), pixels_text(errors.test));
  const auto line = [&](const std::string& name, const std::string& value) {
    text += fmt::format("<dt>{}</dt><dd>{}</dd>", name, value);
  };
  if (!std::isnan(test.low))
    line("95 % interval",
         fmt::format("{} to {} px", pixels_text(test.low), pixels_text(test.high)));
  line("train error", with_unit(errors.train));
  line("test error with p-cutoff", with_unit(errors.test_cutoff));
  if (!run.losses.empty() || !run.errors.empty()) {
    const auto iterations = std::max(run.losses.empty() ? 0 : run.losses.back().iteration,
                                     run.errors.empty() ? 0 : run.errors.back().iteration);
    line("iterations", fmt::format("{}", iterations));
  }
  const double seconds = run.losses.empty() ? 0 : run.losses.back().seconds;
  if (seconds > 0) line("training time", duration_text(seconds));
  return text + "</dl></div>";
}

bool any(const std::vector<RunReport>& runs, bool (*has)(const RunReport&)) {
  return std::any_of(runs.begin(), runs.end(), has);
}

std::string loss_section(const std::vector<RunReport>& runs) {
  if (!any(runs, [](const RunReport& run) { return !run.losses.empty(); })) return "";
  std::string text =
      "<section><h2>Loss while training</h2><p class=\"note\">Faint: as logged; bold: running "
      "mean. Hover for values; click a name in the legend to hide it.</p>"
      "<div class=\"controls\"><label>Smoothing <input type=\"range\" id=\"smoothing\" min=\"0\" "
      "max=\"0.98\" step=\"0.02\" value=\"0.8\"></label>"
      "<label><input type=\"checkbox\" id=\"loss-log\" checked> logarithmic</label></div><div "
      "class=\"pair\">";
  text += plot("total-loss", "Total loss over iterations, a line a run",
               "Total loss: score maps and location refinement together.");
  if (any(runs, [](const RunReport& run) {
        return std::any_of(run.losses.begin(), run.losses.end(),
                           [](const LossPoint& p) { return p.part_loss > 0; });
      }))
    text += plot("part-loss", "Part loss over iterations, a line a run",
                 "Part loss: score maps alone.");
  return text + "</div></section>";
}

std::string target_table(const std::vector<RunReport>& runs) {
  std::set<double, std::greater<>> targets;
  for (const auto& run : runs) {
    double best = kMissing;
    for (const auto& p : run.errors)
      if (!std::isnan(p.errors.test))
        best = std::isnan(best) ? p.errors.test : std::min(best, p.errors.test);
    for (const double factor : {1.0, 1.25, 1.5, 2.0})
      if (!std::isnan(best)) targets.insert(best * factor);
  }
  if (targets.empty()) return "";
  std::string text =
      "<h3>Iterations and time to a given test error</h3><div class=\"scroll\"><table><thead><tr>" +
      head("Test error at most (px)");
  for (const auto& run : runs)
    text += head(run.name + ", iterations") + head(run.name + ", time (s)");
  text += "</tr></thead><tbody>";
  for (const double target : targets) {
    text += "<tr>" + cell(target);
    for (const auto& run : runs) {
      const auto at = first_at(run, target);
      text += at ? fmt::format("<td>{}</td>", at->iteration) : "<td>not reached</td>";
      text += at && at->seconds > 0 ? fmt::format("<td>{:.1f}</td>", at->seconds) : "<td>–</td>";
    }
    text += "</tr>";
  }
  return text +
         "</tbody></table></div><p class=\"note\">Errors are those of the runs' best evaluations, "
         "and 1.25, 1.5 and 2 times them.</p>";
}

std::string error_section(const std::vector<RunReport>& runs, const ReportOptions& options) {
  if (!any(runs, [](const RunReport& run) { return !run.errors.empty(); })) return "";
  std::string text =
      "<section><h2>Error while training</h2><p class=\"note\">Mean distance between label and "
      "prediction. Solid with circles: test pictures, never trained on; dashed with triangles: "
      "training pictures.</p>"
      "<div class=\"controls\"><label><input type=\"checkbox\" id=\"error-log\"> "
      "logarithmic</label>"
      "<label><input type=\"checkbox\" id=\"error-time\"> over training time</label></div><div "
      "class=\"pair\">";
  text += plot("error", "Train and test error over iterations", "All labelled points.");
  text += plot("error-cutoff", "Train and test error of likely points over iterations",
               fmt::format("Points predicted with a likelihood of at least {} (p-cutoff); none "
                           "where no point reaches it.",
                           options.pcutoff));
  return text + "</div>" + target_table(runs) + "</section>";
}

std::string keypoint_section(const std::vector<RunReport>& runs, const ReportOptions& options) {
  if (!any(runs, [](const RunReport& run) { return !run.metrics.keypoints.empty(); })) return "";
  std::string text =
      "<section><h2>Error per keypoint</h2><p class=\"note\">Test pictures, all labelled points. "
      "Lines over the bars: 95 % intervals, from 2,000 resamples of the pictures.</p>";
  text += plot("keypoints", "Test error per keypoint with intervals, a bar a run",
               "Hover for values. The table sorts by any column.");
  text += "<div class=\"scroll\"><table><thead><tr>" + head("Keypoint");
  for (const auto& run : runs)
    text += head(run.name + ", test (px)") + head("95 % interval (px)") + head("train (px)");
  text += head("Test points") + "</tr></thead><tbody>";
  for (std::size_t i = 0; i < options.bodyparts.size(); ++i) {
    text += "<tr><td>" + escaped(options.bodyparts[i]) + "</td>";
    std::int64_t points = 0;
    for (const auto& run : runs) {
      const auto test = bootstrap_mean(run.metrics.distances, run.split.test, static_cast<int>(i));
      const auto train =
          bootstrap_mean(run.metrics.distances, run.split.train, static_cast<int>(i));
      points = std::max(points, test.points);
      text += cell(test.mean) +
              (std::isnan(test.low)
                   ? "<td>–</td>"
                   : fmt::format("<td data-value=\"{}\">{} to {}</td>", shortest_double(test.low),
                                 pixels_text(test.low), pixels_text(test.high))) +
              cell(train.mean);
    }
    text += fmt::format("<td>{}</td></tr>", points);
  }
  return text + "</tbody></table></div></section>";
}

std::string cutoff_section(const std::vector<RunReport>& runs) {
  if (!any(runs, [](const RunReport& run) { return !run.likelihoods.empty(); })) return "";
  return "<section><h2>Error over cutoff</h2><p class=\"note\">What is gained by leaving out "
         "unlikely points, and how many are left. Test pictures.</p><div class=\"pair\">" +
         plot("cutoff", "Test error over likelihood cutoff", "Error of the points kept.") +
         plot("kept", "Share of test points kept over likelihood cutoff",
              "Share of the labelled points kept.") +
         "</div></section>";
}

// Which colour is which keypoint, and what the two kinds of markers are.
std::string example_legend(const ReportOptions& options) {
  const auto disc = [](const std::string& style) {
    return "<span class=\"disc\" style=\"" + style + "\"></span>";
  };
  auto text = "<p class=\"legend\"><span><span class=\"cross\">✚</span>label</span><span>" +
              disc("background:#999") + "prediction</span><span>" + disc("border-color:#999") +
              fmt::format("prediction below p-cutoff {}", options.pcutoff) +
              "</span></p><p class=\"legend\">";
  for (std::size_t i = 0; i < options.bodyparts.size(); ++i) {
    const auto colour = part_colour(i, options.bodyparts.size());
    text +=
        "<span>" +
        disc(fmt::format("background:rgb({:.0f},{:.0f},{:.0f})", colour[0], colour[1], colour[2])) +
        escaped(options.bodyparts[i]) + "</span>";
  }
  return text + "</p>";
}

std::string example_section(const std::vector<RunReport>& runs, const ReportOptions& options,
                            const std::vector<PageExample>& examples) {
  if (examples.empty()) return "";
  const auto columns = std::max<std::size_t>(1, std::min<std::size_t>(runs.size(), 3));
  auto text = fmt::format(
      "<section><h2>Example pictures</h2><p class=\"note\">A line joins each prediction to its "
      "label.</p>{}<div class=\"examples\" style=\"--columns:{}\">",
      example_legend(options), columns);
  for (const auto& example : examples)
    text += fmt::format(
        "<figure><img loading=\"lazy\" width=\"{}\" height=\"{}\" alt=\"{}\" "
        "src=\"data:image/jpeg;base64,{}\"><figcaption><span "
        "class=\"run-name\">{}{}</span>{}</figcaption></figure>",
        example.width, example.height, escaped(runs[example.run].name + ": " + example.caption),
        base64(example.jpeg), swatch(example.run), escaped(runs[example.run].name),
        escaped(example.caption));
  return text + "</div></section>";
}

std::string transfer_section(const std::vector<RunReport>& runs) {
  std::string text;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].transferred.empty()) continue;
    text += fmt::format("<h3>{} {}</h3><ul class=\"plain\">", swatch(i), escaped(runs[i].name));
    for (const auto& line : runs[i].transferred) text += "<li>" + escaped(line) + "</li>";
    text += "</ul>";
  }
  return text.empty() ? "" : "<section><h2>What was transferred</h2>" + text + "</section>";
}

std::string settings_section(const std::vector<RunReport>& runs) {
  std::vector<std::string> names;
  for (const auto& run : runs)
    for (const auto& [name, value] : run.settings)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  if (names.empty()) return "";
  std::string text =
      "<section><h2>Settings</h2><p class=\"note\">Bold where the runs differ.</p><div "
      "class=\"scroll\"><table class=\"words\"><thead><tr>" +
      head("Setting");
  for (const auto& run : runs) text += head(run.name);
  text += "</tr></thead><tbody>";
  for (const auto& name : names) {
    std::string cells;
    std::set<std::string> values;
    for (const auto& run : runs) {
      const auto found = std::find_if(run.settings.begin(), run.settings.end(),
                                      [&](const auto& pair) { return pair.first == name; });
      const auto value = found == run.settings.end() ? std::string("–") : found->second;
      values.insert(value);
      cells += "<td>" + escaped(value) + "</td>";
    }
    text += fmt::format("<tr{}><td>{}</td>{}</tr>", values.size() > 1 ? " class=\"differs\"" : "",
                        escaped(name), cells);
  }
  return text + "</tbody></table></div></section>";
}

std::string outcome_name(Outcome outcome) {
  return outcome == Outcome::gain ? "gain" : outcome == Outcome::loss ? "loss" : "unclear";
}

}  // namespace

std::string format_page(const std::vector<RunReport>& runs, const ReportOptions& options,
                        const Verdict& verdict, const std::vector<PageExample>& examples,
                        const std::vector<std::string>& notes) {
  const auto parts = page_parts();
  std::string cards;
  for (std::size_t i = 0; i < runs.size(); ++i) cards += card(runs[i], i);
  std::string about =
      "Everything is in this file; it needs no network. Beside it lie the plots as PNG and SVG, "
      "the numbers as CSV and the example pictures.";
  for (const auto& note : notes) about.append(" ").append(escaped(note));
  return filled(parts.html, {{"title", escaped(options.title)},
                             {"style", std::string(parts.style)},
                             {"outcome", outcome_name(verdict.outcome)},
                             {"verdict", escaped(verdict.sentence)},
                             {"speed", escaped(verdict.speed)},
                             {"cards", cards},
                             {"loss_section", loss_section(runs)},
                             {"error_section", error_section(runs, options)},
                             {"keypoint_section", keypoint_section(runs, options)},
                             {"cutoff_section", cutoff_section(runs)},
                             {"example_section", example_section(runs, options, examples)},
                             {"transfer_section", transfer_section(runs)},
                             {"settings_section", settings_section(runs)},
                             {"about", about},
                             {"licence", escaped(parts.licence)},
                             {"data", in_script(page_data(runs, options))},
                             {"library", std::string(parts.library)},
                             {"script", std::string(parts.script)}});
}

}  // namespace poseheir
