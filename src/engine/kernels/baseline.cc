#define POSEHEIR_ISA baseline
#define POSEHEIR_LANES 4
#include "engine/kernels/tables_impl.h"
