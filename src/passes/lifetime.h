// From a memory problem to blocks: aliases joined, lifetimes measured, in-place pairs applied.
#pragma once
#include <vector>

#include "passes/placement.h"
#include "passes/plan_memory.h"

namespace gemel::passes {

struct Blocks {
  std::vector<Block> blocks;
  std::vector<int> block_of;  // of each value; -1: external, or of no step
};

int64_t align(int64_t bytes);

// The value whose memory each value is: itself, or the end of its chain of aliases.
std::vector<int> roots_of(const MemoryProblem& problem);

// Where in its root's memory a value begins.
int64_t offset_in_root(const MemoryProblem& problem, int value);

// One block for each root value; with `inplace`, an output takes over the block of an input that
// dies in its step where the step allows and the sizes are equal.
Blocks blocks_of(const MemoryProblem& problem, const std::vector<int>& roots, bool inplace);

}  // namespace gemel::passes
