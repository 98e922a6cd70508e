// Arithmetic that oneDNN has not, or has slower: written for the compiler's vectoriser, compiled
// once for each instruction set, parallel by OpenMP. Work is cut into pieces by sizes alone, so
// sums do not depend on the number of threads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace poseheir::kernels {

struct bf16 {
  std::uint16_t bits;
};

enum class Clamp { none, relu, relu6 };

// How an activation lies in memory: groups of `pixels` rows of `inner` channels. Group g holds the
// channels from (g % blocks) * inner of image g / blocks. Channels last is one block an image.
struct View {
  int groups = 0, blocks = 1, pixels = 0, inner = 0;
  std::size_t size() const { return std::size_t(groups) * pixels * inner; }
  int channels() const { return blocks * inner; }
};

// Floats of working memory for sums over a view.
std::size_t workspace_floats(const View& view);

struct DepthwiseShape {
  int images = 0, height = 0, width = 0, channels = 0, kernel = 3, stride = 1;
  int pad_top = 0, pad_left = 0, out_height = 0, out_width = 0;
};
std::size_t workspace_floats(const DepthwiseShape& shape);

// Pieces of a map that leave one sum each: of the output forward, of the input backward.
inline constexpr int kStripRows = 16, kStripColumns = 256;
long strips_of(int images, int height, int width);

// A 1x1 convolution as a matrix product, cut into parts that leave one sum each, of tiles that stay
// in a cache. Channels in multiples of 8.
struct PointwiseShape {
  long pixels = 0;
  int inputs = 0, outputs = 0;
  long tile_pixels = 0, part_pixels = 0, parts = 0;
  // Where there are many weights, so many parts bring what their gradient is multiplied of into
  // shared memory; 0: each part leaves a gradient of its own.
  long parts_together = 0;
};
// Floats of working memory for the gradient of the weights.
std::size_t workspace_floats(const PointwiseShape& shape);
// Tiles hold at most `tile_values`; no parts where the least tile would be larger.
PointwiseShape pointwise_shape(long pixels, int inputs, int outputs, long tile_values);

// One head of several that share a matrix with 9 columns for each of their channels, a column
// (tap * channels + channel) after `first_column`.
struct HeadShape {
  int images = 0, height = 0, width = 0, channels = 0, first_column = 0;
  int cleared = 0;  // columns after those that become zero in a gradient
};

struct ChannelCopy {
  int first_to = 0, count = 0;
  int cleared = 0;  // channels after those that become zero
  bool accumulate = false;
};

// Where a row (or column) of a resized map comes from: lower + (upper - lower) * lerp.
struct ResizeTap {
  int lower = 0, upper = 0;
  float lerp = 0;
};
struct Span {
  int first = 0, last = 0;
};
struct ResizeAxis {
  int in = 0, out = 0;
  const ResizeTap* taps = nullptr;  // out
  const Span* readers = nullptr;    // in: the rows that read this one
};

// Batch norm and activation, as the operations around them apply them: y = clamp(x * scale +
// shift). The gradients' members are known after the sums of the backward pass.
struct Normalisation {
  const float *scale = nullptr, *shift = nullptr, *mean = nullptr;
  const float *mean_gradient = nullptr, *projected = nullptr;
  Clamp clamp = Clamp::none;
};

// An operand; with a norm it is what the norm makes of `data`.
struct Operand {
  const void* data = nullptr;
  const Normalisation* norm = nullptr;
};

// The gradient of an operation's result: dy, or, with a norm, what reaches the norm's input x.
struct GradientOperand {
  const void *dy = nullptr, *x = nullptr;
  const Normalisation* norm = nullptr;
};

// Pieces leave mean, sum of squared deviations, and count of each channel of a result; backward,
// sums of dx and dx * (x - mean) where the operand's norm did not clamp.
inline constexpr int kMomentRows = 3, kGradientRows = 2;
void finish_moments(const float* pieces, long count, int channels, float* mean, float* variance);
void finish_gradient_sums(const float* pieces, long count, int channels, float* sum,
                          float* product);

// A result, and the moments that its pieces leave; null: nobody asks. `streams`: it is so large
// that the caches have lost it before somebody reads it, and so is written past them where that can
// be.
struct Result {
  void* data = nullptr;
  float* moments = nullptr;
  bool streams = false;
};

// What a backward pass gives; null for what nobody needs.
struct FusedGradients {
  void* dx = nullptr;
  bool streams = false;   // dx, as in Result
  float* sums = nullptr;  // of dx, a piece after the other
  float* weights = nullptr;
  float* workspace = nullptr;  // depthwise: weights for each piece; 1x1: workspace_floats
};

