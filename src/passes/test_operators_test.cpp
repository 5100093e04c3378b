#include "passes/test_operators.h"

#include <gtest/gtest.h>

namespace gemel {
namespace {

struct UnitsParameters : Parameters {
  int units;
  static void declare(Fields<UnitsParameters>& f) {
    f.field("units", &UnitsParameters::units).range(1, 1 << 20);
  }
};

// out (n, units) = data (n, k) x weight (units, k) transposed.
void dense_shape(ShapeContext& c) {
  const int64_t units = c.params<UnitsParameters>().units;
  const int64_t n = c.in[0].ndim() == 2 ? c.in[0][0] : c.out[0].ndim() == 2 ? c.out[0][0] : -1;
  const int64_t k = c.in[0].ndim() == 2 ? c.in[0][1] : -1;
  c.set_in(1, Shape{units, k});
  c.set_in(0, Shape{n, c.in[1][1]});
  c.set_out(0, Shape{n, units});
}

struct CastParameters : Parameters {
  DType dtype;
  static void declare(Fields<CastParameters>& f) { f.field("dtype", &CastParameters::dtype); }
};

GEMEL_OPERATORS(pass_test_operators) {
  op("_test_pass_exp").inputs({"data"}).shape(same_shape).gradient([](const GradientContext& c) {
    return std::vector<Entry>{c.make("_test_pass_mul", {c.dy(), c.out(0)})};
  });
  op("_test_pass_mul")
      .inputs({"lhs", "rhs"})
      .shape(same_shape)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_test_pass_mul", {c.dy(), c.in(1)}),
                                  c.make("_test_pass_mul", {c.dy(), c.in(0)})};
      });
  op<UnitsParameters>("_test_pass_dense").inputs({"data", "weight"}).shape(dense_shape);
  op<CastParameters>("_test_pass_cast").inputs({"data"}).shape(same_shape).type([](TypeContext& c) {
    c.set_out(0, c.params<CastParameters>().dtype);
  });
  op("_test_pass_stop").inputs({"data"}).shape(same_shape).no_gradient();
  op("_test_pass_hard").inputs({"data"}).shape(same_shape);
  op("_test_pass_loss")
      .inputs({"data"})
      .shape(same_shape)
      .ignores_head_gradient()
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_test_pass_exp", {c.in(0)})};
      });
  op("_test_pass_split")
      .inputs({"data"})
      .outputs(2, 2)
      .shape(same_shape)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_test_pass_mul", {c.dy(0), c.dy(1)})};
      });
}

TEST(PassTestOperators, AreRegistered) {
  EXPECT_EQ(testing::apply("exp", {testing::variable("x")}).node->output_count(), 1);
}

}  // namespace
}  // namespace gemel
