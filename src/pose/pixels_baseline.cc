#define POSEHEIR_ISA baseline
#define POSEHEIR_LANES 4
#include "pose/pixels_impl.h"
