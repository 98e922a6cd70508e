#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <optional>

#include "animals/flow.h"
#include "animals/residuals.h"
#include "animals/tracklet.h"
#include "poseheir/error.h"
#include "poseheir/tracks.h"

namespace poseheir {
namespace {

constexpr std::int64_t kNoGapIsTooLong = std::int64_t{1} << 40;
constexpr double kSameIdentity = 0.01;  // weight of a link between tracklets of one identity

using Path = std::vector<int>;  // tracklets, by number

// The longest of the tracklets' waits for the next one, and half as much again.
std::int64_t max_gap_of(const std::vector<const Tracklet*>& tracklets) {
  int longest = 0;
  for (std::size_t a = 0; a < tracklets.size(); ++a) {
    int wait = 0;
    for (std::size_t b = a + 1; b < tracklets.size(); ++b) {
      const int gap = time_gap(*tracklets[a], *tracklets[b]);
      if (gap > 0 && (wait == 0 || gap < wait)) wait = gap;
    }
    longest = std::max(longest, wait);
  }
  return static_cast<std::int64_t>(1.5 * longest);
}

struct Candidate {
  int from = 0, to = 0;
  std::int64_t cost = 0;
};

// Tracklets by their start, which of them may follow which, and the flows between them.
class Stitching {
 public:
  Stitching(std::vector<Tracklet> tracklets, const StitchOptions& options)
      : tracklets_(std::move(tracklets)), options_(options) {
    for (const auto& tracklet : tracklets_) identities_.push_back(identity_of(tracklet));
    with_identity_ = std::any_of(identities_.begin(), identities_.end(),
                                 [](int identity) { return identity != -1; });
  }

  // A path for each track. Notes say where the best answer does not exist.
  std::vector<Path> paths(std::vector<Tracklet>& residuals, std::vector<std::string>& notes) const {
    std::vector<int> all(tracklets_.size());
    for (std::size_t n = 0; n < all.size(); ++n) all[n] = static_cast<int>(n);
    std::vector<const Tracklet*> members;
    for (const auto& tracklet : tracklets_) members.push_back(&tracklet);
    const auto max_gap = options_.max_gap > 0 ? options_.max_gap : max_gap_of(members);
    const auto links = candidates(all, max_gap);
    if (auto found = covering_paths(all, links, options_.tracks)) return *found;
    notes.push_back(
        fmt::format("no {} tracks hold all {} tracklets; the best partial ones are taken",
                    options_.tracks, tracklets_.size()));
    return partial_paths(all, links, residuals, notes);
  }

  Tracklet track(const Path& path) const {
    std::vector<const Tracklet*> parts;
    for (const int n : path) parts.push_back(&tracklets_[n]);
    return joined(parts);
  }

 private:
  std::vector<Candidate> candidates(const std::vector<int>& members, std::int64_t max_gap) const {
    std::vector<Candidate> links;
    for (std::size_t a = 0; a < members.size(); ++a)
      for (std::size_t b = a + 1; b < members.size(); ++b) {
        const int gap = tracklets_[members[b]].start() - tracklets_[members[a]].end();
        if (gap > max_gap) break;
        if (gap > 0) links.push_back({members[a], members[b], cost(members[a], members[b])});
      }
    return links;
  }

  std::int64_t cost(int a, int b) const {
    const double weight = with_identity_ && identities_[a] == identities_[b] ? kSameIdentity : 1;
    return static_cast<std::int64_t>(100 * (weight * end_distance(tracklets_[a], tracklets_[b])));
  }

  // Node 0 is the source, 1 the sink; every tracklet has a node for its start and one for its end.
  static int start_node(std::size_t place) { return static_cast<int>(2 + 2 * place); }
  static int end_node(std::size_t place) { return start_node(place) + 1; }

  static std::vector<std::size_t> places(const std::vector<int>& members, std::size_t count) {
    std::vector<std::size_t> place(count);
    for (std::size_t n = 0; n < members.size(); ++n) place[members[n]] = n;
    return place;
  }

