// The opcodes of protocols 0 to 5 that occur in files which Poseheir reads.
#include <algorithm>
#include <bit>

#include "base/pickle_machine.h"
#include "base/pickle_text.h"

namespace poseheir {
namespace {

using Kind = PickleValue::Kind;

}  // namespace

std::string_view PickleMachine::line() {
  auto look = reader_;
  std::size_t size = 0;
  while (look.read<char>() != '\n') ++size;
  const auto text = reader_.take_text(size);
  reader_.skip(1);
  return text;
}

void PickleMachine::push_decimal(std::string_view text, bool is_long) {
  if (!is_long && (text == "00" || text == "01"))
    return push_singleton(text == "01" ? true_ : false_, Kind::boolean, text == "01" ? 1 : 0);
  if (is_long && text.ends_with('L')) text.remove_suffix(1);
  push_integer(number_of<std::int64_t>(text));
}

void PickleMachine::push_unescaped(std::optional<std::string> text) {
  if (!text) fail("a text with a broken escape sequence");
  push_text(own(std::move(*text)));
}

void PickleMachine::push_long(std::string_view bytes) {
  while (bytes.size() > 8 && (bytes.back() == '\0' || bytes.back() == '\xff') &&
         ((bytes[bytes.size() - 2] ^ bytes.back()) & '\x80') == 0)
    bytes.remove_suffix(1);
  if (bytes.size() > 8) {
    push(Kind::big_integer)->text = bytes;
    return;
  }
  std::uint64_t value = !bytes.empty() && (bytes.back() & '\x80') != 0 ? ~std::uint64_t{0} : 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    value = (value & ~(std::uint64_t{0xFF} << (8 * i))) | (std::uint64_t{byte} << (8 * i));
  }
  push_integer(static_cast<std::int64_t>(value));
}

std::size_t PickleMachine::signed_size() {
  const auto size = reader_.read<std::int32_t>();
  if (size < 0) fail("a negative size");
  return static_cast<std::size_t>(size);
}

double PickleMachine::big_endian_real() {
  std::uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) bits = bits << 8U | reader_.read<std::uint8_t>();
  return std::bit_cast<double>(bits);
}

void PickleMachine::execute(std::uint8_t opcode) {
  if (push_scalar(opcode) || arrange(opcode)) return;
  fail(fmt::format("opcode 0x{:02x} occurs in no file that Poseheir reads", opcode),
       ErrorKind::unsupported);
}

bool PickleMachine::push_scalar(std::uint8_t opcode) {
  switch (opcode) {
    case 'N':
      push_singleton(none_, Kind::none, 0);
      return true;
    case 0x88:
      push_singleton(true_, Kind::boolean, 1);
      return true;
    case 0x89:
      push_singleton(false_, Kind::boolean, 0);
      return true;
    case 'I':
      push_decimal(line(), false);
      return true;
    case 'L':
      push_decimal(line(), true);
      return true;
    case 'F':
      push(Kind::real)->real = number_of<double>(line());
      return true;
    case 'K':
      push_integer(reader_.read<std::uint8_t>());
      return true;
    case 'M':
      push_integer(reader_.read<std::uint16_t>());
      return true;
    case 'J':
      push_integer(reader_.read<std::int32_t>());
      return true;
    case 0x8a:
      push_long(reader_.take_text(reader_.read<std::uint8_t>()));
      return true;
    case 0x8b:
      push_long(reader_.take_text(signed_size()));
      return true;
    case 'G':
      push(Kind::real)->real = big_endian_real();
      return true;
    case 'V':
      push_unescaped(unescape_raw_unicode(line()));
      return true;
    case 'S':
      push_unescaped(unescape_python_string(line()));
      return true;
    case 'U':
      push_text(reader_.take_text(reader_.read<std::uint8_t>()));
      return true;
    case 'T':
      push_text(reader_.take_text(signed_size()));
      return true;
    case 'X':
      push_text(reader_.take_text(reader_.read<std::uint32_t>()));
      return true;
    case 0x8c:
      push_text(reader_.take_text(reader_.read<std::uint8_t>()));
      return true;
    case 0x8d:
      push_text(reader_.take_text(reader_.read<std::uint64_t>()));
      return true;
    case 'B':
      push_bytes(reader_.take_text(reader_.read<std::uint32_t>()));
      return true;
    case 'C':
      push_bytes(reader_.take_text(reader_.read<std::uint8_t>()));
      return true;
    case 0x8e:
    case 0x96:
      push_bytes(reader_.take_text(reader_.read<std::uint64_t>()));
      return true;
    default:
      return false;
  }
}

