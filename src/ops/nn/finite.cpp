// all_finite and multi_all_finite: whether gradients of 16-bit training are usable; amp_multicast.
#include <atomic>
#include <cmath>

#include "kernels/parallel.h"
#include "op/registry.h"
#include "ops/floating_type.h"

namespace gemel::finite_op {
namespace {

std::vector<std::string> numbered(const std::string& stem, int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(stem + std::to_string(i));
  return names;
}

struct AllFiniteParameters : Parameters {
  bool init_output;
  static void declare(Fields<AllFiniteParameters>& f) {
    f.field("init_output", &AllFiniteParameters::init_output)
        .fallback("1")
        .doc("Start from 1; otherwise from what the array given as `out` holds.");
  }
};
struct MultiAllFiniteParameters : AllFiniteParameters {
  int num_arrays;
  static void declare(Fields<MultiAllFiniteParameters>& f) {
    using P = MultiAllFiniteParameters;
    f.field("num_arrays", &P::num_arrays).fallback("1").doc("Number of arrays.");
    f.field("init_output", static_cast<bool P::*>(&AllFiniteParameters::init_output))
        .fallback("1")
        .doc("Start from 1; otherwise from what the array given as `out` holds.");
  }
};

void one_number(ShapeContext& c) { c.set_out(0, {1}); }

void float_result(TypeContext& c) {
  for (DType dtype : c.in)
    GEMEL_CHECK(dtype == DType::none || is_floating(dtype),
                "[{}] expected floating-point dtypes, got {}", c.op.name(), name_of(dtype));
  c.set_out(0, DType::float32);
}

bool is_finite(const Tensor& t) {
  return dispatch_floating(t.dtype, "all_finite", [&](auto type) {
    using T = typename decltype(type)::type;
    constexpr int64_t block = 4096;
    std::atomic<bool> finite = true;
    kernels::parallel_for((t.size() + block - 1) / block, block, [&](int64_t b) {
      bool all = true;
      const T* x = t.data<T>();
      for (int64_t i = b * block; i < std::min(t.size(), (b + 1) * block); ++i)
        all &= std::isfinite(static_cast<compute_type<T>>(x[i]));
      if (!all) finite = false;
    });
    return finite.load();
  });
}

void all_finite(const OpCall& c) {
  float& result = *c.out[0].data<float>();
  if (c.params<AllFiniteParameters>().init_output) result = 1;
  for (const Tensor& t : c.in)
    if (!is_finite(t)) result = 0;
}

struct MulticastParameters : Parameters {
  int num_outputs;
  bool cast_narrow;
  static void declare(Fields<MulticastParameters>& f) {
    f.field("num_outputs", &MulticastParameters::num_outputs).doc("Number of arrays.");
    f.field("cast_narrow", &MulticastParameters::cast_narrow)
        .fallback("0")
        .doc("Cast to the narrowest type instead of the widest.");
  }
};

// 16-bit floats and float32 meet; other types stay as they are.
void multicast_type(TypeContext& c) {
  const auto& p = c.params<MulticastParameters>();
  DType target = DType::none;
  for (DType dtype : c.in) {
    if (dtype != DType::float32 && !is_half(dtype)) continue;
    const bool narrower = is_half(dtype);
    if (target == DType::none || narrower == p.cast_narrow) target = dtype;
  }
  for (size_t i = 0; i < c.in.size(); ++i) {
    const bool casts = c.in[i] == DType::float32 || is_half(c.in[i]);
    c.set_out(static_cast<int>(i), casts ? target : c.in[i]);
  }
}

void convert(const Tensor& in, const Tensor& out) {
  if (in.dtype == out.dtype) {
    if (in.address != out.address)
      std::memcpy(out.address, in.address, static_cast<size_t>(in.bytes()));
    return;
  }
  dispatch(in.dtype, [&](auto from) {
    using From = typename decltype(from)::type;
    dispatch_floating(out.dtype, "amp_multicast", [&](auto to) {
      using To = typename decltype(to)::type;
      for (int64_t i = 0; i < in.size(); ++i)
        out.data<To>()[i] = static_cast<To>(
            static_cast<float>(static_cast<compute_type<From>>(in.data<From>()[i])));
    });
  });
}

// Output i is input i in its own shape; the backward operator's inputs are followed by the arrays
// whose types are wanted.
void same_places(ShapeContext& c) {
  for (size_t i = 0; i < c.out.size(); ++i) {
    c.set_out(static_cast<int>(i), c.in[i]);
    c.set_in(static_cast<int>(i), c.out[i]);
  }
}
void multicast(const OpCall& c) {
  for (size_t i = 0; i < c.out.size(); ++i) convert(c.in[i], c.out[i]);
}

std::vector<Entry> multicast_gradient(const GradientContext& c) {
  const int count = c.params<MulticastParameters>().num_outputs;
  std::vector<Entry> inputs, result;
  for (int i = 0; i < count; ++i) inputs.push_back(c.dy(i));
  for (int i = 0; i < count; ++i) inputs.push_back(c.in(i));
  const NodeRef node = c.make("_backward_amp_multicast", inputs, c.node.parameters).node;
  for (int i = 0; i < count; ++i) result.push_back({node, i, 0});
  return result;
}
std::vector<Entry> multicast_second_gradient(const GradientContext& c) {
  const int count = c.params<MulticastParameters>().num_outputs;
  std::vector<Entry> inputs, result;
  for (int i = 0; i < count; ++i) inputs.push_back(c.dy(i));
  for (int i = 0; i < count; ++i) inputs.push_back(c.in(i));
  const NodeRef node = c.make("_backward_amp_multicast", inputs, c.node.parameters).node;
  for (int i = 0; i < count; ++i) result.push_back({node, i, 0});
  result.resize(c.node.inputs.size());
  return result;
}

}  // namespace

GEMEL_OPERATORS(finite) {
  op<AllFiniteParameters>("all_finite")
      .doc("1 when every element of data is finite, else 0, as one float32.")
      .inputs({"data"})
      .shape(one_number)
      .type(float_result)
      .no_gradient()
      .implement("reference", all_finite)
      .sample({.shapes = {{3, 4}}});
  op<MultiAllFiniteParameters>("multi_all_finite")
      .doc("1 when every element of all arrays is finite, else 0, as one float32.")
      .inputs<MultiAllFiniteParameters>(
          [](const MultiAllFiniteParameters& p) { return numbered("array_", p.num_arrays); })
      .shape(one_number)
      .type(float_result)
      .no_gradient()
      .implement("reference", all_finite)
      .sample({.shapes = {{3, 4}, {2}}, .attributes = {{"num_arrays", "2"}}});
  op<MulticastParameters>("amp_multicast")
      .doc("Casts 16-bit and 32-bit floats to the widest type among them, or the narrowest.")
      .variadic("num_outputs", &MulticastParameters::num_outputs, "data_")
      .outputs<MulticastParameters>([](const MulticastParameters& p) { return p.num_outputs; })
      .shape(same_places)
      .type(multicast_type)
      .gradient(multicast_gradient)
      .implement("reference", multicast)
      .sample({.shapes = {{3, 4}, {2}}, .attributes = {{"num_outputs", "2"}}});
  op<MulticastParameters>("_backward_amp_multicast")
      .doc("Gradient of amp_multicast: back to the types of the second half of the inputs.")
      .inputs<MulticastParameters>([](const MulticastParameters& p) {
        auto names = numbered("dy", p.num_outputs);
        for (auto& name : numbered("data", p.num_outputs)) names.push_back(name);
        return names;
      })
      .outputs<MulticastParameters>([](const MulticastParameters& p) { return p.num_outputs; })
      .shape(same_places)
      .type([](TypeContext& c) {
        for (size_t i = 0; i < c.out.size(); ++i)
          c.set_out(static_cast<int>(i), c.in[c.out.size() + i]);
      })
      .gradient(multicast_second_gradient)
      .implement("reference", multicast);
}

}  // namespace gemel::finite_op