  // Exactly so many paths that every member lies on one. As in DeepLabCut each start must take in
  // one unit and each end send one, besides what flows through.
  std::optional<std::vector<Path>> covering_paths(const std::vector<int>& members,
                                                  const std::vector<Candidate>& links,
                                                  int tracks) const {
    const auto count = members.size();
    const auto place = places(members, tracklets_.size());
    std::vector<std::int64_t> supply = {tracks, -tracks};
    std::vector<FlowArc> arcs;
    for (std::size_t n = 0; n < count; ++n) {
      supply.insert(supply.end(), {-1, 1});
      arcs.push_back({0, start_node(n)});
    }
    for (std::size_t n = 0; n < count; ++n) arcs.push_back({end_node(n), 1});
    for (const auto& link : links)
      arcs.push_back({end_node(place[link.from]), start_node(place[link.to]), 1, link.cost});
    for (std::size_t n = 0; n < count; ++n) arcs.push_back({start_node(n), end_node(n)});
    auto flow = cheapest_flow(supply, arcs);
    if (!flow) return std::nullopt;
    std::vector<Path> paths;
    for (std::size_t n = 0; n < count; ++n)
      if ((*flow)[n] == 1) paths.push_back(follow(members[n], members, links, *flow));
    return paths;
  }

  // A tracklet that two paths share leads both to the same end: the sink comes first, then the
  // earliest successor.
  static Path follow(int at, const std::vector<int>& members, const std::vector<Candidate>& links,
                     std::vector<std::int64_t>& flow) {
    Path path = {at};
    for (bool moved = true; moved;) {
      moved = false;
      const auto place = std::find(members.begin(), members.end(), at) - members.begin();
      if (flow[members.size() + place] == 1) break;
      for (std::size_t n = 0; n < links.size() && !moved; ++n) {
        auto& along = flow[2 * members.size() + n];
        if (links[n].from != at || along != 1) continue;
        --along;
        path.push_back(at = links[n].to);
        moved = true;
      }
    }
    return path;
  }

  // As many paths as possible, at most so many as asked for, none sharing a tracklet, from one of
  // the first tracklets to one of the last. DeepLabCut takes any such paths; these are the
  // cheapest.
  std::vector<Path> disjoint_paths(const std::vector<int>& members,
                                   const std::vector<Candidate>& links) const {
    const auto count = members.size(), ends = std::min<std::size_t>(count, options_.tracks);
    std::vector<int> by_end = members;
    std::stable_sort(by_end.begin(), by_end.end(),
                     [this](int a, int b) { return tracklets_[a].end() < tracklets_[b].end(); });
    std::int64_t dear = 1;  // more than any set of paths costs
    for (const auto& link : links) dear += link.cost;
    std::vector<FlowArc> arcs = {{1, 0, options_.tracks, -dear}};
    for (std::size_t n = 0; n < ends; ++n) arcs.push_back({0, start_node(members[n])});
    for (std::size_t n = count - ends; n < count; ++n) arcs.push_back({end_node(by_end[n]), 1});
    for (std::size_t n = 0; n < count; ++n) arcs.push_back({start_node(n), end_node(n)});
    const auto first_link = arcs.size();
    for (const auto& link : links)
      arcs.push_back({end_node(link.from), start_node(link.to), 1, link.cost});
    const auto flow = cheapest_flow(std::vector<std::int64_t>(2 + 2 * count, 0), arcs);
    std::vector<Path> paths;
    if (!flow) return paths;
    for (std::size_t n = 0; n < ends; ++n) {
      if ((*flow)[1 + n] == 0) continue;
      paths.push_back({members[n]});
      for (std::size_t link = 0; link < links.size(); ++link)  // they ascend by `from`
        if (links[link].from == paths.back().back() && (*flow)[first_link + link] == 1)
          paths.back().push_back(links[link].to);
    }
    return paths;
  }

