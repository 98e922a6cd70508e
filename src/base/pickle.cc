#include "base/pickle.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <unordered_map>

#include "base/pickle_text.h"
#include "base/text.h"

namespace poseheir {
namespace {

using Kind = PickleValue::Kind;

// Far above any real file: a DeepLabCut split of 100,000 images has about three million values.
constexpr std::size_t kMaxValues = 4'000'000;
constexpr std::size_t kMaxSteps = 4 * kMaxValues;
constexpr std::size_t kMaxDepth = 64;

bool is_container(const PickleValue& value) {
  return !value.items.empty() || value.state != nullptr;
}

}  // namespace

const PickleValue* PickleValue::find(std::string_view key) const {
  if (kind != Kind::dict) return nullptr;
  for (std::size_t i = items.size(); i >= 2; i -= 2) {
    if (items[i - 2]->is(Kind::text) && items[i - 2]->text == key) return items[i - 1];
  }
  return nullptr;
}

std::string describe(const PickleValue& value) {
  switch (value.kind) {
    case Kind::none:
      return "None";
    case Kind::boolean:
      return value.integer != 0 ? "True" : "False";
    case Kind::integer:
      return fmt::format("the integer {}", value.integer);
    case Kind::big_integer:
      return "an integer of more than 64 bits";
    case Kind::real:
      return fmt::format("the number {}", value.real);
    case Kind::text:
      return fmt::format("the text '{}'", printable(value.text));
    case Kind::bytes:
      return fmt::format("{} bytes", value.text.size());
    case Kind::list:
      return fmt::format("a list of {}", value.items.size());
    case Kind::tuple:
      return fmt::format("a tuple of {}", value.items.size());
    case Kind::dict:
      return fmt::format("a dict of {}", value.items.size() / 2);
    case Kind::set:
      return fmt::format("a set of {}", value.items.size());
    case Kind::global:
      return fmt::format("the name {}", value.text);
    case Kind::record:
      return fmt::format("the record {}", value.text);
    case Kind::persistent:
      return "a storage";
  }
  return "nothing";
}

std::vector<PickleGlobal> plain_pickle_globals() {
  return {
      {"collections.OrderedDict", PickleBuild::dict}, {"collections.Counter", PickleBuild::dict},
      {"collections.defaultdict", PickleBuild::dict}, {"_codecs.encode", PickleBuild::encode},
      {"__builtin__.set", PickleBuild::set},          {"builtins.set", PickleBuild::set},
      {"__builtin__.frozenset", PickleBuild::set},    {"builtins.frozenset", PickleBuild::set},
      {"__builtin__.bytearray", PickleBuild::bytes},  {"builtins.bytearray", PickleBuild::bytes},
      {"__builtin__.bytes", PickleBuild::bytes},      {"builtins.bytes", PickleBuild::bytes}};
}

// The stack machine. Every opcode pushes at most one value, values live in the document, and no
// step recurses.
class PickleMachine {
 public:
  PickleMachine(ByteReader& reader, const PickleRules& rules)
      : reader_(reader), rules_(rules), text_budget_(4 * reader.remaining() + 64) {}

  PickleDocument run() {
    const auto start = reader_.position();
    for (std::size_t step = 0; step < kMaxSteps; ++step) {
      opcode_offset_ = reader_.offset();
      const auto opcode = reader_.read<std::uint8_t>();
      if (opcode == '.') {
        document_.root_ = pop();
        if (!stack_.empty()) fail("values are left over at the end of the pickle");
        check_shape(reader_.position() - start);
        return std::move(document_);
      }
      execute(opcode);
    }
    fail("the pickle takes more steps than any checkpoint or data set needs");
  }

 private:
  [[noreturn]] void fail(std::string_view text, ErrorKind kind = ErrorKind::corrupt) const {
    throw Error(kind, fmt::format("pickle, offset {}: {}", opcode_offset_, text));
  }

  // --- values -------------------------------------------------------------------------------

  PickleValue* make(Kind kind) {
    if (document_.values_.size() >= kMaxValues) fail("more than 4,000,000 values");
    auto& value = document_.values_.emplace_back();
    value.kind = kind;
    return &value;
  }

