#include "poseheir/evaluated.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "temp_dir.h"

namespace poseheir {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

struct Model {
  TempDir folder;
  Snapshot snapshot{folder / "snapshot-500", 500};
  fs::path results = folder / "DLC-snapshot-500.h5";

  Model() {
    train("weights");
    write_file(results, "predictions");
    set_age(results, hours(1));
  }
  void train(const std::string& weights) const {
    for (const char* suffix : {".index", ".data-00000-of-00001"}) {
      write_file(snapshot.prefix.string() + suffix, weights + suffix);
      set_age(snapshot.prefix.string() + suffix, hours(2));
    }
  }
  void set_age(const fs::path& file, hours age) const {
    fs::last_write_time(file, fs::file_time_type::clock::now() - age);
  }
  ResultsAge age() const { return age_of_results(results, snapshot); }
};

TEST(Evaluated, TellsByTheTimesOfFilesWhereNothingIsRecorded) {
  const Model model;
  EXPECT_EQ(model.age(), ResultsAge::current);
  model.set_age(model.snapshot.prefix.string() + ".data-00000-of-00001", hours(0));
  EXPECT_EQ(model.age(), ResultsAge::older);
  fs::remove(model.snapshot.prefix.string() + ".index");
  EXPECT_EQ(model.age(), ResultsAge::current);
  fs::remove(model.results);
  EXPECT_EQ(model.age(), ResultsAge::absent);
}

TEST(Evaluated, TellsByTheWeightsWhereTheyAreRecorded) {
  const Model model;
  record_results(model.results, model.snapshot);
  model.set_age(model.snapshot.prefix.string() + ".index", hours(0));  // copied
  EXPECT_EQ(model.age(), ResultsAge::current);
  model.train("others");  // older than the results all the same
  EXPECT_EQ(model.age(), ResultsAge::of_other_weights);
  record_results(model.results, model.snapshot);
  EXPECT_EQ(model.age(), ResultsAge::current);
}

TEST(Evaluated, KnowsNothingOfResultsThatAnotherProgramWroteSince) {
  const Model model;
  record_results(model.results, model.snapshot);
  model.train("others");
  write_file(model.results, "DeepLabCut's");
  EXPECT_EQ(model.age(), ResultsAge::current);
  model.set_age(model.results, hours(3));
  EXPECT_EQ(model.age(), ResultsAge::older);
  write_file(model.folder / "evaluated.json", "damaged");
  EXPECT_EQ(model.age(), ResultsAge::older);
}

TEST(Evaluated, SetsFilesAsideUnderNamesThatAreFree) {
  const Model model;
  EXPECT_EQ(set_aside(model.results), model.folder / "DLC-snapshot-500.h5.before");
  write_file(model.results, "new");
  EXPECT_EQ(set_aside(model.results), model.folder / "DLC-snapshot-500.h5.before-2");
  EXPECT_EQ(read_file(model.folder / "DLC-snapshot-500.h5.before"), "predictions");
}

}  // namespace
}  // namespace poseheir
