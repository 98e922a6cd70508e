// The program itself under mpirun: several processes that train one network.
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "base/file.h"
#include "base/folder_lock.h"
#include "poseheir/demo.h"
#include "poseheir/metrics.h"
#include "poseheir/project.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

#define NEEDS_MPI \
  if (std::string(POSEHEIR_MPIRUN).empty()) GTEST_SKIP() << "built without MPI (libopenmpi-dev)"

class Ranks : public testing::Test {
 protected:
  Ranks() {
    DemoProjectOptions options;
    options.clips = 2;
    options.frames = options.labelled = 4;
    options.train_fraction = 0.5;
    options.videos = false;
    config_ = make_demo_project(folder_ / "project", options);
    set("global_scale", "0.3");
    set("min_input_size", "32");
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    ::setenv("OMPI_MCA_rmaps_base_oversubscribe", "1", 1);
    ::setenv("OMPI_MCA_plm_rsh_agent", "/bin/false",
             1);  // one machine needs none, and may lack ssh
  }

  void set(const std::string& key, const std::string& value) const {
    set_pose_config_value(model_paths(read_project(config_), {}).train / "pose_cfg.yaml", key,
                          value);
  }

  // So that rounding, which an untrained network's steps would let grow tenfold each, stays small
  // over many rows; what the sums of gradients must be is tested in engine/parts_test.cc.
  void slow_down() const {
    const auto path = model_paths(read_project(config_), {}).train / "pose_cfg.yaml";
    auto text = read_file(path);
    const std::string rate = "- - 0.005\n";
    ASSERT_NE(text.find(rate), std::string::npos);
    write_file(path, text.replace(text.find(rate), rate.size(), "- - 0.0000001\n"));
  }

  fs::path run_folder(const std::string& name) const {
    return model_paths(read_project(config_), {}).train / "runs" / name;
  }

  // A shell line of each rank, so that its process can be found.
  std::string command(const std::string& run, const std::string& more) const {
    const std::string line =
        "echo $$ > " + (folder_ / "rank").string() + "${OMPI_COMM_WORLD_RANK:-0}; exec " +
        POSEHEIR_PROGRAM + " train " + config_.string() + " --run-name " + run +
        " --recipe dlc --init random --saveiters 3 --displayiters 1 --eval-iters 4 --batch-size 4"
        " --threads 1 " +
        more;
    return line;
  }

  pid_t start(int ranks, const std::string& line) const {
    const pid_t child = ::fork();
    if (child != 0) return child;
    const int log = ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    if (ranks == 1) ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
    ::execl(POSEHEIR_MPIRUN, POSEHEIR_MPIRUN, "-n", std::to_string(ranks).c_str(), "sh", "-c",
            line.c_str(), nullptr);
    ::_exit(127);
  }

