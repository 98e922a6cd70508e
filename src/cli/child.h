// This program run as a child of itself, for commands that play other commands.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace poseheir {

// Runs this program with these arguments; of its standard output the first `head` and the last
// `tail` lines are passed on. Returns its exit code, 130 where a signal ended it.
int run_child(const std::vector<std::string>& arguments, std::size_t head, std::size_t tail);

}  // namespace poseheir
