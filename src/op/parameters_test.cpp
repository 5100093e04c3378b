#include "op/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gemel {
namespace {

using ::testing::HasSubstr;

template <typename T>
T read(std::string_view text) {
  T value{};
  parse_value(text, value);
  return value;
}

template <typename T>
bool refuses(std::string_view text) {
  try {
    read<T>(text);
  } catch (const Error& error) {
    return error.kind() == ErrorKind::Input || error.kind() == ErrorKind::Type;
  }
  return false;
}

// The accepted and refused texts are those of 1.9.1.
TEST(ParseValue, Booleans) {
  for (const char* text : {"True", "true", "TRUE", "1"}) EXPECT_TRUE(read<bool>(text)) << text;
  for (const char* text : {"False", "false", "0"}) EXPECT_FALSE(read<bool>(text)) << text;
  for (const char* text : {"yes", "2", " True ", "T", "1.0", "None", ""})
    EXPECT_TRUE(refuses<bool>(text)) << text;
}

TEST(ParseValue, Integers) {
  for (const char* text : {"4", " 4", "4 ", "+4", "04"}) EXPECT_EQ(read<int>(text), 4) << text;
  EXPECT_EQ(read<int>("-1"), -1);
  EXPECT_EQ(read<int64_t>("99999999999"), 99999999999);
  for (const char* text :
       {"4.0", "1e1", "0x4", "abc", "", "True", "None", "99999999999", "4L", "+-4", "+"})
    EXPECT_TRUE(refuses<int>(text)) << text;
}

TEST(ParseValue, Reals) {
  EXPECT_EQ(read<float>("0.1"), 0.1f);
  EXPECT_EQ(read<double>(" .5"), 0.5);
  EXPECT_EQ(read<float>("0.5f"), 0.5f);
  EXPECT_EQ(read<float>("1."), 1.0f);
  EXPECT_EQ(read<float>("-inf"), -INFINITY);
  EXPECT_TRUE(std::isnan(read<double>("nan")));
  EXPECT_EQ(read<double>("1e-50"), 1e-50);
  for (const char* text : {"abc", "", "1.5x", "0x1p3", "True", "None", "1e50", "1e-50"})
    EXPECT_TRUE(refuses<float>(text)) << text;
}

TEST(ParseValue, Shapes) {
  for (const char* text : {"(2,3)", "[2,3]", "( 2 , 3 )", "(2, 3,)", "(2L,3L)", " (2,3) "})
    EXPECT_EQ(read<Shape>(text), (Shape{2, 3})) << text;
  EXPECT_EQ(read<Shape>("2"), Shape{2});
  EXPECT_EQ(read<Shape>("(2,)"), Shape{2});
  EXPECT_EQ(read<Shape>("()"), Shape());
  EXPECT_EQ(read<Shape>("None").ndim(), -1);
  EXPECT_EQ(read<Shape>("(None,-2)"), (Shape{-1, -2}));
  for (const char* text : {"2,2", "(2.0,2)", "(2;2)", "(2,2", "2)", "(a,b)", "", ",", "(,)",
                           "(2e0,2)", "(2]", "(1,,2)", "(1,2,3,4,5,6,7,8,9)"})
    EXPECT_TRUE(refuses<Shape>(text)) << text;
}

TEST(ParseValue, TuplesWithNone) {
  using Bounds = std::vector<std::optional<int64_t>>;
  EXPECT_EQ(read<Bounds>("(None, -1)"), (Bounds{std::nullopt, -1}));
  EXPECT_EQ(print_value(Bounds{std::nullopt, -1}), "(None,-1)");
  EXPECT_TRUE(refuses<Bounds>("(None,1"));
}

TEST(ParseValue, TuplesOfReals) {
  EXPECT_EQ(read<std::vector<double>>("[0.5, 1e-3]"), (std::vector<double>{0.5, 1e-3}));
  EXPECT_EQ(read<std::vector<double>>("1"), std::vector<double>{1});
  EXPECT_TRUE(refuses<std::vector<double>>("(a)"));
}

TEST(ParseValue, TypesAndOptionals) {
  EXPECT_EQ(read<DType>("float16"), DType::float16);
  EXPECT_EQ(read<DType>("None"), DType::none);
  EXPECT_TRUE(refuses<DType>("foo"));
  EXPECT_EQ(read<std::optional<int>>("None"), std::nullopt);
  EXPECT_EQ(read<std::optional<int>>("3"), 3);
  EXPECT_TRUE(refuses<std::optional<int>>("1.0"));
}

TEST(PrintValue, ReadsBack) {
  EXPECT_EQ(print_value(true), "True");
  EXPECT_EQ(print_value(0.01f), "0.00999999978");
  EXPECT_EQ(print_value(1.0), "1");
  for (double value : {0.1, 1e300, 1e-15, 123456789.25})
    EXPECT_EQ(read<double>(print_value(value)), value);
  EXPECT_EQ(print_value(Shape{2}), "(2,)");
  EXPECT_EQ(print_value(Shape::unknown()), "None");
  EXPECT_EQ(print_value(DType::none), "None");
  EXPECT_EQ(print_value(std::vector<double>{0.5, 2}), "(0.5,2)");
  EXPECT_EQ(print_value(std::optional<float>()), "None");
}

enum class Mode { fast, slow };
struct TestParameters : Parameters {
  int units;
  float rate;
  Shape kernel;
  Mode mode;
  std::optional<int> axis;
  static void declare(Fields<TestParameters>& f) {
    f.field("units", &TestParameters::units).range(1, 100);
    f.field("rate", &TestParameters::rate).fallback("0.5").range(0, 1);
    f.field("kernel", &TestParameters::kernel).fallback("()");
    f.choice("mode", &TestParameters::mode, {{"fast", Mode::fast}, {"slow", Mode::slow}})
        .fallback("fast");
    f.field("axis", &TestParameters::axis).fallback("None");
  }
};

std::string refusal(const Attributes& attributes) {
  try {
    make_spec<TestParameters>().parse("Test", attributes);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Input);
    return error.what();
  }
  return "accepted";
}

