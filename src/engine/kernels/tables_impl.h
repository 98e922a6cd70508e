// The kernels of one instruction set, gathered under POSEHEIR_ISA's name.
#pragma once

#include "engine/kernels/channels_impl.h"
#include "engine/kernels/depthwise_impl.h"
#include "engine/kernels/pointwise_impl.h"
#include "engine/kernels/resample_impl.h"
#include "engine/kernels/spatial_impl.h"
#include "engine/kernels/strips_impl.h"
#include "engine/kernels/tables.h"
#include "engine/kernels/vectors_impl.h"

namespace poseheir::kernels::POSEHEIR_ISA {

template <class T>
constexpr Kernels kTable = {kTileWords* kWord<Factor<T>>,
                            image<T>,
                            moments<T>,
                            normalise<T>,
                            normalise_sums<T>,
                            normalise_backward<T>,
                            gradient<T>,
                            add<T>,
                            depthwise<T>,
                            depthwise_backward<T>,
                            pack_pointwise<T>,
                            pointwise<T>,
                            pointwise_backward<T>,
                            head_product<T>,
                            subsample<T>,
                            subsample_backward<T>,
                            copy_channels<T>,
                            resize<T>,
                            resize_backward<T>,
                            head,
                            head_backward<T>};

const Kernels floats = kTable<float>;
const Kernels bf16s = kTable<bf16>;
template <class T>
constexpr GateKernels kGates = {curve<T>,
                                curve_gradient<T>,
                                gated_gradient<T>,
                                mean<T>,
                                mean_backward<T>,
                                scale<T>,
                                scale_gate<T>,
                                curved_depthwise<T>,
                                curved_depthwise_data<T>,
                                curved_depthwise_weights<T>};
const GateKernels float_gates = kGates<float>;
const GateKernels bf16_gates = kGates<bf16>;

const VectorKernels vectors = {fold, unfold, momentum, adam};

}  // namespace poseheir::kernels::POSEHEIR_ISA