bool PickleMachine::arrange(std::uint8_t opcode) {
  switch (opcode) {
    case 0x80:
      check_protocol();
      return true;
    case 0x95:
      check_frame();
      return true;
    case '(':
      marks_.push_back(stack_.size());
      return true;
    case '0':
      drop();
      return true;
    case '1':
      pop_to_mark();
      return true;
    case '2':
      stack_.push_back(top());
      return true;
    case ']':
      push(Kind::list);
      return true;
    case '}':
      push(Kind::dict);
      return true;
    case ')':
      push(Kind::tuple);
      return true;
    case 0x8f:
      push(Kind::set);
      return true;
    case 'l':
      push_collected(Kind::list);
      return true;
    case 't':
      push_collected(Kind::tuple);
      return true;
    case 0x91:
      push_collected(Kind::set);
      return true;
    case 'd': {
      const auto items = pop_to_mark();
      push(Kind::dict);
      set_items(items);
      return true;
    }
    case 0x85:
      push_tuple(1);
      return true;
    case 0x86:
      push_tuple(2);
      return true;
    case 0x87:
      push_tuple(3);
      return true;
    case 'a':
      append({pop()}, Kind::list);
      return true;
    case 'e':
      append(pop_to_mark(), Kind::list);
      return true;
    case 0x90:
      append(pop_to_mark(), Kind::set);
      return true;
    case 's': {
      const auto* value = pop();
      const auto* key = pop();
      set_items({key, value});
      return true;
    }
    case 'u':
      set_items(pop_to_mark());
      return true;
    case 'p':
      put(number_of<std::uint64_t>(line()));
      return true;
    case 'q':
      put(reader_.read<std::uint8_t>());
      return true;
    case 'r':
      put(reader_.read<std::uint32_t>());
      return true;
    case 0x94:
      put(memo_.size());
      return true;
    case 'g':
      get(number_of<std::uint64_t>(line()));
      return true;
    case 'h':
      get(reader_.read<std::uint8_t>());
      return true;
    case 'j':
      get(reader_.read<std::uint32_t>());
      return true;
    case 'c': {
      const auto module = line();
      push_global(module, line());
      return true;
    }
    case 0x93:
      stack_global();
      return true;
    case 'R':
    case 0x81:
      call();
      return true;
    case 'b':
      build();
      return true;
    case 'Q':
      persistent();
      return true;
    default:
      return false;
  }
}

void PickleMachine::drop() {
  if (!marks_.empty() && marks_.back() == stack_.size()) {
    marks_.pop_back();
  } else {
    pop();
  }
}

void PickleMachine::push_collected(Kind kind) {
  auto items = pop_to_mark();
  if (kind == Kind::set) std::for_each(items.begin(), items.end(), [&](auto* i) { check_key(*i); });
  push(kind)->items = std::move(items);
}

void PickleMachine::check_protocol() {
  const auto protocol = reader_.read<std::uint8_t>();
  if (protocol > 5)
    fail(fmt::format("protocol {}; Poseheir reads 0 to 5", protocol), ErrorKind::unsupported);
}

void PickleMachine::check_frame() {
  if (reader_.read<std::uint64_t>() > reader_.remaining()) fail("a frame longer than the file");
}

}  // namespace poseheir
