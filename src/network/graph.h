// The few kinds of layers from which every network is put together.
#pragma once

#include <array>
#include <string>

#include "poseheir/network.h"

namespace poseheir {

struct Kernel {
  int channels = 0;  // of the output
  int size = 1, stride = 1, dilation = 1;
  Padding padding = Padding::same;
};

struct Norm {
  float epsilon = 0, decay = 0;
  bool batch_statistics = false;
  bool gamma = true;
};

// Collects layers and their variables; finish() sorts the variables by name.
class Graph {
 public:
  explicit Graph(const NetworkSpec& spec) { network_.spec = spec; }

  // Variables added from here on belong to this part.
  void enter(NetworkPart part) { part_ = part; }

  int image(const std::array<float, 3>& offset, const std::array<float, 3>& scale);
  int convolution(int input, const std::string& name, const std::string& weights,
                  const Kernel& kernel, Initializer initializer = Initializer::he_truncated_normal);
  int depthwise(int input, const std::string& name, const std::string& weights,
                const Kernel& kernel);
  int transposed(int input, const std::string& scope, int channels);  // 3 x 3, stride 2, with bias
  void bias(int layer, const std::string& name);                      // of a convolution just added
  int batch_norm(int input, const std::string& name, const std::string& scope, const Norm& norm);
  int activation(int input, const std::string& name, Activation kind);
  int max_pool(int input, const std::string& name, int size, int stride);
  int subsample(int input, const std::string& name, int stride);
  int add(int left, int right, const std::string& name);
  int concat(const std::vector<int>& inputs, const std::string& name);
  int resize(int input, int like, const std::string& name, ResizeRule rule, int factor);
  int global_mean(int input, const std::string& name);
  int scale_channels(int input, int by, const std::string& name);

  void output(const std::string& name, int layer) { network_.outputs.push_back({name, layer}); }
  int channels(int layer) const {
    return network_.layers[static_cast<std::size_t>(layer)].channels;
  }
  int layer(const std::string& name) const { return network_.find_layer(name); }
  void rename(int layer, const std::string& name);
  const NetworkSpec& spec() const { return network_.spec; }
  Network finish();

 private:
  int push(LayerKind kind, const std::string& name, std::vector<int> inputs, int channels);
  int variable(const std::string& name, const std::vector<int>& shape, Initializer initializer);
  Layer& at(int layer) { return network_.layers[static_cast<std::size_t>(layer)]; }

  Network network_;
  NetworkPart part_ = NetworkPart::base;
};

}  // namespace poseheir
