#include "cli/child.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fmt/format.h>
#include <iostream>
#include <sys/wait.h>
#include <unistd.h>

#include "poseheir/error.h"

namespace poseheir {
namespace {

constexpr int kInterrupted = 130;

[[noreturn]] void become_child(const std::vector<std::string>& arguments, int output) {
  ::dup2(output, STDOUT_FILENO);
  ::close(output);
  std::vector<char*> words;
  std::string name = "poseheir";
  words.push_back(name.data());
  auto copies = arguments;
  for (auto& word : copies) words.push_back(word.data());
  words.push_back(nullptr);
  ::execv("/proc/self/exe", words.data());
  ::_exit(127);
}

// Prints the first lines as they come, and the last ones when there are no more.
void pass_on(int input, std::size_t head, std::size_t tail) {
  FILE* stream = ::fdopen(input, "r");
  std::deque<std::string> kept;
  std::size_t count = 0, left_out = 0;
  char* line = nullptr;
  std::size_t capacity = 0;
  while (::getline(&line, &capacity, stream) >= 0) {
    if (count++ < head) {
      std::cout << "  " << line << std::flush;
      continue;
    }
    kept.emplace_back(line);
    if (kept.size() > tail) {
      kept.pop_front();
      ++left_out;
    }
  }
  std::free(line);
  std::fclose(stream);
  if (left_out > 0) std::cout << fmt::format("  … {} lines more …\n", left_out);
  for (const auto& text : kept) std::cout << "  " << text;
  std::cout << std::flush;
}

}  // namespace

int run_child(const std::vector<std::string>& arguments, std::size_t head, std::size_t tail) {
  int ends[2];
  if (::pipe(ends) != 0) throw Error(ErrorKind::io, fmt::format("pipe: {}", std::strerror(errno)));
  std::cout.flush();
  const pid_t child = ::fork();
  if (child < 0) throw Error(ErrorKind::io, fmt::format("fork: {}", std::strerror(errno)));
  if (child == 0) {
    ::close(ends[0]);
    become_child(arguments, ends[1]);
  }
  ::close(ends[1]);
  // Ctrl-C reaches the child too, which ends in order; this program waits for it.
  const auto before = std::signal(SIGINT, SIG_IGN);
  pass_on(ends[0], head, tail);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  std::signal(SIGINT, before);
  return WIFEXITED(status) ? WEXITSTATUS(status) : kInterrupted;
}

}  // namespace poseheir