TEST(ParameterSpec, ReadsTextAndDefaults) {
  const ParametersRef parsed = make_spec<TestParameters>().parse(
      "Test", {{"units", "3"}, {"mode", "slow"}, {"__note__", "x"}});
  const auto& p = static_cast<const TestParameters&>(*parsed);
  EXPECT_EQ(p.units, 3);
  EXPECT_EQ(p.rate, 0.5f);
  EXPECT_EQ(p.mode, Mode::slow);
  EXPECT_EQ(p.axis, std::nullopt);
  EXPECT_EQ(
      make_spec<TestParameters>().print(p),
      (Attributes{
          {"units", "3"}, {"rate", "0.5"}, {"kernel", "()"}, {"mode", "slow"}, {"axis", "None"}}));
}

TEST(ParameterSpec, ErrorsNameOperatorParameterAndBothValues) {
  EXPECT_EQ(refusal({}), "[Test] required parameter units of type int is missing");
  EXPECT_EQ(refusal({{"units", "abc"}}), "[Test] parameter units: expected int, got 'abc'");
  EXPECT_EQ(refusal({{"units", "0"}}), "[Test] parameter units: expected int in [1, 100], got 0");
  EXPECT_EQ(refusal({{"units", "3"}, {"rate", "1.5"}}),
            "[Test] parameter rate: expected float in [0, 1], got 1.5");
  EXPECT_EQ(refusal({{"units", "3"}, {"mode", "quick"}}),
            "[Test] parameter mode: expected one of {'fast', 'slow'}, got 'quick'");
  EXPECT_EQ(refusal({{"units", "3"}, {"unist", "4"}}),
            "[Test] unknown parameter 'unist', did you mean 'units'? Expected one of: units, rate, "
            "kernel, mode, axis");
  EXPECT_THAT(refusal({{"units", "3"}, {"rate", "nan"}}), HasSubstr("rate"));
}

TEST(ParameterSpec, OperatorsWithoutParametersTakeAnyAttribute) {
  EXPECT_NO_THROW(make_spec<NoParameters>().parse("exp", {{"foo", "1"}}));
}

TEST(ParameterSpec, IgnoredKeys) {
  EXPECT_NO_THROW(
      make_spec<TestParameters>().parse("Test", {{"units", "3"}, {"name", "n"}}, "name"));
}

}  // namespace
}  // namespace gemel
