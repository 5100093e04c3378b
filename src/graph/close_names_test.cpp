#include "graph/close_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gemel {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(CloseNames, BestFirst) {
  const std::vector<std::string> names{"Convolution", "Deconvolution", "Pooling", "Concat",
                                       "concat"};
  EXPECT_THAT(close_names("convolution", names), ElementsAre("Convolution", "Deconvolution"));
  EXPECT_THAT(close_names("Conact", names), ElementsAre("Concat", "concat"));
  EXPECT_THAT(close_names("Softmax", names), IsEmpty());
  EXPECT_THAT(close_names("conca", names, 1), ElementsAre("Concat"));
  EXPECT_THAT(close_names("", names), IsEmpty());
}

TEST(CloseNames, EndOfSentence) {
  EXPECT_EQ(did_you_mean("dta", {"data", "label"}), ", did you mean 'data'?");
  EXPECT_EQ(did_you_mean("x", {"data", "label"}), ".");
}

}  // namespace
}  // namespace gemel