  PickleValue* push(Kind kind) {
    auto* value = make(kind);
    stack_.push_back(value);
    return value;
  }

  void push_singleton(const PickleValue*& slot, Kind kind, std::int64_t integer) {
    if (slot == nullptr) {
      auto* value = make(kind);
      value->integer = integer;
      slot = value;
    }
    stack_.push_back(const_cast<PickleValue*>(slot));
  }

  void push_integer(std::int64_t integer) { push(Kind::integer)->integer = integer; }
  void push_text(std::string_view text) { push(Kind::text)->text = text; }
  void push_bytes(std::string_view text) { push(Kind::bytes)->text = text; }

  std::string_view own(std::string text) {
    if (text.size() > text_budget_) fail("texts unfold to more than four times the pickle's size");
    text_budget_ -= text.size();
    return document_.texts_.emplace_back(std::move(text));
  }

  void copy_items(PickleValue& target, const PickleValue& source) {
    if (source.items.size() > kMaxValues - std::min(kMaxValues, copied_items_))
      fail("containers unfold to more than 4,000,000 values");
    copied_items_ += source.items.size();
    target.items.insert(target.items.end(), source.items.begin(), source.items.end());
  }

  // --- stack --------------------------------------------------------------------------------

  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  PickleValue* pop() {
    if (stack_.size() <= floor()) fail("the stack is empty where a value is needed");
    auto* value = stack_.back();
    stack_.pop_back();
    return value;
  }

  PickleValue* top() {
    if (stack_.size() <= floor()) fail("the stack is empty where a value is needed");
    return stack_.back();
  }

  std::vector<const PickleValue*> pop_to_mark() {
    if (marks_.empty()) fail("no mark where one is needed");
    const auto start = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<const PickleValue*> items(start, stack_.end());
    stack_.erase(start, stack_.end());
    marks_.pop_back();
    return items;
  }

  void push_tuple(std::size_t count) {
    auto* tuple = make(Kind::tuple);
    tuple->items.resize(count);
    for (std::size_t i = count; i-- > 0;) tuple->items[i] = pop();
    stack_.push_back(tuple);
  }

  PickleValue* container(Kind kind, std::string_view what) {
    auto* value = top();
    if (!value->is(kind)) fail(fmt::format("{} needs it, found {}", what, describe(*value)));
    return value;
  }

  void append(const std::vector<const PickleValue*>& items, Kind kind) {
    auto* list = container(kind, kind == Kind::list ? "a list: append" : "a set: add");
    if (kind == Kind::set)
      std::for_each(items.begin(), items.end(), [&](auto* i) { check_key(*i); });
    list->items.insert(list->items.end(), items.begin(), items.end());
  }

  void set_items(const std::vector<const PickleValue*>& items) {
    if (items.size() % 2 != 0) fail("a key without its value");
    auto* dict = container(Kind::dict, "a dict: set item");
    for (std::size_t i = 0; i < items.size(); i += 2) check_key(*items[i]);
    dict->items.insert(dict->items.end(), items.begin(), items.end());
  }

  void check_key(const PickleValue& key) const {
    if (key.is(Kind::list) || key.is(Kind::dict) || key.is(Kind::set))
      fail(fmt::format("{} cannot be a key", describe(key)));
  }

  // --- memo ---------------------------------------------------------------------------------

  void put(std::uint64_t index) { memo_[index] = top(); }

  void get(std::uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) fail(fmt::format("memo entry {} was never stored", index));
    stack_.push_back(found->second);
  }

  // --- globals and calls --------------------------------------------------------------------

  void push_global(std::string_view module, std::string_view name) {
    const auto joined = fmt::format("{}.{}", module, name);
    const auto& allowed = rules_.allowed;
    const auto found = std::find_if(allowed.begin(), allowed.end(),
                                    [&](const auto& global) { return global.name == joined; });
    if (found == allowed.end()) {
      fail(fmt::format("it uses '{}', which Poseheir does not know (pickles are read as data; "
                       "nothing in them is run)",
                       printable(joined)),
           ErrorKind::unsupported);
    }
    auto* value = push(Kind::global);
    value->text = found->as.empty() ? found->name : found->as;
    value->integer = found - allowed.begin();
  }

