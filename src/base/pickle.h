// A pickle machine that runs no code: protocols 0 to 5 become plain values, and plain values become
// pickles. What a pickle would call is looked up in a list given by the caller; nothing else
// exists.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace poseheir {

// One value of a pickle. It belongs to its PickleDocument, and its text may lie in the input.
struct PickleValue {
  enum class Kind : std::uint8_t {
    none,
    boolean,
    integer,
    big_integer,  // beyond 64 bits; text holds its little-endian two's complement
    real,
    text,
    bytes,
    list,
    tuple,
    dict,  // items alternate key, value, in the order of the file
    set,
    global,      // a name that was not called; text is the name given in PickleGlobal::as
    record,      // a call that was not made: text names it, items are its arguments
    persistent,  // items[0] is the persistent id
  };

  Kind kind = Kind::none;
  std::int64_t integer = 0;  // of integer and boolean
  double real = 0;
  std::string_view text;
  std::vector<const PickleValue*> items;
  const PickleValue* state = nullptr;  // what BUILD gave a record

  bool is(Kind wanted) const { return kind == wanted; }
  bool is_record(std::string_view name) const { return kind == Kind::record && text == name; }
  bool is_sequence() const { return kind == Kind::list || kind == Kind::tuple; }
  // The value of a dict's text key (the last one, as in Python); null if absent or no dict.
  const PickleValue* find(std::string_view key) const;
};

// "a list of 3", "the text 'abc'", "the record numpy.dtype": for error texts.
std::string describe(const PickleValue& value);

// A global that may occur, and what calling it makes.
enum class PickleBuild : std::uint8_t {
  record,  // kept as it stands, for the caller to interpret
  dict,    // OrderedDict, Counter: arguments (), (pairs) or (dict); BUILD is passed over
  set,     // arguments () or (sequence)
  encode,  // _codecs.encode(text, 'latin1'): bytes
  bytes,   // bytearray(bytes), bytearray(text, 'latin-1'), bytes()
};
struct PickleGlobal {
  std::string_view name;  // module and name, joined by a dot
  PickleBuild build = PickleBuild::record;
  std::string_view as = {};  // the name the value carries; empty: `name`
};

// `allowed` holds the globals a reader knows; persistent ids are refused unless asked for.
struct PickleRules {
  std::vector<PickleGlobal> allowed;
  bool persistent_ids = false;
};

// The plain containers every pickle may hold: set, bytearray, _codecs.encode, OrderedDict.
std::vector<PickleGlobal> plain_pickle_globals();

// A parsed pickle: owns its values. No value contains itself, none nests deeper than 64, and
// walking the whole tree takes at most a small multiple of the pickle's size, however its parts are
// shared.
class PickleDocument {
 public:
  const PickleValue& root() const { return *root_; }

 private:
  friend class PickleMachine;
  std::deque<PickleValue> values_;
  std::deque<std::string> texts_;  // those that do not lie in the input as they are
  const PickleValue* root_ = nullptr;
};

// Reads one pickle and leaves the reader behind its STOP. The input must outlive the document.
// Throws Error(corrupt) with the offset, or Error(unsupported) naming the global or opcode.
PickleDocument parse_pickle(ByteReader& reader, const PickleRules& rules);
// The same for bytes that hold nothing else. Bytes behind the pickle are refused.
PickleDocument parse_pickle(Bytes bytes, const PickleRules& rules);

// Writes one value as a pickle: containers by begin and end, their items between.
// text_0 is protocol 0 as CPython's own writer spells it (pandas attributes, ASCII);
// binary_3 is protocol 3, which every Python 3 reads.
class PickleWriter {
 public:
  enum class Protocol : std::uint8_t { text_0, binary_3 };
  explicit PickleWriter(Protocol protocol);

  PickleWriter& none();
  PickleWriter& boolean(bool value);
  PickleWriter& integer(std::int64_t value);
  PickleWriter& real(double value);
  PickleWriter& text(std::string_view utf8);
  PickleWriter& begin_list();
  PickleWriter& begin_tuple();
  PickleWriter& begin_dict();  // then key, value, key, value, …
  // A call of a function by its arguments, such as numpy's or pandas' constructors. binary_3 only.
  PickleWriter& begin_call(std::string_view module, std::string_view function);
  PickleWriter& end();  // of the innermost container or call
  // A NumPy array of int64, rows by columns, or of one dimension when columns is 0. binary_3 only.
  PickleWriter& int64_array(std::span<const std::int64_t> values, std::size_t columns = 0);
  // A NumPy array of any shape, row-major; binary_3 only.
  PickleWriter& array(std::span<const float> values, std::span<const std::size_t> shape);
  PickleWriter& array(std::span<const double> values, std::span<const std::size_t> shape);

  std::string finish();  // after exactly one value

 private:
  struct Open {
    char kind;  // 'l', 't', 'd' or 'c'
    bool has_key = false;
  };
  bool is_text() const { return protocol_ == Protocol::text_0; }
  void memoize();
  void value_done();
  void bytes(std::string_view value);
  void global(std::string_view module, std::string_view name);
  PickleWriter& numpy_array(std::string_view type, std::span<const std::size_t> shape,
                            std::string_view content);

  Protocol protocol_;
  ByteWriter out_;
  std::vector<Open> open_;
  std::map<std::string, std::size_t, std::less<>> texts_;  // where a text was memoized
  std::size_t memoized_ = 0;
};

}  // namespace poseheir
