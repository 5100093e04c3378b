// SoftmaxOutput: softmax whose gradient is that of the cross entropy with the label.
#include "kernels/parallel.h"
#include "kernels/softmax/softmax.h"
#include "op/registry.h"
#include "ops/floating_type.h"

namespace gemel::softmax_output_op {
namespace {

enum class Normalization { batch, null, valid };

struct SoftmaxOutputParameters : Parameters {
  float grad_scale, ignore_label;
  bool multi_output, use_ignore, preserve_shape;
  Normalization normalization;
  bool out_grad;
  float smooth_alpha;
  static void declare(Fields<SoftmaxOutputParameters>& f) {
    using P = SoftmaxOutputParameters;
    f.field("grad_scale", &P::grad_scale).fallback("1").doc("Multiplies the gradient.");
    f.field("ignore_label", &P::ignore_label)
        .fallback("-1")
        .doc("The label that `use_ignore` and 'valid' leave out.");
    f.field("multi_output", &P::multi_output)
        .fallback("0")
        .doc("Softmax over axis 1 at every position of the other axes.");
    f.field("use_ignore", &P::use_ignore)
        .fallback("0")
        .doc("No gradient where the label is `ignore_label`.");
    f.field("preserve_shape", &P::preserve_shape)
        .fallback("0")
        .doc("Softmax over the last axis; otherwise over all but the first.");
    f.choice("normalization", &P::normalization,
             {{"batch", Normalization::batch},
              {"null", Normalization::null},
              {"valid", Normalization::valid}})
        .fallback("null")
        .doc(
            "Divide the gradient by the number of samples, by nothing, or by the number of labels "
            "that count.");
    f.field("out_grad", &P::out_grad)
        .fallback("0")
        .doc("Multiply the gradient by that of the output.");
    f.field("smooth_alpha", &P::smooth_alpha)
        .fallback("0")
        .range(0, 1)
        .doc("Weight taken from the label and given to the other classes.");
  }
};
using P = SoftmaxOutputParameters;

constexpr std::string_view who = "SoftmaxOutput";

// Whether the label holds probabilities of the shape of the data rather than classes.
bool is_distribution(const Shape& data, const Shape& label) { return data == label; }

void forward_shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  const Shape data = c.in[0];
  if (data.ndim() < 0) return;
  GEMEL_CHECK(data.ndim() >= 2 || (p.preserve_shape && data.ndim() == 1),
              "[{}] expected data of at least 2 axes, got {}", c.op.name(), data);
  const Shape& label = c.in[1];
  if (label.known() && data.known() && is_distribution(data, label)) return;
  if (!p.multi_output) {
    c.set_in(1, Shape(std::span(data.begin(), data.ndim() - 1)));
    return;
  }
  if (!data.known()) return;
  const int64_t positions = data.size(2, data.ndim());
  if (label.ndim() < 0) {
    c.set_in(1, {data[0], positions});
    return;
  }
  if (!label.known()) return;
  GEMEL_CHECK(
      label.ndim() >= 1 && label[0] == data[0] && label.size() == data[0] * positions,
      "[{}] expected a label of {} classes for each of {} samples, got shape {} for data {}",
      c.op.name(), positions, data[0], label, data);
}

kernels::Softmax geometry(const P& p, const Shape& data) {
  const auto kind = kernels::SoftmaxKind::softmax;
  if (p.multi_output) return kernels::Softmax::along(kind, data, 1);
  if (p.preserve_shape) return kernels::Softmax::along(kind, data, data.ndim() - 1);
  return {kind, data[0], data.size(1, data.ndim()), 1};
}

// What each row's gradient is multiplied by.
template <typename T>
double gradient_scale(const P& p, const kernels::Softmax& s, const Tensor& label) {
  double divisor = 1;
  // The labels of one sample share its weight when there are several.
  if (p.multi_output && p.normalization != Normalization::valid)
    divisor = static_cast<double>(s.inner);
  if (p.normalization == Normalization::batch)
    divisor *= static_cast<double>(p.multi_output ? s.outer : label.size());
  if (p.normalization == Normalization::valid) {
    int64_t count = 0;
    for (int64_t i = 0; i < label.size(); ++i)
      count += static_cast<int>(label.data<T>()[i]) != static_cast<int>(p.ignore_label);
    divisor = static_cast<double>(std::max<int64_t>(count, 1));
  }
  return p.grad_scale / std::max(divisor, 1.0);
}

// in: out, label[, head gradient].
template <typename T>
void backward(const OpCall& c) {
  using C = compute_type<T>;
  const auto& p = c.params<P>();
  const Tensor &out = c.in[0], &label = c.in[1];
  const T *y = out.data<T>(), *l = label.data<T>(),
          *head = c.in.size() > 2 ? c.in[2].data<T>() : nullptr;
  T* dx = c.out[0].data<T>();
  const auto weight = [&](int64_t i, C value) {
    return static_cast<T>(head ? value * static_cast<C>(head[i]) : value);
  };
  if (is_distribution(out.shape, label.shape)) {
    const C scale = static_cast<C>(p.grad_scale);
    for (int64_t i = 0; i < out.size(); ++i)
      dx[i] = weight(i, (static_cast<C>(y[i]) - static_cast<C>(l[i])) * scale);
    return;
  }
  const kernels::Softmax s = geometry(p, out.shape);
  const C scale = static_cast<C>(gradient_scale<T>(p, s, label));
  // Several outputs per sample are not smoothed.
  const C alpha = p.multi_output ? C(0) : static_cast<C>(p.smooth_alpha);
  const C rest = s.count > 1 ? alpha / static_cast<C>(s.count - 1) : C(0);
  kernels::parallel_for(s.outer * s.inner, s.count * 2, [&](int64_t row) {
    const int64_t first = row / s.inner * s.count * s.inner + row % s.inner;
    const int64_t k = static_cast<int64_t>(l[row]);
    const bool ignored = p.use_ignore && k == static_cast<int64_t>(p.ignore_label);
    for (int64_t i = 0; i < s.count; ++i) {
      const int64_t at = first + i * s.inner;
      const C target = i == k ? 1 - alpha : rest;
      dx[at] = ignored ? T(0.0f) : weight(at, (static_cast<C>(y[at]) - target) * scale);
    }
  });
}

std::vector<Entry> forward_gradient(const GradientContext& c) {
  std::vector<Entry> inputs = {c.out(0), c.in(1)};
  if (c.params<P>().out_grad) inputs.push_back(c.dy());
  return {c.make("_backward_SoftmaxOutput", inputs, c.node.parameters), Entry{}};
}

std::vector<std::string> backward_inputs(const P& p) {
  if (p.out_grad) return {"out", "label", "dy"};
  return {"out", "label"};
}

}  // namespace

