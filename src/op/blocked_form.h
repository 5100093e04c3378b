// How operators take part in the blocked layout (passes/layout.h): arrays of (batch, channel,
// height, width) as (batch, channels / 16 rounded up, height, width, 16), the channels that fill up
// the last block being zeros. An operator without a form reads and writes plain arrays.
#pragma once
#include <functional>
#include <vector>

#include "op/op_info.h"

namespace gemel {

// A node of a graph with what is known of it, all in plain layout.
struct BlockedNode {
  const Node& node;
  std::vector<Shape> in;
  Shape out;
  DType dtype;  // of the output
};

// A node about to be rebuilt.
struct BlockedContext : BlockedNode {
  std::function<Entry(int)> plain, blocked;  // input i in that layout
  // Whether input i is in blocks, or so many readers want it so that it will be.
  std::function<bool(int)> has_blocks;
  bool blocked_out;  // what the result shall be
};

struct BlockedForm {
  // Worth it by itself, in either layout of its result (a convolution); else the node joins where
  // what it reads is blocked already.
  bool leads = false;
  // Whether there is a blocked form for these shapes, and whether it reads input i blocked.
  std::function<bool(const BlockedNode&)> exists;
  std::function<bool(const BlockedNode&, int)> reads_blocked;  // none: all inputs of four axes
  // Faster than the plain form even if its result is wanted plain.
  bool gains = false;
  std::function<Entry(const BlockedContext&)> make;
};

// Called where the operator is declared.
GEMEL_EXPORT void set_blocked_form(std::string_view op_name, BlockedForm form);
GEMEL_EXPORT const BlockedForm* find_blocked_form(const Operator& op);  // null: none

inline constexpr int64_t layout_block = 16;

}  // namespace gemel
