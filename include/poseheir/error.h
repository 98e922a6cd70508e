// The one exception of Poseheir: what went wrong, in a text for the person who has to act on it.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace poseheir {

enum class ErrorKind {
  usage,        // the request makes no sense: an unknown option, name or value
  io,           // the system refused: absent file, full disk, no permission
  corrupt,      // a file is damaged or not what it claims to be
  unsupported,  // sound, but outside what Poseheir can do
  mismatch,     // two sound things do not fit: shapes, networks, keypoints
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}

  ErrorKind kind() const { return kind_; }

  // The same error with the place in front: "fly.safetensors: tensor 'w' lies outside the file".
  Error within(std::string_view place) const { return {kind_, std::string(place) + ": " + what()}; }

 private:
  ErrorKind kind_;
};

}  // namespace poseheir
