// Draws of class numbers: from rows of probabilities, and of different classes in one row.
#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "kernels/distributions.h"
#include "kernels/parallel.h"
#include "ops/random/sampler.h"
#include "simd/convert.h"

namespace gemel {

namespace {

struct MultinomialParameters : Parameters {
  using P = MultinomialParameters;
  Shape shape;
  bool get_prob = false;
  DType dtype = DType::int32;
  static void declare(Fields<P>& f) {
    f.field("shape", &P::shape).fallback("()").doc("Shape of the draws from each row.");
    f.field("get_prob", &P::get_prob)
        .fallback("0")
        .doc("Whether the logarithm of the probability of each draw is a second output.");
    f.choice("dtype", &P::dtype,
             {{"uint8", DType::uint8},
              {"int32", DType::int32},
              {"float16", DType::float16},
              {"float32", DType::float32},
              {"float64", DType::float64}})
        .fallback("int32")
        .doc("Type of the class numbers.");
  }
};

int outputs(const MultinomialParameters& p) { return p.get_prob ? 2 : 1; }

void multinomial_shape(ShapeContext& c) {
  const Shape& data = c.in[0];
  if (data.ndim() < 0) return;
  GEMEL_CHECK(data.ndim() >= 1, "[{}] data: expected rows of probabilities, got a number",
              c.op.name());
  Shape result;
  for (int i = 0; i + 1 < data.ndim(); ++i) result.push_back(data[i]);
  for (int64_t n : c.params<MultinomialParameters>().shape) result.push_back(n);
  if (result.ndim() == 0) result.push_back(1);
  for (size_t k = 0; k < c.out.size(); ++k) c.set_out(static_cast<int>(k), result);
}

void multinomial_type(TypeContext& c) {
  c.set_out(0, c.params<MultinomialParameters>().dtype);
  if (c.out.size() > 1) {
    c.set_out(1, c.in[0]);
    c.set_in(0, c.out[1]);
  }
}

std::vector<double> row_of(const Tensor& data, int64_t row, int64_t classes) {
  std::vector<double> values(static_cast<size_t>(classes));
  simd::load_function<double>(data.dtype)(data.address + row * classes * size_of(data.dtype),
                                          values.data(), static_cast<size_t>(classes));
  return values;
}

// The first class whose cumulated probability exceeds a uniform number.
void multinomial_kernel(const OpCall& call) {
  const Tensor& data = call.in[0];
  if (call.out[0].size() == 0) return;
  const int64_t classes = data.shape[data.shape.ndim() - 1];
  GEMEL_CHECK(classes > 0, "[{}] there are no classes in shape {}", call.op.name(), data.shape);
  const int64_t rows = data.size() / classes, each = call.out[0].size() / rows;
  const kernels::Philox stream = stream_of(call);
  const auto store = [](const Tensor& t, int64_t i, double value) {
    simd::store_function<double>(t.dtype)(&value, t.address + i * size_of(t.dtype), 1);
  };
  kernels::parallel_for(rows, classes + each * 64, [&](int64_t row) {
    const std::vector<double> probability = row_of(data, row, classes);
    std::vector<double> cumulated(probability);
    for (size_t k = 1; k < cumulated.size(); ++k) cumulated[k] += cumulated[k - 1];
    for (int64_t i = row * each; i < (row + 1) * each; ++i) {
      const double u = kernels::unit_double(stream.bits64(static_cast<uint64_t>(i)));
      const auto found = std::upper_bound(cumulated.begin(), cumulated.end(), u);
      const auto k = std::min<int64_t>(found - cumulated.begin(), classes - 1);
      store(call.out[0], i, static_cast<double>(k));
      if (call.out.size() > 1) store(call.out[1], i, std::log(probability[static_cast<size_t>(k)]));
    }
  });
}

// (dy of the logarithms, data, draws): the gradient of the probabilities.
void multinomial_backward(const OpCall& call) {
  const Tensor &dy = call.in[0], &data = call.in[1], &draws = call.in[2], &out = call.out[0];
  if (out.size() == 0) return;
  const int64_t classes = data.shape[data.shape.ndim() - 1];
  const int64_t rows = data.size() / classes, each = draws.size() / rows;
  const auto load = [](const Tensor& t, int64_t i) {
    double value;
    simd::load_function<double>(t.dtype)(t.address + i * size_of(t.dtype), &value, 1);
    return value;
  };
  kernels::parallel_for(rows, classes + each * 8, [&](int64_t row) {
    const std::vector<double> probability = row_of(data, row, classes);
    std::vector<double> gradient(static_cast<size_t>(classes));
    for (int64_t i = row * each; i < (row + 1) * each; ++i) {
      const auto k = static_cast<size_t>(load(draws, i));
      gradient[k] += load(dy, i) / probability[k];
    }
    simd::store_function<double>(out.dtype)(
        gradient.data(), out.address + row * classes * size_of(out.dtype), gradient.size());
  });
}

struct ZipfianParameters : Parameters {
  int range_max = 0;
  std::optional<Shape> shape;
  static void declare(Fields<ZipfianParameters>& f) {
    f.field("range_max", &ZipfianParameters::range_max)
        .range(1, 2147483647)
        .doc("Number of classes.");
    f.field("shape", &ZipfianParameters::shape)
        .fallback("None")
        .doc("(rows, draws of each row).")
        .type = "Shape(tuple)";
  }
};

void zipfian_shape(ShapeContext& c) {
  const auto& p = c.params<ZipfianParameters>();
  if (!p.shape) return;
  GEMEL_CHECK(p.shape->ndim() == 2 && (*p.shape)[1] <= p.range_max,
              "[{}] shape: expected (rows, draws) with at most {} draws, got {}", c.op.name(),
              p.range_max, *p.shape);
  c.set_out(0, *p.shape);
  c.set_out(1, Shape{(*p.shape)[0]});
}

// Class k with probability log((k + 2) / (k + 1)) / log(range_max + 1), until enough differ.
void zipfian_kernel(const OpCall& call) {
  const double span = std::log1p(call.params<ZipfianParameters>().range_max);
  const int64_t rows = call.out[0].shape[0], each = call.out[0].shape[1];
  const kernels::Philox stream = stream_of(call);
  kernels::parallel_for(rows, each * 64, [&](int64_t row) {
    kernels::ElementStream bits(stream, static_cast<uint64_t>(row));
    std::unordered_set<int64_t> seen;
    int64_t tries = 0;
    for (int64_t i = 0; i < each; ++tries) {
      const auto drawn = static_cast<int64_t>(std::exp(bits.uniform() * span)) - 1;
      const int64_t k = std::min<int64_t>(drawn, call.params<ZipfianParameters>().range_max - 1);
      if (seen.insert(k).second) call.out[0].data<int64_t>()[row * each + i++] = k;
    }
    call.out[1].data<int64_t>()[row] = tries;
  });
}

}  // namespace

GEMEL_OPERATORS(multinomial) {
  op<MultinomialParameters>("_sample_multinomial")
      .alias({"sample_multinomial"})
      .doc(
          "Class numbers drawn with the probabilities in each row of the last axis; with get_prob "
          "also the logarithm of each draw's probability, whose gradient is that of the data.")
      .inputs({"data"})
      .outputs(outputs)
      .shape(multinomial_shape)
      .type(multinomial_type)
      .gradient([](const GradientContext& context) {
        if (context.head.size() < 2 || !context.head[1]) return std::vector<Entry>{Entry{}};
        return std::vector<Entry>{context.make("_backward_sample_multinomial",
                                               {context.head[1], context.in(0), context.out(0)})};
      })
      .random()
      .implement("philox", multinomial_kernel)
      .sample({.shapes = {{3, 4}}, .attributes = {{"shape", "(5,)"}}, .low = 0.1, .high = 0.4});
  op("_backward_sample_multinomial")
      .doc("Gradient of _sample_multinomial's second output.")
      .inputs({"dy", "data", "draws"})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[1]); })
      .type([](TypeContext& c) { c.set_out(0, c.in[1]); })
      .no_gradient()
      .implement("reference", multinomial_backward);
  op<ZipfianParameters>("_sample_unique_zipfian")
      .doc(
          "Different class numbers from an approximately log-uniform distribution (that of words "
          "sorted by frequency), and how many draws each row took.")
      .inputs(std::vector<std::string>{})
      .outputs(2, 2)
      .shape(zipfian_shape)
      .type([](TypeContext& c) {
        c.set_out(0, DType::int64);
        c.set_out(1, DType::int64);
      })
      .no_gradient()
      .random()
      .implement("philox", zipfian_kernel)
      .sample({.attributes = {{"range_max", "100"}, {"shape", "(2, 5)"}}});
}

}  // namespace gemel
