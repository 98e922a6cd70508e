// Ranks over MPI: the module that join_ranks() opens, and the only file that knows MPI. One thread
// makes all its calls, so that sums go on while others compute, and waiting costs no processor.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fmt/format.h>
#include <list>
#include <mutex>
#include <sched.h>
#include <sys/prctl.h>
#include <thread>
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include "poseheir/error.h"
#include "poseheir/ranks.h"

namespace poseheir {
namespace {

using Clock = std::chrono::steady_clock;

std::string error_text(int code) {
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  return {text, static_cast<std::size_t>(length)};
}

struct Job {
  std::function<int(MPI_Request*)> start;
  MPI_Request request = MPI_REQUEST_NULL;
  bool done = false;
};
using Ticket = std::shared_ptr<Job>;

class MpiRanks final : public Ranks {
 public:
  MpiRanks() {
    int given = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &given);
    if (given < MPI_THREAD_SERIALIZED) {
      MPI_Finalize();
      throw Error(ErrorKind::unsupported, "this MPI cannot be used from a thread of its own");
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    for (auto* group : {&small_, &large_}) {
      MPI_Comm_dup(MPI_COMM_WORLD, group);
      MPI_Comm_set_errhandler(*group, MPI_ERRORS_RETURN);
    }
    char host[MPI_MAX_PROCESSOR_NAME];
    int length = 0;
    MPI_Get_processor_name(host, &length);
    host_.assign(host, static_cast<std::size_t>(length));
    look_around();
    thread_ = std::thread([this] { work(); });
  }

  ~MpiRanks() override {
    {
      const std::scoped_lock lock(mutex_);
      leaving_ = true;
    }
    changed_.notify_all();
    thread_.join();
    MPI_Finalize();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string host() const override { return host_; }
  double processors() const override { return processors_; }
  int on_this_host() const override { return on_this_host_; }

  void sum(std::span<double> values) override {
    wait_for(give([=, this](MPI_Request* request) {
      return MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()),
                            MPI_DOUBLE, MPI_SUM, small_, request);
    }));
  }

  // Not in place: Open MPI would take an algorithm for it that sends everything through one rank.
  void begin_sum(std::span<const float> mine, std::span<float> total) override {
    open_.push_back(give([=, this](MPI_Request* request) {
      return MPI_Iallreduce(mine.data(), total.data(), static_cast<int>(mine.size()), MPI_FLOAT,
                            MPI_SUM, large_, request);
    }));
  }

  void finish_sums() override {
    for (const auto& ticket : open_) wait_for(ticket);
    open_.clear();
  }

  void broadcast(std::span<std::byte> bytes, int from) override {
    constexpr std::size_t kMost = 1U << 30U;  // MPI counts with int
    for (std::size_t at = 0; at < bytes.size(); at += kMost) {
      const auto piece = bytes.subspan(at, std::min(kMost, bytes.size() - at));
      wait_for(give([=, this](MPI_Request* request) {
        return MPI_Ibcast(piece.data(), static_cast<int>(piece.size()), MPI_BYTE, from, small_,
                          request);
      }));
    }
  }

  [[noreturn]] void end_all(int code) override {
    give([code](MPI_Request*) { return MPI_Abort(MPI_COMM_WORLD, code); });
    std::this_thread::sleep_for(std::chrono::seconds(10));
    std::_Exit(code);
  }

 private:
  // A processor that several ranks may use is shared by them.
  void look_around() {
    MPI_Comm here = MPI_COMM_NULL;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &here);
    MPI_Comm_size(here, &on_this_host_);
    cpu_set_t mine;
    CPU_ZERO(&mine);
    ::sched_getaffinity(0, sizeof mine, &mine);
    std::vector<int> users(CPU_SETSIZE);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) users[cpu] = CPU_ISSET(cpu, &mine) ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, users.data(), CPU_SETSIZE, MPI_INT, MPI_SUM, here);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &mine)) processors_ += 1.0 / users[cpu];
    MPI_Comm_free(&here);
  }

  Ticket give(std::function<int(MPI_Request*)> start) {
    auto ticket = std::make_shared<Job>();
    ticket->start = std::move(start);
    {
      const std::scoped_lock lock(mutex_);
      waiting_.push_back(ticket);
    }
    changed_.notify_all();
    return ticket;
  }

  void wait_for(const Ticket& ticket) {
    std::unique_lock lock(mutex_);
    is_awaited_ = true;
    finished_.wait(lock, [&] { return ticket->done || !failure_.empty(); });
    is_awaited_ = false;
    if (!ticket->done) throw Error(ErrorKind::io, failure_);
  }

  void work() {
    ::prctl(PR_SET_TIMERSLACK, 1000);  // short sleeps that are short
    std::list<Ticket> running;
    std::unique_lock lock(mutex_);
    auto last_change = Clock::now();
    while (true) {
      changed_.wait(lock, [&] { return leaving_ || !waiting_.empty() || !running.empty(); });
      if (leaving_ || !failure_.empty()) return;
      std::vector<Ticket> fresh;
      fresh.swap(waiting_);
      const bool is_awaited = is_awaited_;
      lock.unlock();
      int code = MPI_SUCCESS;
      for (const auto& job : fresh) {
        if (code == MPI_SUCCESS) code = job->start(&job->request);
        running.push_back(job);
      }
      auto done = code == MPI_SUCCESS ? take_done(running, code) : std::vector<Ticket>{};
      if (!fresh.empty() || !done.empty())
        last_change = Clock::now();
      else
        pause(is_awaited, Clock::now() - last_change);
      lock.lock();
      for (const auto& job : done) job->done = true;
      if (code != MPI_SUCCESS)
        failure_ =
            fmt::format("the other processes cannot be reached any more: {}", error_text(code));
      if (!done.empty() || code != MPI_SUCCESS) finished_.notify_all();
    }
  }

  static std::vector<Ticket> take_done(std::list<Ticket>& running, int& code) {
    std::vector<Ticket> done;
    for (auto job = running.begin(); job != running.end();) {
      int flag = 0;
      code = MPI_Test(&(*job)->request, &flag, MPI_STATUS_IGNORE);
      if (code != MPI_SUCCESS) return done;
      if (flag != 0) done.push_back(*job);
      job = flag != 0 ? running.erase(job) : std::next(job);
    }
    return done;
  }

  // While somebody waits every microsecond counts, for the first thousand; beside computing the
  // processor belongs to others.
  static void pause(bool is_awaited, Clock::duration idle) {
    using std::chrono::microseconds;
    if (is_awaited && idle < microseconds(1000))
      ::sched_yield();
    else
      std::this_thread::sleep_for(microseconds(idle < microseconds(20000) ? 50 : 500));
  }

  int rank_ = 0, size_ = 1, on_this_host_ = 1;
  double processors_ = 0;
  std::string host_;
  MPI_Comm small_ = MPI_COMM_NULL, large_ = MPI_COMM_NULL;
  std::vector<Ticket> open_;  // begun by begin_sum

  std::mutex mutex_;
  std::condition_variable changed_, finished_;
  std::vector<Ticket> waiting_;
  bool leaving_ = false, is_awaited_ = false;
  std::string failure_;
  std::thread thread_;
};

}  // namespace
}  // namespace poseheir

extern "C" poseheir::Ranks* poseheir_join_ranks() { return new poseheir::MpiRanks; }
