// Several processes that compute one thing together, as mpirun or srun started them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace poseheir {

// What the environment says: this process is one of `size`.
struct Launch {
  int rank = 0, size = 1;
  std::string variable;  // that said so: "OMPI_COMM_WORLD_SIZE=4"
};
// Nothing where the process was started alone, be it by mpirun -n 1.
std::optional<Launch> find_launch();

// How many processes SLURM has reserved room for where this one was started alone, beside no
// others: 0 outside of such a job.
int reserved_tasks();

// All calls are collective: each rank makes the same ones in the same order, from one thread. A
// rank that is gone ends all, with a message, from a call that waits for it.
class Ranks {
 public:
  virtual ~Ranks() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual std::string host() const = 0;
  // This rank's share of the processors of its machine, and how many ranks share its memory.
  virtual double processors() const = 0;
  virtual int on_this_host() const = 0;

  // Replaces the values by their sums over all ranks: the same bits everywhere.
  virtual void sum(std::span<double> values) = 0;
  // Begins to sum and returns at once; neither span may be touched until finish_sums() has
  // returned. Other calls may come in between.
  virtual void begin_sum(std::span<const float> mine, std::span<float> total) = 0;
  virtual void finish_sums() = 0;
  // Rank `from`'s bytes, on all.
  virtual void broadcast(std::span<std::byte> bytes, int from) = 0;

  // Ends the processes of all ranks, at once.
  [[noreturn]] virtual void end_all(int code) = 0;
};

// Joins the others of find_launch(); null where there are none. Loads MPI only then. Throws
// Error(unsupported) where this build has no MPI or the launcher does not connect the processes.
std::unique_ptr<Ranks> join_ranks();

// Does `part`; when it throws on any rank, all throw that Error, with the rank's name in front
// where others succeeded. With null it just does it.
void agree(Ranks* ranks, const std::function<void()>& part);

// "rank 1 of 4 on node7"
std::string name_of(const Ranks& ranks);

}  // namespace poseheir