GEMEL_OPERATORS(softmax_output) {
  op<P>("SoftmaxOutput")
      .alias({"Softmax"})
      .doc(
          "Softmax of data. Its gradient is that of the cross entropy between the result and "
          "`label` "
          "(classes, or probabilities of the shape of data), whatever gradient arrives at the "
          "output, unless "
          "`out_grad` multiplies by it. The shape of the label follows from that of data.")
      .inputs({"data", "label"})
      .shape(forward_shape)
      .type(floating_type)
      .gradient(forward_gradient)
      .ignores_head_gradient()
      .implement("reference",
                 [](const OpCall& c) {
                   kernels::softmax(geometry(c.params<P>(), c.in[0].shape), c.in[0], c.out[0]);
                 })
      .inplace({{0, 0}})
      .sample({.shapes = {{4, 3}, {4}}, .ranges = {{-2, 2}, {0, 3}}})
      .sample({.shapes = {{2, 3, 4}, {2, 4}},
               .attributes = {{"multi_output", "True"}},
               .ranges = {{-2, 2}, {0, 3}}})
      .sample({.shapes = {{2, 3, 4}, {2, 3}},
               .attributes = {{"preserve_shape", "True"}},
               .ranges = {{-2, 2}, {0, 4}}})
      .sample({.shapes = {{4, 3}, {4}},
               .attributes = {{"normalization", "valid"},
                              {"use_ignore", "True"},
                              {"ignore_label", "1"}},
               .ranges = {{-2, 2}, {0, 3}}});

  op<P>("_backward_SoftmaxOutput")
      .doc("Gradient of SoftmaxOutput.")
      .inputs(&backward_inputs)
      .shape([](ShapeContext& c) { c.set_out(0, c.in[0]); })
      .implement("reference",
                 [](const OpCall& c) {
                   dispatch_floating(c.out[0].dtype, who, [&](auto type) {
                     backward<typename decltype(type)::type>(c);
                   });
                 })
      .inplace({{0, 0}});
}

}  // namespace gemel::softmax_output_op
