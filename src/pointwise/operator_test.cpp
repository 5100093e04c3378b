#include "pointwise/operator.h"

#include <gtest/gtest.h>

#include "op/registry.h"

namespace gemel::pointwise {
namespace {

struct Values {
  Shape shape;
  std::vector<float> data;
  Tensor tensor() { return Tensor(data.data(), shape, DType::float32); }
};

Values run(const OpInfo& op, const Parameters& parameters, std::vector<Values> in,
           const Shape& out_shape, int output = 0, int outputs = 1) {
  std::vector<Values> out(
      static_cast<size_t>(outputs),
      Values{out_shape, std::vector<float>(static_cast<size_t>(out_shape.size()))});
  std::vector<Tensor> in_tensors, out_tensors;
  for (Values& v : in) in_tensors.push_back(v.tensor());
  for (Values& v : out) out_tensors.push_back(v.tensor());
  op.implementations.front().kernel(OpCall{op, parameters, in_tensors, out_tensors});
  return out[static_cast<size_t>(output)];
}

TEST(PointwiseOperator, DefinitionGivesExpressionAndScalars) {
  const OpInfo& op = require_op("_plus_scalar");
  const auto* definition = dynamic_cast<const Definition*>(op.pointwise.get());
  ASSERT_NE(definition, nullptr);
  const ParametersRef parameters = op.parse({{"scalar", "2.5"}});
  EXPECT_EQ(definition->value(*parameters), (std::vector<Expr>{input(0) + scalar(0)}));
  EXPECT_EQ(definition->scalars(*parameters), (std::vector<double>{2.5}));
  EXPECT_EQ(definition->program(*parameters), definition->fixed_program);
}

TEST(PointwiseOperator, ScalarsKeepTheTypeOfTheArray) {
  const OpInfo& op = require_op("_plus_scalar");
  const auto result = [&](DType in, const char* is_int) {
    const ParametersRef parameters = op.parse({{"scalar", "1.5"}, {"is_int", is_int}});
    std::vector<DType> ins{in}, outs{DType::none};
    TypeContext context{op, *parameters, ins, outs};
    op.type_rule(context);
    return outs[0];
  };
  EXPECT_EQ(result(DType::int32, "1"), DType::int32);
  EXPECT_EQ(result(DType::int32, "0"), DType::float64);
  EXPECT_EQ(result(DType::boolean, "1"), DType::int64);
  EXPECT_EQ(result(DType::float16, "0"), DType::float16);
}

TEST(PointwiseOperator, ShapesOfElementwiseInferBackwards) {
  const OpInfo& op = require_op("elemwise_add");
  const ParametersRef parameters = op.parse({});
  std::vector<Shape> in{Shape::unknown(), Shape{2, -1}}, out{Shape{-1, 3}};
  ShapeContext context{op, *parameters, in, out};
  op.shape_rule(context);
  EXPECT_EQ(in[0], (Shape{2, 3}));
  in[0] = Shape{2, 4};
  EXPECT_THROW(op.shape_rule(context), Error);
}

TEST(PointwiseOperator, ProgramFromText) {
  const OpInfo& op = require_op("_pointwise");
  const ParametersRef parameters = op.parse(
      {{"value", "add(mul(x0,x1),s0);sub(x0,x1)"}, {"num_args", "2"}, {"scalars", "(10,)"}});
  EXPECT_EQ(op.output_count(*parameters), 2);
  const std::vector<Values> in{{{2, 1}, {1, 2}}, {{1, 2}, {3, 4}}};
  EXPECT_EQ(run(op, *parameters, in, {2, 2}, 0, 2).data, (std::vector<float>{13, 14, 16, 18}));
  EXPECT_EQ(run(op, *parameters, in, {2, 2}, 1, 2).data, (std::vector<float>{-2, -3, -1, -2}));
  EXPECT_THROW(op.output_count(*op.parse({{"value", "x2"}, {"num_args", "2"}})), Error);
  EXPECT_THROW(op.output_count(*op.parse({{"value", "s0"}, {"num_args", "1"}})), Error);
}

TEST(PointwiseOperator, OneNodeForAllGradients) {
  const NodeRef a = make_variable("a"), b = make_variable("b"), dy = make_variable("dy");
  const auto gradients = [&](const char* name) {
    const NodeRef node = make_node(require_op(name), "n", {{a, 0, 0}, {b, 0, 0}}, Attributes{});
    return require_op(name).gradient_rule(GradientContext{*node, node, {{dy, 0, 0}}});
  };
  const auto product = gradients("elemwise_mul");
  EXPECT_EQ(product[0].node, product[1].node);
  EXPECT_EQ(product[1].index, 1);
  // The gradient of a sum is the head gradient itself.
  const auto sum = gradients("elemwise_add");
  EXPECT_EQ(sum[0].node, dy);
  EXPECT_EQ(sum[1].node, dy);
  // Where shapes may broadcast, it is summed back.
  EXPECT_EQ(gradients("broadcast_add")[0].node->op->name(), "_sum_to_like");
  EXPECT_TRUE(require_op("broadcast_equal").zero_gradient);
  EXPECT_TRUE(require_op("floor").zero_gradient);
}

TEST(PointwiseOperator, OutputsServeTheGradientWhereTheyCan) {
  const NodeRef x = make_variable("x"), dy = make_variable("dy");
  const NodeRef node = make_node(require_op("tanh"), "n", {{x, 0, 0}}, Attributes{});
  const Entry gradient =
      require_op("tanh").gradient_rule(GradientContext{*node, node, {{dy, 0, 0}}})[0];
  for (const Entry& e : gradient.node->inputs) EXPECT_NE(e.node, x);
}

}  // namespace
}  // namespace gemel::pointwise
