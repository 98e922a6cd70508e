#include <bit>
#include <cassert>
#include <fmt/format.h>

#include "base/pickle.h"
#include "base/pickle_text.h"
#include "base/text.h"

namespace poseheir {

PickleWriter::PickleWriter(Protocol protocol) : protocol_(protocol) {
  if (!is_text()) out_.append("\x80\x03");
}

// CPython numbers every container and text it writes, used again or not.
void PickleWriter::memoize() {
  if (is_text()) {
    out_.append(fmt::format("p{}\n", memoized_));
  } else {
    out_.append("r");
    out_.write(static_cast<std::uint32_t>(memoized_));
  }
  ++memoized_;
}

// `a` and `s` put one item into an open list or dict, in every protocol; tuples wait for their end.
void PickleWriter::value_done() {
  if (open_.empty()) return;
  auto& open = open_.back();
  if (open.kind == 'l') out_.append("a");
  if (open.kind == 'd') {
    if (open.has_key) out_.append("s");
    open.has_key = !open.has_key;
  }
}

PickleWriter& PickleWriter::none() {
  out_.append("N");
  value_done();
  return *this;
}

PickleWriter& PickleWriter::boolean(bool value) {
  if (is_text()) {
    out_.append(value ? "I01\n" : "I00\n");
  } else {
    out_.append(value ? "\x88" : "\x89");
  }
  value_done();
  return *this;
}

PickleWriter& PickleWriter::integer(std::int64_t value) {
  const bool is_small = value == static_cast<std::int32_t>(value);
  if (is_text()) {
    out_.append(is_small ? fmt::format("I{}\n", value) : fmt::format("L{}L\n", value));
  } else if (is_small) {
    out_.append("J");
    out_.write(static_cast<std::int32_t>(value));
  } else {
    out_.append("\x8a\x08");
    out_.write(value);
  }
  value_done();
  return *this;
}

PickleWriter& PickleWriter::real(double value) {
  if (is_text()) {
    out_.append(fmt::format("F{}\n", shortest_double(value)));
  } else {
    out_.append("G");
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (int shift = 56; shift >= 0; shift -= 8)
      out_.write(static_cast<std::uint8_t>(bits >> shift));
  }
  value_done();
  return *this;
}

PickleWriter& PickleWriter::text(std::string_view utf8) {
  const auto known = texts_.find(utf8);
  if (known != texts_.end()) {
    if (is_text()) {
      out_.append(fmt::format("g{}\n", known->second));
    } else {
      out_.append("j");
      out_.write(static_cast<std::uint32_t>(known->second));
    }
  } else {
    if (is_text()) {
      out_.append(fmt::format("V{}\n", escape_raw_unicode(utf8)));
    } else {
      out_.append("X");
      out_.write(static_cast<std::uint32_t>(utf8.size()));
      out_.append(utf8);
    }
    texts_.emplace(utf8, memoized_);
    memoize();
  }
  value_done();
  return *this;
}

PickleWriter& PickleWriter::begin_list() {
  out_.append(is_text() ? "(l" : "]");
  memoize();
  open_.push_back({'l'});
  return *this;
}

PickleWriter& PickleWriter::begin_tuple() {
  out_.append("(");
  open_.push_back({'t'});
  return *this;
}

PickleWriter& PickleWriter::begin_dict() {
  out_.append(is_text() ? "(d" : "}");
  memoize();
  open_.push_back({'d'});
  return *this;
}

PickleWriter& PickleWriter::begin_call(std::string_view module, std::string_view function) {
  assert(!is_text());
  global(module, function);
  out_.append("(");
  open_.push_back({'c'});
  return *this;
}

PickleWriter& PickleWriter::end() {
  assert(!open_.empty() && !open_.back().has_key);
  if (open_.back().kind == 'c') out_.append("tR");
  if (open_.back().kind == 't') {
    out_.append("t");
    memoize();
  }
  open_.pop_back();
  value_done();
  return *this;
}

void PickleWriter::bytes(std::string_view value) {
  out_.append("B");
  out_.write(static_cast<std::uint32_t>(value.size()));
  out_.append(value);
}

void PickleWriter::global(std::string_view module, std::string_view name) {
  out_.append(fmt::format("c{}\n{}\n", module, name));
}

// numpy.core.multiarray: the spelling of numpy 1, which numpy 2 reads as well. The tuples in here
// are spelled by hand, since they are no items of the container that is open.
PickleWriter& PickleWriter::numpy_array(std::string_view type, std::span<const std::size_t> shape,
                                        std::string_view content) {
  assert(!is_text());
  const auto small = [&](std::size_t value) {
    out_.append("J");
    out_.write(static_cast<std::int32_t>(value));
  };
  const auto short_text = [&](std::string_view text) {
    out_.append("X");
    out_.write(static_cast<std::uint32_t>(text.size()));
    out_.append(text);
  };
  global("numpy.core.multiarray", "_reconstruct");
  global("numpy", "ndarray");
  out_.append("K");
  out_.write(std::uint8_t{0});
  out_.append("\x85");
  bytes("b");
  out_.append("\x87R(K\x01(");
  for (const auto extent : shape) small(extent);
  out_.append("t");
  global("numpy", "dtype");
  short_text(type);
  out_.append("\x89\x88\x87R(K\x03");
  short_text("<");
  out_.append("NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK");
  out_.write(std::uint8_t{0});
  out_.append("tb\x89");
  bytes(content);
  out_.append("tb");
  value_done();
  return *this;
}

PickleWriter& PickleWriter::int64_array(std::span<const std::int64_t> values, std::size_t columns) {
  std::vector<std::size_t> shape = {values.size()};
  if (columns != 0) shape = {values.size() / columns, columns};
  return numpy_array("i8", shape, as_text(std::as_bytes(values)));
}

PickleWriter& PickleWriter::array(std::span<const float> values,
                                  std::span<const std::size_t> shape) {
  return numpy_array("f4", shape, as_text(std::as_bytes(values)));
}

PickleWriter& PickleWriter::array(std::span<const double> values,
                                  std::span<const std::size_t> shape) {
  return numpy_array("f8", shape, as_text(std::as_bytes(values)));
}

std::string PickleWriter::finish() {
  assert(open_.empty());
  out_.append(".");
  return out_.take();
}

}  // namespace poseheir
