#include "graph/symbol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/test_operators.h"

namespace gemel {
namespace {

using testing::call;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Symbol variable(const std::string& name) { return Symbol::variable(name); }
Symbol dense(const std::string& name, const Symbol& data, Attributes extra = {}) {
  extra["num_hidden"] = "3";
  return call("FullyConnected", name, {data}, extra);
}

template <typename F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Symbol, MissingInputsBecomeVariablesThatInheritAttributes) {
  const Symbol fc = dense("f", variable("x"), {{"__note__", "1"}});
  EXPECT_THAT(fc.list_arguments(), ElementsAre("x", "f_weight", "f_bias"));
  EXPECT_THAT(fc.list_outputs(), ElementsAre("f_output"));
  const Attributes weight = fc.input_nodes()[1]->attributes;
  EXPECT_EQ(weight, (Attributes{{"__note__", "1"}, {"num_hidden", "3"}}));
  EXPECT_THAT(fc.input_nodes()[0]->attributes, IsEmpty());
}

TEST(Symbol, ParametersDecideTheInputs) {
  EXPECT_THAT(dense("f", variable("x"), {{"no_bias", "True"}}).list_arguments(),
              ElementsAre("x", "f_weight"));
}

TEST(Symbol, VariadicInputsAreCounted) {
  const Symbol two = call("Concat", "c", {variable("a"), variable("b")});
  EXPECT_EQ(two.attribute("num_args"), "2");
  EXPECT_THAT(
      call("Concat", "c", {variable("a"), variable("b")}, {{"num_args", "3"}}).list_arguments(),
      ElementsAre("a", "b", "c_arg2"));
}

TEST(Symbol, NamedInputs) {
  const Symbol x = variable("x"), w = variable("w");
  EXPECT_THAT(
      call("FullyConnected", "f", {x}, {{"num_hidden", "2"}}, {{"weight", w}}).list_arguments(),
      ElementsAre("x", "w", "f_bias"));
  EXPECT_THAT(message_of([&] {
                call("exp", "e", {}, {}, {{"dat", x}});
              }),
              HasSubstr("did you mean 'data'?"));
  EXPECT_THAT(message_of([&] {
                call("exp", "e", {x}, {}, {{"data", x}});
              }),
              HasSubstr("given twice"));
  EXPECT_THAT(message_of([&] {
                call("exp", "e", {x, x});
              }),
              HasSubstr("expected at most 1 inputs"));
}

TEST(Symbol, AnInputHasOneOutput) {
  const Symbol split = call("SliceChannel", "s", {variable("x")}, {{"num_outputs", "3"}});
  EXPECT_THAT(message_of([&] { call("exp", "e", {split}); }), HasSubstr("one output, got 3"));
  EXPECT_THAT(call("exp", "e", {split.at(1)}).list_outputs(), ElementsAre("e_output"));
}

TEST(Symbol, AuxiliaryStates) {
  const Symbol norm = call("BatchNorm", "b", {variable("x")});
  EXPECT_THAT(norm.list_arguments(), ElementsAre("x", "b_gamma", "b_beta"));
  EXPECT_THAT(norm.list_auxiliary_states(), ElementsAre("b_moving_mean", "b_moving_var"));
  EXPECT_THAT(norm.input_is_auxiliary(), ElementsAre(false, false, false, true, true));
  EXPECT_EQ(norm.input_nodes()[4]->attributes.at("__init__"), "[\"one\", {}]");
  const Symbol e = call("exp", "e", {variable("y")});
  EXPECT_THAT(message_of([&] {
                call("BatchNorm", "b", {variable("x")}, {}, {{"moving_mean", e}});
              }),
              HasSubstr("expected a variable"));
}

TEST(Symbol, AuxiliaryEverywhereOnceItIsWrittenAnywhere) {
  const Symbol mean = variable("m");
  const Symbol read = call("exp", "q", {mean});
  const Symbol norm = call("BatchNorm", "b", {variable("x")}, {}, {{"moving_mean", mean}});
  const Symbol later = call("exp", "r", {mean});
  EXPECT_THAT(Symbol::group({norm, read}).list_auxiliary_states(),
              ElementsAre("m", "b_moving_var"));
  EXPECT_THAT(read.list_arguments(), ElementsAre("m"));
  EXPECT_EQ(read.outputs[0].node->inputs[0].version, 0);
  EXPECT_EQ(norm.outputs[0].node->inputs[3].version, 1);
  EXPECT_EQ(later.outputs[0].node->inputs[0].version, 1);
}

TEST(Symbol, NamesOutputsAndInternals) {
  const Symbol split = call("SliceChannel", "s", {variable("x")}, {{"num_outputs", "2"}});
  EXPECT_THAT(split.list_outputs(), ElementsAre("s_output0", "s_output1"));
  EXPECT_EQ(split.name(), "s");
  EXPECT_EQ(Symbol::group({split, variable("y")}).name(), "");
  const Symbol norm = call("BatchNorm", "b", {split.at(0)});
  EXPECT_THAT(norm.list_outputs(), ElementsAre("b_output"));
  EXPECT_THAT(norm.internals().list_outputs(),
              ElementsAre("x", "s_output0", "s_output1", "b_gamma", "b_beta", "b_moving_mean",
                          "b_moving_var", "b_output"));
  EXPECT_EQ(norm.internals().index_of("s_output1"), 2);
  EXPECT_THAT(message_of([&] { norm.index_of("b_outputs"); }),
              HasSubstr("did you mean 'b_output'?"));
  EXPECT_THROW(norm.at(1), Error);
}

TEST(Symbol, Children) {
  const Symbol split = call("SliceChannel", "s", {variable("x")}, {{"num_outputs", "2"}});
  EXPECT_THAT(split.children()->list_outputs(), ElementsAre("x"));
  EXPECT_FALSE(variable("x").children());
  EXPECT_THAT(Symbol::group({split, dense("f", split.at(1))}).children()->list_outputs(),
              ElementsAre("x", "s_output1", "f_weight", "f_bias"));
}

TEST(Symbol, HiddenKeys) {
  const Symbol v = Symbol::variable("v", {{"lr_mult", "2"}, {"note", "1"}});
  EXPECT_EQ(v.attribute("lr_mult"), "2");
  EXPECT_EQ(v.attribute("__lr_mult__"), "2");
  EXPECT_EQ(v.attributes(), (Attributes{{"__lr_mult__", "2"}, {"lr_mult", "2"}, {"note", "1"}}));
  EXPECT_EQ(v.outputs[0].node->attributes, (Attributes{{"__lr_mult__", "2"}, {"note", "1"}}));
  EXPECT_THAT(message_of([&] {
                dense("f", v, {{"weight_lr_mult", "2"}});
              }),
              HasSubstr("weight=Variable(lr_mult=2)"));
  EXPECT_EQ(dense("f", v, {{"wd_mult", "3"}}).attribute("__wd_mult__"), "3");
}

TEST(Symbol, SettingAttributes) {
  Symbol fc = dense("f", variable("x"));
  fc.set_attribute("ctx_group", "first");
  EXPECT_EQ(fc.attribute("ctx_group"), "first");
  fc.set_attribute("no_bias", "False");
  EXPECT_EQ(fc.attribute("no_bias"), "False");
  EXPECT_THROW(fc.set_attribute("wrong", "1"), Error);
  EXPECT_EQ(fc.attribute("wrong"), std::nullopt);
  EXPECT_EQ(fc.attribute("name"), "f");
  EXPECT_EQ(Symbol::group({fc, variable("y")}).attribute("num_hidden"), std::nullopt);
}

TEST(Symbol, AllAttributesInOrder) {
  const auto all = dense("f", variable("x"), {{"__a__", "1"}}).all_attributes();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].first, "f_weight");
  EXPECT_EQ(all[2].first, "f");
}

