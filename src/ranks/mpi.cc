// Ranks over MPI: the module that join_ranks() opens, and the only file that knows MPI. One thread
// makes all its calls, so that sums go on while others compute, and waiting costs no processor.
//
// MPI waits for a process that is gone for as long as one lets it, and not every launcher ends the
// others. So all ranks meet in a barrier every second, whatever else they do; one that is not
// through for long is a process lost.
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fmt/format.h>
#include <iostream>
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

constexpr const char* kPatience = "POSEHEIR_RANKS_PATIENCE";

double patience_in_seconds() {
  constexpr double kDefault = 120;
  const char* text = std::getenv(kPatience);
  if (text == nullptr) return kDefault;
  double seconds = 0;
  const auto parsed = std::from_chars(text, text + std::string_view(text).size(), seconds);
  if (parsed.ec == std::errc() && *parsed.ptr == '\0' && seconds > 0) return seconds;
  throw Error(ErrorKind::usage, fmt::format("{}={}: expected seconds", kPatience, text));
}

#ifdef OPEN_MPI
// What Open MPI was built with has a category of variables each, known before it begins.
bool speaks_pmi() {
  int given = 0, count = 0;
  if (MPI_T_init_thread(MPI_THREAD_SINGLE, &given) != MPI_SUCCESS) return true;  // let it try
  MPI_T_category_get_num(&count);
  bool found = false;
  for (int i = 0; i < count && !found; ++i) {
    std::array<char, 256> name{};
    int size = name.size(), variables = 0, performance = 0, parts = 0, nothing = 0;
    MPI_T_category_get_info(i, name.data(), &size, nullptr, &nothing, &variables, &performance,
                            &parts);
    const std::string_view text = name.data();
    found = text == "opal_pmix_s1" || text == "opal_pmix_s2";
  }
  MPI_T_finalize();
  return found;
}

// Where srun offers nothing that Open MPI can use it would end the process, with advice for those
// who build clusters.
void require_connection() {
  const auto is_set = [](const char* variable) { return std::getenv(variable) != nullptr; };
  if (!is_set("SLURM_STEP_NUM_TASKS") || is_set("PMIX_NAMESPACE") ||
      is_set("OMPI_COMM_WORLD_SIZE") || speaks_pmi())
    return;
  throw Error(
      ErrorKind::unsupported,
      fmt::format("srun started this as one of {} processes, and connects them in no way that this "
                  "Open MPI knows: start with srun --mpi=pmix (srun --mpi=list says whether there "
                  "is one), or with mpirun in the job",
                  std::getenv("SLURM_STEP_NUM_TASKS")));
}
#else
void require_connection() {}
#endif

// How long nothing has come. A process that was stopped, as a batch system stops all of a job, has
// missed nothing: of the time between two looks little counts.
class Silence {
 public:
  double seconds() {
    constexpr double kMostAtOnce = 0.5;
    const auto now = Clock::now();
    seconds_ += std::min(std::chrono::duration<double>(now - seen_).count(), kMostAtOnce);
    seen_ = now;
    return seconds_;
  }
  void end() { *this = {}; }

 private:
  Clock::time_point seen_ = Clock::now();
  double seconds_ = 0;
};

// The barriers by which ranks know of each other.
class Pulse {
 public:
  explicit Pulse(MPI_Comm group) : group_(group) {}

  // Called now and then; begins a barrier when it is time, or where `more` were begun elsewhere.
  int beat(bool more) {
    if (is_open()) {
      int done = 0;
      const int code = MPI_Test(&request_, &done, MPI_STATUS_IGNORE);
      if (done != 0) silence_.end();
      return code;
    }
    if (!more) return MPI_SUCCESS;
    silence_.end();
    ++begun_;
    return MPI_Ibarrier(group_, &request_);
  }
  int beat() { return beat(silence_.seconds() > kEvery); }

  bool is_open() const { return request_ != MPI_REQUEST_NULL; }
  double silent_seconds() { return is_open() ? silence_.seconds() : 0; }
  std::int64_t begun() const { return begun_; }

 private:
  static constexpr double kEvery = 1;

