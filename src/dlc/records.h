// Training records as DeepLabCut pickles them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "poseheir/media.h"
#include "poseheir/project.h"

namespace poseheir {

// "labeled-data\clip/img.png" in its parts, whatever the separators.
std::vector<std::string> path_components(std::string_view path);

// The size of a picture that has labels; throws Error(io) with advice where it is gone.
ImageSize labelled_size(const std::filesystem::path& picture);

// Documentation_data pickles: [records, train, test, fraction].
Split parse_split(Bytes pickle);
std::vector<TrainingRecord> parse_pickled_records(
    Bytes pickle);  // these, or a list of records alone
// Of several animals: the data-set pickle, and the Documentation pickle.
std::string format_animal_records(const std::vector<TrainingRecord>& records);
std::string format_animal_split(const std::vector<TrainingRecord>& records, const Split& split);
std::string format_split(const std::vector<TrainingRecord>& records, const Split& split);

}  // namespace poseheir
