#define POSEHEIR_ISA avx2
#define POSEHEIR_LANES 8
#include "engine/kernels/tables_impl.h"