// Activations are void*: float or bf16, by the table they are taken from. Vectors are float.
struct Kernels {
  long tile_values;  // of a 1x1 convolution: pointwise_shape's
  void (*image)(const std::uint8_t* pixels, int images, int pixels_each, const float* offset,
                const float* scale, bool planar, void* out);
  // Mean and biased variance of each channel.
  void (*moments)(const void* x, const View& view, float* workspace, float* mean, float* variance);
  void (*normalise)(const void* x, const void* residual, const View& view, const float* scale,
                    const float* shift, Clamp clamp, void* out);
  // Sums of dy and dy * (x - mean), dy = (a + b) where y is not clamped; b and out may be null.
  void (*normalise_sums)(const void* a, const void* b, const void* x, const View& view,
                         const Normalisation& norm, float* workspace, void* out, float* sum,
                         float* product);
  void (*normalise_backward)(const void* dy, const void* x, const View& view,
                             const Normalisation& norm, void* dx);
  // out = (a + b + c) where y is not clamped; b, c, y, out and sums may be null.
  void (*gradient)(const void* a, const void* b, const void* c, const void* y, const View& view,
                   Clamp clamp, float* workspace, void* out, float* sums);
  void (*add)(const void* a, const void* b, std::size_t count, Clamp clamp, void* out);
  // Kernels 3 and 5, strides 1 and 2.
  void (*depthwise)(const Operand& in, const float* weights, const DepthwiseShape& shape,
                    const Result& out);
  void (*depthwise_backward)(const GradientOperand& out, const Operand& in, const float* weights,
                             const DepthwiseShape& shape, const FusedGradients& gradients);
  // Weights [inputs, outputs] as the next two read them, 4 bytes each; null: nobody does.
  void (*pack_pointwise)(const float* weights, int inputs, int outputs, void* packed,
                         void* transposed);
  void (*pointwise)(const Operand& in, const void* packed, const PointwiseShape& shape,
                    const Result& out);
  void (*pointwise_backward)(const GradientOperand& out, const Operand& in, const void* transposed,
                             const PointwiseShape& shape, const FusedGradients& gradients);
  // pointwise, its result in fp32.
  void (*head_product)(const Operand& in, const void* packed, const PointwiseShape& shape,
                       const Result& out);
  // View of the input; the output has rows and columns 0, stride, 2 stride, …
  void (*subsample)(const void* x, const View& view, int height, int width, int stride, void* y);
  void (*subsample_backward)(const void* dy, const View& view, int height, int width, int stride,
                             bool accumulate, void* dx);
  // Channels from `first_from` on to another map of the same images and pixels.
  void (*copy_channels)(const void* from, const View& from_view, int first_from, void* to,
                        const View& to_view, const ChannelCopy& copy);
  void (*resize)(const void* x, const View& view, const ResizeAxis& rows, const ResizeAxis& columns,
                 void* y);
  void (*resize_backward)(const void* dy, const View& view, const ResizeAxis& rows,
                          const ResizeAxis& columns, void* dx);
  // Matrix [image, cell, column] in the layout of `view` to the cropped transposed convolution's
  // output, and back.
  void (*head)(const float* matrix, const View& view, const HeadShape& head, const float* bias,
               float* out);
  void (*head_backward)(const float* gradient, const View& view, const HeadShape& head,
                        void* matrix);
};

// fp32 only.
struct VectorKernels {
  void (*fold)(const float* w, const float* scale, std::size_t rows, int outputs, float* folded);
  // g *= scale, and the sum over rows of the former g * w for each output.
  void (*unfold)(float* g, const float* w, const float* scale, std::size_t rows, int outputs,
                 float* workspace, float* sums);
  void (*momentum)(float* w, float* m, const float* g, std::size_t count, float rate,
                   float momentum);
  void (*adam)(float* w, float* m, float* v, const float* g, std::size_t count, float rate,
               float beta1, float beta2, float epsilon);
};
inline constexpr std::size_t kFoldPieces = 16;  // workspace of unfold: kFoldPieces * outputs

enum class Isa { baseline, avx2, avx512, avx512_bf16 };  // each has the former ones
const Kernels& float_kernels(Isa isa);
const Kernels& bf16_kernels(Isa isa);
const VectorKernels& vector_kernels(Isa isa);

}  // namespace poseheir::kernels