  int code_of(pid_t child) const {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  std::string log() const { return read_file(folder_ / "log"); }

  // Ranks at work, with their first snapshots written.
  pid_t start_until_saved(const std::string& run, const std::string& more) const {
    const auto child = start(2, command(run, more));
    const auto first = run_folder(run) / "snapshot-6.index";
    for (int tries = 0; tries < 6000 && !fs::exists(first); ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_TRUE(fs::exists(first)) << log();
    return child;
  }

  void send(int signal, int rank) const {
    ::kill(std::stoi(read_file(folder_ / ("rank" + std::to_string(rank)))), signal);
  }

  void expect_once(const std::string& words) const {
    const auto text = log();
    const auto place = text.find(words);
    ASSERT_NE(place, std::string::npos) << text;
    EXPECT_EQ(text.find(words, place + 1), std::string::npos) << text;
  }

  void expect_same_weights(const std::string& one, const std::string& other,
                           const std::string& snapshot) const {
    const auto file = snapshot + ".data-00000-of-00001";
    EXPECT_TRUE(read_file(run_folder(one) / file) == read_file(run_folder(other) / file));
  }

  void train(int ranks, const std::string& run, const std::string& more) const {
    ASSERT_EQ(code_of(start(ranks, command(run, more))), 0) << log();
  }

  void expect_same_curve(const std::string& one, const std::string& other, double tolerance,
                         std::size_t rows) const {
    const auto a = read_learning_curve(run_folder(one) / "learning_curve.csv");
    const auto b = read_learning_curve(run_folder(other) / "learning_curve.csv");
    ASSERT_EQ(a.size(), rows);
    ASSERT_EQ(b.size(), rows);
    for (std::size_t i = 0; i < rows; ++i) {
      EXPECT_EQ(a[i].iteration, b[i].iteration);
      EXPECT_NEAR(a[i].part_loss, b[i].part_loss, tolerance * a[i].part_loss) << a[i].iteration;
      EXPECT_NEAR(a[i].locref_loss, b[i].locref_loss, tolerance * a[i].locref_loss)
          << a[i].iteration;
    }
  }

  const TempDir folder_;
  fs::path config_;
};

TEST_F(Ranks, GiveTheLossCurveOfOneProcessWithFixedBatchNorm) {
  NEEDS_MPI;
  set("net_type", "resnet_50");
  slow_down();
  train(1, "one", "--maxiters 8");
  train(2, "two", "--maxiters 8");
  expect_same_curve("one", "two", 1e-3, 8);
}

TEST_F(Ranks, ComputeBatchStatisticsOverTheWholeBatch) {
  NEEDS_MPI;
  slow_down();
  train(1, "one", "--maxiters 6");
  train(3, "three", "--maxiters 6");
  expect_same_curve("one", "three", 2e-3, 6);
  EXPECT_THAT(read_file(run_folder("three") / "run.json"), HasSubstr("\"bytes_per_step\""));
}

class DeadRank : public Ranks, public testing::WithParamInterface<int> {};

TEST_P(DeadRank, EndsAllAndTheRunGoesOnWithAnotherNumber) {
  NEEDS_MPI;
  slow_down();
  train(1, "one", "--maxiters 60");
  const auto child = start_until_saved("two", "--maxiters 60");
  send(SIGKILL, GetParam());
  EXPECT_NE(code_of(child), 0);
  EXPECT_THAT(log(), HasSubstr("signal 9"));
  train(GetParam() == 0 ? 1 : 3, "two", "--maxiters 60");
  EXPECT_THAT(log(), HasSubstr("going on at iteration"));
  expect_same_curve("one", "two", 2e-3, 60);
}

INSTANTIATE_TEST_SUITE_P(Each, DeadRank, testing::Values(0, 1));

// As a launcher that lets the others be would leave them: MPI waits for ever.
TEST_F(Ranks, DoNotWaitForOneThatGivesNoSign) {
  NEEDS_MPI;
  ::setenv("POSEHEIR_RANKS_PATIENCE", "2", 1);
  const auto child = start_until_saved("two", "--maxiters 1000000");
  ::unsetenv("POSEHEIR_RANKS_PATIENCE");
  send(SIGSTOP, 1);
  EXPECT_EQ(code_of(child), 1);
  expect_once("rank 0 of 2");
  EXPECT_THAT(log(), HasSubstr("another process cannot be reached any more: no sign of life for"));
}

TEST_F(Ranks, StopTogetherAtSignalsToOneAndGoOnBitForBit) {
  NEEDS_MPI;
  train(2, "whole", "--maxiters 60");
  const auto child = start_until_saved("parts", "--maxiters 60");
  for (int times = 0; times < 2; ++times) send(SIGTERM, 1);  // as SLURM does at a time limit
  EXPECT_EQ(code_of(child), 130) << log();
  expect_once("interrupted; the same command goes on from here");
  train(2, "parts", "--maxiters 60");
  EXPECT_THAT(log(), HasSubstr("going on at iteration"));
  expect_same_weights("whole", "parts", "snapshot-60");
}

TEST_F(Ranks, EndAtASignalToTheLauncher) {
  NEEDS_MPI;
  const auto child = start_until_saved("two", "--maxiters 60");
  ::kill(child, SIGINT);
  EXPECT_NE(code_of(child), 0);
  train(2, "two", "--maxiters 60");
  EXPECT_THAT(log(), HasSubstr("going on at iteration"));
}

TEST_F(Ranks, StopWhenTheirTimeIsOver) {
  NEEDS_MPI;
  train(2, "two", "--maxiters 1000000 --minutes 0.03");
  expect_once("interrupted; the same command goes on from here");
  EXPECT_TRUE(fs::exists(run_folder("two") / "checkpoint"));
}

TEST_F(Ranks, LosePatienceTogether) {
  NEEDS_MPI;
  slow_down();  // nothing gets better
  train(2, "two", "--maxiters 1000000 --patience 2");
  expect_once("no better error in 2 measurements: stopped early");
}

TEST_F(Ranks, RepeatARunBitForBit) {
  NEEDS_MPI;
  train(2, "first", "--maxiters 6");
  const auto line = std::string(POSEHEIR_PROGRAM) + " train --repeat " +
                    (run_folder("first") / "run.json").string();
  ASSERT_EQ(code_of(start(2, line)), 0) << log();
  expect_once("the same weights, bit for bit");
  ASSERT_EQ(code_of(start(3, line + " --overwrite")), 0) << log();
  expect_once("that run had 2 processes, this one has 3");
}

TEST_F(Ranks, TellOnceWhatIsWrongWithTheirCommand) {
  NEEDS_MPI;
  const auto expect_refused = [&](const std::string& line, int code, const std::string& words) {
    EXPECT_EQ(code_of(start(2, line)), code) << line << log();
    expect_once(words);
  };
  const auto line = command("two", "");
  expect_refused(line + " --nonsense", 2, "--nonsense");
  expect_refused(line + " --batch-size none", 2, "--batch-size");
  expect_refused(std::string(POSEHEIR_PROGRAM) + " train " + config_.string() +
                     " --run-name two --init /nowhere/snapshot-1",
                 1, "/nowhere/snapshot-1");
  fs::create_directories(run_folder("two"));
  {
    const FolderLock lock(run_folder("two"));
    expect_refused(line, 1, "is at work in this folder");
  }
  write_file(config_, "Task: [");
  expect_refused(line, 1, "config.yaml");
}

// One process has other options than the rest.
TEST_F(Ranks, TellWhatIsWrongWithOneCommandOfThem) {
  NEEDS_MPI;
  const auto good = command("two", "--maxiters 2");
  EXPECT_NE(code_of(start(2, "if [ $OMPI_COMM_WORLD_RANK = 1 ]; then exec " +
                                 std::string(POSEHEIR_PROGRAM) + " train --nonsense; fi; " + good)),
            0);
  expect_once("rank 1 of 2");
  expect_once("--nonsense");
}

TEST_F(Ranks, RefuseABatchThatIsTooSmallForThemWithOneMessage) {
  NEEDS_MPI;
  EXPECT_EQ(code_of(start(5, command("small", "--maxiters 2"))), 2);
  expect_once("a batch of 4 pictures cannot be shared by 5 processes");
}

TEST_F(Ranks, EndTogetherWhenOneCannotGoOn) {
  NEEDS_MPI;
  // The second rank finds no project.
  const auto line = "if [ $OMPI_COMM_WORLD_RANK = 1 ]; then exec " + std::string(POSEHEIR_PROGRAM) +
                    " train /nowhere; fi; " + command("lost", "--maxiters 2");
  EXPECT_NE(code_of(start(2, line)), 0);
  EXPECT_THAT(log(), HasSubstr("rank 1 of 2"));
  EXPECT_THAT(log(), HasSubstr("/nowhere: no such file"));
}

// Each finds its own pictures damaged, all in the first iteration.
TEST_F(Ranks, TellOnceWhatSeveralFindWrong) {
  NEEDS_MPI;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "project/labeled-data"))
    if (entry.path().extension() == ".png")
      write_file(entry.path(), read_file(entry.path()).substr(0, 500));
  EXPECT_EQ(code_of(start(3, command("damaged", "--maxiters 2 --strict"))), 1) << log();
  expect_once("damaged picture");
}