  void stack_global() {
    const auto* name = pop();
    const auto* module = pop();
    if (!name->is(Kind::text) || !module->is(Kind::text)) fail("the name of a global is no text");
    push_global(module->text, name->text);
  }

  void call() {
    const auto* arguments = pop();
    const auto* callee = pop();
    if (!arguments->is(Kind::tuple))
      fail(fmt::format("expected a tuple of arguments, found {}", describe(*arguments)));
    if (!callee->is(Kind::global))
      fail(fmt::format("a call of {}, which is no function", describe(*callee)));
    switch (rules_.allowed[static_cast<std::size_t>(callee->integer)].build) {
      case PickleBuild::record: {
        auto* record = push(Kind::record);
        record->text = callee->text;
        copy_items(*record, *arguments);
        break;
      }
      case PickleBuild::dict:
        make_dict(*arguments);
        break;
      case PickleBuild::set:
        make_set(*arguments);
        break;
      case PickleBuild::encode:
      case PickleBuild::bytes:
        make_bytes(*arguments);
        break;
    }
  }

  void make_dict(const PickleValue& arguments) {
    auto* dict = push(Kind::dict);
    for (const auto* argument : arguments.items) {
      // A defaultdict's factory comes first; what it would make is never needed here.
      if (argument->is(Kind::global) || argument->is(Kind::none)) continue;
      if (argument->is(Kind::dict)) {
        copy_items(*dict, *argument);
      } else if (argument->is_sequence()) {
        for (const auto* pair : argument->items) {
          if (!pair->is_sequence() || pair->items.size() != 2)
            fail(fmt::format("expected a pair of key and value, found {}", describe(*pair)));
          check_key(*pair->items[0]);
          copy_items(*dict, *pair);
        }
      } else {
        fail(fmt::format("expected pairs of a dict, found {}", describe(*argument)));
      }
    }
  }

  void make_set(const PickleValue& arguments) {
    auto* set = push(Kind::set);
    if (arguments.items.empty()) return;
    if (!arguments.items[0]->is_sequence()) fail("expected the members of a set");
    for (const auto* member : arguments.items[0]->items) check_key(*member);
    copy_items(*set, *arguments.items[0]);
  }

  void make_bytes(const PickleValue& arguments) {
    if (arguments.items.empty()) return push_bytes({});
    const auto& first = *arguments.items[0];
    if (first.is(Kind::bytes)) return push_bytes(first.text);
    if (arguments.items.size() != 2 || !first.is(Kind::text) ||
        !arguments.items[1]->is(Kind::text) ||
        (arguments.items[1]->text != "latin1" && arguments.items[1]->text != "latin-1"))
      fail("expected bytes spelled as (text, 'latin1')");
    if (first.text.size() > text_budget_)
      fail("texts unfold to more than four times the pickle's size");
    auto bytes = latin1_from_utf8(first.text);
    if (!bytes) fail("bytes spelled as a text that is not latin-1");
    push_bytes(own(std::move(*bytes)));
  }

  void build() {
    const auto* state = pop();
    auto* value = top();
    if (value->is(Kind::dict)) return;  // OrderedDict: attributes such as a state dict's _metadata
    if (!value->is(Kind::record)) fail(fmt::format("a state given to {}", describe(*value)));
    if (value->state != nullptr) fail("a state given twice");
    value->state = state;
  }

  void persistent() {
    if (!rules_.persistent_ids) fail("a reference to something outside the pickle");
    const auto* id = pop();
    push(Kind::persistent)->items.push_back(id);
  }

  // --- lines of protocol 0 ------------------------------------------------------------------

  std::string_view line() {
    auto look = reader_;
    std::size_t size = 0;
    while (look.read<char>() != '\n') ++size;
    const auto text = reader_.take_text(size);
    reader_.skip(1);
    return text;
  }

  template <typename T>
  T number_of(std::string_view text) const {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
      fail(fmt::format("expected a number, found '{}'", printable(text)));
    return value;
  }

  void push_decimal(std::string_view text, bool is_long) {
    if (!is_long && (text == "00" || text == "01"))
      return push_singleton(text == "01" ? true_ : false_, Kind::boolean, text == "01" ? 1 : 0);
    if (is_long && text.ends_with('L')) text.remove_suffix(1);
    push_integer(number_of<std::int64_t>(text));
  }

