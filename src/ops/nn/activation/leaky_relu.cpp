// LeakyReLU: functions that let something through below zero. All but prelu are pointwise.
#include "kernels/parallel.h"
#include "kernels/random.h"
#include "op/formula.h"
#include "ops/floating_type.h"
#include "pointwise/operator.h"

namespace gemel::leaky_relu_op {
namespace {

using namespace pointwise;

enum class LeakyType { elu, gelu, leaky, prelu, rrelu, selu };

struct LeakyReLUParameters : Parameters {
  LeakyType act_type;
  float slope, lower_bound, upper_bound;
  static void declare(Fields<LeakyReLUParameters>& f) {
    using P = LeakyReLUParameters;
    f.choice("act_type", &P::act_type,
             {{"elu", LeakyType::elu},
              {"gelu", LeakyType::gelu},
              {"leaky", LeakyType::leaky},
              {"prelu", LeakyType::prelu},
              {"rrelu", LeakyType::rrelu},
              {"selu", LeakyType::selu}})
        .fallback("leaky")
        .doc("The function.");
    f.field("slope", &P::slope).fallback("0.25").doc("Slope below zero of leaky, scale of elu.");
    f.field("lower_bound", &P::lower_bound).fallback("0.125").doc("Of rrelu's slope.");
    f.field("upper_bound", &P::upper_bound).fallback("0.333999991").doc("Of rrelu's slope.");
  }
};
using P = LeakyReLUParameters;

constexpr double selu_alpha = 1.6732632423543772, selu_scale = 1.0507009873554805;
constexpr double sqrt_half = 0.7071067811865476, inverse_sqrt_two_pi = 0.3989422804014327;

Expr value_of(LeakyType type, const Expr& x, const Expr& slope) {
  const Expr positive = greater(x, 0.0);
  switch (type) {
    case LeakyType::elu:
      return where(positive, x, slope * expm1(x));
    case LeakyType::gelu:
      return 0.5 * x * (1.0 + erf(x * sqrt_half));
    case LeakyType::selu:
      return where(positive, selu_scale * x, selu_scale * selu_alpha * expm1(x));
    default:
      return where(positive, x, slope * x);
  }
}

Expr gradient_of(LeakyType type, const Expr& x, const Expr& dy, const Expr& slope) {
  const Expr positive = greater(x, 0.0);
  switch (type) {
    case LeakyType::elu:
      return dy * where(positive, 1.0, slope * exp(x));
    case LeakyType::gelu:
      return dy *
             (0.5 * (1.0 + erf(x * sqrt_half)) + x * (inverse_sqrt_two_pi * exp(-0.5 * square(x))));
    case LeakyType::selu:
      return dy * where(positive, selu_scale, selu_scale * selu_alpha * exp(x));
    default:
      return dy * where(positive, 1.0, slope);
  }
}

const Program& program(LeakyType type) {
  const auto make = [](LeakyType t) { return Program({value_of(t, input(0), scalar(0))}); };
  static const Program elu = make(LeakyType::elu), gelu = make(LeakyType::gelu),
                       leaky = make(LeakyType::leaky), selu = make(LeakyType::selu);
  return type == LeakyType::elu    ? elu
         : type == LeakyType::gelu ? gelu
         : type == LeakyType::selu ? selu
                                   : leaky;
}

bool is_rrelu(const P& p) { return p.act_type == LeakyType::rrelu; }
bool is_prelu(const P& p) { return p.act_type == LeakyType::prelu; }

std::vector<std::string> input_names(const P& p) {
  if (is_prelu(p)) return {"data", "gamma"};
  return {"data"};
}

// gamma has one slope for each channel, or one for all.
void shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  if (is_rrelu(p)) c.set_out(1, c.in[0]);
  if (!is_prelu(p) || c.in[0].ndim() < 0) return;
  if (c.in[1].known() && c.in[1].size() == 1) return;
  c.set_in(1, {c.in[0].ndim() > 1 ? c.in[0][1] : 1});
}

// Calls f(element, index of its slope).
template <typename F>
void prelu_elements(const Shape& shape, int64_t slopes, F&& f) {
  const int64_t channels = slopes == 1 ? 1 : shape[1];
  const int64_t inner = slopes == 1 ? shape.size() : shape.size(2, shape.ndim());
  for (int64_t i = 0; i < shape.size(); ++i) f(i, i / std::max<int64_t>(inner, 1) % channels);
}

template <typename T>
void prelu(const OpCall& c) {
  using C = compute_type<T>;
  const T *x = c.in[0].data<T>(), *gamma = c.in[1].data<T>();
  T* y = c.out[0].data<T>();
  prelu_elements(c.in[0].shape, c.in[1].size(), [&](int64_t i, int64_t k) {
    const C value = static_cast<C>(x[i]);
    y[i] = static_cast<T>(value > 0 ? value : value * static_cast<C>(gamma[k]));
  });
}

// in: dy, data, gamma. out: their gradients.
template <typename T>
void prelu_backward(const OpCall& c) {
  using C = compute_type<T>;
  const T *dy = c.in[0].data<T>(), *x = c.in[1].data<T>(), *gamma = c.in[2].data<T>();
  T* dx = c.out[0].data<T>();
  std::vector<C> sums(static_cast<size_t>(c.in[2].size()), C(0));
  prelu_elements(c.in[1].shape, c.in[2].size(), [&](int64_t i, int64_t k) {
    const C value = static_cast<C>(x[i]), head = static_cast<C>(dy[i]);
    dx[i] = static_cast<T>(value > 0 ? head : head * static_cast<C>(gamma[k]));
    if (!(value > 0)) sums[k] += head * value;
  });
  for (size_t k = 0; k < sums.size(); ++k) c.out[1].data<T>()[k] = static_cast<T>(sums[k]);
}

// rrelu: out, and the slope of each element, drawn in training and the middle otherwise.
template <typename T>
void rrelu(const OpCall& c) {
  using C = compute_type<T>;
  const auto& p = c.params<P>();
  const kernels::Philox stream(c.random.seed, c.random.offset);
  const T* x = c.in[0].data<T>();
  T *y = c.out[0].data<T>(), *slopes = c.out[1].data<T>();
  kernels::parallel_for(c.in[0].size(), 8, [&](int64_t i) {
    const float at =
        c.training ? kernels::unit_float(stream.bits(static_cast<uint64_t>(i))[0]) : 0.5f;
    const C value = static_cast<C>(x[i]);
    slopes[i] =
        static_cast<T>(static_cast<C>(p.lower_bound + (p.upper_bound - p.lower_bound) * at));
    y[i] = static_cast<T>(value > 0 ? value : value * static_cast<C>(slopes[i]));
  });
}

void forward(const OpCall& c) {
  const auto& p = c.params<P>();
  if (is_rrelu(p)) {
    dispatch_floating(c.out[0].dtype, "LeakyReLU",
                      [&](auto type) { rrelu<typename decltype(type)::type>(c); });
    return;
  }
  if (is_prelu(p)) {
    dispatch_floating(c.out[0].dtype, "LeakyReLU",
                      [&](auto type) { prelu<typename decltype(type)::type>(c); });
    return;
  }
  const double slope = p.slope;
  program(p.act_type).run(c.in, std::span(&slope, 1), c.out);
}

std::vector<Entry> gradient(const GradientContext& c) {
  const auto& p = c.params<P>();
  if (is_prelu(p)) {
    const Entry dx = c.make("_backward_LeakyReLU_prelu", {c.dy(), c.in(0), c.in(1)});
    return {dx, Entry{dx.node, 1, 0}};
  }
  if (is_rrelu(p)) {
    const Expr slope = where(greater(input(0), 0.0), 1.0, input(2));
    return {c.make("_pointwise", {c.in(0), c.dy(), c.out(1)},
                   make_pointwise({input(1) * slope}, {}, 3, false))};
  }
  const Expr dx = gradient_of(p.act_type, input(0), input(1), scalar(0));
  return {c.make("_pointwise", {c.in(0), c.dy()}, make_pointwise({dx}, {p.slope}, 2, false))};
}

// Of dx = dy * (x > 0 ? 1 : gamma) and dgamma = sum(dy * x where x <= 0): u and w flow into them.
std::vector<Entry> prelu_second_gradient(const GradientContext& c) {
  const Entry u = c.dy(0), w = c.dy(1), dy = c.in(0), x = c.in(1), gamma = c.in(2);
  const auto pointwise = [&](std::vector<Entry> inputs, const Expr& value) {
    const int count = static_cast<int>(inputs.size());
    return c.make("_pointwise", std::move(inputs), make_pointwise({value}, {}, count, false));
  };
  const auto both = [&](Entry head, Entry data, Entry slopes) {
    return c.make("_backward_LeakyReLU_prelu",
                  {std::move(head), std::move(data), std::move(slopes)});
  };
  const Expr positive = greater(input(0), 0.0);
  // u * slope, and w * x where x <= 0: prelu itself with w for its slopes, less what is above zero.
  const Entry to_dy =
      pointwise({x, both(u, x, gamma), c.make("LeakyReLU", {x, w}, {{"act_type", "prelu"}})},
                input(1) + where(positive, 0.0, input(2)));
  const Entry to_x = pointwise({x, both(dy, x, w)}, where(positive, 0.0, input(1)));
  const Entry minus_below = pointwise({x}, where(positive, 1.0, -1.0));
  const Entry sums = both(pointwise({dy, u}, -(input(0) * input(1))), minus_below, gamma);
  return {to_dy, to_x, Entry{sums.node, 1, 0}};
}

}  // namespace

