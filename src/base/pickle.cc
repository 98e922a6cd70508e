#include "base/pickle.h"

#include <fmt/format.h>

#include "base/pickle_machine.h"

namespace poseheir {
namespace {

using Kind = PickleValue::Kind;

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
