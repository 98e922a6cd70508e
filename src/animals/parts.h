// What animals are put together from: joints, the links between them, and unfinished animals.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "poseheir/assembly.h"

namespace poseheir {

// A peak that takes part.
struct Joint {
  double x = 0, y = 0, confidence = 0;
  int label = 0;   // keypoint
  int index = 0;   // among the joints of the frame
  int group = -1;  // strongest identity channel
};

struct Link {
  const Joint* from = nullptr;
  const Joint* to = nullptr;
  double affinity = 0;

  double squared_length() const;
};

// An animal in the making.
class Assembly {
 public:
  explicit Assembly(int keypoints) : points_(keypoints) {}

  const std::vector<AssembledPoint>& points() const { return points_; }
  const std::vector<const Link*>& links() const { return links_; }
  const std::vector<int>& joints() const { return joints_; }  // indices, as they came
  double affinity() const { return affinity_; }
  int found() const;
  bool holds(int joint_index) const;
  bool shows(int label) const { return !points_[label].missing(); }
  bool overlaps(const Assembly& other) const;  // some label is shown by both

  // False if the label is taken.
  bool add(const Joint& joint);
  void remove(const Joint& joint);
  // True if the link brought something new. A link between joints that are both here already
  // counts, though it brings nothing; one between two labels that are taken does not.
  bool add(const Link& link);

  Animal animal() const;

 private:
  std::vector<AssembledPoint> points_;
  std::vector<const Link*> links_;
  std::vector<int> joints_;
  double affinity_ = 0;
};

// How far an animal's distances lie from the labelled ones; infinite for an animal of one joint.
double mahalanobis(const Assembly& assembly, const Calibration& calibration);

// In (0, 1]: how well a link's length agrees with the labelled animals.
double link_probability(const Link& link, const Calibration& calibration);

using JointsOfLabel = std::vector<std::vector<Joint>>;  // [keypoint]

using LinkPlaces = std::vector<std::array<double, 4>>;  // x, y of both ends

// Where links were in the frames just before, the latest first, and where they are in this one.
struct LinkMemory {
  std::vector<const LinkPlaces*> before;
  LinkPlaces now;
};

// The links worth looking at, limb after limb. Those unlike the links `before` count less.
std::vector<Link> best_links(const JointsOfLabel& joints, const std::vector<LimbCosts>& costs,
                             const AssemblyOptions& options,
                             const std::vector<const LinkPlaces*>& before = {});

// Animals grown from links, best links first.
struct Grown {
  std::vector<Assembly> assemblies;
  std::vector<bool> used;  // [joint index]
};
Grown grow(const std::vector<Link>& links, std::size_t joint_count, const AssemblyOptions& options,
           const Calibration* calibration);

}  // namespace poseheir
