#define POSEHEIR_ISA avx512
#define POSEHEIR_LANES 16
#include "pose/pixels_impl.h"
