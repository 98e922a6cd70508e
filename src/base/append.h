// Lines added to a file: whole or not at all.
#pragma once

#include <filesystem>
#include <string_view>

namespace poseheir {

// Throws Error(io) that names the file; what was written of `text` is taken back then.
void append_whole(const std::filesystem::path& path, std::string_view text);

}  // namespace poseheir
