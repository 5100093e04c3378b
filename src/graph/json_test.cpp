#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "graph/symbol.h"
#include "graph/test_operators.h"

namespace gemel {
namespace {

using testing::call;
using ::testing::ElementsAre;
using testing::find_operator;
using ::testing::HasSubstr;
using testing::read_fixture;

Symbol variable(const std::string& name, Attributes attributes = {}) {
  return Symbol::variable(name, std::move(attributes));
}

Symbol mlp() {
  Symbol h = call("FullyConnected", "fc1", {variable("data")}, {{"num_hidden", "128"}});
  h = call("Activation", "relu1", {h}, {{"act_type", "relu"}});
  h = call("FullyConnected", "fc2", {h}, {{"num_hidden", "10"}});
  return call("SoftmaxOutput", "softmax", {h});
}

Symbol lenet() {
  Symbol h = call("Convolution", "conv1", {variable("data")},
                  {{"kernel", "(5, 5)"}, {"num_filter", "20"}});
  h = call("BatchNorm", "bn1", {h}, {{"fix_gamma", "False"}});
  h = call("Activation", "tanh1", {h}, {{"act_type", "tanh"}});
  h = call("Pooling", "pool1", {h},
           {{"kernel", "(2, 2)"}, {"pool_type", "max"}, {"stride", "(2, 2)"}});
  h = call("Flatten", "flat", {h});
  h = call("FullyConnected", "fc", {h}, {{"num_hidden", "10"}, {"no_bias", "True"}});
  return call("SoftmaxOutput", "softmax", {h});
}

Symbol group() {
  const Symbol a = variable("a", {{"__shape__", "(2, 3)"},
                                  {"lr_mult", "2.0"},
                                  {"__init__", "[\"constant\", {\"value\": 1.5}]"}});
  const Symbol b = variable("b", {{"__dtype__", "1"}, {"wd_mult", "0.5"}});
  const Symbol s = call("SliceChannel", "split", {a}, {{"num_outputs", "3"}});
  return Symbol::group({s.at(1), call("elemwise_mul", "_mul0", {a, b}), s.at(0),
                        call("add_n", "sum", {a, b, s.at(2)})});
}

Symbol attributes() {
  const Symbol data = variable("data", {{"__ctx_group__", "dev1"}});
  const Symbol fc = call("FullyConnected", "fc", {data},
                         {{"num_hidden", "4"}, {"__ctx_group__", "dev1"}, {"__weight_x__", "1"}});
  return call("BlockGrad", "bg", {call("_plus_scalar", "_plusscalar0", {fc}, {{"scalar", "1"}})});
}

Symbol many_inputs() {
  std::vector<Symbol> inputs;
  for (int i = 0; i < 12; ++i) inputs.push_back(variable("v" + std::to_string(i)));
  return call("Concat", "concat", inputs, {{"dim", "1"}});
}

Symbol quotes() {
  return call("exp", "e", {variable("da\"ta\\x\n\t/\xc3\xa9\x01", {{"__a__", "x\"y\n"}})});
}

Symbol shared_state() {
  const Symbol mean = variable("mm");
  const Symbol first = call("BatchNorm", "b1", {variable("data")}, {}, {{"moving_mean", mean}});
  return Symbol::group({call("BatchNorm", "b2", {first}, {}, {{"moving_mean", mean}}), first});
}

struct Case {
  const char* file;
  Symbol (*make)();
};

class Files : public ::testing::TestWithParam<Case> {};

TEST_P(Files, WrittenByteForByte) {
  EXPECT_EQ(to_json(GetParam().make()), read_fixture(GetParam().file));
}

TEST_P(Files, ReadAndWrittenAgain) {
  const std::string text = read_fixture(GetParam().file);
  const Symbol read = from_json(text, find_operator);
  EXPECT_EQ(to_json(read), text);
  const Symbol made = GetParam().make();
  EXPECT_EQ(read.list_arguments(), made.list_arguments());
  EXPECT_EQ(read.list_auxiliary_states(), made.list_auxiliary_states());
  EXPECT_EQ(read.list_outputs(), made.list_outputs());
}

INSTANTIATE_TEST_SUITE_P(
    OfTheOriginal, Files,
    ::testing::Values(Case{"mlp.json", mlp}, Case{"lenet.json", lenet}, Case{"group.json", group},
                      Case{"attrs.json", attributes}, Case{"many.json", many_inputs},
                      Case{"quote.json", quotes}, Case{"batch_norm_shared.json", shared_state},
                      Case{"single.json", [] { return variable("x"); }}),
    [](const auto& info) { return std::string(info.param.file, strlen(info.param.file) - 5); });

std::string graph(const std::string& nodes, const std::string& heads,
                  const std::string& rest = "") {
  return "{\"nodes\":[" + nodes + "],\"arg_nodes\":[],\"heads\":" + heads + rest + "}";
}
const std::string x = R"({"op":"null","name":"x","inputs":[]})";

std::string refusal(const std::string& text) {
  try {
    from_json(text, find_operator);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Input) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(Json, RefusesWhatIsNoGraph) {
  EXPECT_THAT(refusal(""), HasSubstr("not JSON"));
  EXPECT_THAT(refusal("{\"nodes\":"), HasSubstr("not JSON"));
  EXPECT_THAT(refusal("[]"), HasSubstr("an object"));
  EXPECT_THAT(refusal("{\"nodes\":[],\"arg_nodes\":[]}"), HasSubstr("no field 'heads'"));
  EXPECT_THAT(refusal(graph(x, "[]")), HasSubstr("no heads"));
  EXPECT_THAT(refusal(graph(x, "[[0,0,0]]", ",\"foo\":1")), HasSubstr("unknown field 'foo'"));
  EXPECT_THAT(refusal(graph(R"({"op":"null","name":"x","inputs":[],"atrs":{}})", "[[0,0,0]]")),
              HasSubstr("did you mean"));
  EXPECT_THAT(refusal(graph(R"({"op":"null","name":"x"})", "[[0,0,0]]")),
              HasSubstr("no field 'inputs'"));
  EXPECT_THAT(
      refusal(graph(R"({"op":"null","name":"x","inputs":[],"attrs":{"a":1}})", "[[0,0,0]]")),
      HasSubstr("string"));
  EXPECT_THAT(refusal(std::string(20000, '[')), HasSubstr("JSON"));
}

TEST(Json, RefusesWrongNumbers) {
  EXPECT_THAT(refusal(graph(x, "[[7,0,0]]")), HasSubstr("from 0 to 0"));
  EXPECT_THAT(refusal(graph(x, "[[-1,0,0]]")), HasSubstr("from 0 to 0"));
  EXPECT_THAT(refusal(graph(x, "[[0,7,0]]")), HasSubstr("output 7"));
  EXPECT_THAT(refusal(graph(x, "[[0,99999999999,0]]")), HasSubstr("output number"));
  EXPECT_THAT(refusal(graph(x, "[[18446744073709551615,0,0]]")), HasSubstr("node number"));
  EXPECT_THAT(refusal(graph(x, "[[0.5,0,0]]")), HasSubstr("an integer"));
  EXPECT_THAT(refusal(graph(x, "[[0]]")), HasSubstr("[node, output, version]"));
  EXPECT_THAT(refusal(graph(x + R"(,{"op":"exp","name":"e","inputs":[[0,3,0]]})", "[[1,0,0]]")),
              HasSubstr("node e"));
}

TEST(Json, RefusesWrongNodes) {
  EXPECT_THAT(refusal(graph(x + R"(,{"op":"expp","name":"e","inputs":[[0,0,0]]})", "[[1,0,0]]")),
              HasSubstr("node e: there is no operator 'expp'"));
  EXPECT_THAT(
      refusal(graph(x + R"(,{"op":"exp","name":"e","inputs":[[0,0,0],[0,0,0]]})", "[[1,0,0]]")),
      HasSubstr("[exp] node e: expected 1 inputs, got 2"));
  EXPECT_THAT(
      refusal(graph(x + R"(,{"op":"argmax","name":"e","attrs":{"foo":"1"},"inputs":[[0,0,0]]})",
                    "[[1,0,0]]")),
      HasSubstr("[argmax] node e: unknown parameter 'foo'"));
  EXPECT_THAT(
      refusal(graph(
          R"({"op":"exp","name":"a","inputs":[[1,0,0]]},{"op":"exp","name":"b","inputs":[[0,0,0]]})",
          "[[0,0,0]]")),
      HasSubstr("cycle"));
  EXPECT_THAT(refusal(graph(R"({"op":"exp","name":"a","inputs":[[0,0,0]]})", "[[0,0,0]]")),
              HasSubstr("cycle"));
  EXPECT_THAT(
      refusal(graph(R"({"op":"null","name":"x","inputs":[],"control_deps":[0]})", "[[0,0,0]]")),
      HasSubstr("cycle"));
}

TEST(Json, NodesInAnyOrder) {
  const Symbol read = from_json(
      graph(R"({"op":"exp","name":"e","inputs":[[1,0,0]]},)" + x, "[[0,0,0]]"), find_operator);
  EXPECT_THAT(read.internals().list_outputs(), ElementsAre("x", "e_output"));
}

TEST(Json, ControlDependenciesAndSubgraphs) {
  const auto text = [](const std::string& more) {
    return graph(
        x + R"(,{"op":"exp","name":"e","inputs":[[0,0,0]],"control_deps":[0])" + more + "}",
        "[[1,0,0]]");
  };
  const Symbol read = from_json(text(""), find_operator);
  EXPECT_EQ(read.outputs[0].node->control.size(), 1u);
  EXPECT_THAT(refusal(text(",\"subgraphs\":[" + graph(x, "[[0,0,0]]") + "]")),
              HasSubstr("takes no subgraphs"));
  const std::string written = to_json(read);
  EXPECT_EQ(to_json(from_json(written, find_operator)), written);
  EXPECT_EQ(to_json(read.copy()), written);
}

TEST(Json, NewerVersionsAndNumpyShapesAreRead) {
  EXPECT_EQ(refusal(graph(x, "[[0,0,0]]",
                          R"(,"attrs":{"mxnet_version":["int",20000],"is_np_shape":["int",1]})")),
            "accepted");
}

// What 1.9.1 makes of files from before 0.9: no auxiliary variables, `param` and `attr`, two
// numbers an entry.
TEST(Json, OldFiles) {
  const Symbol norm = from_json(
      graph(x + R"(,{"op":"null","param":{},"name":"g","inputs":[],"backward_source_id":-1},
            {"op":"null","name":"b","inputs":[]},{"op":"BatchNorm","param":{"eps":"0.1"},"name":"bn",
            "inputs":[[0,0],[1,0],[2,0]],"backward_source_id":-1,"attr":{"lr_mult":"2"}})",
            "[[3,0]]"),
      find_operator);
  EXPECT_THAT(norm.list_auxiliary_states(), ElementsAre("bn_moving_mean", "bn_moving_var"));
  EXPECT_EQ(norm.input_nodes()[3]->attributes,
            (Attributes{{"__init__", "[\"zero\", {}]"}, {"__lr_mult__", "2"}, {"eps", "0.1"}}));

  const Symbol dense = from_json(
      graph(
          x + R"(,{"op":"null","name":"w","inputs":[]},{"op":"FullyConnected","param":{"num_hidden":"3","no_bias":"True"},
            "name":"e","inputs":[[0,0],[1,0]],"attr":{"weight_lr_mult":"2","ctx_group":"d"}})",
          "[[2,0]]"),
      find_operator);
  EXPECT_EQ(dense.input_nodes()[1]->attributes, (Attributes{{"__lr_mult__", "2"}}));
  EXPECT_EQ(dense.attribute("ctx_group"), "d");

