#define POSEHEIR_ISA avx512_bf16
#define POSEHEIR_LANES 16
#include "engine/kernels/tables_impl.h"
