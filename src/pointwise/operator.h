// Operators made of one pointwise expression. From `value` follow the shape and type rules, the CPU
// kernel, the in-place pairs, the gradient (one `_pointwise` node for all inputs at once) and,
// through the Definition attached to the OpInfo, fusion and other backends.
//
//   define("arcsinh").doc("...").value([](Expr x) { return arcsinh(x); }).sample(-3, 3);
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "op/registry.h"
#include "pointwise/expr.h"
#include "pointwise/program.h"

namespace gemel::pointwise {

using Pair = std::pair<Expr, Expr>;

// What OpInfo::pointwise holds for an operator that is pointwise. Immutable once registered.
struct GEMEL_EXPORT Definition : OpTrait {
  // The expressions of the outputs over input(i) and scalar(k).
  std::vector<Expr> value(const Parameters& parameters) const;
  // The values of scalar(0), scalar(1), ... for these parameters.
  std::vector<double> scalars(const Parameters& parameters) const;
  // Compiled once, whoever calls.
  std::shared_ptr<const Program> program(const Parameters& parameters) const;

  // Where a parameter names the expression (Activation's act_type): the definition that it selects.
  std::function<const Definition&(const Parameters&)> choose;
  bool broadcasts = false;        // inputs of different shapes are broadcast against each other
  bool dynamic = false;           // the expression is a parameter (`_pointwise`)
  std::vector<Expr> fixed_value;  // unless dynamic
  std::shared_ptr<const Program> fixed_program;
  int input_count = 0;
  int scalar_count = 0;
  std::function<void(const Parameters&, double*)> read_scalars;
  // The gradient by each input, over x0..xn-1, xn = head gradient, xn+1 = the output; empty:
  // derived.
  std::vector<Expr> derivatives;
};

// The parameters of `_pointwise`.
struct GEMEL_EXPORT PointwiseParameters : Parameters {
  std::string value;  // expressions, ';' between them
  int num_args = 1;
  std::vector<double> scalars;
  bool broadcast = true;  // false: all shapes are the same, known at construction
  const std::vector<Expr>& expressions() const;           // parsed on first use
  const std::shared_ptr<const Program>& program() const;  // compiled on first use, then shared
  static void declare(Fields<PointwiseParameters>& f);
  PointwiseParameters() = default;
  PointwiseParameters(std::vector<Expr> expressions, std::vector<double> scalars, int num_args,
                      bool broadcast);

 private:
  void compile() const;
  mutable std::once_flag once_;
  mutable std::vector<Expr> expressions_;
  mutable std::shared_ptr<const Program> program_;
};
// Parameters for a `_pointwise` node without any text being parsed (fusion, gradients).
GEMEL_EXPORT ParametersRef make_pointwise(std::vector<Expr> expressions,
                                          std::vector<double> scalars, int num_args,
                                          bool broadcast = true);

// The scalar operand of `_plus_scalar` and its kin. `is_int` false gives an integer array a float64
// result, as in 1.9.1.
struct ScalarParameters : Parameters {
  double scalar = 1;
  bool is_int = true;
  static void declare(Fields<ScalarParameters>& f);
};

// Collects a pointwise operator; its destructor registers it.
class GEMEL_EXPORT Builder {
 public:
  Builder(std::string name, ParameterSpec spec);
  Builder(Builder&&) = default;
  ~Builder();

  Builder& doc(std::string text) {
    builder_.doc(std::move(text));
    return *this;
  }
  Builder& alias(std::initializer_list<std::string> names) {
    builder_.alias(names);
    return *this;
  }
  Builder& inputs(std::vector<std::string> names) {
    names_ = std::move(names);
    return *this;
  }

  Builder& value(const std::function<Expr(Expr)>& f);
  Builder& value(const std::function<Expr(Expr, Expr)>& f);
  Builder& value(const std::function<Expr(Expr, Expr, Expr)>& f);
  // Gradients by hand, where the numerics or 1.9.1's choices need it.
  Builder& gradient(const std::function<Expr(Expr x, Expr dy)>& f);
  Builder& gradient(const std::function<Pair(Expr x, Expr y, Expr dy)>& f);
  // The gradient of a unary operator from its output, so that its input need not be kept.
  Builder& gradient_of_output(const std::function<Expr(Expr y, Expr dy)>& f);
  Builder& no_gradient() {
    zero_gradient_ = true;
    return *this;
  }

  Builder& broadcast() {
    definition_->broadcasts = true;
    return *this;
  }
  // scalar(k) of the expression, read from the parameters.
  template <typename P>
  Builder& scalars(std::vector<double P::*> members) {
    definition_->scalar_count = static_cast<int>(members.size());
    definition_->read_scalars = [members](const Parameters& p, double* out) {
      for (double P::*member : members) *out++ = static_cast<const P&>(p).*member;
    };
    return *this;
  }
  template <typename P>
  Builder& scalars(std::vector<float P::*> members) {
    definition_->scalar_count = static_cast<int>(members.size());
    definition_->read_scalars = [members](const Parameters& p, double* out) {
      for (float P::*member : members) *out++ = static_cast<const P&>(p).*member;
    };
    return *this;
  }
  Builder& type(std::function<void(TypeContext&)> rule) {
    builder_.type(std::move(rule));
    return *this;
  }
  // Where tests and benchmarks draw the inputs from; the second range is that of the second input.
  Builder& sample(double low, double high, std::optional<std::pair<double, double>> second = {});
  OpBuilder& op() { return builder_; }

 private:
  void set_value(Expr value, int inputs);
  OpBuilder builder_;
  std::shared_ptr<Definition> definition_;
  std::vector<std::string> names_;
  Attributes sample_attributes_;
  std::vector<Sample> samples_;
  bool zero_gradient_ = false;

 public:
  Builder& sample_attributes(Attributes attributes) {
    sample_attributes_ = std::move(attributes);
    return *this;
  }
};

template <typename P = NoParameters>
Builder define(std::string name) {
  return Builder(std::move(name), make_spec<P>());
}
// One array and one number: `value` takes (x, scalar).
GEMEL_EXPORT Builder define_scalar(std::string name);

// The shape rules of the two kinds; `broadcast_rule` also serves operators with kernels of their
// own.
GEMEL_EXPORT void broadcast_rule(ShapeContext& context);

}  // namespace gemel::pointwise
