#include "cli/progress.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <iostream>
#include <unistd.h>

namespace poseheir {
namespace {
constexpr double kTerminalSeconds = 0.2, kFirstPlainSeconds = 5, kLongestPlainSeconds = 60;
}  // namespace

ProgressLine::ProgressLine(bool quiet)
    : quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) == 1),
      wait_seconds_(terminal_ ? kTerminalSeconds : kFirstPlainSeconds),
      last_(std::chrono::steady_clock::now()) {}

ProgressLine::~ProgressLine() { clear(); }

bool ProgressLine::is_due() const {
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - last_;
  return !quiet_ && passed.count() >= wait_seconds_;
}

void ProgressLine::show(const std::string& text) {
  last_ = std::chrono::steady_clock::now();
  if (terminal_) {
    std::cerr << "\r\x1b[K" << text << std::flush;
    shown_ = true;
  } else {
    std::cerr << text << '\n';
    wait_seconds_ = std::min(wait_seconds_ * 1.5, kLongestPlainSeconds);
  }
}

void ProgressLine::say(const std::string& line) {
  if (quiet_) return;
  clear();
  std::cerr << line << '\n';
}

void ProgressLine::clear() {
  if (!shown_) return;
  std::cerr << "\r\x1b[K" << std::flush;
  shown_ = false;
}

std::string time_text(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const auto whole = std::lround(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

}  // namespace poseheir
