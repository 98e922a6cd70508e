#include "base/pickle_machine.h"

#include <algorithm>

#include "base/pickle_text.h"

namespace poseheir {
namespace {

using Kind = PickleValue::Kind;

// Far above any real file: a DeepLabCut split of 100,000 images has about three million values.
constexpr std::size_t kMaxValues = 4'000'000;
constexpr std::size_t kMaxSteps = 4 * kMaxValues;

}  // namespace

PickleDocument PickleMachine::run() {
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

PickleValue* PickleMachine::make(Kind kind) {
  if (document_.values_.size() >= kMaxValues) fail("more than 4,000,000 values");
  auto& value = document_.values_.emplace_back();
  value.kind = kind;
  return &value;
}

PickleValue* PickleMachine::push(Kind kind) {
  auto* value = make(kind);
  stack_.push_back(value);
  return value;
}

void PickleMachine::push_singleton(const PickleValue*& slot, Kind kind, std::int64_t integer) {
  if (slot == nullptr) {
    auto* value = make(kind);
    value->integer = integer;
    slot = value;
  }
  stack_.push_back(const_cast<PickleValue*>(slot));
}

std::string_view PickleMachine::own(std::string text) {
  if (text.size() > text_budget_) fail("texts unfold to more than four times the pickle's size");
  text_budget_ -= text.size();
  return document_.texts_.emplace_back(std::move(text));
}

void PickleMachine::copy_items(PickleValue& target, const PickleValue& source) {
  if (source.items.size() > kMaxValues - std::min(kMaxValues, copied_items_))
    fail("containers unfold to more than 4,000,000 values");
  copied_items_ += source.items.size();
  target.items.insert(target.items.end(), source.items.begin(), source.items.end());
}

PickleValue* PickleMachine::pop() {
  if (stack_.size() <= floor()) fail("the stack is empty where a value is needed");
  auto* value = stack_.back();
  stack_.pop_back();
  return value;
}

PickleValue* PickleMachine::top() {
  if (stack_.size() <= floor()) fail("the stack is empty where a value is needed");
  return stack_.back();
}

std::vector<const PickleValue*> PickleMachine::pop_to_mark() {
  if (marks_.empty()) fail("no mark where one is needed");
  const auto start = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<const PickleValue*> items(start, stack_.end());
  stack_.erase(start, stack_.end());
  marks_.pop_back();
  return items;
}

void PickleMachine::push_tuple(std::size_t count) {
  auto* tuple = make(Kind::tuple);
  tuple->items.resize(count);
  for (std::size_t i = count; i-- > 0;) tuple->items[i] = pop();
  stack_.push_back(tuple);
}

PickleValue* PickleMachine::container(Kind kind, std::string_view what) {
  auto* value = top();
  if (!value->is(kind)) fail(fmt::format("{} needs it, found {}", what, describe(*value)));
  return value;
}

void PickleMachine::append(const std::vector<const PickleValue*>& items, Kind kind) {
  auto* list = container(kind, kind == Kind::list ? "a list: append" : "a set: add");
  if (kind == Kind::set) std::for_each(items.begin(), items.end(), [&](auto* i) { check_key(*i); });
  list->items.insert(list->items.end(), items.begin(), items.end());
}

void PickleMachine::set_items(const std::vector<const PickleValue*>& items) {
  if (items.size() % 2 != 0) fail("a key without its value");
  auto* dict = container(Kind::dict, "a dict: set item");
  for (std::size_t i = 0; i < items.size(); i += 2) check_key(*items[i]);
  dict->items.insert(dict->items.end(), items.begin(), items.end());
}

void PickleMachine::check_key(const PickleValue& key) const {
  if (key.is(Kind::list) || key.is(Kind::dict) || key.is(Kind::set))
    fail(fmt::format("{} cannot be a key", describe(key)));
}

void PickleMachine::get(std::uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) fail(fmt::format("memo entry {} was never stored", index));
  stack_.push_back(found->second);
}

void PickleMachine::push_global(std::string_view module, std::string_view name) {
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

void PickleMachine::stack_global() {
  const auto* name = pop();
  const auto* module = pop();
  if (!name->is(Kind::text) || !module->is(Kind::text)) fail("the name of a global is no text");
  push_global(module->text, name->text);
}

void PickleMachine::call() {
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

void PickleMachine::make_dict(const PickleValue& arguments) {
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

void PickleMachine::make_set(const PickleValue& arguments) {
  auto* set = push(Kind::set);
  if (arguments.items.empty()) return;
  if (!arguments.items[0]->is_sequence()) fail("expected the members of a set");
  for (const auto* member : arguments.items[0]->items) check_key(*member);
  copy_items(*set, *arguments.items[0]);
}

void PickleMachine::make_bytes(const PickleValue& arguments) {
  if (arguments.items.empty()) return push_bytes({});
  const auto& first = *arguments.items[0];
  if (first.is(Kind::bytes)) return push_bytes(first.text);
  if (arguments.items.size() != 2 || !first.is(Kind::text) || !arguments.items[1]->is(Kind::text) ||
      (arguments.items[1]->text != "latin1" && arguments.items[1]->text != "latin-1"))
    fail("expected bytes spelled as (text, 'latin1')");
  if (first.text.size() > text_budget_)
    fail("texts unfold to more than four times the pickle's size");
  auto bytes = latin1_from_utf8(first.text);
  if (!bytes) fail("bytes spelled as a text that is not latin-1");
  push_bytes(own(std::move(*bytes)));
}

void PickleMachine::build() {
  const auto* state = pop();
  auto* value = top();
  if (value->is(Kind::dict)) return;  // OrderedDict: attributes such as a state dict's _metadata
  if (!value->is(Kind::record)) fail(fmt::format("a state given to {}", describe(*value)));
  if (value->state != nullptr) fail("a state given twice");
  value->state = state;
}

void PickleMachine::persistent() {
  if (!rules_.persistent_ids) fail("a reference to something outside the pickle");
  const auto* id = pop();
  push(Kind::persistent)->items.push_back(id);
}

}  // namespace poseheir
