// What surrounds each call into libtorch.
#pragma once

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <string>

#include "poseheir/engine.h"
#include "poseheir/error.h"

namespace poseheir::libtorch {

// Without the backtrace and what else follows in lines of its own.
inline std::string text_of(const c10::Error& error) {
  const std::string text = error.what_without_backtrace();
  return "libtorch: " + text.substr(0, text.find('\n'));
}

// Does `body` with the options' threads; libtorch's exceptions become ours.
template <class Body>
decltype(auto) guarded(const EngineOptions& options, const Body& body) {
  try {
    if (at::get_num_threads() != options.threads) at::set_num_threads(options.threads);
    return body();
  } catch (const c10::OutOfMemoryError& error) {
    throw Error(ErrorKind::io,
                "the GPU's memory does not suffice; a smaller batch takes less "
                "(--batch-size): " +
                    text_of(error));
  } catch (const c10::Error& error) {
    throw Error(ErrorKind::unsupported, text_of(error));
  }
}

}  // namespace poseheir::libtorch
