// A given number of evenly spaced values.
#include "op/registry.h"
#include "ops/dtype_choices.h"

namespace gemel {

namespace {

struct LinspaceParameters : Parameters {
  using P = LinspaceParameters;
  double start = 0, stop = 0;
  int num = 0;
  bool endpoint = true;
  std::string ctx;
  DType dtype = DType::float32;
  static void declare(Fields<P>& f) {
    f.field("start", &P::start).doc("First value.");
    f.field("stop", &P::stop).doc("Last value, or the end where endpoint is false.");
    f.field("num", &P::num).doc("Number of values.").range(0, 2147483647);
    f.field("endpoint", &P::endpoint).fallback("1").doc("Whether stop is the last value.");
    f.field("ctx", &P::ctx).fallback("").doc("Device, for example cpu(0); read by the caller.");
    f.choice("dtype", &P::dtype, dtype_choices(DTypeSet::numbers))
        .fallback("float32")
        .doc("Element type.");
  }
};

void linspace_kernel(const OpCall& call) {
  const auto& p = call.params<LinspaceParameters>();
  const int64_t size = call.out[0].size(), steps = p.endpoint ? size - 1 : size;
  const double step = steps > 0 ? (p.stop - p.start) / static_cast<double>(steps) : 0;
  dispatch(call.out[0].dtype, [&]<typename T>(Type<T>) {
    for (int64_t i = 0; i < size; ++i) {
      const bool last = p.endpoint && i > 0 && i == size - 1;
      const double value = last ? p.stop : p.start + static_cast<double>(i) * step;
      call.out[0].data<T>()[i] = static_cast<T>(static_cast<compute_type<T>>(value));
    }
  });
}

}  // namespace

GEMEL_OPERATORS(linspace) {
  op<LinspaceParameters>("_linspace")
      .alias({"_npi_linspace"})
      .doc("num evenly spaced values of [start, stop], or of [start, stop) without endpoint.")
      .inputs(std::vector<std::string>{})
      .shape([](ShapeContext& c) { c.set_out(0, Shape{c.params<LinspaceParameters>().num}); })
      .type([](TypeContext& c) { c.set_out(0, c.params<LinspaceParameters>().dtype); })
      .no_gradient()
      .implement("range", linspace_kernel)
      .sample({.attributes = {{"start", "1"}, {"stop", "6"}, {"num", "5"}}})
      .sample({.attributes = {{"start", "0"}, {"stop", "1"}, {"num", "4"}, {"endpoint", "0"}}});
}

}  // namespace gemel
