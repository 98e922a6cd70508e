// A Kalman filter of fixed size.
#pragma once

#include <Eigen/Dense>

namespace poseheir {

template <int kStates, int kMeasured>
struct KalmanFilter {
  using State = Eigen::Matrix<double, kStates, 1>;
  using Measurement = Eigen::Matrix<double, kMeasured, 1>;
  using StateMatrix = Eigen::Matrix<double, kStates, kStates>;
  using MeasuredMatrix = Eigen::Matrix<double, kMeasured, kMeasured>;

  State state = State::Zero();
  StateMatrix transition = StateMatrix::Identity();
  StateMatrix uncertainty = StateMatrix::Identity();
  StateMatrix process_noise = StateMatrix::Identity();
  Eigen::Matrix<double, kMeasured, kStates> measure =
      Eigen::Matrix<double, kMeasured, kStates>::Zero();
  MeasuredMatrix measurement_noise = MeasuredMatrix::Identity();

  void predict() {
    state = (transition * state).eval();
    uncertainty = (transition * uncertainty * transition.transpose()).eval() + process_noise;
  }

  // Joseph's form, which keeps the uncertainty symmetric.
  void update(const Measurement& measured) {
    const MeasuredMatrix spread = measure * uncertainty * measure.transpose() + measurement_noise;
    const Eigen::Matrix<double, kStates, kMeasured> gain =
        uncertainty * measure.transpose() * spread.partialPivLu().inverse();
    state += (gain * (measured - measure * state)).eval();
    const StateMatrix left = StateMatrix::Identity() - gain * measure;
    uncertainty = (left * uncertainty * left.transpose()).eval() +
                  (gain * measurement_noise * gain.transpose()).eval();
  }
};

}  // namespace poseheir
