// The training step of bench/torch.sh in eager libtorch: ResNet-50 as DeepLabCut has it (strides in
// each block's last unit, block 4 dilated, two heads), fixed batch norm statistics, channels-last
// fp32, SGD with momentum. Runs one step for each line on stdin and prints its seconds by the clock
// and by the processor.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <string>
#include <torch/torch.h>
#include <torch/version.h>
#include <vector>

namespace {

using torch::Tensor;

double seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

struct Pose {
  std::vector<Tensor> parameters;

  Tensor parameter(Tensor value) {
    parameters.push_back(value.contiguous(value.dim() == 4 ? torch::MemoryFormat::ChannelsLast
                                                           : torch::MemoryFormat::Contiguous));
    return parameters.back().requires_grad_(true);
  }

  struct Convolution {
    Tensor weights, gamma, beta, mean, variance;
    int64_t stride = 1, padding = 0, dilation = 1;

    Tensor operator()(const Tensor& x) const {
      const auto y = torch::conv2d(x, weights, {}, stride, padding, dilation);
      return torch::batch_norm(y, gamma, beta, mean, variance, false, 0.003, 1e-5, false);
    }
  };

  Convolution convolution(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1,
                          int64_t dilation = 1) {
    const double deviation = std::sqrt(2.0 / double(in * kernel * kernel));
    return {parameter(torch::randn({out, in, kernel, kernel}) * deviation),
            parameter(torch::ones(out)),
            parameter(torch::zeros(out)),
            torch::zeros(out),
            torch::ones(out),
            stride,
            dilation * (kernel - 1) / 2,
            dilation};
  }

  struct Unit {
    Convolution reduce, middle, expand;
    std::vector<Convolution> shortcut;  // one or none
    int64_t stride = 1;

    Tensor operator()(const Tensor& x) const {
      Tensor beside = x;
      if (!shortcut.empty())
        beside = shortcut[0](x);
      else if (stride > 1)
        beside = torch::max_pool2d(x, 1, stride);
      const auto inner = torch::relu(middle(torch::relu(reduce(x))));
      return torch::relu(expand(inner) + beside);
    }
  };

  void add_block(int64_t depth, int count, int64_t last_stride, int64_t dilation) {
    for (int i = 0; i < count; ++i) {
      const int64_t stride = i + 1 == count ? last_stride : 1;
      Unit unit{convolution(channels, depth / 4, 1),
                convolution(depth / 4, depth / 4, 3, stride, dilation),
                convolution(depth / 4, depth, 1),
                {},
                stride};
      if (channels != depth) unit.shortcut.push_back(convolution(channels, depth, 1, stride));
      units.push_back(std::move(unit));
      channels = depth;
    }
  }

  Pose() {
    root = convolution(3, 64, 7, 2);
    add_block(256, 3, 2, 1);
    add_block(512, 4, 2, 1);
    add_block(1024, 6, 1, 1);
    add_block(2048, 3, 1, 2);
    for (const int64_t outputs : {4, 8}) {  // scores of four keypoints, their refinement
      heads.push_back(parameter(torch::randn({channels, outputs, 3, 3}) * 0.01));
      biases.push_back(parameter(torch::zeros(outputs)));
    }
  }

  std::vector<Tensor> forward(const Tensor& images) const {
    auto x = torch::max_pool2d(torch::relu(root(images)), 3, 2, 1);
    for (const auto& unit : units) x = unit(x);
    std::vector<Tensor> outputs;
    for (std::size_t i = 0; i < heads.size(); ++i)
      outputs.push_back(torch::conv_transpose2d(x, heads[i], biases[i], 2, 1, 1));
    return outputs;
  }

  int64_t channels = 64;
  Convolution root;
  std::vector<Unit> units;
  std::vector<Tensor> heads, biases;
};

}  // namespace

// torch_step COUNT HEIGHT WIDTH THREADS
int main(int argc, char** argv) {
  if (argc != 5) return 2;
  at::set_num_threads(std::atoi(argv[4]));  // 1.13 starts with one
  torch::manual_seed(1);
  Pose pose;
  int64_t values = 0;
  for (const auto& p : pose.parameters) values += p.numel();
  torch::optim::SGD optimizer(pose.parameters, torch::optim::SGDOptions(1e-6).momentum(0.9));
  const auto images = torch::randn({std::atoi(argv[1]), 3, std::atoi(argv[2]), std::atoi(argv[3])})
                          .contiguous(torch::MemoryFormat::ChannelsLast);
  const auto step = [&] {
    optimizer.zero_grad();
    Tensor loss;
    for (const auto& output : pose.forward(images))
      loss = loss.defined() ? loss + output.square().mean() : output.square().mean();
    loss.backward();
    optimizer.step();
  };
  step();
  std::printf("ready: %s, %d threads, %lld trained values\n", TORCH_VERSION, at::get_num_threads(),
              static_cast<long long>(values));
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    const double clock = seconds(CLOCK_MONOTONIC), work = seconds(CLOCK_PROCESS_CPUTIME_ID);
    step();
    std::printf("%.4f %.4f\n", seconds(CLOCK_MONOTONIC) - clock,
                seconds(CLOCK_PROCESS_CPUTIME_ID) - work);
    std::fflush(stdout);
  }
}
