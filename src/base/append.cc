#include "base/append.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "poseheir/error.h"

namespace poseheir {

void append_whole(const std::filesystem::path& path, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  const auto before = file < 0 ? -1 : ::lseek(file, 0, SEEK_END);
  while (file >= 0 && !text.empty()) {
    const auto written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  const int code = errno;
  const bool failed = file < 0 || !text.empty();
  const bool taken_back = !failed || file < 0 || ::ftruncate(file, before) == 0;
  if (file >= 0) ::close(file);
  if (failed)
    throw Error(ErrorKind::io,
                fmt::format("{}: cannot add to it: {}{}", path.string(), std::strerror(code),
                            taken_back ? "" : "; its last line is cut off"));
}

}  // namespace poseheir
