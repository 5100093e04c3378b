// What samplers have in common: where their numbers come from, and the shapes and types of their
// arrays.
#pragma once
#include <optional>
#include <string>

#include "kernels/random.h"
#include "op/registry.h"
#include "ops/dtype_choices.h"

namespace gemel {

// An array of `shape`, all from one distribution.
struct ArrayParameters : Parameters {
  std::optional<Shape> shape;
  std::string ctx;
  DType dtype = DType::none;
};

template <typename P>
void declare_array(Fields<P>& f, DTypeSet set) {
  f.field("shape", static_cast<std::optional<Shape> P::*>(&P::shape))
      .fallback("None")
      .doc("Shape of the array.")
      .type = "Shape(tuple)";
  f.field("ctx", static_cast<std::string P::*>(&P::ctx))
      .fallback("")
      .doc("Device, for example cpu(0); read by the caller.");
  f.choice("dtype", static_cast<DType P::*>(&P::dtype), dtype_choices(set))
      .fallback("None")
      .doc("Element type; float32 (int32 for integers) by default.");
}

inline kernels::Philox stream_of(const OpCall& call) {
  return kernels::Philox(call.random.seed, call.random.offset);
}

inline void array_shape(ShapeContext& context) {
  const auto& p = context.params<ArrayParameters>();
  if (p.shape && p.shape->ndim() > 0) context.set_out(0, *p.shape);
}

// dtype None takes what the neighbours know, else `otherwise`.
inline void array_type(TypeContext& context, DType otherwise) {
  const DType asked = context.params<ArrayParameters>().dtype;
  if (asked != DType::none)
    context.set_out(0, asked);
  else if (context.out[0] == DType::none)
    context.set_out(0, otherwise);
}

}  // namespace gemel
