// Whether arrays hold only finite numbers: what dynamic loss scaling asks for.
#include <algorithm>

#include "op/registry.h"
#include "ops/index/elements.h"

namespace gemel {

namespace {

struct AllFiniteParameters : Parameters {
  bool init_output = true;
  int num_arrays = 1;
  template <typename P>
  static void declare_init(Fields<P>& f) {
    f.field("init_output", static_cast<bool P::*>(&P::init_output))
        .fallback("1")
        .doc("False: the result is also 0 where `out` already holds 0.");
  }
  static void declare(Fields<AllFiniteParameters>& f) { declare_init(f); }
};
struct MultiAllFiniteParameters : AllFiniteParameters {
  static void declare(Fields<MultiAllFiniteParameters>& f) {
    f.field("num_arrays",
            static_cast<int MultiAllFiniteParameters::*>(&MultiAllFiniteParameters::num_arrays))
        .fallback("1")
        .range(0, 1e9)
        .doc("Number of arrays.");
    declare_init(f);
  }
};

bool is_finite(const Tensor& t) {
  constexpr int64_t block = 1024;
  double values[block];
  const auto load = simd::load_function<double>(t.dtype);
  for (int64_t at = 0; at < t.size(); at += block) {
    const int64_t n = std::min(block, t.size() - at);
    load(t.address + at * size_of(t.dtype), values, static_cast<size_t>(n));
    double sum = 0;  // 0 * x is 0 for finite numbers only
    for (int64_t i = 0; i < n; ++i) sum += 0 * values[i];
    if (!(sum == 0)) return false;
  }
  return true;
}

void all_finite_kernel(const OpCall& c) {
  bool finite = c.params<AllFiniteParameters>().init_output || *c.out[0].data<float>() != 0;
  for (const Tensor& t : c.in) finite = finite && is_finite(t);
  *c.out[0].data<float>() = finite ? 1 : 0;
}

void declare(OpBuilder& builder, const char* doc) {
  builder.doc(doc)
      .shape([](ShapeContext& c) { c.set_out(0, Shape{1}); })
      .type([](TypeContext& c) {
        for (DType d : c.in)
          GEMEL_CHECK(d == DType::none || is_floating(d),
                      "[{}] expected a floating-point dtype, got {}", c.op.name(), name_of(d));
        c.set_out(0, DType::float32);
      })
      .no_gradient()
      .implement("reference", all_finite_kernel);
}

}  // namespace

GEMEL_OPERATORS(all_finite) {
  OpBuilder one = op<AllFiniteParameters>("all_finite");
  one.inputs({"data"}).sample({.shapes = {{3, 4}}});
  declare(one, "1 if every element is finite, else 0; float32.");
  OpBuilder many = op<MultiAllFiniteParameters>("multi_all_finite");
  many.info().inputs = [](const Parameters& p) {
    std::vector<std::string> names;
    for (int i = 0; i < static_cast<const AllFiniteParameters&>(p).num_arrays; ++i)
      names.push_back(fmt::format("array_{}", i));
    return names;
  };
  many.sample({.shapes = {{3, 4}, {5}}, .attributes = {{"num_arrays", "2"}}});
  declare(many, "1 if every element of every array is finite, else 0; float32.");
}

}  // namespace gemel
