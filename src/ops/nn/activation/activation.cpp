// Activation: one of a few pointwise functions, named by a parameter.
#include "ops/floating_type.h"
#include "pointwise/operator.h"

namespace gemel::activation_op {
namespace {

using namespace pointwise;

enum class ActivationType { relu, sigmoid, softrelu, softsign, tanh };

struct ActivationParameters : Parameters {
  ActivationType act_type;
  static void declare(Fields<ActivationParameters>& f) {
    f.choice("act_type", &ActivationParameters::act_type,
             {{"relu", ActivationType::relu},
              {"sigmoid", ActivationType::sigmoid},
              {"softrelu", ActivationType::softrelu},
              {"softsign", ActivationType::softsign},
              {"tanh", ActivationType::tanh}})
        .doc("The function.");
  }
};
using P = ActivationParameters;

Expr value_of(ActivationType type, const Expr& x) {
  switch (type) {
    case ActivationType::relu:
      return relu(x);
    case ActivationType::sigmoid:
      return sigmoid(x);
    case ActivationType::softrelu:
      return softrelu(x);
    case ActivationType::softsign:
      return softsign(x);
    case ActivationType::tanh:
      return tanh(x);
  }
  fail(ErrorKind::Internal, "[Activation] act_type out of range");
}

// The gradient from the output alone, so that the input need not be kept.
Expr gradient_of(ActivationType type, const Expr& y, const Expr& dy) {
  switch (type) {
    case ActivationType::relu:
      return dy * greater(y, 0.0);
    case ActivationType::sigmoid:
      return dy * (y * (1.0 - y));
    case ActivationType::softrelu:
      return dy * (-expm1(-y));
    case ActivationType::softsign:
      return dy * square(1.0 - abs(y));
    case ActivationType::tanh:
      return dy * (1.0 - square(y));
  }
  fail(ErrorKind::Internal, "[Activation] act_type out of range");
}

Definition definition_of(ActivationType type) {
  Definition definition;
  definition.input_count = 1;
  definition.fixed_value = {value_of(type, input(0))};
  definition.fixed_program = std::make_shared<const Program>(definition.fixed_value);
  return definition;
}

const Definition& definition(const Parameters& parameters) {
  static const Definition all[] = {
      definition_of(ActivationType::relu), definition_of(ActivationType::sigmoid),
      definition_of(ActivationType::softrelu), definition_of(ActivationType::softsign),
      definition_of(ActivationType::tanh)};
  return all[static_cast<int>(static_cast<const P&>(parameters).act_type)];
}

void forward(const OpCall& call) {
  definition(call.parameters).fixed_program->run(call.in, {}, call.out);
}

std::vector<Entry> gradient(const GradientContext& c) {
  const Expr dx = gradient_of(c.params<P>().act_type, input(0), input(1));
  return {c.make("_pointwise", {c.out(0), c.dy()}, make_pointwise({dx}, {}, 2, false))};
}

}  // namespace

GEMEL_OPERATORS(activation) {
  auto definition_by_parameter = std::make_shared<Definition>();
  definition_by_parameter->input_count = 1;
  definition_by_parameter->choose = definition;
  OpBuilder builder = op<P>("Activation");
  builder
      .doc(
          "One function of every element: relu max(x, 0), sigmoid 1 / (1 + exp(-x)), tanh, "
          "softrelu "
          "log(1 + exp(x)), softsign x / (1 + |x|).")
      .inputs({"data"})
      .shape(same_shape)
      .type(floating_type)
      .gradient(gradient)
      .implement("tape", forward)
      .inplace({{0, 0}});
  for (const char* type : {"relu", "sigmoid", "tanh", "softrelu", "softsign"})
    builder.sample(
        {.shapes = {{2, 3, 4}}, .attributes = {{"act_type", type}}, .low = -3, .high = 3});
  builder.info().pointwise = definition_by_parameter;
  builder.info().keeps_maxima = [](const Parameters& p) {
    return static_cast<const P&>(p).act_type == ActivationType::relu;
  };
}

}  // namespace gemel::activation_op
