// softmax_cross_entropy: the summed cross entropy of a batch, as one number.
#include "kernels/softmax/softmax.h"

#include "op/registry.h"
#include "ops/floating_type.h"

namespace gemel::softmax_cross_entropy_op {
namespace {

constexpr double smallest_probability = 1e-8;

void forward_shape(ShapeContext& c) {
  const Shape& data = c.in[0];
  GEMEL_CHECK(data.ndim() < 0 || data.ndim() == 2,
              "[{}] expected data of 2 axes (batch, class), got {}", c.op.name(), data);
  GEMEL_CHECK(c.in[1].ndim() < 0 || c.in[1].ndim() == 1, "[{}] expected a label of 1 axis, got {}",
              c.op.name(), c.in[1]);
  if (data.ndim() == 2) c.set_in(1, {data[0]});
  c.set_out(0, {1});
}

kernels::Softmax geometry(const Shape& data) {
  return kernels::Softmax::along(kernels::SoftmaxKind::softmax, data, 1);
}

// The workspace holds the softmax of the data.
Tensor scratch(const OpCall& c, const Tensor& data) {
  return Tensor(c.workspace, data.shape, data.dtype);
}

template <typename T>
void forward(const OpCall& c) {
  const Tensor& data = c.in[0];
  const Tensor probability = scratch(c, data);
  kernels::softmax(geometry(data.shape), data, probability);
  double sum = 0;
  const int64_t classes = data.shape[1];
  for (int64_t i = 0; i < data.shape[0]; ++i) {
    const int64_t k = static_cast<int64_t>(c.in[1].data<T>()[i]);
    // A label that is no class has probability 0.
    const double p =
        k >= 0 && k < classes ? static_cast<double>(probability.data<T>()[i * classes + k]) : 0;
    sum -= std::log(std::max(p, smallest_probability));
  }
  c.out[0].data<T>()[0] = static_cast<T>(static_cast<compute_type<T>>(sum));
}

// in: head gradient (one number), data, label.
template <typename T>
void backward(const OpCall& c) {
  using C = compute_type<T>;
  const Tensor &data = c.in[1], &dx = c.out[0];
  kernels::softmax(geometry(data.shape), data, dx);
  const C head = static_cast<C>(c.in[0].data<T>()[0]);
  const int64_t classes = data.shape[1];
  for (int64_t i = 0; i < data.shape[0]; ++i) {
    const int64_t k = static_cast<int64_t>(c.in[2].data<T>()[i]);
    T* row = dx.data<T>() + i * classes;
    for (int64_t j = 0; j < classes; ++j)
      row[j] = static_cast<T>((static_cast<C>(row[j]) - (j == k ? 1 : 0)) * head);
  }
}

// dy * (softmax(data) - one_hot(label)) again: linear in dy, softmax's own gradient in data.
std::vector<Entry> second_gradient(const GradientContext& c) {
  const Entry head = c.dy(), ones = c.make("ones_like", {c.in(0)});
  const Entry unscaled = c.make("_backward_softmax_cross_entropy", {ones, c.in(1), c.in(2)});
  const Entry to_dy = c.make("sum", {c.make("elemwise_mul", {head, unscaled})});
  const Entry probability = c.make("softmax", {c.in(1)});
  const Entry weighted = c.make("sum", {c.make("elemwise_mul", {head, probability})},
                                {{"axis", "1"}, {"keepdims", "1"}});
  const Entry through =
      c.make("elemwise_mul", {probability, c.make("broadcast_sub", {head, weighted})});
  const Entry scale = c.make("Reshape", {c.in(0)}, {{"shape", "(1, 1)"}});
  return {to_dy, c.make("broadcast_mul", {through, scale}), Entry{}};
}

}  // namespace

GEMEL_OPERATORS(softmax_cross_entropy) {
  op("softmax_cross_entropy")
      .doc("-sum(log(softmax(data)[i, label[i]])) over the batch, of shape (1,).")
      .inputs({"data", "label"})
      .shape(forward_shape)
      .type(floating_type)
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        return {c.make("_backward_softmax_cross_entropy", {c.dy(), c.in(0), c.in(1)}), Entry{}};
      })
      .implement({.name = "reference",
                  .kernel =
                      [](const OpCall& c) {
                        dispatch_floating(c.out[0].dtype, c.op.name(), [&](auto type) {
                          forward<typename decltype(type)::type>(c);
                        });
                      },
                  .workspace = [](const OpCall& c) { return c.in[0].bytes(); }})
      .sample({.shapes = {{4, 3}, {4}}, .ranges = {{-2, 2}, {0, 3}}});

  op("_backward_softmax_cross_entropy")
      .doc("Gradient of softmax_cross_entropy with respect to data.")
      .inputs({"dy", "data", "label"})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[1]); })
      .gradient(second_gradient)
      .implement("reference", [](const OpCall& c) {
        dispatch_floating(c.out[0].dtype, c.op.name(),
                          [&](auto type) { backward<typename decltype(type)::type>(c); });
      });
}

}  // namespace gemel::softmax_cross_entropy_op
