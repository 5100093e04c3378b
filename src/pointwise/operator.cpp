#include "pointwise/operator.h"

#include <array>

namespace gemel::pointwise {

namespace {

constexpr int max_scalars = 16;

// Kernels allocate nothing: scalars go through the stack, the program is compiled already.
void run_fixed(const OpCall& call) {
  const auto& definition = static_cast<const Definition&>(*call.op.pointwise);
  std::array<double, max_scalars> values;
  if (definition.scalar_count) definition.read_scalars(call.parameters, values.data());
  definition.fixed_program->run(
      call.in, std::span<const double>(values.data(), definition.scalar_count), call.out);
}

void run_dynamic(const OpCall& call) {
  const auto& parameters = call.params<PointwiseParameters>();
  parameters.program()->run(call.in, parameters.scalars, call.out);
}

bool is_zero(const Expr& e) { return e->kind == Kind::constant && e->value == 0; }
bool is_input(const Expr& e, int index) { return e->kind == Kind::input && e->index == index; }

// d(sum of head * value)/d(input i) over x0..xn-1 and the head gradients xn, xn+1, ...
std::vector<Expr> derive(const std::vector<Expr>& value, int inputs) {
  std::vector<Expr> result;
  for (int i = 0; i < inputs; ++i) {
    Expr total = 0.0;
    for (size_t k = 0; k < value.size(); ++k)
      if (depends_on_input(value[k], i))
        total = total + input(inputs + static_cast<int>(k)) * derivative(value[k], i);
    result.push_back(simplify(total));
  }
  return result;
}

// Builds the one node that computes the given gradients. `sources` are x0..., then head gradients,
// then outputs; only those that the expressions read become inputs.
std::vector<Entry> gradient_node(const GradientContext& context, const std::vector<Expr>& gradients,
                                 const std::function<Entry(int)>& source, int sources,
                                 std::vector<double> scalars, bool broadcasts, int inputs) {
  std::vector<Entry> result(gradients.size());
  std::vector<Expr> wanted;
  std::vector<int> target;
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (is_zero(gradients[i])) continue;
    bool passes = false;
    for (int k = inputs; k < sources && !passes; ++k)
      if (is_input(gradients[i], k)) {
        result[i] = source(k);
        passes = true;
      }
    if (passes) continue;
    wanted.push_back(gradients[i]);
    target.push_back(static_cast<int>(i));
  }
  if (!wanted.empty()) {
    std::vector<Expr> renamed(sources);
    std::vector<Entry> entries;
    for (int k = 0; k < sources; ++k) {
      bool used = false;
      for (const Expr& e : wanted) used = used || depends_on_input(e, k);
      // A head gradient is always read when shapes broadcast: it has the full shape.
      if (broadcasts && k >= inputs && k == inputs) used = true;
      renamed[k] = input(used ? static_cast<int>(entries.size()) : 0);
      if (used) entries.push_back(source(k));
    }
    for (Expr& e : wanted) e = substitute(e, renamed, {});
    const int count = static_cast<int>(entries.size());
    const std::vector<int> order = target;
    ParametersRef parameters =
        make_pointwise(std::move(wanted), std::move(scalars), count, broadcasts);
    const Entry first = context.make("_pointwise", std::move(entries), std::move(parameters), 0);
    for (size_t k = 0; k < order.size(); ++k)
      result[order[k]] = Entry{first.node, static_cast<int32_t>(k), 0};
  }
  if (broadcasts)
    for (size_t i = 0; i < result.size(); ++i)
      if (result[i])
        result[i] = context.make("_sum_to_like", {result[i], context.in(static_cast<int>(i))});
  return result;
}

std::vector<Entry> gradient_of_fixed(const GradientContext& context) {
  const auto& op = static_cast<const OpInfo&>(*context.node.op);
  const auto& definition = static_cast<const Definition&>(*op.pointwise);
  const int n = definition.input_count;
  const auto source = [&](int k) {
    return k < n ? context.in(k) : k == n ? context.dy(0) : context.out(0);
  };
  return gradient_node(context, definition.derivatives, source, n + 2,
                       definition.scalars(*context.node.parameters), definition.broadcasts, n);
}

std::vector<Entry> gradient_of_dynamic(const GradientContext& context) {
  const auto& parameters = context.params<PointwiseParameters>();
  const std::vector<Expr> value = parameters.expressions();
  const int n = parameters.num_args, outputs = static_cast<int>(value.size());
  std::vector<Expr> flowing = value;
  for (int k = 0; k < outputs; ++k)
    if (!context.head[k]) flowing[k] = 0.0;  // nothing flows back through this output
  const auto source = [&](int k) { return k < n ? context.in(k) : context.dy(k - n); };
  return gradient_node(context, derive(flowing, n), source, n + outputs, parameters.scalars,
                       parameters.broadcast, n);
}

void scalar_type(TypeContext& context) {
  const auto& parameters = context.params<ScalarParameters>();
  const DType in = context.in[0];
  if (in == DType::none) {
    if (is_floating(context.out[0])) context.set_in(0, context.out[0]);
  } else if (is_floating(in)) {
    context.set_out(0, in);
  } else {
    context.set_out(0, !parameters.is_int     ? DType::float64
                       : in == DType::boolean ? DType::int64
                                              : in);
  }
}

int output_total(const PointwiseParameters& p) { return static_cast<int>(p.expressions().size()); }

}  // namespace

