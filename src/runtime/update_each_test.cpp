#include "runtime/update_each.h"

#include "kernels/parallel.h"
#include "runtime/testing.h"

namespace gemel::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace runtime::testing;

std::vector<ParametersRef> rates(const OpInfo& op, std::vector<std::string> values) {
  std::vector<ParametersRef> parameters;
  for (std::string& value : values) parameters.push_back(op.parse({{"lr", value}, {"wd", "0.1"}}));
  return parameters;
}

TEST(UpdateEach, HasTheBitsOfSingleCalls) {
  const OpInfo& op = require_op("adam_update");
  std::mt19937 generator(1);
  std::vector<NDArray> together, apart;
  const std::vector<Shape> shapes{{3, 5}, {700, 900}, {1}, {800, 1000}, {2000, 130}};
  for (const Shape& shape : shapes)
    for (int i = 0; i < 4; ++i) {
      const DType dtype = shape[0] == 800 ? DType::float64 : DType::float32;
      together.push_back(random_array(shape, generator, 0.1, 1, dtype));
      apart.push_back(NDArray(shape, dtype));
      together.back().copy_to(apart.back());
    }
  const auto parameters = rates(op, {"0.1", "0.2", "0.3", "0.4", "0.5"});
  update_each(op, parameters, together);
  for (size_t k = 0; k < shapes.size(); ++k) {
    NDArray out[1] = {apart[4 * k]};
    invoke(op, parameters[k], std::span(apart).subspan(4 * k, 4), out);
  }
  for (size_t i = 0; i < together.size(); ++i)
    EXPECT_EQ(bytes_of(together[i]), bytes_of(apart[i])) << i;
}

TEST(UpdateEach, ManySmallWeightsNeedNoLimit) {
  const OpInfo& op = require_op("sgd_update");
  std::vector<NDArray> in;
  for (int i = 0; i < 150; ++i) in.push_back(filled({2}, i)), in.push_back(filled({2}, 1));
  update_each(op, rates(op, std::vector<std::string>(150, "1")), in);
  for (int i = 0; i < 150; ++i)
    EXPECT_THAT(values_of(in[2 * static_cast<size_t>(i)]),
                ElementsAre(::testing::DoubleNear(0.9 * i - 1, 1e-4),
                            ::testing::DoubleNear(0.9 * i - 1, 1e-4)));
}

TEST(UpdateEach, ViewsOfOneStorage) {
  const OpInfo& op = require_op("sgd_update");
  const NDArray all = filled({4, 500000}, 1), grad = filled({2, 500000}, 1);
  update_each(op, rates(op, {"1", "2"}), std::vector{all.slice(0, 2), grad, all.slice(1, 3), grad});
  std::vector<double> values = values_of(all);
  EXPECT_NEAR(values[0], -0.1, 1e-6);
  EXPECT_NEAR(values[500000], -2.08, 1e-6);  // written by both, in their order
  EXPECT_NEAR(values[1000000], -1.2, 1e-6);
  EXPECT_EQ(values[1500000], 1);
}

TEST(UpdateEach, ErrorsNameTheOperator) {
  const OpInfo& op = require_op("sgd_update");
  const std::vector<NDArray> in{filled({2}, 1), filled({2}, 1), filled({2}, 1), filled({3}, 1)};
  try {
    update_each(op, rates(op, {"1", "1"}), in);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("sgd_update"));
  }
  EXPECT_THROW(update_each(op, rates(op, {"1", "1"}), std::span(in).first(3)), Error);
  EXPECT_THAT(values_of(in[0]), ElementsAre(1, 1));
}

}  // namespace
}  // namespace gemel::runtime
