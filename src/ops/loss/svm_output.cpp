// SVMOutput: passes scores on; its gradient is that of the hinge loss.
#include "op/registry.h"
#include "ops/floating_type.h"

namespace gemel::svm_output_op {
namespace {

struct SVMOutputParameters : Parameters {
  float margin, regularization_coefficient;
  bool use_linear;
  static void declare(Fields<SVMOutputParameters>& f) {
    using P = SVMOutputParameters;
    f.field("margin", &P::margin).fallback("1").doc("Distance that scores should keep from 0.");
    f.field("regularization_coefficient", &P::regularization_coefficient)
        .fallback("1")
        .doc("Multiplies the gradient.");
    f.field("use_linear", &P::use_linear)
        .fallback("0")
        .doc("The hinge itself instead of its square.");
  }
};
using P = SVMOutputParameters;

void shape(ShapeContext& c) {
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  const Shape& data = c.in[0];
  if (data.ndim() < 0) return;
  GEMEL_CHECK(data.ndim() == 2, "[{}] expected data of 2 axes (batch, class), got {}", c.op.name(),
              data);
  c.set_in(1, {data[0]});
}

// in: scores, label. The class of the label should score above the margin, others below minus it.
template <typename T>
void backward(const OpCall& c) {
  using C = compute_type<T>;
  const auto& p = c.params<P>();
  const int64_t classes = c.in[0].shape[1];
  const C margin = static_cast<C>(p.margin), scale = static_cast<C>(p.regularization_coefficient);
  for (int64_t i = 0; i < c.in[0].size(); ++i) {
    const C score = static_cast<C>(c.in[0].data<T>()[i]);
    const bool own =
        i % classes == static_cast<int64_t>(static_cast<C>(c.in[1].data<T>()[i / classes]));
    const C side = own ? C(-1) : C(1), lack = margin + side * score;
    const C slope = lack <= 0 ? C(0) : p.use_linear ? C(1) : 2 * lack;
    c.out[0].data<T>()[i] = static_cast<T>(side * scale * slope);
  }
}

}  // namespace

GEMEL_OPERATORS(svm_output) {
  op<P>("SVMOutput")
      .doc(
          "Passes the scores (batch, class) on. Its gradient is that of the hinge loss of every "
          "class, squared unless use_linear, whatever gradient arrives at the output.")
      .inputs({"data", "label"})
      .shape(shape)
      .type(floating_type)
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        return {c.make("_backward_SVMOutput", {c.out(0), c.in(1)}, c.node.parameters), Entry{}};
      })
      .ignores_head_gradient()
      .implement("reference",
                 [](const OpCall& c) {
                   if (c.out[0].address != c.in[0].address)
                     std::memcpy(c.out[0].address, c.in[0].address,
                                 static_cast<size_t>(c.in[0].bytes()));
                 })
      .inplace({{0, 0}})
      .sample({.shapes = {{4, 3}, {4}}, .ranges = {{-2, 2}, {0, 3}}})
      .sample({.shapes = {{4, 3}, {4}},
               .attributes = {{"use_linear", "True"}, {"margin", "0.5"}},
               .ranges = {{-2, 2}, {0, 3}}});
  op<P>("_backward_SVMOutput")
      .doc("Gradient of SVMOutput.")
      .inputs({"out", "label"})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[0]); })
      .implement("reference",
                 [](const OpCall& c) {
                   dispatch_floating(c.out[0].dtype, c.op.name(), [&](auto type) {
                     backward<typename decltype(type)::type>(c);
                   });
                 })
      .inplace({{0, 0}});
}

}  // namespace gemel::svm_output_op