std::vector<Expr> Definition::value(const Parameters& parameters) const {
  if (choose) return choose(parameters).value(parameters);
  return dynamic ? static_cast<const PointwiseParameters&>(parameters).expressions() : fixed_value;
}

std::vector<double> Definition::scalars(const Parameters& parameters) const {
  if (choose) return choose(parameters).scalars(parameters);
  if (dynamic) return static_cast<const PointwiseParameters&>(parameters).scalars;
  std::vector<double> values(scalar_count);
  if (scalar_count) read_scalars(parameters, values.data());
  return values;
}

std::shared_ptr<const Program> Definition::program(const Parameters& parameters) const {
  if (choose) return choose(parameters).program(parameters);
  return dynamic ? static_cast<const PointwiseParameters&>(parameters).program() : fixed_program;
}

PointwiseParameters::PointwiseParameters(std::vector<Expr> expressions, std::vector<double> scalars,
                                         int num_args, bool broadcast)
    : num_args(num_args),
      scalars(std::move(scalars)),
      broadcast(broadcast),
      expressions_(std::move(expressions)) {
  for (const Expr& e : expressions_) value += (value.empty() ? "" : ";") + to_string(e);
}

void PointwiseParameters::compile() const {
  std::call_once(once_, [this] {
    if (expressions_.empty())
      for (size_t begin = 0; begin <= value.size();) {
        const size_t end = std::min(value.find(';', begin), value.size());
        expressions_.push_back(parse(std::string_view(value).substr(begin, end - begin)));
        begin = end + 1;
      }
    for (const Expr& e : expressions_) {
      GEMEL_CHECK(input_count(e) <= num_args,
                  "[_pointwise] value reads input {}, but num_args is {}", input_count(e) - 1,
                  num_args);
      GEMEL_CHECK(scalar_count(e) <= static_cast<int>(scalars.size()),
                  "[_pointwise] value reads scalar {}, but {} are given", scalar_count(e) - 1,
                  scalars.size());
    }
    program_ = std::make_shared<const Program>(expressions_);
  });
}

const std::vector<Expr>& PointwiseParameters::expressions() const {
  compile();
  return expressions_;
}

const std::shared_ptr<const Program>& PointwiseParameters::program() const {
  compile();
  return program_;
}

void PointwiseParameters::declare(Fields<PointwiseParameters>& f) {
  f.field("value", &PointwiseParameters::value)
      .doc("Expressions over x0, x1, ... and s0, s1, ..., with ';' between them.");
  f.field("num_args", &PointwiseParameters::num_args).doc("Number of inputs.").range(0, 1024);
  f.field("scalars", &PointwiseParameters::scalars).fallback("()").doc("Values of s0, s1, ...");
  f.field("broadcast", &PointwiseParameters::broadcast)
      .fallback("1")
      .doc("Whether the shapes of the inputs may differ.");
}

ParametersRef make_pointwise(std::vector<Expr> expressions, std::vector<double> scalars,
                             int num_args, bool broadcast) {
  return std::make_shared<const PointwiseParameters>(std::move(expressions), std::move(scalars),
                                                     num_args, broadcast);
}

void ScalarParameters::declare(Fields<ScalarParameters>& f) {
  f.field("scalar", &ScalarParameters::scalar).fallback("1").doc("The number.");
  f.field("is_int", &ScalarParameters::is_int)
      .fallback("1")
      .doc("Whether the number counts as an integer, so that integer arrays stay what they are.");
}

void broadcast_rule(ShapeContext& context) {
  Shape result;
  for (const Shape& shape : context.in) {
    if (!shape.known()) return;
    result = broadcast_shape(result, shape, context.op.name());
  }
  for (size_t k = 0; k < context.out.size(); ++k) context.set_out(static_cast<int>(k), result);
}

Builder::Builder(std::string name, ParameterSpec spec)
    : builder_(std::move(name), std::move(spec)), definition_(std::make_shared<Definition>()) {}

void Builder::set_value(Expr value, int inputs) {
  definition_->fixed_value = {std::move(value)};
  definition_->input_count = inputs;
}

Builder& Builder::value(const std::function<Expr(Expr)>& f) {
  set_value(f(input(0)), 1);
  return *this;
}

