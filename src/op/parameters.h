// Typed operator parameters with MXNet's text forms.
//
//   struct PoolingParameters : Parameters {
//     Shape kernel; PoolType pool_type; bool global_pool;
//     static void declare(Fields<PoolingParameters>& f) {
//       f.field("kernel", &PoolingParameters::kernel).fallback("()").doc("Size of the window.");
//       f.choice("pool_type", &PoolingParameters::pool_type,
//                {{"max", PoolType::max}, {"avg", PoolType::avg}}).fallback("max").doc("...");
//     }
//   };
//
// Field types: bool, int, int64_t, float, double, std::string, Shape, DType, std::vector<double>,
// enumerations (through choice), std::optional of those ("None"). A field without fallback is
// required.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "base/shape.h"
#include "graph/operator.h"

namespace gemel {

// One declared parameter, for parsing, documentation, stubs and generated tests.
struct GEMEL_EXPORT Field {
  std::string name;
  std::string type;  // "int", "boolean", "Shape(tuple)", "{'avg', 'max'}", "float or None", ...
  std::optional<std::string> fallback_text;  // default; none: required
  std::string doc_text;
  std::optional<double> lowest, highest;  // inclusive range
  std::vector<std::string> choices;
  std::function<void(Parameters&, std::string_view)>
      parse;  // throws Error(Input) without operator name
  std::function<std::string(const Parameters&)> print;

  Field& fallback(std::string text) {
    fallback_text = std::move(text);
    return *this;
  }
  Field& doc(std::string text) {
    doc_text = std::move(text);
    return *this;
  }
  Field& range(double low, double high) {
    lowest = low;
    highest = high;
    return *this;
  }
};

// Text <-> value, exactly as 1.9.1 reads and writes them ("True"/"1"/"true", "(2, 2)", "[2,2]",
// "None").
GEMEL_EXPORT void parse_value(std::string_view text, bool& value);
GEMEL_EXPORT void parse_value(std::string_view text, int& value);
GEMEL_EXPORT void parse_value(std::string_view text, int64_t& value);
GEMEL_EXPORT void parse_value(std::string_view text, float& value);
GEMEL_EXPORT void parse_value(std::string_view text, double& value);
GEMEL_EXPORT void parse_value(std::string_view text, std::string& value);
GEMEL_EXPORT void parse_value(std::string_view text, Shape& value);  // "None" inside: -1
// Like Shape, but "None" items stay apart from -1 (slice's begin and end).
GEMEL_EXPORT void parse_value(std::string_view text, std::vector<std::optional<int64_t>>& value);
GEMEL_EXPORT void parse_value(std::string_view text, DType& value);  // "None": DType::none
GEMEL_EXPORT void parse_value(std::string_view text, std::vector<double>& value);
GEMEL_EXPORT std::string print_value(bool value);
GEMEL_EXPORT std::string print_value(int value);
GEMEL_EXPORT std::string print_value(int64_t value);
GEMEL_EXPORT std::string print_value(float value);
GEMEL_EXPORT std::string print_value(double value);
GEMEL_EXPORT std::string print_value(const std::string& value);
GEMEL_EXPORT std::string print_value(const Shape& value);
GEMEL_EXPORT std::string print_value(const std::vector<std::optional<int64_t>>& value);
GEMEL_EXPORT std::string print_value(DType value);
GEMEL_EXPORT std::string print_value(const std::vector<double>& value);
GEMEL_EXPORT bool is_none(std::string_view text);

template <typename T>
void parse_value(std::string_view text, std::optional<T>& value) {
  if (is_none(text)) {
    value.reset();
    return;
  }
  T inner{};
  parse_value(text, inner);
  value = inner;
}
template <typename T>
std::string print_value(const std::optional<T>& value) {
  return value ? print_value(*value) : "None";
}

template <typename T>
struct TypeText;
template <>
struct TypeText<bool> {
  static constexpr const char* text = "boolean";
};
template <>
struct TypeText<int> {
  static constexpr const char* text = "int";
};
template <>
struct TypeText<int64_t> {
  static constexpr const char* text = "long";
};
template <>
struct TypeText<float> {
  static constexpr const char* text = "float";
};
template <>
struct TypeText<double> {
  static constexpr const char* text = "double";
};
template <>
struct TypeText<std::string> {
  static constexpr const char* text = "string";
};
template <>
struct TypeText<Shape> {
  static constexpr const char* text = "Shape(tuple)";
};
template <>
struct TypeText<std::vector<std::optional<int64_t>>> {
  static constexpr const char* text = "Shape(tuple)";
};
template <>
struct TypeText<DType> {
  static constexpr const char* text = "dtype";
};
template <>
struct TypeText<std::vector<double>> {
  static constexpr const char* text = "tuple of <float>";
};
template <typename T>
struct TypeText<std::optional<T>> {
  // Made when asked for: operators are declared before a static string would be.
  struct Text {
    operator std::string() const { return std::string(TypeText<T>::text) + " or None"; }
  };
  static constexpr Text text{};
};

template <typename P>
class Fields {
 public:
  std::vector<Field> fields;

  template <typename T>
  Field& field(std::string name, T P::*member) {
    Field f;
    f.name = std::move(name);
    f.type = TypeText<T>::text;
    f.parse = [member](Parameters& p, std::string_view text) {
      parse_value(text, static_cast<P&>(p).*member);
    };
    f.print = [member](const Parameters& p) {
      return print_value(static_cast<const P&>(p).*member);
    };
    return fields.emplace_back(std::move(f));
  }

  // An enumeration, or an optional one ("None" allowed), by its names.
  template <typename E>
  Field& choice(std::string name, E P::*member, std::vector<std::pair<std::string, E>> names) {
    Field f;
    f.name = std::move(name);
    for (auto& [text, value] : names) f.choices.push_back(text);
    f.type = choice_text(f.choices);
    f.parse = [member, names, all = f.type](Parameters& p, std::string_view text) {
      for (auto& [candidate, value] : names)
        if (candidate == text) {
          static_cast<P&>(p).*member = value;
          return;
        }
      fail(ErrorKind::Input, "expected one of {}, got '{}'", all, text);
    };
    f.print = [member, names](const Parameters& p) {
      for (auto& [text, value] : names)
        if (value == static_cast<const P&>(p).*member) return text;
      return std::string("None");
    };
    return fields.emplace_back(std::move(f));
  }

 private:
  static std::string choice_text(const std::vector<std::string>& names) {
    std::string text = "{";
    for (size_t i = 0; i < names.size(); ++i) text += (i ? ", '" : "'") + names[i] + "'";
    return text + "}";
  }
};

// The declared fields of one parameter type and how to make one from text.
struct GEMEL_EXPORT ParameterSpec {
  std::vector<Field> fields;
  std::function<std::shared_ptr<Parameters>()> make;

  // `who` names the operator in errors. Dunder keys, and keys in `ignored`, are skipped.
  ParametersRef parse(std::string_view who, const Attributes& attributes,
                      std::string_view ignored = {}) const;
  // The text form of every field; required and optional alike.
  Attributes print(const Parameters& parameters) const;
};

template <typename P>
ParameterSpec make_spec() {
  Fields<P> fields;
  P::declare(fields);
  return {std::move(fields.fields), [] { return std::make_shared<P>(); }};
}

struct NoParameters : Parameters {
  static void declare(Fields<NoParameters>&) {}
};

}  // namespace gemel
