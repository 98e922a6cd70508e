#include "pose/frame_batches.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <fmt/format.h>
#include <mutex>
#include <thread>

#include "poseheir/error.h"

namespace poseheir {
namespace {

void check_crop(const Crop& crop, const VideoInfo& video, const std::filesystem::path& path) {
  if (crop.x1 >= 0 && crop.y1 >= 0 && crop.x2 > crop.x1 && crop.y2 > crop.y1 &&
      crop.x2 <= video.width && crop.y2 <= video.height)
    return;
  throw Error(
      ErrorKind::usage,
      fmt::format("{}: the crop {},{},{},{} (x1,x2,y1,y2) does not lie in its {} x {} pixels",
                  path.string(), crop.x1, crop.x2, crop.y1, crop.y2, video.width, video.height));
}

void check_range(const FrameRange& range, const VideoInfo& video,
                 const std::filesystem::path& path) {
  if (range.first < 0 || range.end <= range.first)
    throw Error(ErrorKind::usage,
                fmt::format("frames {}:{}: expected A:B with 0 <= A < B", range.first, range.end));
  if (video.declared_frames > 0 && range.first >= video.declared_frames)
    throw Error(ErrorKind::usage,
                fmt::format("{}: frames {}:{} begin after its last frame, {}", path.string(),
                            range.first, range.end, video.declared_frames - 1));
}

constexpr std::size_t kBatchesAhead = 3;  // one in the network, one ready, one being filled

}  // namespace

struct FrameBatches::State {
  VideoReader reader;
  std::filesystem::path path;
  Crop crop;
  FrameRange range;
  int capacity;
  std::size_t frame_bytes = 0;

  std::vector<FrameBatch> ring{kBatchesAhead};
  std::size_t filled = 0, taken = 0, freed = 0;  // batches so far
  bool ended = false, stopped = false;
  std::int64_t frames = 0;
  std::vector<std::int64_t> lost;
  std::exception_ptr failure;
  std::mutex mutex;
  std::condition_variable changed;
  std::thread thread;

  State(const std::filesystem::path& video, const VideoOptions& options)
      : reader(video), path(video), capacity(std::max(options.batch_size, 1)) {
    const auto& info = reader.info();
    crop = options.crop.value_or(Crop{0, info.width, 0, info.height});
    check_crop(crop, info, video);
    range = options.frames.value_or(FrameRange{});
    if (options.frames) check_range(range, info, video);
    frame_bytes = static_cast<std::size_t>(height()) * width() * 3;
    for (auto& batch : ring) {
      batch.pixels.resize(frame_bytes * capacity);
      batch.images = {capacity, height(), width(), batch.pixels};
    }
    thread = std::thread([this] { run(); });
  }

  int height() const { return crop.y2 - crop.y1; }
  int width() const { return crop.x2 - crop.x1; }

  void run() {
    try {
      decode();
    } catch (...) {
      failure = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    ended = true;
    changed.notify_all();
  }

  void decode() {
    Image frame;
    FrameBatch* batch = nullptr;
    while (frames < range.end && reader.next(frame)) {
      count_lost();
      const auto number = frames++;
      if (number < range.first || number >= range.end) continue;
      if (frame.width != reader.info().width || frame.height != reader.info().height)
        throw Error(ErrorKind::unsupported,
                    fmt::format("{}: frame {} has {} x {} pixels, the first ones {} x {}",
                                path.string(), number, frame.width, frame.height,
                                reader.info().width, reader.info().height));
      if (batch == nullptr && (batch = free_batch()) == nullptr) return;
      put(*batch, frame);
      batch->frames.push_back(number);
      if (batch->frames.size() < static_cast<std::size_t>(capacity)) continue;
      hand_over();
      batch = nullptr;
    }
    if (frames < range.end) count_lost();
    if (batch == nullptr) return;
    fill_up(*batch);
    hand_over();
  }

  void count_lost() {
    for (int n = 0; n < reader.lost() && frames < range.end; ++n) {
      if (frames >= range.first) lost.push_back(frames);
      ++frames;
    }
  }

  void put(FrameBatch& batch, const Image& frame) const {
    const auto row_bytes = static_cast<std::ptrdiff_t>(width()) * 3;
    auto* to = batch.pixels.data() + batch.frames.size() * frame_bytes;
    for (int row = crop.y1; row < crop.y2; ++row, to += row_bytes) {
      const auto* from =
          frame.pixels.data() + (static_cast<std::size_t>(row) * frame.width + crop.x1) * 3;
      std::copy(from, from + row_bytes, to);
    }
  }

  void fill_up(FrameBatch& batch) const {
    const auto start = static_cast<std::ptrdiff_t>(batch.frames.size() * frame_bytes);
    if (filled == 0) {
      std::fill(batch.pixels.begin() + start, batch.pixels.end(), std::uint8_t{0});
    } else {
      const auto& before = ring[(filled - 1) % ring.size()].pixels;
      std::copy(before.begin() + start, before.end(), batch.pixels.begin() + start);
    }
  }

  FrameBatch* free_batch() {  // nullptr when nobody wants more
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return stopped || filled - freed < ring.size(); });
    auto& batch = ring[filled % ring.size()];
    batch.frames.clear();
    return stopped ? nullptr : &batch;
  }

  void hand_over() {
    const std::lock_guard lock(mutex);
    ++filled;
    changed.notify_all();
  }

  const FrameBatch* take() {
    std::unique_lock lock(mutex);
    freed = taken;
    changed.notify_all();
    changed.wait(lock, [this] { return ended || taken < filled; });
    if (taken < filled) return &ring[taken++ % ring.size()];
    if (failure) std::rethrow_exception(failure);
    return nullptr;
  }

  void stop() {
    {
      const std::lock_guard lock(mutex);
      stopped = true;
      changed.notify_all();
    }
    thread.join();
  }
};

FrameBatches::FrameBatches(const std::filesystem::path& video, const VideoOptions& options)
    : state_(std::make_unique<State>(video, options)) {}
FrameBatches::~FrameBatches() { state_->stop(); }

const VideoInfo& FrameBatches::info() const { return state_->reader.info(); }
const Crop& FrameBatches::crop() const { return state_->crop; }
const FrameBatch* FrameBatches::next() { return state_->take(); }
std::int64_t FrameBatches::frame_count() const { return state_->frames; }
std::vector<std::int64_t> FrameBatches::lost() const { return state_->lost; }
const std::vector<std::string>& FrameBatches::problems() const { return state_->reader.problems(); }

}  // namespace poseheir
