// NumPy arrays and scalars as they lie in pickles, all spellings of NumPy 1 and 2.
#pragma once

#include <cstdint>
#include <vector>

#include "base/pickle.h"

namespace poseheir {

// The globals that NumPy's pickles use; append them to PickleRules::allowed.
std::vector<PickleGlobal> numpy_pickle_globals();

struct NumpyArray {
  std::vector<std::size_t> shape;
  std::vector<double> values;  // row-major; integers up to 2^53 stay exact
  bool is_integer = false;     // what the file holds: integers or truth values
};

// An array, a NumPy scalar or a plain number (the last two with an empty shape).
// Throws Error(corrupt or unsupported) saying what was found instead.
NumpyArray numpy_array(const PickleValue& value);

// A one-dimensional array or a plain list of integers.
std::vector<std::int64_t> numpy_integers(const PickleValue& value);

// A plain number or a NumPy scalar; throws Error(corrupt).
double number_of(const PickleValue& value);

}  // namespace poseheir
