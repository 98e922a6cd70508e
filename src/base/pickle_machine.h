// Inside of the pickle reader: a stack machine that builds values and runs nothing.
#pragma once

#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <unordered_map>

#include "base/pickle.h"
#include "base/text.h"

namespace poseheir {

class PickleMachine {
 public:
  PickleMachine(ByteReader& reader, const PickleRules& rules)
      : reader_(reader), rules_(rules), text_budget_(4 * reader.remaining() + 64) {}

  PickleDocument run();

 private:
  using Kind = PickleValue::Kind;

  [[noreturn]] void fail(std::string_view text, ErrorKind kind = ErrorKind::corrupt) const {
    throw Error(kind, fmt::format("pickle, offset {}: {}", opcode_offset_, text));
  }

  // values
  PickleValue* make(Kind kind);
  PickleValue* push(Kind kind);
  void push_singleton(const PickleValue*& slot, Kind kind, std::int64_t integer);
  void push_integer(std::int64_t integer) { push(Kind::integer)->integer = integer; }
  void push_text(std::string_view text) { push(Kind::text)->text = text; }
  void push_bytes(std::string_view text) { push(Kind::bytes)->text = text; }
  std::string_view own(std::string text);
  void copy_items(PickleValue& target, const PickleValue& source);

  // stack
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  PickleValue* pop();
  PickleValue* top();
  std::vector<const PickleValue*> pop_to_mark();
  void push_tuple(std::size_t count);
  PickleValue* container(Kind kind, std::string_view what);
  void append(const std::vector<const PickleValue*>& items, Kind kind);
  void set_items(const std::vector<const PickleValue*>& items);
  void check_key(const PickleValue& key) const;

  // memo
  void put(std::uint64_t index) { memo_[index] = top(); }
  void get(std::uint64_t index);

  // globals and calls
  void push_global(std::string_view module, std::string_view name);
  void stack_global();
  void call();
  void make_dict(const PickleValue& arguments);
  void make_set(const PickleValue& arguments);
  void make_bytes(const PickleValue& arguments);
  void build();
  void persistent();

  // lines of protocol 0
  std::string_view line();
  template <typename T>
  T number_of(std::string_view text) const {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
      fail(fmt::format("expected a number, found '{}'", printable(text)));
    return value;
  }
  void push_decimal(std::string_view text, bool is_long);
  void push_unescaped(std::optional<std::string> text);
  void push_long(std::string_view bytes);
  std::size_t signed_size();
  double big_endian_real();

  // opcodes
  void execute(std::uint8_t opcode);
  bool push_scalar(std::uint8_t opcode);
  bool arrange(std::uint8_t opcode);
  void drop();
  void push_collected(Kind kind);
  void check_protocol();
  void check_frame();

  // what came out
  struct Extent {
    bool done = false;
    std::size_t next = 0;    // child to visit
    std::size_t depth = 1;   // levels below and including this one
    std::uint64_t size = 1;  // values met when walking the tree below
  };
  // Refuses cycles, deep nesting and shared parts that unfold without bound ("billion laughs").
  void check_shape(std::size_t pickle_size);

  ByteReader& reader_;
  const PickleRules& rules_;
  PickleDocument document_;
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, PickleValue*> memo_;
  const PickleValue *none_ = nullptr, *true_ = nullptr, *false_ = nullptr;
  std::size_t opcode_offset_ = 0;
  std::size_t text_budget_;
  std::size_t copied_items_ = 0;
};

}  // namespace poseheir
