// AdaGrad (Duchi et al. 2011), for each element and for each row.
#include <cmath>

#include "kernels/reduce.h"
#include "ops/optimizer/update.h"

namespace gemel {

namespace {

using pointwise::Expr;
using pointwise::input;
using pointwise::scalar;

struct AdagradParameters : UpdateParameters {
  float epsilon = 1e-7f;
  static void declare(Fields<AdagradParameters>& f) {
    UpdateFields<AdagradParameters>{f}.lr().epsilon("1.00000001e-07").wd().rescale().clip();
  }
};
struct GroupParameters : AdagradParameters {
  static void declare(Fields<GroupParameters>& f) {
    declare_for<AdagradParameters>(
        f, [](auto all) { all.lr().rescale().clip().epsilon("9.99999975e-06"); });
  }
};

std::vector<double> adagrad_scalars(const OpCall& call, int) {
  const auto& p = call.params<AdagradParameters>();
  return {p.lr, p.wd, p.rescale_grad, p.epsilon};
}

// (weight, grad, history)
std::vector<Expr> adagrad_value(const Update::Clip& clip) {
  const Expr g = clip(scalar(3) * input(1));
  const Expr history = input(2) + square(g);
  return {input(0) - scalar(1) * (g / sqrt(history + scalar(4)) + scalar(2) * input(0)), history};
}

// One history for each row: (rows, 1, ...) beside a weight of (rows, ...).
void group_shape(ShapeContext& c) {
  for (int round = 0; round < 2; ++round) {
    c.set_in(1, c.in[0]);
    c.set_in(0, c.in[1]);
    c.set_out(0, c.in[0]);
    c.set_in(0, c.out[0]);
  }
  if (c.in[0].ndim() < 0 || c.in[2].ndim() < 0) return;
  const bool rows = c.in[0].ndim() >= 1 && c.in[2].ndim() >= 1;
  GEMEL_CHECK(rows && (!c.in[0].known() || !c.in[2].known() || c.in[2].size() == c.in[0][0]),
              "[{}] history: expected one element for each row of the weight {}, got shape {}",
              c.op.name(), c.in[0], c.in[2]);
}

// mean(g^2) of each row is added to the history, then the step.
struct GroupAdagrad {
  Update update;
  UpdatePrograms squares;  // (weight, grad) -> g^2
  UpdatePrograms steps;    // (weight, grad, history) -> weight
  pointwise::Program sum{{input(0) + input(1)}};

  void operator()(const OpCall& call) const {
    const Tensor &weight = call.in[0], &history = call.in[2];
    if (weight.size() == 0) return;
    const Tensor square(call.workspace, weight.shape, weight.dtype);
    const Tensor mean(call.workspace + (square.bytes() + 63) / 64 * 64, history.shape,
                      history.dtype);
    squares.run(update, call, 0, call.in.first(2), square);
    const uint32_t rest = ((uint32_t{1} << weight.shape.ndim()) - 1) & ~uint32_t{1};
    kernels::reduce(kernels::Reduction::mean, square, rest, mean);
    const Tensor added[] = {history, mean}, total[] = {history};
    sum.run(added, {}, total);
    Shape column = Shape::filled(weight.shape.ndim(), 1);
    column[0] = weight.shape[0];
    Tensor spread = history;
    spread.shape = column;
    const Tensor in[] = {weight, call.in[1], spread};
    steps.run(update, call, 0, in, call.out[0]);
  }
};

}  // namespace

GEMEL_OPERATORS(adagrad) {
  OpBuilder plain = op<AdagradParameters>("_sparse_adagrad_update");
  plain
      .doc(
          "history + g^2, then weight - lr * (g / sqrt(history + epsilon) + wd * weight), where g "
          "= clip(rescale_grad * grad) (Duchi et al. 2011).")
      .inputs({"weight", "grad", "history"})
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"epsilon", "0.001"}},
               .ranges = {{-1, 1}, {-1, 1}, {0.1, 1}}});
  implement_update(plain, {adagrad_value, {2}, adagrad_scalars});

  OpBuilder group = op<GroupParameters>("_contrib_group_adagrad_update");
  group
      .doc(
          "AdaGrad with one rate for each row: history + mean(g^2) over the row, then weight - lr "
          "* "
          "g / sqrt(history + epsilon), where g = clip(rescale_grad * grad).")
      .inputs({"weight", "grad", "history"})
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 1}},
               .attributes = {{"lr", "0.1"}, {"epsilon", "0.001"}, {"clip_gradient", "0.5"}},
               .ranges = {{-1, 1}, {-1, 1}, {0.1, 1}}});
  auto gradient = [](const Update::Clip& clip) { return clip(scalar(3) * input(1)); };
  auto squares = [gradient](const Update::Clip& clip) {
    return std::vector<Expr>{square(gradient(clip))};
  };
  auto steps = [gradient](const Update::Clip& clip) {
    return std::vector<Expr>{input(0) - scalar(1) * gradient(clip) / sqrt(input(2) + scalar(4))};
  };
  auto kernel = std::make_shared<const GroupAdagrad>(
      GroupAdagrad{{squares, {}, adagrad_scalars},
                   UpdatePrograms({squares, {}, adagrad_scalars}),
                   UpdatePrograms({steps, {}, adagrad_scalars})});
  group.shape(group_shape)
      .type(same_type)
      .no_gradient()
      .inplace({{0, 0}})
      .mutates({2})
      .implement(
          {.name = "tape",
           .kernel = [kernel](const OpCall& call) { (*kernel)(call); },
           .workspace =
               [](const OpCall& call) { return call.in[0].bytes() + call.in[2].bytes() + 128; }});
}

}  // namespace gemel
