// Dropout: zeroes random elements and scales the others, so that the expectation stays.
#include "kernels/parallel.h"
#include "kernels/random.h"
#include "op/registry.h"

namespace gemel::dropout_op {
namespace {

enum class DropoutMode { always, training };

struct DropoutParameters : Parameters {
  float p;
  DropoutMode mode;
  Shape axes;
  std::optional<bool> cudnn_off;
  static void declare(Fields<DropoutParameters>& f) {
    using P = DropoutParameters;
    f.field("p", &P::p).fallback("0.5").range(0, 1).doc("Fraction of the elements that become 0.");
    f.choice("mode", &P::mode,
             {{"always", DropoutMode::always}, {"training", DropoutMode::training}})
        .fallback("training")
        .doc("Whether prediction drops elements too.");
    f.field("axes", &P::axes).fallback("[]").doc("Axes along which all elements share one choice.");
    f.field("cudnn_off", &P::cudnn_off).fallback("0").doc("Accepted and ignored on CPUs.");
  }
};
using P = DropoutParameters;

// One byte for each independent choice: 1 where the element stays.
Shape mask_shape(const P& p, const Shape& data) {
  Shape mask = data;
  for (int64_t axis : p.axes) mask[normalize_axis(axis, data.ndim(), "Dropout")] = 1;
  return mask;
}

void forward_shape(ShapeContext& c) {
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  if (c.in[0].ndim() >= 0) c.set_out(1, mask_shape(c.params<P>(), c.in[0]));
}

void forward_type(TypeContext& c) {
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  c.set_out(1, DType::uint8);
  GEMEL_CHECK(c.in[0] == DType::none || is_floating(c.in[0]),
              "[{}] expected a floating-point dtype, got {}", c.op.name(), name_of(c.in[0]));
}

bool drops(const OpCall& c) {
  const auto& p = c.params<P>();
  return p.p > 0 && (c.training || p.mode == DropoutMode::always);
}

// Four choices from each counter value of the stream.
uint64_t counters(int64_t choices) { return static_cast<uint64_t>((choices + 3) / 4); }

void draw(const P& p, const kernels::Philox& stream, const Tensor& mask) {
  const auto limit = static_cast<uint64_t>(static_cast<double>(p.p) * 0x1p32);
  uint8_t* to = mask.data<uint8_t>();
  const int64_t size = mask.size();
  constexpr int64_t chunk = 1024;
  kernels::parallel_for((size + chunk - 1) / chunk, chunk * 2, [&](int64_t part) {
    uint32_t words[chunk];
    const int64_t first = part * chunk, count = std::min(chunk, size - first);
    stream.words(static_cast<uint64_t>(first / 4), counters(count), words);
    simd::keep_from(words, limit, to + first, static_cast<size_t>(count));
  });
}

// out = in where the mask keeps it, scaled, else 0. The mask repeats along axes of size 1.
template <typename T>
void apply(const P& p, const Tensor& in, const Tensor& mask, const Tensor& out) {
  using C = compute_type<T>;
  const C scale = p.p < 1 ? static_cast<C>(1 / (1 - static_cast<double>(p.p))) : C(0);
  const uint8_t* keep = mask.data<uint8_t>();
  const T* from = in.data<T>();
  T* to = out.data<T>();
  const auto pass = [&](int64_t i, uint8_t kept) {
    to[i] = static_cast<T>(kept ? static_cast<C>(from[i]) * scale : C(0));
  };
  const int64_t size = out.size();
  if (mask.size() == size) {
    constexpr int64_t chunk = 4096;
    kernels::parallel_for((size + chunk - 1) / chunk, chunk, [&](int64_t part) {
      const int64_t first = part * chunk, count = std::min(chunk, size - first);
      if constexpr (std::is_same_v<T, float>)
        simd::keep_scaled(from + first, keep + first, scale, to + first,
                          static_cast<size_t>(count));
      else
        for (int64_t i = first; i < first + count; ++i) pass(i, keep[i]);
    });
    return;
  }
  const Shape strides = contiguous_strides(mask.shape), &shape = out.shape;
  const int last = shape.ndim() - 1;
  for (int64_t row = 0; size > 0 && row < size / shape[last]; ++row) {
    int64_t at = 0, rest = row;
    for (int a = last - 1; a >= 0; --a) {
      if (mask.shape[a] > 1) at += rest % shape[a] * strides[a];
      rest /= shape[a];
    }
    const int64_t step = mask.shape[last] > 1 ? 1 : 0;
    for (int64_t i = 0; i < shape[last]; ++i) pass(row * shape[last] + i, keep[at + i * step]);
  }
}

void pass_through(const Tensor& in, const Tensor& out) {
  if (out.address != in.address)
    std::memcpy(out.address, in.address, static_cast<size_t>(in.bytes()));
}

void filtered(const OpCall& c, const Tensor& in, const Tensor& mask) {
  dispatch_floating(in.dtype, "Dropout", [&](auto type) {
    apply<typename decltype(type)::type>(c.params<P>(), in, mask, c.out[0]);
  });
}

void forward(const OpCall& c) {
  if (!drops(c)) {
    pass_through(c.in[0], c.out[0]);
    std::memset(c.out[1].address, 1, static_cast<size_t>(c.out[1].bytes()));
    return;
  }
  draw(c.params<P>(), kernels::Philox(c.random.seed, c.random.offset), c.out[1]);
  filtered(c, c.in[0], c.out[1]);
}

// in: head gradient, mask.
void backward(const OpCall& c) {
  if (drops(c))
    filtered(c, c.in[0], c.in[1]);
  else
    pass_through(c.in[0], c.out[0]);
}

// The gradient is linear in the head gradient, with the same mask.
template <int mask_of_input>
std::vector<Entry> gradient(const GradientContext& c) {
  const Entry mask = mask_of_input < 0 ? c.out(1) : c.in(1);
  std::vector<Entry> result = {c.make("_backward_Dropout", {c.dy(0), mask}, c.node.parameters)};
  if (mask_of_input >= 0) result.push_back(Entry{});
  return result;
}

}  // namespace

GEMEL_OPERATORS(dropout) {
  op<P>("Dropout")
      .doc(
          "In training, sets a fraction p of the elements to 0, at random, and multiplies the "
          "others by "
          "1 / (1 - p); in prediction, passes data on unless mode is 'always'. Elements along "
          "`axes` share "
          "their fate.")
      .inputs({"data"})
      .outputs({"output", "mask"}, 1)
      .shape(forward_shape)
      .type(forward_type)
      .gradient(gradient<-1>)
      .random([](const OpCall& c) { return drops(c) ? counters(c.out[1].size()) : 0; })
      .training_dependent()
      .implement("reference", forward)
      .inplace({{0, 0}})
      .sample({.shapes = {{4, 6}}})
      .sample({.shapes = {{4, 6}}, .attributes = {{"p", "0.25"}, {"mode", "always"}}})
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"axes", "(0, 2)"}, {"mode", "always"}}});

  op<P>("_backward_Dropout")
      .doc("Gradient of Dropout.")
      .inputs({"dy", "mask"})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[0]); })
      .type([](TypeContext& c) { c.set_out(0, c.in[0]); })
      .gradient(gradient<1>)
      .training_dependent()
      .implement("reference", backward)
      .inplace({{0, 0}});
}

}  // namespace gemel::dropout_op
