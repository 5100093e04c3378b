// The way between plain and blocked arrays, as the layout pass puts it into graphs.
#include "kernels/conv/blocked.h"
#include "op/registry.h"

namespace gemel::blocked_op {
namespace {

struct ReorderParameters : Parameters {
  int64_t channels;
  static void declare(Fields<ReorderParameters>& f) {
    f.field("channels", &ReorderParameters::channels).doc("Channels of the plain array.");
  }
};
using P = ReorderParameters;

void reorder_shape(ShapeContext& c, bool to_blocked) {
  const int64_t channels = c.params<P>().channels;
  Shape blocked = to_blocked ? c.out[0] : c.in[0];
  Shape plain = to_blocked ? c.in[0] : c.out[0];
  if (blocked.ndim() == 5) plain = {blocked[0], channels, blocked[2], blocked[3]};
  if (plain.ndim() != 4) return;
  blocked = {plain[0], kernels::channel_blocks(channels), plain[2], plain[3],
             kernels::block_channels};
  c.set_in(0, to_blocked ? plain : blocked);
  c.set_out(0, to_blocked ? blocked : plain);
}

// Gradient of one direction is the other: what fills up the last block has none.
Gradient other_way(std::string op) {
  return [op](const GradientContext& c) -> std::vector<Entry> {
    return {c.make(op, {c.dy()}, c.node.parameters)};
  };
}

}  // namespace

GEMEL_OPERATORS(blocked_reorder) {
  op<P>("_to_blocked")
      .doc("(batch, channel, height, width) as (batch, channels / 16, height, width, 16).")
      .inputs({"data"})
      .shape([](ShapeContext& c) { reorder_shape(c, true); })
      .gradient(other_way("_from_blocked"))
      .per_sample({0})
      .implement("reference",
                 [](const OpCall& c) {
                   const Shape& s = c.in[0].shape;
                   kernels::to_blocked(s[0], s[1], s[2] * s[3], c.in[0].data<const float>(),
                                       c.out[0].data<float>());
                 })
      .info()
      .hidden = true;
  op<P>("_from_blocked")
      .doc("The other way.")
      .inputs({"data"})
      .shape([](ShapeContext& c) { reorder_shape(c, false); })
      .gradient(other_way("_to_blocked"))
      .per_sample({0})
      .implement("reference",
                 [](const OpCall& c) {
                   const Shape& s = c.out[0].shape;
                   kernels::from_blocked(s[0], s[1], s[2] * s[3], c.in[0].data<const float>(),
                                         c.out[0].data<float>());
                 })
      .info()
      .hidden = true;
}

}  // namespace gemel::blocked_op