GEMEL_OPERATORS(leaky_relu) {
  OpBuilder builder = op<P>("LeakyReLU");
  builder
      .doc(
          "x above zero, and below it: leaky slope*x; elu slope*(exp(x)-1); prelu gamma*x with a "
          "slope for "
          "each channel (axis 1) that is learned; selu, elu with fixed constants, scaled on both "
          "sides. gelu is "
          "x times the normal distribution's probability below x. rrelu is leaky with a slope "
          "drawn "
          "between lower_bound and upper_bound for each element in training, and their mean "
          "otherwise; the slopes are its second output.")
      .inputs(&input_names)
      .shape(shape)
      .type(floating_type)
      .outputs<P>([](const P& p) { return is_rrelu(p) ? 2 : 1; })
      .gradient(gradient)
      .training_dependent()
      .random([](const OpCall& c) {
        const bool draws = c.training && is_rrelu(c.params<P>());
        return draws ? static_cast<uint64_t>(c.in[0].size()) : uint64_t{0};
      })
      .implement("tape", forward)
      .inplace({{0, 0}})
      .sample({.shapes = {{2, 3, 4}, {3}}, .attributes = {{"act_type", "prelu"}}});
  builder.info().output_rule = [](const Parameters& p) -> std::vector<std::string> {
    if (is_rrelu(static_cast<const P&>(p))) return {"output", "mask"};
    return {"output"};
  };
  for (const char* type : {"leaky", "elu", "selu", "gelu"})
    builder.sample(
        {.shapes = {{2, 3, 4}}, .attributes = {{"act_type", type}}, .low = -3, .high = 3});

  op("_backward_LeakyReLU_prelu")
      .doc("Gradient of LeakyReLU with act_type prelu.")
      .inputs({"dy", "data", "gamma"})
      .outputs({"data", "gamma"}, 2)
      .shape([](ShapeContext& c) {
        c.set_out(0, c.in[1]);
        c.set_out(1, c.in[2]);
      })
      .gradient(prelu_second_gradient)
      .implement("reference",
                 [](const OpCall& c) {
                   dispatch_floating(c.out[0].dtype, "LeakyReLU", [&](auto type) {
                     prelu_backward<typename decltype(type)::type>(c);
                   });
                 })
      .inplace({{0, 0}});
}

}  // namespace gemel::leaky_relu_op