  const MPI_Comm group_;
  MPI_Request request_ = MPI_REQUEST_NULL;
  Silence silence_;
  std::int64_t begun_ = 0;
};

class MpiRanks final : public Ranks {
 public:
  MpiRanks() : patience_(patience_in_seconds()) {
    require_connection();
    int given = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &given);
    if (given < MPI_THREAD_SERIALIZED) {
      MPI_Finalize();
      throw Error(ErrorKind::unsupported, "this MPI cannot be used from a thread of its own");
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    for (auto* group : {&small_, &large_, &pulses_}) {
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
    if (failure_.empty()) MPI_Finalize();  // which waits for all
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
    if (!ticket->done) end_lost();
  }

  // There is nothing to go on with. The first rank tells; where it is the lost one, all others do.
  [[noreturn]] void end_lost() {
    if (rank_ != 0) std::this_thread::sleep_for(std::chrono::seconds(2));
    std::cerr << fmt::format(
                     "poseheir: rank {} of {} on {}: {}\nAll {} processes end. The same command "
                     "goes on from the last saved state, with any number of processes.\n",
                     rank_, size_, host_, failure_, size_)
              << std::flush;
    MPI_Abort(MPI_COMM_WORLD, 1);
    std::_Exit(1);
  }

  void work() {
    ::prctl(PR_SET_TIMERSLACK, 1000);  // short sleeps that are short
    std::list<Ticket> running;
    Pulse pulse(pulses_);
    std::unique_lock lock(mutex_);
    auto last_change = Clock::now();
    while (true) {
      changed_.wait_for(lock, std::chrono::milliseconds(100),
                        [&] { return leaving_ || !waiting_.empty() || !running.empty(); });
      if (leaving_) {
        lock.unlock();
        const int code = leave(pulse);
        if (code != MPI_SUCCESS) failure_ = error_text(code);
        return;
      }
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
      if (code == MPI_SUCCESS) code = pulse.beat();
      const bool is_lost = pulse.silent_seconds() > patience_;
      if (!fresh.empty() || !done.empty())
        last_change = Clock::now();
      else
        pause(is_awaited, Clock::now() - last_change);
      lock.lock();
      for (const auto& job : done) job->done = true;
      if (code != MPI_SUCCESS || is_lost)
        failure_ = fmt::format(
            "another process cannot be reached any more: {}",
            is_lost ? fmt::format("no sign of life for {:g} s", patience_) : error_text(code));
      if (!done.empty() || !failure_.empty()) finished_.notify_all();
      if (!failure_.empty()) return;
    }
  }

  // MPI ends only when no barrier is open, and a rank may be one ahead of another.
  int leave(Pulse& pulse) const {
    MPI_Request request = MPI_REQUEST_NULL;
    int code = MPI_Ibarrier(small_, &request);
    if (code == MPI_SUCCESS) code = wait_beating(request, pulse, [&] { return pulse.beat(); });
    std::int64_t most = pulse.begun();
    if (code == MPI_SUCCESS)
      code = MPI_Iallreduce(MPI_IN_PLACE, &most, 1, MPI_INT64_T, MPI_MAX, small_, &request);
    if (code == MPI_SUCCESS) code = wait_beating(request, pulse, [&] { return pulse.beat(false); });
    while (code == MPI_SUCCESS && (pulse.is_open() || pulse.begun() < most)) {
      code = pulse.beat(pulse.begun() < most);
      if (pulse.silent_seconds() > patience_) return MPI_ERR_OTHER;
      pause(true, {});
    }
    return code;
  }

  template <typename Beat>
  int wait_beating(MPI_Request& request, Pulse& pulse, const Beat& beat) const {
    for (;;) {
      int done = 0;
      if (const int code = MPI_Test(&request, &done, MPI_STATUS_IGNORE); code != MPI_SUCCESS)
        return code;
      if (const int code = beat(); done != 0 || code != MPI_SUCCESS) return code;
      if (pulse.silent_seconds() > patience_) return MPI_ERR_OTHER;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
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
  const double patience_;
  MPI_Comm small_ = MPI_COMM_NULL, large_ = MPI_COMM_NULL, pulses_ = MPI_COMM_NULL;
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
