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

// One element for each independent choice.
Shape choices_shape(const P& p, const Shape& data) {
  Shape choices = data;
  for (int64_t axis : p.axes) choices[normalize_axis(axis, data.ndim(), "Dropout")] = 1;
  return choices;
}

void forward_shape(ShapeContext& c) {
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  c.set_out(1, Shape{2});
}

void forward_type(TypeContext& c) {
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  c.set_out(1, DType::int64);
  GEMEL_CHECK(c.in[0] == DType::none || is_floating(c.in[0]),
              "[{}] expected a floating-point dtype, got {}", c.op.name(), name_of(c.in[0]));
}

bool drops(const OpCall& c) {
  const auto& p = c.params<P>();
  return p.p > 0 && (c.training || p.mode == DropoutMode::always);
}

// Four choices from each counter value of the stream.
uint64_t counters(int64_t choices) { return static_cast<uint64_t>((choices + 3) / 4); }

constexpr int64_t chunk = 1024;

// Which of the choices [first, first + count) keep their elements: 1 where they do.
void draw(const P& p, const kernels::Philox& stream, int64_t first, int64_t count, uint8_t* keep) {
  const auto limit = static_cast<uint64_t>(static_cast<double>(p.p) * 0x1p32);
  uint32_t words[chunk];
  stream.words(static_cast<uint64_t>(first / 4), counters(count), words);
  simd::keep_from(words, limit, keep, static_cast<size_t>(count));
}

// out = in where the stream keeps it, scaled, else 0.
template <typename T>
void apply(const OpCall& c, const Tensor& in, const kernels::Philox& stream) {
  using C = compute_type<T>;
  const auto& p = c.params<P>();
  const Tensor& out = c.out[0];
  const C scale = p.p < 1 ? static_cast<C>(1 / (1 - static_cast<double>(p.p))) : C(0);
  const T* from = in.data<T>();
  T* to = out.data<T>();
  const auto pass = [&](int64_t i, uint8_t kept) {
    to[i] = static_cast<T>(kept ? static_cast<C>(from[i]) * scale : C(0));
  };
  const Shape choices = choices_shape(p, in.shape);
  const int64_t size = out.size(), drawn = choices.size();
  const auto in_chunks = [](int64_t count, const auto& work) {
    kernels::parallel_for((count + chunk - 1) / chunk, chunk * 3, [&](int64_t part) {
      work(part * chunk, std::min(chunk, count - part * chunk));
    });
  };
  if (drawn == size) {
    in_chunks(size, [&](int64_t first, int64_t count) {
      uint8_t keep[chunk];
      draw(p, stream, first, count, keep);
      if constexpr (std::is_same_v<T, float>)
        simd::keep_scaled(from + first, keep, scale, to + first, static_cast<size_t>(count));
      else
        for (int64_t i = 0; i < count; ++i) pass(first + i, keep[i]);
    });
    return;
  }
  auto* keep = reinterpret_cast<uint8_t*>(c.workspace);
  in_chunks(drawn,
            [&](int64_t first, int64_t count) { draw(p, stream, first, count, keep + first); });
  const Shape strides = contiguous_strides(choices), &shape = out.shape;
  const int last = shape.ndim() - 1;
  for (int64_t row = 0; size > 0 && row < size / shape[last]; ++row) {
    int64_t at = 0, rest = row;
    for (int a = last - 1; a >= 0; --a) {
      if (choices[a] > 1) at += rest % shape[a] * strides[a];
      rest /= shape[a];
    }
    const int64_t step = choices[last] > 1 ? 1 : 0;
    for (int64_t i = 0; i < shape[last]; ++i) pass(row * shape[last] + i, keep[at + i * step]);
  }
}

int64_t workspace(const OpCall& c) {
  const Shape choices = choices_shape(c.params<P>(), c.in[0].shape);
  return choices.size() == c.in[0].size() ? 0 : choices.size();
}

void filtered(const OpCall& c, const RandomStream& stream) {
  if (!drops(c)) {
    if (c.out[0].address != c.in[0].address)
      std::memcpy(c.out[0].address, c.in[0].address, static_cast<size_t>(c.in[0].bytes()));
    return;
  }
  dispatch_floating(c.in[0].dtype, "Dropout", [&](auto type) {
    apply<typename decltype(type)::type>(c, c.in[0], kernels::Philox(stream.seed, stream.offset));
  });
}

// What the backward pass needs to draw the same choices: where in the stream this call began.
void forward(const OpCall& c) {
  auto* begin = c.out[1].data<int64_t>();
  begin[0] = static_cast<int64_t>(c.random.seed);
  begin[1] = static_cast<int64_t>(c.random.offset);
  filtered(c, c.random);
}

// in: data or head gradient, the beginning of the stream.
void repeat(const OpCall& c) {
  const auto* begin = c.in[1].data<int64_t>();
  filtered(c, {static_cast<uint64_t>(begin[0]), static_cast<uint64_t>(begin[1])});
}

// The gradient is linear in the head gradient, with the same choices.
template <bool again>
std::vector<Entry> gradient(const GradientContext& c) {
  const Entry stream = again ? c.in(1) : c.out(1);
  std::vector<Entry> result = {c.make("_backward_Dropout", {c.dy(0), stream}, c.node.parameters)};
  if (again) result.push_back(Entry{});
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
      .outputs({"output", "stream"}, 1)
      .shape(forward_shape)
      .type(forward_type)
      .gradient(gradient<false>)
      .random([](const OpCall& c) {
        return drops(c) ? counters(choices_shape(c.params<P>(), c.in[0].shape).size()) : 0;
      })
      .recompute([](const GradientContext& c) -> std::vector<Entry> {
        return {c.make("_backward_Dropout", {c.in(0), c.out(1)}, c.node.parameters), Entry{}};
      })
      .training_dependent()
      .implement({.name = "reference", .kernel = forward, .workspace = workspace})
      .inplace({{0, 0}})
      .sample({.shapes = {{4, 6}}})
      .sample({.shapes = {{4, 6}}, .attributes = {{"p", "0.25"}, {"mode", "always"}}})
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"axes", "(0, 2)"}, {"mode", "always"}}});

  op<P>("_backward_Dropout")
      .doc("Gradient of Dropout: what the same choices do to the head gradient.")
      .inputs({"dy", "stream"})
      .shape([](ShapeContext& c) {
        c.set_out(0, c.in[0]);
        c.set_in(1, Shape{2});
      })
      .type([](TypeContext& c) {
        c.set_out(0, c.in[0]);
        c.set_in(1, DType::int64);
      })
      .gradient(gradient<true>)
      .training_dependent()
      .implement({.name = "reference", .kernel = repeat, .workspace = workspace})
      .inplace({{0, 0}});
}

}  // namespace gemel::dropout_op
