// Errors of several animals, picture by picture, as DeepLabCut's evaluation has them: each label
// gets the nearest peak that is still free, and no animals are assembled (spec 8.4).
#pragma once

#include "poseheir/animal_files.h"
#include "poseheir/metrics.h"
#include "poseheir/predict_animals.h"
#include "poseheir/project.h"

namespace poseheir {

bool any_label(const LabelledAnimals& image);

// Limbs are judged anew: what an evaluation before chose does not count.
DetectionOptions evaluation_options(const PoseConfig& config);

// A row for each picture of the labels, all of it missing.
AnimalErrorTable empty_table(const AnimalLabels& labels);
void add_errors(AnimalErrorTable& table, std::size_t row, const LabelledFrame& labels,
                const Detections& detections);

// Body parts of all individuals together.
Metrics metrics_of(const AnimalErrorTable& errors, const Split& split, double pcutoff);

}  // namespace poseheir
