// Samplers whose parameters are arrays: each element of the inputs gives `shape` numbers.
#include <algorithm>

#include "kernels/parallel.h"
#include "kernels/random.h"
#include "op/registry.h"
#include "ops/dtype_choices.h"
#include "simd/convert.h"

namespace gemel {

namespace {

struct SampleParameters : Parameters {
  Shape shape;
  DType dtype = DType::none;
  static void declare(Fields<SampleParameters>& f) {
    f.field("shape", &SampleParameters::shape)
        .fallback("()")
        .doc("Shape of the numbers drawn for each element.");
    f.choice("dtype", &SampleParameters::dtype, dtype_choices(DTypeSet::sampled))
        .fallback("None")
        .doc("Element type; float32 by default.");
  }
};

void sample_shape(ShapeContext& context) {
  for (int i : {0, 1}) context.set_in(i, context.in[1 - i]);
  if (context.in[0].ndim() < 0) return;
  Shape result = context.in[0];
  for (int64_t n : context.params<SampleParameters>().shape) result.push_back(n);
  context.set_out(0, result);
}

void sample_type(TypeContext& context) {
  for (int i : {0, 1}) context.set_in(i, context.in[1 - i]);
  const DType asked = context.params<SampleParameters>().dtype;
  context.set_out(0, asked == DType::none ? DType::float32 : asked);
}

// One counter value for each number: f(block, first parameter, second parameter).
template <typename F>
void sample_kernel(const OpCall& call, const F& f) {
  const Tensor& out = call.out[0];
  const int64_t parameters = call.in[0].size(), each = parameters ? out.size() / parameters : 0;
  const auto load = simd::load_function<double>(call.in[0].dtype);
  const auto store = simd::store_function<double>(out.dtype);
  const int64_t in_width = size_of(call.in[0].dtype), out_width = size_of(out.dtype);
  const kernels::Philox stream(call.random.seed, call.random.offset);
  kernels::parallel_for(parameters, each * 32, [&](int64_t k) {
    double first, second;
    load(call.in[0].address + k * in_width, &first, 1);
    load(call.in[1].address + k * in_width, &second, 1);
    for (int64_t i = k * each; i < (k + 1) * each; ++i) {
      const double value = f(stream.bits(static_cast<uint64_t>(i)), first, second);
      store(&value, out.address + i * out_width, 1);
    }
  });
}

uint64_t word(const kernels::PhiloxBlock& b, int i) {
  return uint64_t{b[2 * i + 1]} << 32 | b[2 * i];
}

void declare_sampler(const char* name, const char* alias, const char* text,
                     std::vector<std::string> inputs, Kernel kernel) {
  op<SampleParameters>(name)
      .alias({alias})
      .doc(text)
      .inputs(std::move(inputs))
      .shape(sample_shape)
      .type(sample_type)
      .no_gradient()
      .random()
      .implement("philox", std::move(kernel))
      .sample(
          {.shapes = {{3}, {3}}, .attributes = {{"shape", "(2, 4)"}}, .ranges = {{0, 1}, {2, 3}}});
}

}  // namespace

GEMEL_OPERATORS(sample) {
  declare_sampler("_sample_uniform", "sample_uniform",
                  "Evenly distributed numbers, a range for each element of the inputs.",
                  {"low", "high"}, [](const OpCall& call) {
                    sample_kernel(call, [](const kernels::PhiloxBlock& b, double low, double high) {
                      return low + (high - low) * kernels::unit_double(word(b, 0));
                    });
                  });
  declare_sampler(
      "_sample_normal", "sample_normal",
      "Normally distributed numbers, a mean and a deviation for each element of the inputs.",
      {"mu", "sigma"}, [](const OpCall& call) {
        sample_kernel(call, [](const kernels::PhiloxBlock& b, double mean, double deviation) {
          return mean + deviation * kernels::normal_pair(word(b, 0), word(b, 1))[0];
        });
      });
}

}  // namespace gemel
