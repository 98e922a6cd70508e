// The program itself with --engine torch: it trains, goes on, repeats itself and evaluates.
#include <cstdlib>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "base/file.h"
#include "poseheir/demo.h"
#include "poseheir/metrics.h"
#include "poseheir/project.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class TorchProgram : public testing::Test {
 protected:
  TorchProgram() {
    DemoProjectOptions options;
    options.clips = 2;
    options.frames = options.labelled = 4;
    options.train_fraction = 0.5;
    options.videos = false;
    config_ = make_demo_project(folder_ / "project", options);
    const auto pose_config = model_paths(read_project(config_), {}).train / "pose_cfg.yaml";
    set_pose_config_value(pose_config, "global_scale", "0.3");
    set_pose_config_value(pose_config, "min_input_size", "32");
  }

  struct Outcome {
    int code = 0;
    std::string out, err;
  };
  Outcome run(const std::string& arguments, const std::string& launcher = {}) const {
    const auto out = folder_ / "out", err = folder_ / "err";
    const auto line =
        launcher + POSEHEIR_PROGRAM + " " + arguments + " >" + out.string() + " 2>" + err.string();
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(out), read_file(err)};
  }

  Outcome train(const std::string& name, const std::string& more,
                const std::string& launcher = {}) const {
    return run("train " + config_.string() + " --run-name " + name +
                   " --recipe dlc --init random --displayiters 1 --eval-iters 2 --batch-size 2 " +
                   more,
               launcher);
  }

  fs::path run_folder(const std::string& name) const {
    return model_paths(read_project(config_), {}).train / "runs" / name;
  }

  std::string weights(const std::string& name, const std::string& snapshot) const {
    return read_file(run_folder(name) / (snapshot + ".data-00000-of-00001"));
  }

  const TempDir folder_;
  fs::path config_;
};

TEST_F(TorchProgram, GoesOnWhereItStoppedBitForBit) {
  auto whole = train("whole", "--engine torch --maxiters 6");
  ASSERT_EQ(whole.code, 0) << whole.err;
  auto first = train("parts", "--engine torch --maxiters 3");
  ASSERT_EQ(first.code, 0) << first.err;
  auto second = train("parts", "--engine torch --maxiters 6");
  ASSERT_EQ(second.code, 0) << second.err;
  EXPECT_THAT(second.err, HasSubstr("going on at iteration 4"));
  EXPECT_TRUE(weights("parts", "snapshot-6") == weights("whole", "snapshot-6"));
  EXPECT_FALSE(weights("parts", "snapshot-3") == weights("whole", "snapshot-6"));
}

TEST_F(TorchProgram, RepeatsARunBitForBit) {
  const auto first = train("first", "--engine torch --device cpu --maxiters 4");
  ASSERT_EQ(first.code, 0) << first.err;
  const auto record = nlohmann::json::parse(read_file(run_folder("first") / "run.json"));
  EXPECT_EQ(record["engine"], "torch on cpu");
  const auto repeat = run("train --repeat " + (run_folder("first") / "run.json").string());
  EXPECT_EQ(repeat.code, 0);
  EXPECT_THAT(repeat.err, HasSubstr("the same weights, bit for bit"));
}

TEST_F(TorchProgram, TrainsInTwoProcesses) {
  const std::string mpirun = POSEHEIR_MPIRUN;
  if (mpirun.empty()) GTEST_SKIP() << "built without MPI (libopenmpi-dev)";
  for (const char* variable : {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
                               "OMPI_MCA_rmaps_base_oversubscribe"})
    ::setenv(variable, "1", 1);
  ::setenv("OMPI_MCA_plm_rsh_agent", "/bin/false", 1);
  // An untrained network's steps magnify rounding; what sums of gradients must be is tested in
  // engine/parts_test.cc.
  const auto path = model_paths(read_project(config_), {}).train / "pose_cfg.yaml";
  auto text = read_file(path);
  const std::string rate = "- - 0.005\n";
  ASSERT_NE(text.find(rate), std::string::npos);
  write_file(path, text.replace(text.find(rate), rate.size(), "- - 0.0000001\n"));
  const std::string options = "--engine torch --device cpu --threads 1 --maxiters 3";
  const auto one = train("one", options), two = train("two", options, mpirun + " -n 2 ");
  ASSERT_EQ(one.code, 0) << one.err;
  ASSERT_EQ(two.code, 0) << two.err;
  const auto expected = read_learning_curve(run_folder("one") / "learning_curve.csv");
  const auto actual = read_learning_curve(run_folder("two") / "learning_curve.csv");
  ASSERT_EQ(actual.size(), expected.size());
  ASSERT_FALSE(expected.empty());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(actual[i].part_loss, expected[i].part_loss, 1e-5 * expected[i].part_loss);
}

TEST_F(TorchProgram, DoesNotGoOnWithARunOfTheOtherEngine) {
  ASSERT_EQ(train("run", "--maxiters 2").code, 0);
  const auto other = train("run", "--engine torch --device cpu --maxiters 4");
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.err, HasSubstr("differs in engine (\"onednn\" there, \"torch on cpu\" now)"));
}

TEST_F(TorchProgram, EvaluatesASnapshotAsTheOtherEngineDoes) {
  ASSERT_EQ(train("run", "--maxiters 4").code, 0);
  const auto evaluate = [&](const std::string& more) {
    const auto outcome =
        run("evaluate " + config_.string() + " --run-name run --overwrite --json " + more);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return nlohmann::json::parse(outcome.out);
  };
  const auto expected = evaluate(""), actual = evaluate("--engine torch");
  const auto errors = [](const nlohmann::json& json) {
    std::vector<double> values;
    const auto flat = json.flatten();
    for (const auto& [key, value] : flat.items())
      if (value.is_number() && key.find("second") == std::string::npos) values.push_back(value);
    return values;
  };
  EXPECT_GT(errors(expected).size(), 4U);
  EXPECT_THAT(errors(actual), testing::Pointwise(testing::DoubleNear(0.02), errors(expected)));
}

TEST_F(TorchProgram, IsToldOfBySystem) {
  const auto outcome = run("system");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("--engine torch: libtorch "));
}

}  // namespace
}  // namespace poseheir
