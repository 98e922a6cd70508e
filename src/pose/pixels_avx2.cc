#define POSEHEIR_ISA avx2
#define POSEHEIR_LANES 8
#include "pose/pixels_impl.h"
