// Constants that take their shape or type from where the result goes.
#include <optional>

#include "op/registry.h"
#include "pointwise/program.h"

namespace gemel {

namespace {

struct SetValueParameters : Parameters {
  float src = 0;
  static void declare(Fields<SetValueParameters>& f) {
    f.field("src", &SetValueParameters::src).fallback("0").doc("The number.").type = "real_t";
  }
};
struct UntypedZerosParameters : Parameters {
  using P = UntypedZerosParameters;
  std::optional<Shape> shape;
  std::string ctx;
  int dtype = -1;
  static void declare(Fields<P>& f) {
    f.field("shape", &P::shape).fallback("None").doc("Shape of the array.").type = "Shape(tuple)";
    f.field("ctx", &P::ctx).fallback("").doc("Device, for example cpu(0); read by the caller.");
    f.field("dtype", &P::dtype)
        .fallback("-1")
        .doc("Number of the element type in files; -1: that of the result.");
  }
};

void fill_with(const OpCall& call, double value) {
  static const pointwise::Program fill({pointwise::scalar(0)});
  fill.run({}, std::span<const double>(&value, 1), call.out);
}

void untyped_zeros_shape(ShapeContext& c) {
  if (!c.params<UntypedZerosParameters>().shape) return;
  Shape shape = *c.params<UntypedZerosParameters>().shape;
  for (int64_t& axis : shape)
    if (axis <= 0) axis = -1;  // unknown, as 0 is in 1.9.1's files
  if (shape.ndim() > 0) c.set_out(0, shape);
}

void untyped_zeros_type(TypeContext& c) {
  const int flag = c.params<UntypedZerosParameters>().dtype;
  if (flag == -1) return;
  GEMEL_CHECK(is_valid_dtype_flag(flag), "[{}] dtype: {} is no number of an element type",
              c.op.name(), flag);
  c.set_out(0, static_cast<DType>(flag));
}

}  // namespace

GEMEL_OPERATORS(fill_result) {
  op<SetValueParameters>("_set_value")
      .doc("The number in every element of the given result (`out`).")
      .inputs(std::vector<std::string>{})
      .shape([](ShapeContext&) {})
      .type([](TypeContext&) {})
      .no_gradient()
      .implement("fill", [](const OpCall& call) {
        fill_with(call, call.params<SetValueParameters>().src);
      });
  op<UntypedZerosParameters>("_zeros_without_dtype")
      .doc("Zeros of the element type that those who read them want.")
      .inputs(std::vector<std::string>{})
      .shape(untyped_zeros_shape)
      .type(untyped_zeros_type)
      .no_gradient()
      .implement("fill", [](const OpCall& call) { fill_with(call, 0); })
      .sample({.attributes = {{"shape", "(2, 3)"}, {"dtype", "1"}}});
}

}  // namespace gemel
