// What preparing batches costs, without an engine.
#pragma once

namespace poseheir::bench {

// POSE_CFG [--batch N] [--steps N] [--first N] [--recipe fast] [--each]: prints the milliseconds of
// processor time that one thread takes for a picture, and a checksum of all that it made. --each
// prints the time and the checksum of every batch.
void loading(int argc, char** argv);

}  // namespace poseheir::bench
