// Samplers with one distribution for the whole array, and shuffling.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "kernels/random_fill.h"
#include "ops/random/sampler.h"

namespace gemel {

namespace {

using kernels::Philox;

struct UniformParameters : ArrayParameters {
  using P = UniformParameters;
  float first = 0, second = 1;
  static void declare(Fields<P>& f) {
    f.field("low", &P::first).fallback("0").doc("Lowest value.");
    f.field("high", &P::second).fallback("1").doc("End of the range, not included.");
    declare_array(f, DTypeSet::sampled);
  }
};
struct NormalParameters : ArrayParameters {
  using P = NormalParameters;
  float first = 0, second = 1;
  static void declare(Fields<P>& f) {
    f.field("loc", &P::first).fallback("0").doc("Mean.");
    f.field("scale", &P::second).fallback("1").doc("Standard deviation.");
    declare_array(f, DTypeSet::sampled);
  }
};
struct IntegerParameters : ArrayParameters {
  using P = IntegerParameters;
  int64_t low = 0, high = 0;
  static void declare(Fields<P>& f) {
    f.field("low", &P::low).doc("Lowest value.");
    f.field("high", &P::high).doc("End of the range, not included.");
    declare_array(f, DTypeSet::sampled_integers);
  }
};
struct UniformLikeParameters : Parameters {
  float first = 0, second = 1;
  static void declare(Fields<UniformLikeParameters>& f) {
    f.field("low", &UniformLikeParameters::first).fallback("0").doc("Lowest value.");
    f.field("high", &UniformLikeParameters::second)
        .fallback("1")
        .doc("End of the range, not included.");
  }
};
struct NormalLikeParameters : Parameters {
  float first = 0, second = 1;
  static void declare(Fields<NormalLikeParameters>& f) {
    f.field("loc", &NormalLikeParameters::first).fallback("0").doc("Mean.");
    f.field("scale", &NormalLikeParameters::second).fallback("1").doc("Standard deviation.");
  }
};

uint64_t count_outputs(const OpCall& call) { return kernels::random_counters(call.out[0].size()); }

template <typename P>
void uniform_kernel(const OpCall& call) {
  const auto& p = call.params<P>();
  kernels::fill_uniform(stream_of(call), p.first, p.second, call.out[0]);
}

template <typename P>
void normal_kernel(const OpCall& call) {
  const auto& p = call.params<P>();
  GEMEL_CHECK(p.second > 0, "[{}] expected a positive scale, got {}", call.op.name(), p.second);
  kernels::fill_normal(stream_of(call), p.first, p.second, call.out[0]);
}

void integer_kernel(const OpCall& call) {
  const auto& p = call.params<IntegerParameters>();
  GEMEL_CHECK(p.low < p.high, "[_random_randint] expected low < high, got {} and {}", p.low,
              p.high);
  kernels::fill_integers(stream_of(call), p.low, p.high, call.out[0]);
}

// Rows in a random order: Fisher-Yates over row numbers.
void shuffle_kernel(const OpCall& call) {
  const Tensor &in = call.in[0], &out = call.out[0];
  if (in.size() == 0) return;
  const int64_t rows = in.shape.ndim() ? in.shape[0] : 1, width = in.bytes() / rows;
  std::vector<int64_t> order(static_cast<size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  const Philox stream = stream_of(call);
  for (int64_t i = rows - 1; i > 0; --i)
    std::swap(order[static_cast<size_t>(i)],
              order[kernels::bounded(stream.bits64(static_cast<uint64_t>(i)),
                                     static_cast<uint64_t>(i) + 1)]);
  for (int64_t i = 0; i < rows; ++i)
    std::memcpy(out.address + i * width, in.address + order[static_cast<size_t>(i)] * width,
                static_cast<size_t>(width));
}

template <typename P>
void declare_array_sampler(const char* name, std::initializer_list<std::string> aliases,
                           const char* text, DType otherwise, Kernel kernel, Attributes sample) {
  op<P>(name)
      .alias(aliases)
      .doc(text)
      .inputs(std::vector<std::string>{})
      .shape(array_shape)
      .type([otherwise](TypeContext& c) { array_type(c, otherwise); })
      .no_gradient()
      .random(count_outputs)
      .implement("philox", std::move(kernel))
      .sample({.attributes = std::move(sample)});
}

template <typename P>
void declare_like(const char* name, const char* text, Kernel kernel) {
  op<P>(name)
      .doc(text)
      .inputs({"data"})
      .shape(same_shape)
      .type(same_type)
      .no_gradient()
      .random(count_outputs)
      .implement("philox", std::move(kernel))
      .inplace({{0, 0}})
      .sample({.shapes = {{3, 5}}});
}

}  // namespace

GEMEL_OPERATORS(random) {
  declare_array_sampler<UniformParameters>("_random_uniform", {"uniform", "random_uniform"},
                                           "Evenly distributed numbers from low to high.",
                                           DType::float32, uniform_kernel<UniformParameters>,
                                           {{"shape", "(3, 5)"}});
  declare_array_sampler<NormalParameters>("_random_normal", {"normal", "random_normal"},
                                          "Normally distributed numbers.", DType::float32,
                                          normal_kernel<NormalParameters>, {{"shape", "(3, 5)"}});
  declare_array_sampler<IntegerParameters>(
      "_random_randint", {"random_randint"}, "Evenly distributed integers from low to high - 1.",
      DType::int32, integer_kernel, {{"low", "-3"}, {"high", "9"}, {"shape", "(3, 5)"}});
  declare_like<UniformLikeParameters>("_random_uniform_like",
                                      "Evenly distributed numbers in the shape of the input.",
                                      uniform_kernel<UniformLikeParameters>);
  declare_like<NormalLikeParameters>("_random_normal_like",
                                     "Normally distributed numbers in the shape of the input.",
                                     normal_kernel<NormalLikeParameters>);
  op("_shuffle")
      .alias({"shuffle"})
      .doc("The rows in a random order.")
      .inputs({"data"})
      .shape(same_shape)
      .type(same_type)
      .no_gradient()
      .random([](const OpCall& call) {
        return static_cast<uint64_t>(call.in[0].shape.ndim() ? call.in[0].shape[0] : 1);
      })
      .implement("philox", shuffle_kernel)
      .sample({.shapes = {{5, 2}}});
}

}  // namespace gemel