TEST_F(Ranks, AreNotLeftUnconnected) {
  // As srun of another MPI would start it, or mpirun a program without MPI.
  EXPECT_NE(code_of(start(
                1, "PMI_SIZE=4 " + std::string(POSEHEIR_PROGRAM) + " train " + config_.string())),
            0);
  EXPECT_THAT(log(), HasSubstr("started as one of 4 processes (PMI_SIZE=4), but"));
  EXPECT_FALSE(fs::exists(run_folder("").parent_path() / "run.json"));
}

TEST_F(Ranks, AreFewerThanSlurmWasAskedFor) {
  // In a batch script, whose author forgot srun.
  const auto line = "export SLURM_NTASKS=4; " + command("alone", "--maxiters 1");
  ASSERT_EQ(code_of(start(1, line)), 0) << log();
  expect_once("SLURM has reserved 4 tasks, of which this is one alone: srun --mpi=pmix");
  // An inner launcher's word counts, where an outer one started it beside others.
  const auto inner = "export SLURM_STEP_NUM_TASKS=4 OMPI_COMM_WORLD_SIZE=1 SLURM_NTASKS=4; " +
                     command("inner", "--maxiters 1");
  EXPECT_EQ(code_of(start(1, inner)), 0) << log();
  EXPECT_THAT(log(), testing::Not(HasSubstr("SLURM")));
}

}  // namespace
}  // namespace poseheir
