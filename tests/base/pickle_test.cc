#include "base/pickle.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/pickle_numpy.h"
#include "expect_error.h"

namespace poseheir {
namespace {

using Kind = PickleValue::Kind;
using namespace std::string_literals;

PickleRules numpy_rules() {
  PickleRules rules{plain_pickle_globals()};
  for (const auto& global : numpy_pickle_globals()) rules.allowed.push_back(global);
  return rules;
}

PickleDocument parse(const std::string& text, const PickleRules& rules = numpy_rules()) {
  return parse_pickle(as_bytes_of(text), rules);
}

std::string data(const std::string& name) {
  return read_file(std::string(POSEHEIR_TEST_DATA) + "/pickle/" + name);
}

void expect_the_records(const std::string& pickle) {
  const auto document = parse(pickle);
  const auto& root = document.root();
  ASSERT_TRUE(root.is(Kind::list));
  ASSERT_EQ(root.items.size(), 4U);
  const auto* image = root.items[0]->find("image");
  ASSERT_NE(image, nullptr);
  ASSERT_TRUE(image->is(Kind::tuple));
  EXPECT_EQ(image->items[1]->text, "b.png");
  const auto joints = numpy_array(*root.items[0]->find("joints"));
  EXPECT_EQ(joints.shape, (std::vector<std::size_t>{3, 2}));
  EXPECT_EQ(joints.values, (std::vector<double>{0, 1, 2, 3, 4, 5}));
  EXPECT_TRUE(joints.is_integer);
  EXPECT_EQ(numpy_integers(*root.items[1]), (std::vector<std::int64_t>{2, 0, 1}));
  EXPECT_EQ(number_of(*root.items[3]), 0.75);
}

TEST(Pickle, ReadsNumpyArraysAndScalarsOfEveryBinaryProtocol) {
  for (const auto* protocol : {"2", "3", "4", "5"}) {
    SCOPED_TRACE(protocol);
    expect_the_records(data("records-protocol"s + protocol + ".pickle"));
  }
}

TEST(Pickle, ReadsTheNamesOfNumpy2) {
  auto pickle = data("records-protocol2.pickle");
  const std::string old_name = "cnumpy.core.multiarray\n";
  for (auto at = pickle.find(old_name); at != std::string::npos; at = pickle.find(old_name))
    pickle.replace(at, old_name.size(), "cnumpy._core.multiarray\n");
  expect_the_records(pickle);
}

TEST(Pickle, ReadsNoPickleThatIsCutShort) {
  for (const auto* protocol : {"2", "3", "4", "5"}) {
    const auto pickle = data("records-protocol"s + protocol + ".pickle");
    for (std::size_t size = 0; size < pickle.size(); ++size)
      EXPECT_THROW(parse(pickle.substr(0, size)), Error) << size << " bytes";
  }
}

TEST(Pickle, ReadsThePandasAttributesOfProtocol0) {
  const auto document =
      parse("(lp0\n(I1\n(lp1\n(VSc\np2\nVnose\np3\nVx\np4\ntp5\na(g2\ng3\nVy\np6\ntp7\natp8\na.");
  const auto& axis = *document.root().items.at(0);
  EXPECT_EQ(axis.items.at(0)->integer, 1);
  const auto& columns = *axis.items.at(1);
  EXPECT_EQ(columns.items.at(1)->items.at(0)->text, "Sc");
  EXPECT_EQ(columns.items.at(1)->items.at(2)->text, "y");
  EXPECT_TRUE(parse("N.").root().is(Kind::none));
}

TEST(Pickle, ReadsTheScalarsOfProtocol0) {
  const auto document = parse(
      "(lp0\nV\xb5\\u005c\\u03a9\\u000a\\U0001f600\np1\naI01\naNaI-5\naL1099511627776L\naF1.5\na"
      "S'it\\'s \\x41'\na.");
  const auto& items = document.root().items;
  EXPECT_EQ(items.at(0)->text, "µ\\Ω\n😀");
  EXPECT_TRUE(items.at(1)->is(Kind::boolean));
  EXPECT_TRUE(items.at(2)->is(Kind::none));
  EXPECT_EQ(items.at(3)->integer, -5);
  EXPECT_EQ(items.at(4)->integer, 1099511627776);
  EXPECT_EQ(items.at(5)->real, 1.5);
  EXPECT_EQ(items.at(6)->text, "it's A");
}

TEST(Pickle, ReadsLongIntegersOfAnyLength) {
  EXPECT_EQ(parse("\x8a\x00."s).root().integer, 0);
  EXPECT_EQ(parse("\x8a\x01\xff."s).root().integer, -1);
  EXPECT_EQ(parse("\x8a\x02\xff\x00."s).root().integer, 255);
  EXPECT_EQ(parse("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80."s).root().integer,
            std::numeric_limits<std::int64_t>::min());
  EXPECT_TRUE(parse("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00."s).root().is(Kind::big_integer));
}

TEST(Pickle, ReadsAnOrderedDictInBothSpellings) {
  const auto by_items = "\x80\x02"s + "ccollections\nOrderedDict\n)R(U\x01kK\x07u.";
  const auto filled = parse(by_items);  // refers to its text
  EXPECT_EQ(filled.root().find("k")->integer, 7);
  const auto by_pairs = "ccollections\nOrderedDict\n]](U\x01kK\x07" + "ea\x85R."s;
  const auto given = parse(by_pairs);
  EXPECT_EQ(given.root().find("k")->integer, 7);
  EXPECT_EQ(given.root().find("other"), nullptr);
}

TEST(Pickle, RefusesWhatWouldRunCode) {
  EXPECT_ERROR(parse("cos\nsystem\n(S'echo pwned'\ntR."), ErrorKind::unsupported, "'os.system'");
  EXPECT_ERROR(parse("\x80\x04\x8c\x08"s + "builtins\x8c\x04" + "eval\x93\x8c\x01" + "1\x85R."),
               ErrorKind::unsupported, "'builtins.eval'");
  EXPECT_ERROR(parse("(S'ls'\nios\nsystem\n."), ErrorKind::unsupported, "opcode 0x69");
  EXPECT_ERROR(parse("\x82\x01."s), ErrorKind::unsupported, "opcode 0x82");
  EXPECT_ERROR(parse("K\x01Q."s), ErrorKind::corrupt, "outside the pickle");
  EXPECT_ERROR(parse("S'print'\n)R."), ErrorKind::corrupt, "which is no function");
}

TEST(Pickle, RefusesDamagedPrograms) {
  EXPECT_ERROR(parse("."), ErrorKind::corrupt, "stack is empty");
  EXPECT_ERROR(parse("t."), ErrorKind::corrupt, "no mark");
  EXPECT_ERROR(parse("}(K\x01u."s), ErrorKind::corrupt, "a key without its value");
  EXPECT_ERROR(parse("}(]K\x01u."s), ErrorKind::corrupt, "cannot be a key");
  EXPECT_ERROR(parse("K\x01(K\x02"
                     "a."s),
               ErrorKind::corrupt, "stack is empty");
  EXPECT_ERROR(parse("j\xff\xff\xff\xff."s), ErrorKind::corrupt, "memo entry 4294967295");
  EXPECT_ERROR(parse("NN."), ErrorKind::corrupt, "left over");
  EXPECT_ERROR(parse("N.N"), ErrorKind::corrupt, "1 bytes after");
  EXPECT_ERROR(parse("X\xff\xff\xff\xff"
                     "abc."s),
               ErrorKind::corrupt, "expected 4294967295 more");
  EXPECT_ERROR(parse("\x8d\xff\xff\xff\xff\xff\xff\xff\xff."s), ErrorKind::corrupt, "more bytes");
  EXPECT_ERROR(parse("\x80\x06N."s), ErrorKind::unsupported, "protocol 6");
  EXPECT_ERROR(parse("Ix\n."), ErrorKind::corrupt, "expected a number, found 'x'");
  EXPECT_ERROR(parse("\x8b\xff\xff\xff\xff."s), ErrorKind::corrupt, "negative size");
}

TEST(Pickle, RefusesValuesThatContainThemselves) {
  EXPECT_ERROR(parse("]q\x01h\x01"
                     "a."s),
               ErrorKind::corrupt, "contains itself");
  EXPECT_ERROR(parse("]q\x01h\x01\x85"
                     "a."s),
               ErrorKind::corrupt, "contains itself");
}

TEST(Pickle, RefusesDeepNestingWithoutRunningOutOfStack) {
  std::string tuples = "N";
  tuples.append(2'000'000, '\x85');
  EXPECT_ERROR(parse(tuples + "."), ErrorKind::corrupt, "deeper than 64");
  std::string sixty = "N";
  sixty.append(60, '\x85');
  EXPECT_NO_THROW(parse(sixty + "."));
  EXPECT_ERROR(parse(std::string(5'000'000, ']')), ErrorKind::corrupt, "more than 4,000,000");
}

TEST(Pickle, RefusesABillionLaughs) {
  std::string pickle = "\x80\x02]q\x00"s;
  for (char level = 1; level < 30; ++level) {  // each list holds the one before it ten times
    pickle += "](";
    for (int i = 0; i < 10; ++i) pickle += "h"s + static_cast<char>(level - 1);
    pickle += "eq"s + level;
  }
  // All levels stay on the stack: a tuple takes them up.
  EXPECT_ERROR(parse(pickle.insert(2, "(") + "t."), ErrorKind::corrupt, "unfold");
}

TEST(Pickle, RefusesBytesThatUnfoldFromOneText) {
  std::string pickle = "c_codecs\nencode\nq\x00X\x00\x10\x00\x00"s + std::string(4096, 'x') +
                       "q\x01U\x06latin1q\x02(l"s;
  for (int i = 0; i < 100; ++i) pickle += "h\x00h\x01h\x02\x86Ra"s;
  EXPECT_ERROR(parse(pickle + "0" + "."), ErrorKind::corrupt, "four times the pickle's size");
}

TEST(Pickle, RefusesNumpyArraysWhoseBytesDoNotFit) {
  auto pickle = data("records-protocol3.pickle");
  const auto shape = pickle.find("K\x03K\x02\x86");
  ASSERT_NE(shape, std::string::npos);
  pickle[shape + 1] = '\x04';
  const auto document = parse(pickle);
  EXPECT_ERROR(numpy_array(*document.root().items[0]->find("joints")), ErrorKind::corrupt,
               "more elements than its 48 bytes hold");
  EXPECT_ERROR(numpy_array(document.root()), ErrorKind::corrupt, "found a list of 4");
}

TEST(PickleWriter, SpellsPandasAttributesAsCPythonDoes) {
  PickleWriter columns(PickleWriter::Protocol::text_0);
  columns.begin_list().begin_tuple().integer(1).begin_list();
  for (const auto* coordinate : {"x", "y"})
    columns.begin_tuple().text("Sc").text("nose").text(coordinate).end();
  columns.end().end().end();
  EXPECT_EQ(columns.finish(),
            "(lp0\n(I1\n(lp1\n(VSc\np2\nVnose\np3\nVx\np4\ntp5\na(g2\ng3\nVy\np6\ntp7\natp8\na.");

  PickleWriter info(PickleWriter::Protocol::text_0);
  info.begin_dict().integer(1).begin_dict().text("names").begin_list();
  info.text("scorer").text("bodyparts").end().text("type").text("MultiIndex").end();
  info.text("index").begin_dict().end().end();
  EXPECT_EQ(info.finish(),
            "(dp0\nI1\n(dp1\nVnames\np2\n(lp3\nVscorer\np4\naVbodyparts\np5\nasVtype\np6\n"
            "VMultiIndex\np7\nssVindex\np8\n(dp9\ns.");

  PickleWriter scalars(PickleWriter::Protocol::text_0);
  scalars.begin_list().text("µ\\Ω\n😀").boolean(true).none().integer(-5);
  scalars.integer(1099511627776).real(1.5).end();
  EXPECT_EQ(scalars.finish(),
            "(lp0\nV\xb5\\u005c\\u03a9\\u000a\\U0001f600\np1\naI01\naNaI-5\naL1099511627776L\n"
            "aF1.5\na.");
  EXPECT_EQ(PickleWriter(PickleWriter::Protocol::text_0).none().finish(), "N.");
}

TEST(PickleWriter, WritesRecordsThatComeBack) {
  const std::vector<std::int64_t> joints{0, 1, 2, 3, 4, 5}, train{2, 0, 1}, test{3};
  PickleWriter writer(PickleWriter::Protocol::binary_3);
  writer.begin_list().begin_dict();
  writer.text("image").begin_tuple().text("a").text("b.png").end();
  writer.text("size").begin_tuple().integer(3).integer(4).integer(5).end();
  writer.text("joints").int64_array(joints, 2).end();
  writer.int64_array(train).int64_array(test).real(0.75).end();
  expect_the_records(writer.finish());
}

}  // namespace
}  // namespace poseheir
