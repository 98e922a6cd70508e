#include "checkpoint/state_file.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "poseheir/error.h"

namespace poseheir {
namespace {

constexpr std::size_t kMaxSize = std::size_t{1} << 20U;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Protocol Buffers' text format, as far as a flat message of strings and numbers needs it.
class TextReader {
 public:
  explicit TextReader(std::string_view text) : text_(text) {}

  bool at_end() {
    skip_blanks();
    return position_ == text_.size();
  }
  bool accept(char c) {
    skip_blanks();
    if (position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("expected '{}'", c));
  }
  std::string word();
  std::string string();  // adjacent pieces are one string
  [[noreturn]] void fail(const std::string& text) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + position(), '\n');
    throw Error(ErrorKind::corrupt, fmt::format("line {}: {}", line, text));
  }

 private:
  std::ptrdiff_t position() const { return static_cast<std::ptrdiff_t>(position_); }
  void skip_blanks();
  bool at_quote();
  void append_piece(std::string& text);
  char escaped();
  char number(int base, int max_digits);

  std::string_view text_;
  std::size_t position_ = 0;
};

void TextReader::skip_blanks() {
  while (position_ < text_.size()) {
    if (text_[position_] == '#') {
      position_ = std::min(text_.find('\n', position_), text_.size());
    } else if (is_space(text_[position_])) {
      ++position_;
    } else {
      return;
    }
  }
}

std::string TextReader::word() {
  skip_blanks();
  const auto start = position_;
  // Numbers are words too: 1700000000.25, -1e9.
  while (position_ < text_.size() && (is_word(text_[position_]) || text_[position_] == '.' ||
                                      text_[position_] == '-' || text_[position_] == '+'))
    ++position_;
  if (start == position_) fail("expected a name or a number");
  return std::string(text_.substr(start, position_ - start));
}

bool TextReader::at_quote() {
  skip_blanks();
  return position_ < text_.size() && (text_[position_] == '"' || text_[position_] == '\'');
}

std::string TextReader::string() {
  if (!at_quote()) fail("expected a text in quotes");
  std::string text;
  while (at_quote()) append_piece(text);
  return text;
}

void TextReader::append_piece(std::string& text) {
  const char quote = text_[position_++];
  for (;;) {
    if (position_ == text_.size() || text_[position_] == '\n') fail("a quote is not closed");
    const char c = text_[position_++];
    if (c == quote) return;
    text += c == '\\' ? escaped() : c;
  }
}

char TextReader::escaped() {
  if (position_ == text_.size()) fail("a quote is not closed");
  const char c = text_[position_++];
  constexpr std::string_view kNames = "abfnrtv";
  constexpr std::string_view kValues = "\a\b\f\n\r\t\v";
  if (const auto place = kNames.find(c); place != std::string_view::npos) return kValues[place];
  if (c == '\\' || c == '"' || c == '\'' || c == '?') return c;
  if (c == 'x' || c == 'X') return number(16, 2);
  if (c >= '0' && c <= '7') {
    --position_;
    return number(8, 3);
  }
  fail(fmt::format("unknown escape '\\{}'", printable(std::string(1, c))));
}

char TextReader::number(int base, int max_digits) {
  int value = 0;
  int digits = 0;
  while (digits < max_digits && position_ < text_.size()) {
    const char c = text_[position_];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : base;
    if (digit >= base) break;
    value = value * base + digit;
    ++digits;
    ++position_;
  }
  if (digits == 0 || value > 0xFF) fail("an escape without a byte's value");
  return static_cast<char>(value);
}

template <typename Read>
void read_values(TextReader& reader, Read read) {
  if (!reader.accept('[')) return read();
  if (reader.accept(']')) return;
  do read();
  while (reader.accept(','));
  reader.expect(']');
}

void read_field(TextReader& reader, CheckpointState& state) {
  const auto name = reader.word();
  const auto colon = [&] { reader.expect(':'); };
  if (name == "model_checkpoint_path") {
    colon();
    state.newest = reader.string();
  } else if (name == "all_model_checkpoint_paths") {
    colon();
    read_values(reader, [&] { state.all.push_back(reader.string()); });
  } else if (name == "all_model_checkpoint_timestamps" || name == "last_preserved_timestamp") {
    colon();
    read_values(reader, [&] { reader.word(); });
  } else {
    reader.fail(fmt::format("unknown field '{}'", name));
  }
  if (!reader.accept(';')) reader.accept(',');
}

std::string in_quotes(std::string_view text) {
  constexpr std::string_view kNamed = "\n\r\t\"'\\";
  constexpr std::string_view kNames = "nrt\"'\\";
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (const auto place = kNamed.find(c); place != std::string_view::npos) {
      result += {'\\', kNames[place]};
    } else if (byte < 0x20 || byte >= 0x7F) {
      result += fmt::format("\\{:03o}", byte);
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::filesystem::path state_file_of(const std::filesystem::path& folder) {
  return folder / "checkpoint";
}

std::string snapshot_name(std::string_view path) {
  auto name = bare_name(path);
  if (name.empty() || name == "." || name == "..")
    throw Error(ErrorKind::corrupt,
                fmt::format("the path '{}' names no checkpoint", printable(path)));
  return name;
}

}  // namespace

CheckpointState parse_checkpoint_state(std::string_view text) {
  if (text.size() > kMaxSize)
    throw Error(ErrorKind::corrupt, fmt::format("expected at most {}, found {}",
                                                bytes_text(kMaxSize), bytes_text(text.size())));
  CheckpointState state;
  TextReader reader(text);
  while (!reader.at_end()) read_field(reader, state);
  if (state.newest.empty()) throw Error(ErrorKind::corrupt, "it names no newest checkpoint");
  return state;
}

std::string format_checkpoint_state(const CheckpointState& state) {
  std::string text = fmt::format("model_checkpoint_path: {}\n", in_quotes(state.newest));
  const auto add = [&](std::string_view path) {
    text += fmt::format("all_model_checkpoint_paths: {}\n", in_quotes(path));
  };
  for (const auto& path : state.all) add(path);
  if (std::find(state.all.begin(), state.all.end(), state.newest) == state.all.end())
    add(state.newest);
  return text;
}

std::string bare_name(std::string_view path) {
  const auto separator = path.find_last_of("/\\");
  return std::string(separator == std::string_view::npos ? path : path.substr(separator + 1));
}

std::optional<CheckpointState> read_checkpoint_state(const std::filesystem::path& folder) {
  const auto path = state_file_of(folder);
  if (!std::filesystem::is_regular_file(path)) return std::nullopt;
  try {
    const auto file = MappedFile::open(path);
    const auto bytes = file->bytes();
    auto state =
        parse_checkpoint_state({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    state.newest = snapshot_name(state.newest);
    for (auto& name : state.all) name = snapshot_name(name);
    return state;
  } catch (const Error& error) {
    throw error.kind() == ErrorKind::io ? error : error.within(path.string());
  }
}

void write_checkpoint_state(const std::filesystem::path& folder, const CheckpointState& state) {
  write_file(state_file_of(folder), format_checkpoint_state(state));
}

}  // namespace poseheir
