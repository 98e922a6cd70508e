// How pickles spell texts: the escapes of protocol 0, and bytes as latin-1 text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace poseheir {

void append_utf8(std::string& text, std::uint32_t code_point);
std::optional<std::u32string> utf32_from_utf8(std::string_view utf8);

// Bytes from a UTF-8 text of code points 0 to 255; nothing if it is not such a text.
std::optional<std::string> latin1_from_utf8(std::string_view utf8);

// raw-unicode-escape (opcode V) to UTF-8: \uXXXX and \UXXXXXXXX, every other byte is latin-1.
std::optional<std::string> unescape_raw_unicode(std::string_view line);
// The reverse. Also escapes the backslash, NUL, line ends and 0x1A, as CPython does.
std::string escape_raw_unicode(std::string_view utf8);

// A quoted Python 2 string (opcode S) to its bytes.
std::optional<std::string> unescape_python_string(std::string_view line);

}  // namespace poseheir
