#include "base/crc32c.h"

#include <gtest/gtest.h>
#include <numeric>
#include <string>

namespace poseheir {
namespace {

std::uint32_t of(std::string_view text) { return crc32c(as_bytes_of(text)); }

TEST(Crc32c, GivesThePublishedValues) {
  EXPECT_EQ(of(""), 0x00000000U);
  EXPECT_EQ(of("123456789"), 0xE3069283U);
  EXPECT_EQ(of(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(of(std::string(32, '\xFF')), 0x62A8AB43U);
  std::string ascending(32, '\0');
  std::iota(ascending.begin(), ascending.end(), '\0');
  EXPECT_EQ(of(ascending), 0x46DD794EU);
  EXPECT_EQ(of(std::string(ascending.rbegin(), ascending.rend())), 0x113FDB5CU);
}

TEST(Crc32c, MasksAsLeveldbDoes) {
  EXPECT_EQ(mask_crc(0), 0xA282EAD8U);
  EXPECT_EQ(mask_crc(0xE3069283U), 0xC78AB0E5U);
  EXPECT_EQ(unmask_crc(0xC78AB0E5U), 0xE3069283U);
}

TEST(Crc32c, ContinuesAtAnyPlace) {
  const std::string text = "The quick brown fox jumps over the lazy dog, twice or more.";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const auto first = of(text.substr(0, cut));
    EXPECT_EQ(crc32c(as_bytes_of(text).subspan(cut), first), of(text)) << cut;
  }
}

}  // namespace
}  // namespace poseheir
