#include "cli/earlier_results.h"

#include <fmt/format.h>

#include "poseheir/evaluated.h"

namespace poseheir {

bool must_evaluate(const std::filesystem::path& results, const Snapshot& snapshot, bool overwrite,
                   ProgressLine& line) {
  if (overwrite) return true;
  const auto name = snapshot.prefix.filename().string();
  switch (age_of_results(results, snapshot)) {
    case ResultsAge::absent:
      return true;
    case ResultsAge::current:
      line.say(results.string() + " exists; not evaluated again (--overwrite does)");
      return false;
    case ResultsAge::of_other_weights:
      line.say(fmt::format("{} is of other weights than {} has now; evaluated again",
                           results.string(), name));
      return true;
    case ResultsAge::older:
      line.say(fmt::format("{} is older than {}, which may have been trained anew; evaluated again",
                           results.string(), name));
      return true;
  }
  return true;
}

void make_way(const std::filesystem::path& results, const Snapshot& snapshot, bool overwrite,
              ProgressLine& line) {
  if (overwrite || age_of_results(results, snapshot) != ResultsAge::older) return;
  line.say(fmt::format("what was there is kept as {}", set_aside(results).filename().string()));
}

}  // namespace poseheir
