// Places blocks with known lifetimes in one arena.
#pragma once
#include <cstdint>
#include <vector>

namespace gemel::passes {

// Needed in every step of [begin, end], both included. `bytes` is a multiple of the alignment.
struct Block {
  int64_t bytes = 0;
  int begin = 0;
  int end = 0;
};

struct Placement {
  std::vector<int64_t> offset;
  int64_t bytes = 0;
  bool enough = false;  // of shared bytes: no placement needs noticeably less
};

// The bytes of the blocks that live at one time: no placement can need less.
int64_t most_live(const std::vector<Block>& blocks);
// Each block its own bytes.
Placement place_apart(const std::vector<Block>& blocks);
// Blocks whose lifetimes do not overlap may share bytes. Takes the best of several deterministic
// strategies; the costly ones only for small problems, so that the time stays near linear.
Placement place_shared(const std::vector<Block>& blocks);

}  // namespace gemel::passes
