// Finds out from the environment whether others were started with this process, and joins them.
#include <array>
#include <charconv>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <fmt/format.h>

#include "poseheir/error.h"
#include "poseheir/ranks.h"

namespace poseheir {
namespace {

// Open MPI's mpirun; MPICH's and Intel's, SLURM's pmi2; MVAPICH's; srun. SLURM_NTASKS would be the
// wrong one: it is set in a batch script too, where one process runs.
struct LaunchVariables {
  const char *size, *rank;
};
constexpr std::array kLaunchers = {
    LaunchVariables{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
    LaunchVariables{"PMI_SIZE", "PMI_RANK"},
    LaunchVariables{"MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"},
    LaunchVariables{"SLURM_STEP_NUM_TASKS", "SLURM_PROCID"},
};

std::optional<int> number_of(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr) return {};
  const std::string_view text = value;
  int number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return {};
  return number;
}

// Beside the module that holds this function.
std::filesystem::path mpi_module() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&mpi_module), &info) == 0) return {};
  auto path = std::filesystem::canonical(info.dli_fname).parent_path() / "libposeheir_mpi.so";
  return std::filesystem::exists(path) ? path : std::filesystem::path();
}

Error no_mpi(const Launch& launch) {
  return {
      ErrorKind::unsupported,
      fmt::format("started as one of {} processes ({}), but this Poseheir has no MPI to connect "
                  "them: they would all write to one folder. Build it with libopenmpi-dev "
                  "installed, or start it alone",
                  launch.size, launch.variable)};
}

}  // namespace

std::optional<Launch> find_launch() {
  for (const auto& launcher : kLaunchers) {
    const auto size = number_of(launcher.size);
    if (!size) continue;
    if (*size < 2) return {};  // an outer launcher's started another program, such as mpirun
    return Launch{number_of(launcher.rank).value_or(0), *size,
                  fmt::format("{}={}", launcher.size, *size)};
  }
  return {};
}

int reserved_tasks() {
  for (const auto& launcher : kLaunchers)
    if (std::getenv(launcher.size) != nullptr) return 0;
  return number_of("SLURM_NTASKS").value_or(0);
}

std::unique_ptr<Ranks> join_ranks() {
  const auto launch = find_launch();
  if (!launch) return nullptr;
  const auto path = mpi_module();
  if (path.empty()) throw no_mpi(*launch);
  // Global, since MPI's own plug-ins look for its symbols there.
  void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (module == nullptr)
    throw Error(ErrorKind::io, fmt::format("{}: {}", path.string(), ::dlerror()));
  auto* join = reinterpret_cast<Ranks* (*)()>(::dlsym(module, "poseheir_join_ranks"));
  if (join == nullptr)
    throw Error(ErrorKind::corrupt, path.string() + ": not a module of this program");
  std::unique_ptr<Ranks> ranks(join());
  if (ranks->size() == launch->size) return ranks;
  throw Error(ErrorKind::unsupported,
              fmt::format("started as one of {} processes ({}), but MPI connects {} of them: the "
                          "launcher is of another MPI than this Poseheir (with SLURM: srun "
                          "--mpi=pmix or --mpi=pmi2, see srun --mpi=list)",
                          launch->size, launch->variable, ranks->size()));
}

}  // namespace poseheir
