#include <algorithm>
#include <fmt/format.h>

#include "poseheir/animal_files.h"

namespace poseheir {
namespace {

std::vector<std::string> names_of(const std::vector<std::string>& individuals, int tracks) {
  const auto wanted = static_cast<std::size_t>(tracks);
  if (individuals.size() >= wanted) return {individuals.begin(), individuals.begin() + tracks};
  std::vector<std::string> names;
  for (int n = 1; n <= tracks; ++n) names.push_back(fmt::format("ind{}", n));
  return names;
}

std::size_t frame_count(const Stitched& stitched, const UniqueTrack& unique) {
  std::ptrdiff_t last = -1;
  for (const auto& track : stitched.tracks) last = std::max<std::ptrdiff_t>(last, track.end());
  for (const int frame : unique.frames) last = std::max<std::ptrdiff_t>(last, frame);
  return static_cast<std::size_t>(last) + 1;
}

}  // namespace

TrackTable tabulate(const Stitched& stitched, const UniqueTrack& unique, const std::string& scorer,
                    const std::vector<std::string>& individuals, int tracks,
                    const std::vector<std::string>& bodyparts,
                    const std::vector<std::string>& unique_bodyparts) {
  TrackTable table{scorer, names_of(individuals, tracks), bodyparts, unique_bodyparts, {}};
  const auto animals_width = table.individuals.size() * bodyparts.size();
  table.frames.assign(frame_count(stitched, unique),
                      std::vector<PredictedPoint>(animals_width + unique_bodyparts.size()));
  for (std::size_t individual = 0; individual < stitched.tracks.size(); ++individual) {
    const auto& track = stitched.tracks[individual];
    for (std::size_t n = 0; n < track.size(); ++n)
      for (std::size_t part = 0; part < bodyparts.size(); ++part) {
        const auto& point = track.poses[n][part];
        table.frames[track.frames[n]][individual * bodyparts.size() + part] = {point.x, point.y,
                                                                               point.likelihood};
      }
  }
  for (std::size_t n = 0; n < unique.frames.size(); ++n)
    std::copy(unique.points[n].begin(), unique.points[n].end(),
              table.frames[unique.frames[n]].begin() + static_cast<std::ptrdiff_t>(animals_width));
  return table;
}

}  // namespace poseheir
