// Work that is killed with SIGKILL before its n-th system call, in a child: what a power cut or
// `kill -9` leaves, at every moment that can be told apart from outside.
#pragma once

#include <csignal>
#include <functional>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace poseheir {

enum class Fate { finished, killed, failed };

inline Fate run_killed_before(int system_call, const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
    ::raise(SIGSTOP);
    try {
      work();
    } catch (...) {
      ::_exit(3);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status)) return Fate::failed;
  // Two stops a call: before it and after it.
  for (int stop = 0; stop < 2 * system_call + 1; ++stop) {
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status)) return WEXITSTATUS(status) == 0 ? Fate::finished : Fate::failed;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return Fate::killed;
}

}  // namespace poseheir