  std::vector<Path> partial_paths(const std::vector<int>& members,
                                  const std::vector<Candidate>& links,
                                  std::vector<Tracklet>& residuals,
                                  std::vector<std::string>& notes) const {
    auto paths = disjoint_paths(members, links);
    auto rest = members;
    for (const auto& path : paths)
      for (const int n : path) std::erase(rest, n);
    const int lacking = options_.tracks - static_cast<int>(paths.size());
    if (lacking == 1 && !rest.empty()) {
      paths.push_back(smoothest_rest(rest, residuals));
    } else if (lacking > 1 && !rest.empty()) {
      if (const auto more = covering_paths(rest, candidates(rest, kNoGapIsTooLong), lacking))
        paths.insert(paths.end(), more->begin(), more->end());
    }
    std::erase_if(paths, [](const Path& path) { return path.empty(); });
    if (static_cast<int>(paths.size()) != options_.tracks)
      notes.push_back(
          fmt::format("only {} of {} tracks could be made", paths.size(), options_.tracks));
    return paths;
  }

  // Of two tracklets that overlap, the one that makes the track smoother stays.
  Path smoothest_rest(Path rest, std::vector<Tracklet>& residuals) const {
    const auto all = rest;
    for (std::size_t a = 0; a < all.size(); ++a)
      for (std::size_t b = a + 1; b < all.size(); ++b) {
        if (!share_a_frame(tracklets_[all[a]], tracklets_[all[b]])) continue;
        std::erase(rest, all[a]);
        std::erase(rest, all[b]);
        const bool first = roughness(rest, all[a]) < roughness(rest, all[b]);
        rest.push_back(first ? all[a] : all[b]);
        residuals.push_back(tracklets_[first ? all[b] : all[a]]);
      }
    return rest;
  }

  // Standard deviation over mean size of the steps of a path's centroids.
  double roughness(Path path, int with) const {
    path.push_back(with);
    const auto whole = track(path);
    std::vector<double> steps;
    for (std::size_t n = 1; n < whole.size(); ++n) {
      const auto before = centroid(whole.poses[n - 1]), after = centroid(whole.poses[n]);
      steps.insert(steps.end(), {after.x - before.x, after.y - before.y});
    }
    double mean = 0, size = 0, variance = 0;
    for (const double step : steps) mean += step, size += std::abs(step);
    mean /= double(steps.size()), size /= double(steps.size());
    for (const double step : steps) variance += (step - mean) * (step - mean);
    return std::sqrt(variance / double(steps.size())) / size;
  }

  std::vector<Tracklet> tracklets_;
  StitchOptions options_;
  std::vector<int> identities_;
  bool with_identity_ = false;
};

void check(const StitchOptions& options) {
  if (options.tracks < 1)
    throw Error(ErrorKind::usage,
                fmt::format("{} tracks asked for; there must be at least one", options.tracks));
  if (options.minimal_length < 3)
    throw Error(ErrorKind::usage, fmt::format("a minimal length of {} frames; 3 is the least",
                                              options.minimal_length));
}

}  // namespace

Stitched stitch(const Tracklets& tracklets, const StitchOptions& options) {
  check(options);
  std::vector<Tracklet> long_ones, residuals;
  for (const auto& [id, tracklet] : tracklets.animals)
    for (auto& part : pure_parts(tracklet, options.split))
      (part.size() >= static_cast<std::size_t>(options.minimal_length) ? long_ones : residuals)
          .push_back(std::move(part));
  if (long_ones.empty())
    throw Error(ErrorKind::mismatch,
                fmt::format("no tracklet of {} frames or more among {}; ask for a smaller minimal "
                            "length, or look at the detections",
                            options.minimal_length, tracklets.animals.size()));
  if (options.join_residuals) join_residuals(residuals);
  std::stable_sort(long_ones.begin(), long_ones.end(),
                   [](const Tracklet& a, const Tracklet& b) { return a.start() < b.start(); });
  Stitched stitched;
  const Stitching stitching(std::move(long_ones), options);
  for (const auto& path : stitching.paths(residuals, stitched.notes))
    stitched.tracks.push_back(stitching.track(path));
  if (stitched.tracks.empty())
    throw Error(ErrorKind::mismatch, "no track could be made of the tracklets");
  fit_residuals(stitched.tracks, residuals);
  std::stable_sort(
      stitched.tracks.begin(), stitched.tracks.end(),
      [](const Tracklet& a, const Tracklet& b) { return identity_of(a) < identity_of(b); });
  return stitched;
}

}  // namespace poseheir