  void push_unescaped(std::optional<std::string> text) {
    if (!text) fail("a text with a broken escape sequence");
    push_text(own(std::move(*text)));
  }

  void push_long(std::string_view bytes) {
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

  std::size_t signed_size() {
    const auto size = reader_.read<std::int32_t>();
    if (size < 0) fail("a negative size");
    return static_cast<std::size_t>(size);
  }

  double big_endian_real() {
    std::uint64_t bits = 0;
    for (int i = 0; i < 8; ++i) bits = bits << 8U | reader_.read<std::uint8_t>();
    return std::bit_cast<double>(bits);
  }

  // --- opcodes ------------------------------------------------------------------------------

  void execute(std::uint8_t opcode) {
    if (push_scalar(opcode) || arrange(opcode)) return;
    fail(fmt::format("opcode 0x{:02x} occurs in no file that Poseheir reads", opcode),
         ErrorKind::unsupported);
  }

  bool push_scalar(std::uint8_t opcode) {
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

  bool arrange(std::uint8_t opcode) {
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

  void drop() {
    if (!marks_.empty() && marks_.back() == stack_.size()) {
      marks_.pop_back();
    } else {
      pop();
    }
  }

  void push_collected(Kind kind) {
    auto items = pop_to_mark();
    if (kind == Kind::set)
      std::for_each(items.begin(), items.end(), [&](auto* i) { check_key(*i); });
    push(kind)->items = std::move(items);
  }

  void check_protocol() {
    const auto protocol = reader_.read<std::uint8_t>();
    if (protocol > 5)
      fail(fmt::format("protocol {}; Poseheir reads 0 to 5", protocol), ErrorKind::unsupported);
  }

  void check_frame() {
    if (reader_.read<std::uint64_t>() > reader_.remaining()) fail("a frame longer than the file");
  }

  // --- what came out ------------------------------------------------------------------------

  struct Extent {
    bool done = false;
    std::size_t next = 0;    // child to visit
    std::size_t depth = 1;   // levels below and including this one
    std::uint64_t size = 1;  // values met when walking the tree below
  };

  // Refuses cycles, deep nesting and shared parts that unfold without bound ("billion laughs").
  void check_shape(std::size_t pickle_size) {
    const std::uint64_t limit = 32 * static_cast<std::uint64_t>(pickle_size) + 1024;
    if (!is_container(*document_.root_)) return;
    std::unordered_map<const PickleValue*, Extent> extents;
    std::vector<const PickleValue*> path{document_.root_};
    extents.try_emplace(document_.root_);
    while (!path.empty()) {
      const auto* value = path.back();
      auto& extent = extents.at(value);
      const auto count = value->items.size() + (value->state != nullptr ? 1 : 0);
      if (extent.next == count) {
        extent.done = true;
        path.pop_back();
        continue;
      }
      const auto* child =
          extent.next < value->items.size() ? value->items[extent.next] : value->state;
      std::size_t depth = 0;
      std::uint64_t size = 1 + child->text.size() / 16;
      if (is_container(*child)) {
        const auto [known, fresh] = extents.try_emplace(child);
        if (fresh) {
          path.push_back(child);
          if (path.size() > kMaxDepth) fail("values nest deeper than 64");
          continue;
        }
        if (!known->second.done) fail("a value that contains itself");
        depth = known->second.depth;
        size = known->second.size;
      }
      auto& parent = extents.at(value);
      ++parent.next;
      parent.depth = std::max(parent.depth, depth + 1);
      parent.size += size;
      if (parent.depth > kMaxDepth) fail("values nest deeper than 64");
      if (parent.size > limit) fail("its shared parts unfold to more values than it has bytes for");
    }
  }

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

PickleDocument parse_pickle(ByteReader& reader, const PickleRules& rules) {
  return PickleMachine(reader, rules).run();
}

PickleDocument parse_pickle(Bytes bytes, const PickleRules& rules) {
  ByteReader reader(bytes);
  auto document = parse_pickle(reader, rules);
  if (!reader.at_end())
    throw Error(ErrorKind::corrupt,
                fmt::format("{} bytes after the end of the pickle", reader.remaining()));
  return document;
}

}  // namespace poseheir
