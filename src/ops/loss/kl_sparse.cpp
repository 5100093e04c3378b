// IdentityAttachKLSparseReg: passes activations on and pulls their mean towards a target.
#include <cstring>
#include <vector>

#include "op/registry.h"
#include "ops/floating_type.h"

namespace gemel::kl_sparse_op {
namespace {

struct KLSparseParameters : Parameters {
  float sparseness_target, penalty, momentum;
  static void declare(Fields<KLSparseParameters>& f) {
    using P = KLSparseParameters;
    f.field("sparseness_target", &P::sparseness_target)
        .fallback("0.100000001")
        .range(0, 1)
        .doc("The mean that activations should have.");
    f.field("penalty", &P::penalty).fallback("0.00100000005").doc("Weight of the penalty.");
    f.field("momentum", &P::momentum)
        .fallback("0.899999976")
        .range(0, 1)
        .doc("What the moving mean keeps of itself.");
  }
};
using P = KLSparseParameters;

void shape(ShapeContext& c) {
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  if (c.in[0].ndim() < 0) return;
  GEMEL_CHECK(c.in[0].ndim() >= 2, "[{}] expected data of at least 2 axes, got {}", c.op.name(),
              c.in[0]);
  c.set_in(1, {c.in[0][1]});
}

// in: dy, data, moving mean of each unit (axis 1), which moves.
template <typename T>
void backward(const OpCall& c) {
  using C = compute_type<T>;
  const auto& p = c.params<P>();
  const Shape& s = c.in[1].shape;
  const int64_t units = s[1], inner = s.size(2, s.ndim()), count = s[0] * inner;
  if (count == 0) return;
  std::vector<double> sums(static_cast<size_t>(units));
  for (int64_t i = 0; i < s.size(); ++i)
    sums[i / inner % units] += static_cast<double>(static_cast<C>(c.in[1].data<T>()[i]));
  std::vector<C> pull(sums.size());
  for (size_t k = 0; k < sums.size(); ++k) {
    T& moving = c.in[2].data<T>()[k];
    const double mean = p.momentum * static_cast<double>(static_cast<C>(moving)) +
                        (1 - p.momentum) * sums[k] / static_cast<double>(count);
    moving = static_cast<T>(static_cast<C>(mean));
    pull[k] = static_cast<C>(
        p.penalty * (-p.sparseness_target / mean + (1 - p.sparseness_target) / (1 - mean)));
  }
  for (int64_t i = 0; i < s.size(); ++i)
    c.out[0].data<T>()[i] =
        static_cast<T>(static_cast<C>(c.in[0].data<T>()[i]) + pull[i / inner % units]);
}

}  // namespace

GEMEL_OPERATORS(kl_sparse) {
  op<P>("IdentityAttachKLSparseReg")
      .doc(
          "Passes data (batch, unit, ...) on. The backward pass moves the auxiliary mean of each "
          "unit and adds the gradient of the Kullback-Leibler divergence between it and "
          "sparseness_target.")
      .inputs({"data"})
      .auxiliary({{"moving_avg", {}}})
      .shape(shape)
      .type(floating_type)
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        return {c.make("_backward_IdentityAttachKLSparseReg", {c.dy(), c.in(0), c.in(1)},
                       c.node.parameters),
                Entry{}};
      })
      .implement("reference",
                 [](const OpCall& c) {
                   if (c.out[0].address != c.in[0].address)
                     std::memcpy(c.out[0].address, c.in[0].address,
                                 static_cast<size_t>(c.in[0].bytes()));
                 })
      .inplace({{0, 0}})
      .sample({.shapes = {{4, 3}, {3}}, .ranges = {{0.1, 0.9}, {0.1, 0.9}}});
  op<P>("_backward_IdentityAttachKLSparseReg")
      .doc("Gradient of IdentityAttachKLSparseReg; moves the mean.")
      .inputs({"dy", "data", "moving_avg"})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[1]); })
      .mutates({2})
      .implement("reference",
                 [](const OpCall& c) {
                   dispatch_floating(c.out[0].dtype, c.op.name(), [&](auto type) {
                     backward<typename decltype(type)::type>(c);
                   });
                 })
      .inplace({{0, 0}});
}

}  // namespace gemel::kl_sparse_op
