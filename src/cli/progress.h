// Progress on stderr: one line that rewrites itself on a terminal, plain lines now and then else.
#pragma once

#include <chrono>
#include <string>

namespace poseheir {

class ProgressLine {
 public:
  explicit ProgressLine(bool quiet);
  ~ProgressLine();

  // Shows the text if it is time to; `text` is called only then.
  template <typename Text>
  void update(const Text& text) {
    if (is_due()) show(text());
  }
  void say(const std::string& line);  // a line that stays
  void clear();

 private:
  bool is_due() const;
  void show(const std::string& text);

  bool quiet_, terminal_;
  bool shown_ = false;
  double wait_seconds_;
  std::chrono::steady_clock::time_point last_;
};

// "3 min 20 s", "4.1 s"
std::string time_text(double seconds);

}  // namespace poseheir