  const Symbol index = from_json(
      graph(x + R"(,{"op":"argmax","param":{"axis":"-1"},"name":"a","inputs":[[0,0]]})", "[[1,0]]"),
      find_operator);
  EXPECT_EQ(index.attribute("axis"), std::nullopt);
}

TEST(Json, CompositionGoesOnAfterReading) {
  const Symbol read = from_json(read_fixture("batch_norm_shared.json"), find_operator);
  const Symbol mean = Symbol({Entry{read.input_nodes()[3], 0, 0}});
  const Symbol third = call("BatchNorm", "b3", {read.at(0)}, {}, {{"moving_mean", mean}});
  EXPECT_EQ(third.outputs[0].node->inputs[3].version, 3);
}

// Whatever happens to a file's bytes, it is read or refused.
TEST(Json, RandomDamage) {
  std::mt19937 random(7);
  int accepted = 0, refused = 0;
  for (const char* file : {"lenet.json", "group.json", "batch_norm_shared.json"}) {
    const std::string original = read_fixture(file);
    for (int round = 0; round < 400; ++round) {
      std::string text = original;
      for (int change = static_cast<int>(random() % 3); change >= 0; --change) {
        const size_t at = random() % text.size();
        switch (random() % 4) {
          case 0:
            text[at] = static_cast<char>(random());
            break;
          case 1:
            text.erase(at, random() % 20);
            break;
          case 2:
            text.insert(at, text.substr(random() % text.size(), random() % 30));
            break;
          default:
            text[at] = "0123456789[]{},\"-"[random() % 17];
            break;
        }
      }
      try {
        const Symbol read = from_json(text, find_operator);
        to_json(read);
        ++accepted;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::Input);
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 400);
  EXPECT_GT(accepted, 10);
}

}  // namespace
}  // namespace gemel