TEST(Symbol, ComposeReplacesVariablesInACopy) {
  const Symbol fc = dense("f", variable("data"));
  const Symbol inner = call("exp", "e", {variable("q")});
  const Symbol joined = fc.compose("g", {}, {{"data", inner}});
  EXPECT_THAT(joined.list_arguments(), ElementsAre("q", "f_weight", "f_bias"));
  EXPECT_THAT(joined.list_outputs(), ElementsAre("g_output"));
  EXPECT_THAT(fc.list_arguments(), ElementsAre("data", "f_weight", "f_bias"));
  EXPECT_THAT(fc.list_outputs(), ElementsAre("f_output"));
  EXPECT_THAT(fc.compose("", {inner}, {}).list_arguments(), ElementsAre("q", "f_weight", "f_bias"));
  EXPECT_THAT(message_of([&] {
                fc.compose("", {}, {{"f_wieght", inner}});
              }),
              HasSubstr("did you mean 'f_weight'?"));
}

TEST(Symbol, ComposeKeepsAuxiliaryStatesVariables) {
  const Symbol norm = call("BatchNorm", "b", {variable("x")});
  EXPECT_THAT(norm.compose("", {}, {{"b_moving_mean", variable("m")}}).list_auxiliary_states(),
              ElementsAre("m", "b_moving_var"));
  const Symbol inner = call("exp", "e", {variable("q")});
  EXPECT_THROW(norm.compose("", {}, {{"b_moving_mean", inner}}), Error);
}

TEST(Symbol, CopyIsDeepAndEqual) {
  const Symbol fc = dense("f", call("BatchNorm", "b", {variable("x")}));
  Symbol copy = fc.copy();
  EXPECT_EQ(to_json(copy), to_json(fc));
  copy.set_attribute("ctx_group", "other");
  EXPECT_EQ(fc.attribute("ctx_group"), std::nullopt);
}

TEST(Symbol, DebugString) {
  const Symbol split = call("SliceChannel", "s", {variable("x")}, {{"num_outputs", "2"}});
  EXPECT_EQ(debug_string(call("exp", "e", {split.at(1)})),
            "Symbol Outputs:\n\toutput[0]=e(0)\nVariable:x\n--------------------\nOp:SliceChannel, "
            "Name=s\nInputs:\n"
            "\targ[0]=x(0) version=0\nAttrs:\n\tnum_outputs=2\n--------------------\nOp:exp, "
            "Name=e\nInputs:\n"
            "\targ[0]=s(1)\n");
}

TEST(Symbol, LongChainsDoNotOverflowTheStack) {
  Symbol chain = variable("x");
  for (int i = 0; i < 300000; ++i)
    chain = Symbol({Entry{make_node(*testing::find_operator("exp"), "e", chain.outputs,
                                    std::make_shared<testing::TextParameters>()),
                          0, 0}});
  EXPECT_EQ(topological_order(chain.outputs).size(), 300001u);
  EXPECT_THAT(chain.list_arguments(), ElementsAre("x"));
}

}  // namespace
}  // namespace gemel
