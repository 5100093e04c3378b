#include "passes/fuse_images.h"

#include <gtest/gtest.h>

#include "graph/symbol.h"
#include "op/registry.h"
#include "ops/image/chain.h"

namespace gemel {
namespace {

Entry node(const char* op, const char* name, std::vector<Entry> inputs,
           Attributes attributes = {}) {
  return {make_node(require_op(op), name, std::move(inputs), std::move(attributes)), 0, 0};
}

std::vector<std::string> ops_of(const Entry& entry) {
  std::vector<std::string> names;
  const auto& op = static_cast<const OpInfo&>(*entry.node->op);
  for (const auto& step : image::steps_of(op, entry.node->parameters))
    names.push_back(step.op->name());
  return names;
}

TEST(FuseImages, MakesOneNodeOfAChain) {
  const Entry x{make_variable("x"), 0, 0}, part{make_variable("part"), 0, 0};
  const Entry cut = node("_resized_image_part", "cut", {x, part}, {{"size", "(3, 4)"}});
  const Entry flipped = node("_image_random_flip_left_right", "flip", {cut});
  const Entry tensor = node("_image_to_tensor", "tensor", {flipped});
  const std::vector<Entry> fused = fuse_images({tensor});
  ASSERT_EQ(fused.size(), 1u);
  EXPECT_EQ(fused[0].node->op->name(), "_fused_image");
  EXPECT_EQ(fused[0].node->inputs, (std::vector<Entry>{x, part}));
  EXPECT_EQ(ops_of(fused[0]),
            (std::vector<std::string>{"_resized_image_part", "_image_random_flip_left_right",
                                      "_image_to_tensor"}));
  EXPECT_EQ(tensor.node->inputs[0], flipped);  // the given graph stays
}

TEST(FuseImages, LeavesWhatOthersRead) {
  const Entry x{make_variable("x"), 0, 0};
  const Entry a = node("_image_flip_left_right", "a", {x});
  const Entry b = node("_image_flip_top_bottom", "b", {a});
  const Entry c = node("_image_flip_top_bottom", "c", {b});
  EXPECT_EQ(fuse_images({c, b})[1].node->op->name(), "_fused_image");
  EXPECT_EQ(fuse_images({c, b})[0].node->op->name(), "_image_flip_top_bottom");
  const Entry other = node("relu", "other", {a});
  EXPECT_EQ(fuse_images({other})[0], other);
  const Entry zeros = node("_zeros", "zeros", {}, {{"shape", "(2, 2, 3)"}});
  EXPECT_EQ(fuse_images({node("_image_flip_left_right", "d", {zeros})})[0].node->inputs[0], zeros);
}

}  // namespace
}  // namespace gemel
