#define POSEHEIR_ISA avx512
#define POSEHEIR_LANES 16
#include "engine/kernels/tables_impl.h"
