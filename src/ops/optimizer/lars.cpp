// What layer-wise schedules need besides the updates: LARS's rates (You et al. 2017), the squared
// norms of many arrays, and many arrays set to 0.
#include <cstring>

#include "kernels/reduce.h"
#include "ops/optimizer/update.h"

namespace gemel {

namespace {

using pointwise::Expr;
using pointwise::input;
using pointwise::scalar;

struct LarsParameters : UpdateParameters {
  float eta = 0, eps = 0;
  static void declare(Fields<LarsParameters>& f) {
    f.field("eta", &LarsParameters::eta).doc("LARS's coefficient.");
    f.field("eps", &LarsParameters::eps).doc("Keeps the divisor away from 0.");
    UpdateFields<LarsParameters>{f}.rescale();
  }
};

// (lrs, weights_sum_sq, grads_sum_sq, wds)
std::vector<Expr> lars_value(const Update::Clip&) {
  const Expr eta = scalar(1), epsilon = scalar(2), rescale = scalar(3);
  const Expr weight = sqrt(input(1)), gradient = rescale * sqrt(input(2));
  const Expr rate = eta * weight / (gradient + input(3) * weight + epsilon);
  const Expr valid = greater(weight, 0.0) * greater(gradient, 0.0);
  return {input(0) * where(valid, rate, 1.0)};
}

struct ArraysParameters : Parameters {
  int num_arrays = 0;
  static void declare(Fields<ArraysParameters>& f) {
    f.field("num_arrays", &ArraysParameters::num_arrays).range(0, 1e9).doc("Number of arrays.");
  }
};
std::vector<std::string> array_names(const ArraysParameters& p) {
  const char* stem[] = {"array"};
  return grouped_names(stem, p.num_arrays);
}

void sum_squares(const OpCall& call) {
  float* out = call.out[0].data<float>();
  for (size_t k = 0; k < call.in.size(); ++k) {
    const Tensor& in = call.in[k];
    const uint32_t all = (uint32_t{1} << in.shape.ndim()) - 1;
    double wide = 0;
    float narrow = 0;
    const bool is_wide = in.dtype == DType::float64;
    const Tensor total = is_wide ? Tensor(&wide, Shape{1}, DType::float64)
                                 : Tensor(&narrow, Shape{1}, DType::float32);
    kernels::reduce(kernels::Reduction::sum_squares, in, all, total);
    out[k] = is_wide ? static_cast<float>(wide) : narrow;
  }
}

void reset(const OpCall& call) {
  for (const Tensor& array : call.in)
    if (array.size()) std::memset(array.address, 0, static_cast<size_t>(array.bytes()));
}

}  // namespace

GEMEL_OPERATORS(lars) {
  OpBuilder lars = op<LarsParameters>("multi_lars");
  lars.doc(
          "Learning rates of layers (You et al. 2017): lr * eta * |w| / (rescale_grad * |g| + wd * "
          "|w| + eps) where both norms are above 0, else lr; each element is a layer.")
      .inputs({"lrs", "weights_sum_sq", "grads_sum_sq", "wds"})
      .sample({.shapes = {{4}, {4}, {4}, {4}},
               .attributes = {{"eta", "0.1"}, {"eps", "0.001"}, {"rescale_grad", "0.5"}},
               .ranges = {{0.1, 1}, {0, 4}, {0, 9}, {0, 0.1}}});
  implement_update(lars, {lars_value, {}, [](const OpCall& call, int) {
                            const auto& p = call.params<LarsParameters>();
                            return std::vector<double>{p.eta, p.eps, p.rescale_grad};
                          }});

  op<ArraysParameters>("multi_sum_sq")
      .doc("The sum of the squares of each array: float32, one element for each.")
      .inputs(array_names)
      .no_gradient()
      .shape([](ShapeContext& c) { c.set_out(0, Shape{static_cast<int64_t>(c.in.size())}); })
      .type([](TypeContext& c) {
        DType dtype = DType::none;
        for (size_t i = 0; i < c.in.size(); ++i) {
          c.set_in(static_cast<int>(i), dtype);
          if (dtype == DType::none) dtype = c.in[i];
        }
        c.set_out(0, DType::float32);
      })
      .implement("reduce", sum_squares)
      .sample({.shapes = {{3, 4}, {5}}, .attributes = {{"num_arrays", "2"}}});

  op<ArraysParameters>("reset_arrays")
      .doc("Sets every array to 0; no output.")
      .inputs(array_names)
      .outputs(0, 0)
      .groups(1)
      .mutates({0})
      .no_gradient()
      .shape([](ShapeContext&) {})
      .type([](TypeContext&) {})
      .implement("memset", reset)
      .sample({.shapes = {{3, 4}, {5}}, .attributes = {{"num_arrays", "2"}}});
}

}  // namespace gemel
