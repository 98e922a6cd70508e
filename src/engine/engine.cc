#include "poseheir/error.h"
