// The density of the Dirichlet distribution at given samples.
#include <cmath>
#include <vector>

#include "kernels/parallel.h"
#include "op/registry.h"
#include "pointwise/operator.h"
#include "simd/convert.h"
#include "simd/special_functions.h"

namespace gemel {

namespace {

using pointwise::Expr;
using pointwise::input;

struct DirichletParameters : Parameters {
  bool is_log = false;
  static void declare(Fields<DirichletParameters>& f) {
    f.field("is_log", &DirichletParameters::is_log)
        .fallback("0")
        .doc("Whether the logarithm of the density is computed.");
  }
};

// sample (p..., s..., k), alpha (p..., k): the densities (p..., s...).
void dirichlet_shape(ShapeContext& c) {
  const Shape &sample = c.in[0], &alpha = c.in[1];
  if (sample.ndim() < 0 || alpha.ndim() < 0) return;
  const int rows = alpha.ndim() - 1, last = sample.ndim() - 1;
  bool fits = rows >= 0 && last >= rows && sample[last] == alpha[rows];
  for (int i = 0; fits && i < rows; ++i) fits = sample[i] == alpha[i];
  GEMEL_CHECK(fits, "[{}] sample: expected a shape that begins and ends with alpha's {}, got {}",
              c.op.name(), alpha, sample);
  Shape result;
  for (int i = 0; i < last; ++i) result.push_back(sample[i]);
  c.set_out(0, result.ndim() ? result : Shape{1});
}

std::vector<double> row_of(const Tensor& t, int64_t row, int64_t width) {
  std::vector<double> values(static_cast<size_t>(width));
  simd::load_function<double>(t.dtype)(t.address + row * width * size_of(t.dtype), values.data(),
                                       values.size());
  return values;
}

void dirichlet_kernel(const OpCall& call) {
  const Tensor &sample = call.in[0], &alpha = call.in[1], &out = call.out[0];
  const int64_t k = alpha.shape[alpha.shape.ndim() - 1];
  GEMEL_CHECK(k > 0 || out.size() == 0, "[{}] expected at least one class, got shape {}",
              call.op.name(), alpha.shape);
  if (sample.size() == 0) return;
  const int64_t rows = alpha.size() / k, each = sample.size() / k / rows;
  const bool is_log = call.params<DirichletParameters>().is_log;
  kernels::parallel_for(rows, each * k * 32, [&](int64_t row) {
    const std::vector<double> a = row_of(alpha, row, k);
    double total = 0, constant = 0;
    for (double value : a) {
      total += value;
      constant -= simd::log_gamma(value);
    }
    constant += simd::log_gamma(total);
    for (int64_t i = row * each; i < (row + 1) * each; ++i) {
      const std::vector<double> x = row_of(sample, i, k);
      double sum = constant;
      for (size_t j = 0; j < a.size(); ++j)
        if (a[j] != 1) sum += (a[j] - 1) * std::log(x[j]);
      const double value = is_log ? sum : std::exp(sum);
      simd::store_function<double>(out.dtype)(&value, out.address + i * size_of(out.dtype), 1);
    }
  });
}

std::vector<Entry> dirichlet_gradient(const GradientContext& context) {
  const bool is_log = context.params<DirichletParameters>().is_log;
  const auto formula = [&](std::vector<Entry> inputs, const Expr& e) {
    const int count = static_cast<int>(inputs.size());
    return context.make("_pointwise", std::move(inputs), pointwise::make_pointwise({e}, {}, count));
  };
  const Entry sample = context.in(0);
  const Entry alpha =
      context.make("_trailing_axes_like", {context.in(1), sample}, {{"keep_last", "True"}});
  Entry head = context.dy();
  if (!is_log) head = context.make("elemwise_mul", {head, context.out(0)});
  // (p..., s..., 1): the sum over classes of something shaped like the sample has this shape.
  const Entry row = context.make("sum", {sample}, {{"axis", "-1"}, {"keepdims", "True"}});
  head = context.make("_reshape_as", {head, row});
  const Entry total = context.make("sum", {alpha}, {{"axis", "-1"}, {"keepdims", "True"}});
  const Entry by_sample = formula({head, sample, alpha}, input(0) * (input(2) - 1.0) / input(1));
  Entry by_alpha = formula({head, sample, alpha, total},
                           input(0) * (log(input(1)) - digamma(input(2)) + digamma(input(3))));
  by_alpha = context.make("_sum_to_like", {by_alpha, alpha});
  return {by_sample, context.make("_reshape_as", {by_alpha, context.in(1)})};
}

}  // namespace

GEMEL_OPERATORS(dirichlet) {
  OpBuilder builder = op<DirichletParameters>("_random_pdf_dirichlet");
  builder.alias({"random_pdf_dirichlet"})
      .doc("Density of the Dirichlet distribution; the last axis of the samples adds up to 1.")
      .inputs({"sample", "alpha"})
      .shape(dirichlet_shape)
      .type(same_type)
      .gradient(dirichlet_gradient)
      .implement("reference", dirichlet_kernel);
  for (const char* is_log : {"False", "True"})
    builder.sample({.shapes = {{2, 3, 4}, {2, 4}},
                    .attributes = {{"is_log", is_log}},
                    .ranges = {{0.1, 0.4}, {0.5, 2}}});
}

}  // namespace gemel
