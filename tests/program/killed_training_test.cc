// The program itself, killed with SIGKILL at random moments while it trains, and started again
// with the same command each time. POSEHEIR_KILLS says how often (5).
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <random>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "base/file.h"
#include "poseheir/checkpoint.h"
#include "poseheir/demo.h"
#include "poseheir/project.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;
using Seconds = std::chrono::duration<double>;

class KilledTraining : public testing::Test {
 protected:
  KilledTraining() {
    DemoProjectOptions options;
    options.clips = 2;
    options.frames = options.labelled = 4;
    options.train_fraction = 0.5;
    options.videos = false;
    config_ = make_demo_project(folder_ / "project", options);
  }

  fs::path run_folder(const std::string& name) const {
    return model_paths(read_project(config_), {}).train / "runs" / name;
  }

  pid_t start(const std::string& name) const {
    const pid_t child = ::fork();
    if (child != 0) return child;
    const int log = ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::execl(POSEHEIR_PROGRAM, POSEHEIR_PROGRAM, "train", config_.c_str(), "--run-name",
            name.c_str(), "--init", "random", "--maxiters", "24", "--saveiters", "3",
            "--displayiters", "2", "--eval-iters", "4", "--batch-size", "1", "--threads", "1",
            static_cast<char*>(nullptr));
    ::_exit(127);
  }

  void finish(const std::string& name) const {
    int status = 0;
    ::waitpid(start(name), &status, 0);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << read_file(folder_ / "log");
  }

  // Every snapshot that can be seen is whole.
  void expect_whole_snapshots(const std::string& name) const {
    if (!fs::exists(run_folder(name))) return;
    for (const auto& snapshot : list_snapshots(run_folder(name))) {
      const auto checkpoint = read_checkpoint(snapshot.prefix);
      for (const auto& tensor : checkpoint.tensors) EXPECT_NO_THROW(tensor.read());
    }
  }

  void expect_same_run(const std::string& name) const {
    for (const auto& entry : fs::directory_iterator(run_folder("whole"))) {
      const auto file = entry.path().filename().string();
      const bool is_timed = file.ends_with("_curve.csv") || file == "log" || file == "run.json" ||
                            file.ends_with(".safetensors");
      if (is_timed) continue;
      EXPECT_TRUE(read_file(entry.path()) == read_file(run_folder(name) / file)) << file;
    }
    EXPECT_EQ(list_snapshots(run_folder("whole")).size(), list_snapshots(run_folder(name)).size());
  }

  const TempDir folder_;
  fs::path config_;
};

TEST_F(KilledTraining, GoesOnAndEndsAsIfItHadNotBeenKilled) {
  const auto begin = std::chrono::steady_clock::now();
  finish("whole");
  const double whole_seconds = Seconds(std::chrono::steady_clock::now() - begin).count();
  const char* wanted = std::getenv("POSEHEIR_KILLS");
  int kills = wanted == nullptr ? 5 : std::atoi(wanted);
  std::mt19937 random(20);
  std::uniform_real_distribution<double> moment(0, whole_seconds);
  int run = 0;
  while (kills > 0) {
    const auto name = "killed" + std::to_string(run);
    const pid_t child = start(name);
    std::this_thread::sleep_for(Seconds(moment(random)));
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) == 0) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      --kills;
      expect_whole_snapshots(name);
      continue;
    }
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << read_file(folder_ / "log");
    expect_same_run(name);
    fs::remove_all(run_folder(name));
    ++run;
  }
  const auto last = "killed" + std::to_string(run);
  finish(last);
  expect_same_run(last);
}

}  // namespace
}  // namespace poseheir
