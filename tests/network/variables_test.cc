// Every variable of every network against TensorFlow's own lists, and the generated weights that
// all reference outputs were made with.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "base/crc32c.h"
#include "poseheir/reference.h"
#include "shared.h"

namespace poseheir {
namespace {

std::vector<std::vector<std::string>> read_rows(const std::filesystem::path& path) {
  std::ifstream stream(path);
  std::vector<std::vector<std::string>> rows;
  std::string line;
  std::getline(stream, line);
  while (std::getline(stream, line)) {
    rows.emplace_back();
    std::istringstream cells(line);
    std::string cell;
    while (std::getline(cells, cell, ',')) rows.back().push_back(cell);
  }
  return rows;
}

std::string row_of(const Variable& v) {
  return fmt::format("{} {} {} {} key={} head={}", v.info.name, fmt::join(v.info.shape, "x"),
                     dtype_name(v.info.dtype), v.trainable ? 1 : 0, v.imagenet_key,
                     v.part == NetworkPart::head ? 1 : 0);
}

std::string row_of(const std::vector<std::string>& cells) {
  return fmt::format("{} {} {} {} key={} head={}", cells[0], cells[1], cells[2], cells[3], cells[8],
                     cells[9] == "0" ? 1 : 0);
}

class ReferenceNetworks : public testing::TestWithParam<std::string> {};

TEST_P(ReferenceNetworks, HaveTheVariablesThatTensorFlowLists) {
  const auto path = "reference/variables/" + GetParam() + ".csv";
  NEEDS_SHARED(path);
  const auto rows = read_rows(shared_folder() / path);
  const auto variables = variables_of(reference_spec(GetParam()));
  ASSERT_EQ(variables.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) ASSERT_EQ(row_of(variables[i]), row_of(rows[i]));
}

TEST_P(ReferenceNetworks, GenerateTheWeightsOfTheReferenceOutputs) {
  const auto path = "reference/variables/" + GetParam() + ".csv";
  NEEDS_SHARED(path);
  const auto network = build_network(reference_spec(GetParam()));
  const auto rows = read_rows(shared_folder() / path);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto variable = static_cast<int>(i);
    std::uint32_t bits = 0;
    const auto scale = generated_scale(network, variable).scale;
    std::memcpy(&bits, &scale, sizeof(bits));
    ASSERT_EQ(fmt::format("{:08x}", bits), rows[i][5]) << rows[i][0];
    // The values follow from name, index and scale: the large kernels need no second look.
    if (element_count(network.variables[i].info.shape) > 10000) continue;
    const auto values = generated_values(network, variable);
    ASSERT_EQ(fmt::format("{:08x}", crc32c(std::as_bytes(std::span(values)))), rows[i][7])
        << rows[i][0];
  }
}

INSTANTIATE_TEST_SUITE_P(All, ReferenceNetworks, testing::ValuesIn(reference_networks()),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (auto& c : name) c = std::isalnum(c) ? c : '_';
                           return name;
                         });

TEST(GeneratedWeights, AgreeWithTheTestVectors) {
  NEEDS_SHARED("reference/weights_vectors.csv");
  const auto rows = read_rows(shared_folder() / "reference/weights_vectors.csv");
  ASSERT_FALSE(rows.empty());
  for (const auto& row : rows) {
    GeneratedScale scale;
    const auto bits = static_cast<std::uint32_t>(std::stoul(row[4], nullptr, 16));
    std::memcpy(&scale.scale, &bits, sizeof(bits));
    scale.around_one = row[2] == "gamma" || row[2] == "variance";
    const auto value = generated_value(generated_hash(row[0]), std::stoull(row[5]), scale);
    std::uint32_t value_bits = 0;
    std::memcpy(&value_bits, &value, sizeof(value_bits));
    EXPECT_EQ(fmt::format("{:08x}", value_bits), row[9]) << row[0];
  }
}

}  // namespace
}  // namespace poseheir
