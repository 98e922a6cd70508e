#include "base/pickle_text.h"

#include <charconv>
#include <cstdint>
#include <fmt/format.h>

namespace poseheir {
namespace {

// The code point at `position`, moving it; nothing for invalid UTF-8. Surrogates pass.
std::optional<std::uint32_t> next_code_point(std::string_view text, std::size_t& position) {
  const auto lead = static_cast<std::uint8_t>(text[position++]);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  if (lead < 0xC2 || lead > 0xF4 || position + static_cast<std::size_t>(more) > text.size())
    return std::nullopt;
  std::uint32_t code = lead & (0x3FU >> static_cast<unsigned>(more));
  for (int i = 0; i < more; ++i) {
    const auto byte = static_cast<std::uint8_t>(text[position++]);
    if ((byte & 0xC0U) != 0x80) return std::nullopt;
    code = code << 6U | (byte & 0x3FU);
  }
  return code;
}

std::optional<std::uint32_t> hexadecimal(std::string_view digits, std::size_t count) {
  if (digits.size() < count) return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + count, value, 16);
  if (error != std::errc{} || end != digits.data() + count) return std::nullopt;
  return value;
}

}  // namespace

void append_utf8(std::string& text, std::uint32_t code) {
  const auto tail = [&](unsigned shift) {
    text += static_cast<char>(0x80U | (code >> shift & 0x3FU));
  };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0U | code >> 6U);
    tail(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0U | code >> 12U);
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xF0U | code >> 18U);
    tail(12);
    tail(6);
    tail(0);
  }
}

std::optional<std::u32string> utf32_from_utf8(std::string_view utf8) {
  std::u32string codes;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto code = next_code_point(utf8, i);
    if (!code) return std::nullopt;
    codes += static_cast<char32_t>(*code);
  }
  return codes;
}

std::optional<std::string> latin1_from_utf8(std::string_view utf8) {
  std::string bytes;
  bytes.reserve(utf8.size());
  for (std::size_t i = 0; i < utf8.size();) {
    const auto code = next_code_point(utf8, i);
    if (!code || *code > 0xFF) return std::nullopt;
    bytes += static_cast<char>(*code);
  }
  return bytes;
}

std::optional<std::string> unescape_raw_unicode(std::string_view line) {
  std::string text;
  text.reserve(line.size());
  for (std::size_t i = 0; i < line.size();) {
    const bool escaped =
        line[i] == '\\' && i + 1 < line.size() && (line[i + 1] == 'u' || line[i + 1] == 'U');
    if (!escaped) {
      append_utf8(text, static_cast<std::uint8_t>(line[i++]));
      continue;
    }
    const std::size_t digits = line[i + 1] == 'u' ? 4 : 8;
    const auto code = hexadecimal(line.substr(i + 2), digits);
    if (!code || *code > 0x10FFFF) return std::nullopt;
    append_utf8(text, *code);
    i += 2 + digits;
  }
  return text;
}

std::string escape_raw_unicode(std::string_view utf8) {
  std::string line;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto start = i;
    const auto code = next_code_point(utf8, i);
    if (!code) {
      line += utf8[start];  // not UTF-8: as it stands, byte by byte
      i = start + 1;
    } else if (*code == '\\' || *code == 0 || *code == '\n' || *code == '\r' || *code == 0x1A ||
               (*code > 0xFF && *code < 0x10000)) {
      line += fmt::format("\\u{:04x}", *code);
    } else if (*code >= 0x10000) {
      line += fmt::format("\\U{:08x}", *code);
    } else {
      line += static_cast<char>(*code);
    }
  }
  return line;
}

std::optional<std::string> unescape_python_string(std::string_view line) {
  if (line.size() < 2 || line.front() != line.back() || (line[0] != '\'' && line[0] != '"'))
    return std::nullopt;
  line = line.substr(1, line.size() - 2);
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      text += line[i];
      continue;
    }
    if (++i == line.size()) return std::nullopt;
    switch (line[i]) {
      case 'n':
        text += '\n';
        break;
      case 'r':
        text += '\r';
        break;
      case 't':
        text += '\t';
        break;
      case '\\':
      case '\'':
      case '"':
        text += line[i];
        break;
      case 'x': {
        const auto byte = hexadecimal(line.substr(i + 1), 2);
        if (!byte) return std::nullopt;
        text += static_cast<char>(*byte);
        i += 2;
        break;
      }
      default:
        return std::nullopt;
    }
  }
  return text;
}

}  // namespace poseheir