// The second operand is the scalar where the operator has one.
Builder& Builder::value(const std::function<Expr(Expr, Expr)>& f) {
  if (definition_->scalar_count == 1)
    set_value(f(input(0), scalar(0)), 1);
  else
    set_value(f(input(0), input(1)), 2);
  return *this;
}

Builder& Builder::value(const std::function<Expr(Expr, Expr, Expr)>& f) {
  if (definition_->scalar_count == 2)
    set_value(f(input(0), scalar(0), scalar(1)), 1);
  else
    set_value(f(input(0), input(1), input(2)), 3);
  return *this;
}

Builder& Builder::gradient(const std::function<Expr(Expr, Expr)>& f) {
  definition_->derivatives = {f(input(0), input(1))};
  return *this;
}

Builder& Builder::gradient(const std::function<Pair(Expr, Expr, Expr)>& f) {
  if (definition_->input_count == 1) {  // (x, scalar, dy)
    definition_->derivatives = {f(input(0), scalar(0), input(1)).first};
  } else {
    auto [left, right] = f(input(0), input(1), input(2));
    definition_->derivatives = {left, right};
  }
  return *this;
}

Builder& Builder::gradient_of_output(const std::function<Expr(Expr, Expr)>& f) {
  definition_->derivatives = {f(input(2), input(1))};
  return *this;
}

Builder& Builder::sample(double low, double high, std::optional<std::pair<double, double>> second) {
  Sample sample;
  sample.low = low;
  sample.high = high;
  if (second) sample.ranges = {{low, high}, *second};
  samples_.push_back(std::move(sample));
  return *this;
}

Builder::~Builder() {
  if (!definition_) return;  // moved from
  OpInfo& info = builder_.info();
  const int n = definition_->input_count;
  if (names_.empty())
    names_ = n == 1 ? std::vector<std::string>{"data"} : std::vector<std::string>{"lhs", "rhs"};
  builder_.inputs(names_);
  definition_->fixed_program = std::make_shared<const Program>(definition_->fixed_value);
  if (!zero_gradient_) {
    if (definition_->derivatives.empty())
      definition_->derivatives = derive(definition_->fixed_value, n);
    bool flows = false;
    for (const Expr& e : definition_->derivatives) flows = flows || !is_zero(e);
    zero_gradient_ = !flows;
  }
  if (zero_gradient_)
    builder_.no_gradient();
  else
    builder_.gradient(gradient_of_fixed);
  if (definition_->broadcasts)
    builder_.shape(broadcast_rule);
  else
    builder_.shape(same_shape);
  if (!info.type_rule) builder_.type(same_type);
  builder_.implement("tape", run_fixed);
  std::vector<std::pair<int, int>> pairs;
  for (int i = 0; i < n; ++i) pairs.emplace_back(i, 0);
  builder_.inplace(pairs);
  for (Sample& sample : samples_) {
    const bool three = n == 1 || !definition_->broadcasts;
    for (int i = 0; i < n; ++i)
      sample.shapes.push_back(three ? Shape{2, 3, 4} : i == 0 ? Shape{2, 3, 1} : Shape{1, 3, 4});
    sample.attributes = sample_attributes_;
    builder_.sample(sample);
  }
  info.pointwise = definition_;
}

Builder define_scalar(std::string name) {
  Builder builder = define<ScalarParameters>(std::move(name));
  builder
      .scalars<ScalarParameters>(std::vector<double ScalarParameters::*>{&ScalarParameters::scalar})
      .type(scalar_type)
      .sample_attributes({{"scalar", "1.5"}});
  return builder;
}

GEMEL_OPERATORS(pointwise) {
  auto definition = std::make_shared<Definition>();
  definition->dynamic = definition->broadcasts = true;
  OpBuilder builder = op<PointwiseParameters>("_pointwise");
  builder
      .doc(
          "Computes several pointwise expressions of its inputs in one pass over memory. Made by "
          "gradients and by fusion; `value` is the program.")
      .variadic("num_args", &PointwiseParameters::num_args)
      .outputs<PointwiseParameters>(output_total)
      .shape([](ShapeContext& context) {
        if (context.params<PointwiseParameters>().broadcast)
          broadcast_rule(context);
        else
          same_shape(context);
      })
      .type(same_type)
      .gradient(gradient_of_dynamic)
      .implement("tape", run_dynamic)
      .sample(
          {.shapes = {{2, 3}, {2, 3}},
           .attributes = {
               {"value", "add(mul(x0,x1),s0);exp(x0)"}, {"num_args", "2"}, {"scalars", "(2.0,)"}}});
  builder.info().hidden = true;
  builder.info().inplace_any = true;
  builder.info().pointwise = definition;
}

}  // namespace gemel::pointwise
