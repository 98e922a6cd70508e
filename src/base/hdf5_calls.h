// What reading and writing HDF5 have in common.
#pragma once

#include <string>

#include "base/hdf5.h"

namespace poseheir::hdf5 {

// The library prints a page of its own for every failure unless told not to.
void silence_library();

// Throws Error(corrupt) saying `what` failed.
void check(herr_t code, const std::string& what);

// Of files that live in memory.
Id memory_access(const std::string& what);

}  // namespace poseheir::hdf5
