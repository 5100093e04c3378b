// Arrays from nothing: constants, ranges, the identity matrix.
#include <cmath>
#include <optional>

#include "op/registry.h"
#include "ops/dtype_choices.h"
#include "pointwise/program.h"

namespace gemel {

namespace {

// A dtype of the array to make, and a device name that the caller has already applied.
template <typename P>
void declare_dtype(Fields<P>& f, DTypeSet set) {
  f.field("ctx", &P::ctx).fallback("").doc("Device, for example cpu(0); read by the caller.");
  f.choice("dtype", &P::dtype, dtype_choices(set)).fallback("float32").doc("Element type.");
}

struct ConstantParameters : Parameters {
  Shape shape;
  std::string ctx;
  DType dtype = DType::float32;
  static void declare(Fields<ConstantParameters>& f) {
    f.field("shape", &ConstantParameters::shape).fallback("()").doc("Shape of the array.");
    declare_dtype(f, DTypeSet::with_bool);
  }
};
struct FullParameters : Parameters {
  std::optional<Shape> shape;
  std::string ctx;
  DType dtype = DType::float32;
  double value = 0;
  static void declare(Fields<FullParameters>& f) {
    Field& shape =
        f.field("shape", &FullParameters::shape).fallback("None").doc("Shape of the array.");
    shape.type = "Shape(tuple)";
    declare_dtype(f, DTypeSet::with_bool);
    f.field("value", &FullParameters::value).doc("Value of every element.");
  }
};
struct RangeParameters : Parameters {
  double start = 0, step = 1;
  std::optional<double> stop;
  int repeat = 1;
  bool infer_range = false;
  std::string ctx;
  DType dtype = DType::float32;
  static void declare(Fields<RangeParameters>& f) {
    f.field("start", &RangeParameters::start).doc("First value; the end when no stop is given.");
    f.field("stop", &RangeParameters::stop).fallback("None").doc("End, not included.");
    f.field("step", &RangeParameters::step).fallback("1").doc("Distance between values.");
    f.field("repeat", &RangeParameters::repeat)
        .fallback("1")
        .doc("How often each value comes.")
        .range(1, 1 << 30);
    f.field("infer_range", &RangeParameters::infer_range)
        .fallback("0")
        .doc("Take the length from the shape of the result.");
    declare_dtype(f, DTypeSet::numbers);
  }
};
struct EyeParameters : Parameters {
  int64_t N = 0, M = 0, k = 0;
  std::string ctx;
  DType dtype = DType::float32;
  static void declare(Fields<EyeParameters>& f) {
    f.field("N", &EyeParameters::N).doc("Rows.");
    f.field("M", &EyeParameters::M).fallback("0").doc("Columns; 0: as many as rows.");
    f.field("k", &EyeParameters::k)
        .fallback("0")
        .doc("Which diagonal; positive ones are above the main one.");
    declare_dtype(f, DTypeSet::classic);
  }
};

void fill_with(const OpCall& call, double value) {
  static const pointwise::Program fill({pointwise::scalar(0)});
  fill.run({}, std::span<const double>(&value, 1), call.out);
}

void range_shape(ShapeContext& context) {
  const auto& p = context.params<RangeParameters>();
  if (p.infer_range) return;
  const double start = p.stop ? p.start : 0, stop = p.stop ? *p.stop : p.start;
  GEMEL_CHECK(p.step != 0, "[_arange] expected a step other than 0");
  const double count = std::ceil((stop - start) / p.step);
  GEMEL_CHECK(count >= 0 && std::isfinite(count), "[_arange] no values from {} to {} by {}", start,
              stop, p.step);
  context.set_out(0, Shape{static_cast<int64_t>(count) * p.repeat});
}

void range_kernel(const OpCall& call) {
  const auto& p = call.params<RangeParameters>();
  const double start = p.stop || p.infer_range ? p.start : 0;
  dispatch(call.out[0].dtype, [&]<typename T>(Type<T>) {
    T* out = call.out[0].data<T>();
    const int64_t size = call.out[0].size();
    for (int64_t i = 0; i < size; ++i)
      out[i] = static_cast<T>(
          static_cast<compute_type<T>>(start + static_cast<double>(i / p.repeat) * p.step));
  });
}

void eye_kernel(const OpCall& call) {
  fill_with(call, 0);
  const int64_t k = call.params<EyeParameters>().k, rows = call.out[0].shape[0],
                columns = call.out[0].shape[1];
  dispatch(call.out[0].dtype, [&]<typename T>(Type<T>) {
    for (int64_t i = 0; i < rows; ++i)
      if (i + k >= 0 && i + k < columns)
        call.out[0].data<T>()[i * columns + i + k] = static_cast<T>(1);
  });
}

template <typename P>
void parameter_type(TypeContext& context) {
  context.set_out(0, context.params<P>().dtype);
}

// A shape with unknown axes (0 in 1.9.1's files) waits for what the neighbours know.
void set_with_unknown(ShapeContext& context, Shape shape) {
  if (shape.ndim() == 0) return;
  for (int64_t& axis : shape)
    if (axis <= 0) axis = -1;
  context.set_out(0, shape);
}

void constant_shape(ShapeContext& context) {
  set_with_unknown(context, context.params<ConstantParameters>().shape);
}

void declare_constant(const char* name, const char* text, double value) {
  op<ConstantParameters>(name)
      .doc(text)
      .inputs(std::vector<std::string>{})
      .shape(constant_shape)
      .type(parameter_type<ConstantParameters>)
      .no_gradient()
      .implement("fill", [value](const OpCall& call) { fill_with(call, value); })
      .sample({.attributes = {{"shape", "(2, 3)"}}});
}

}  // namespace

GEMEL_OPERATORS(fill) {
  declare_constant("_zeros", "An array of zeros.", 0);
  declare_constant("_ones", "An array of ones.", 1);
  op<FullParameters>("_full")
      .doc("An array with one value everywhere.")
      .inputs(std::vector<std::string>{})
      .shape([](ShapeContext& c) {
        if (c.params<FullParameters>().shape)
          set_with_unknown(c, *c.params<FullParameters>().shape);
      })
      .type(parameter_type<FullParameters>)
      .no_gradient()
      .implement("fill",
                 [](const OpCall& call) { fill_with(call, call.params<FullParameters>().value); })
      .sample({.attributes = {{"shape", "(2, 3)"}, {"value", "2.5"}}});
  op<RangeParameters>("_arange")
      .doc("Evenly spaced values.")
      .inputs(std::vector<std::string>{})
      .shape(range_shape)
      .type(parameter_type<RangeParameters>)
      .no_gradient()
      .implement("range", range_kernel)
      .sample({.attributes = {{"start", "1"}, {"stop", "6"}, {"step", "2"}, {"repeat", "2"}}});
  op<EyeParameters>("_eye")
      .doc("Ones on one diagonal, zeros elsewhere.")
      .inputs(std::vector<std::string>{})
      .shape([](ShapeContext& c) {
        const auto& p = c.params<EyeParameters>();
        c.set_out(0, Shape{p.N, p.M > 0 ? p.M : p.N});
      })
      .type(parameter_type<EyeParameters>)
      .no_gradient()
      .implement("fill", eye_kernel)
      .sample({.attributes = {{"N", "3"}, {"k", "1"}}});
}

}  // namespace gemel
