#include <cstdlib>
#include <unordered_map>

#include "pointwise/walk.h"

namespace gemel::pointwise {

std::string to_string(const Expr& e) {
  switch (e->kind) {
    case Kind::input:
      return fmt::format("x{}", e->index);
    case Kind::scalar:
      return fmt::format("s{}", e->index);
    case Kind::constant:
      return fmt::format("{}", e->value);  // the shortest text that reads back
    case Kind::round_to:
      return fmt::format("round_to({},{})", name_of(e->dtype), to_string(e->child[0]));
    case Kind::apply:
      break;
  }
  std::string text(simd::name_of(e->primitive));
  for (int i = 0; i < e->child_count; ++i) text += (i ? "," : "(") + to_string(e->child[i]);
  return text + ")";
}

namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Expr whole() {
    Expr e = expression(0);
    skip();
    if (at_ != text_.size()) error("the end");
    return e;
  }

 private:
  static constexpr int max_depth = 1000;

  [[noreturn]] void error(std::string_view expected) const {
    fail(ErrorKind::Input, "[parse] expected {} at position {} of the expression \"{}\"", expected,
         at_, text_);
  }
  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  void expect(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) error(std::string("'") + c + "'");
    ++at_;
  }
  std::string_view word() {
    skip();
    const size_t start = at_;
    auto is_word = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    };
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  Expr number() {
    const std::string rest(text_.substr(at_, 64));
    char* end = nullptr;
    const double value = std::strtod(rest.c_str(), &end);
    if (end == rest.c_str()) error("a number, x0, s0 or a function");
    at_ += static_cast<size_t>(end - rest.c_str());
    return constant(value);
  }

  Expr expression(int depth) {
    if (depth > max_depth) error("fewer nested calls");
    skip();
    const size_t start = at_;
    const std::string_view name = word();
    if (name.size() > 1 && (name[0] == 'x' || name[0] == 's') && name.size() < 8 &&
        name.find_first_not_of("0123456789", 1) == std::string_view::npos) {
      const int index = std::atoi(std::string(name.substr(1)).c_str());
      return name[0] == 'x' ? input(index) : scalar(index);
    }
    if (name.empty() || name == "inf" || name == "nan" || (name[0] >= '0' && name[0] <= '9')) {
      at_ = start;
      return number();
    }
    if (name == "round_to") {
      expect('(');
      const DType dtype = dtype_from_name(word());
      expect(',');
      Expr e = round_to(dtype, expression(depth + 1));
      expect(')');
      return e;
    }
    for (int i = 0; i < simd::primitive_count; ++i) {
      const auto primitive = static_cast<Primitive>(i);
      if (simd::name_of(primitive) != name) continue;
      Expr children[3];
      const int count = simd::arity(primitive);
      for (int k = 0; k < count; ++k) {
        expect(k == 0 ? '(' : ',');
        children[k] = expression(depth + 1);
      }
      expect(')');
      return call(primitive, std::span<const Expr>(children, static_cast<size_t>(count)));
    }
    at_ = start;
    error("a number, x0, s0 or a function");
  }

  std::string_view text_;
  size_t at_ = 0;
};

enum Precedence { comparison, sum, product, prefix, atom };

struct Infix {
  std::string_view text;
  Precedence precedence;
};

Infix infix_of(Primitive p) {
  using enum Primitive;
  switch (p) {
    case add:
      return {" + ", sum};
    case subtract:
      return {" - ", sum};
    case multiply:
      return {"*", product};
    case divide:
      return {"/", product};
    case equal:
      return {" == ", comparison};
    case not_equal:
      return {" != ", comparison};
    case greater:
      return {" > ", comparison};
    case greater_equal:
      return {" >= ", comparison};
    case less:
      return {" < ", comparison};
    case less_equal:
      return {" <= ", comparison};
    default:
      return {"", atom};
  }
}

class Formula {
 public:
  explicit Formula(const Expr& e) : inputs_(input_count(e)), scalars_(scalar_count(e)) {}

  std::string operator()(const Expr& e, Precedence at_least = comparison) const {
    const auto [text, precedence] = write(e);
    return precedence < at_least ? "(" + text + ")" : text;
  }

 private:
  std::pair<std::string, Precedence> write(const Expr& e) const {
    switch (e->kind) {
      case Kind::input:
        if (inputs_ <= 2) return {e->index == 0 ? "x" : "y", atom};
        return {fmt::format("x{}", e->index), atom};
      case Kind::scalar:
        return {scalars_ <= 1 ? std::string("s") : fmt::format("s{}", e->index), atom};
      case Kind::constant:
        return {fmt::format("{}", e->value), e->value < 0 ? prefix : atom};
      case Kind::round_to:
        return {fmt::format("{}({})", name_of(e->dtype), (*this)(e->child[0])), atom};
      case Kind::apply:
        break;
    }
    if (e->primitive == Primitive::negative) return {"-" + (*this)(e->child[0], prefix), prefix};
    const Infix infix = infix_of(e->primitive);
    if (!infix.text.empty()) {
      const auto above = static_cast<Precedence>(infix.precedence + 1);
      const bool associative =
          e->primitive == Primitive::add || e->primitive == Primitive::multiply;
      const bool chain = infix.precedence == comparison;
      return {(*this)(e->child[0], chain ? above : infix.precedence) + std::string(infix.text) +
                  (*this)(e->child[1], associative ? infix.precedence : above),
              infix.precedence};
    }
    std::string text(simd::name_of(e->primitive));
    for (int i = 0; i < e->child_count; ++i) text += (i ? ", " : "(") + (*this)(e->child[i]);
    return {text + ")", atom};
  }

  int inputs_;
  int scalars_;
};

}  // namespace

Expr parse(std::string_view text) { return Parser(text).whole(); }
std::string formula(const Expr& e) { return Formula(e)(e); }

}  // namespace gemel::pointwise
