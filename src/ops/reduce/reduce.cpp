// sum, mean, prod, max, min, nansum, nanprod and norm.
#include "kernels/reduce.h"

#include "op/registry.h"
#include "ops/dtype_choices.h"
#include "ops/reduce/axes.h"
#include "pointwise/operator.h"

namespace gemel {

namespace {

using kernels::Reduction;
using pointwise::Expr;
using pointwise::input;

struct NormParameters : Parameters {
  int ord = 2;
  std::optional<Shape> axis;
  DType out_dtype = DType::none;
  bool keepdims = false;
  static void declare(Fields<NormParameters>& f) {
    f.field("ord", &NormParameters::ord)
        .fallback("2")
        .doc("1: sum of magnitudes, 2: root of the sum of squares.")
        .range(1, 2);
    Field& axes = f.field("axis", &NormParameters::axis)
                      .fallback("None")
                      .doc("Axes to reduce; all by default.");
    axes.type = "Shape or None";
    auto types = dtype_choices(DTypeSet::classic);
    types.pop_back();  // no uint8
    types.insert(types.begin(), {"None", DType::none});
    f.choice("out_dtype", &NormParameters::out_dtype, types)
        .fallback("None")
        .doc("Type of the result; that of the input by default.")
        .type = "{None, 'float16', 'float32', 'float64', 'int32', 'int64', 'int8'}";
    f.field("keepdims", &NormParameters::keepdims)
        .fallback("0")
        .doc("Keep reduced axes with length 1.");
  }
};

// The head gradient (or the value) of a reduction spread back over the reduced axes.
struct SpreadParameters : ReduceParameters {
  bool mean = false;  // divided by the number of elements that were reduced
  static void declare(Fields<SpreadParameters>& f) {
    f.field("axis", static_cast<std::optional<Shape> SpreadParameters::*>(&SpreadParameters::axis))
        .fallback("None")
        .doc("Axes that were reduced.");
    f.field("keepdims", static_cast<bool SpreadParameters::*>(&SpreadParameters::keepdims))
        .fallback("0")
        .doc("Whether they were kept with length 1.");
    f.field("exclude", static_cast<bool SpreadParameters::*>(&SpreadParameters::exclude))
        .fallback("0")
        .doc("Whether the other axes were reduced.");
    f.field("mean", &SpreadParameters::mean)
        .fallback("0")
        .doc("Divide by the number of reduced elements.");
  }
};

template <typename P>
uint32_t axes_of(const P& p, int ndim, std::string_view who) {
  if constexpr (std::is_same_v<P, NormParameters>)
    return reduced_axes(p.axis, false, ndim, who);
  else
    return reduced_axes(p.axis, p.exclude, ndim, who);
}

template <typename P>
void reduce_shape_rule(ShapeContext& context) {
  const Shape& in = context.in[0];
  if (in.ndim() < 0) return;
  const auto& p = context.params<P>();
  context.set_out(0, reduced_shape(in, axes_of(p, in.ndim(), context.op.name()), p.keepdims));
}

void check_not_empty(const OpCall& call, Reduction kind) {
  if (kind != Reduction::max && kind != Reduction::min) return;
  GEMEL_CHECK(call.in[0].size() > 0 || call.out[0].size() == 0,
              "[{}] expected at least one element to reduce, got shape {}", call.op.name(),
              call.in[0].shape);
}

template <Reduction kind>
void reduce_kernel(const OpCall& call) {
  const auto& p = call.params<ReduceParameters>();
  check_not_empty(call, kind);
  kernels::reduce(kind, call.in[0], axes_of(p, call.in[0].shape.ndim(), call.op.name()),
                  call.out[0]);
}

void norm_kernel(const OpCall& call) {
  static const pointwise::Program copy({input(0)});
  const auto& p = call.params<NormParameters>();
  const Reduction kind = p.ord == 1 ? Reduction::norm1 : Reduction::norm2;
  const uint32_t axes = axes_of(p, call.in[0].shape.ndim(), "norm");
  const Tensor &in = call.in[0], &out = call.out[0];
  if (in.dtype == out.dtype) return kernels::reduce(kind, in, axes, out);
  std::vector<std::byte> converted(static_cast<size_t>(in.size() * size_of(out.dtype)));
  const Tensor as_out(converted.data(), in.shape, out.dtype);
  copy.run(call.in, {}, std::span<const Tensor>(&as_out, 1));
  kernels::reduce(kind, as_out, axes, out);
}

// `value` in the shape of data, along the axes that this node reduced.
Entry spread(const GradientContext& context, Entry value, bool mean = false) {
  auto p = std::make_shared<SpreadParameters>();
  if (auto* reduce = dynamic_cast<const ReduceParameters*>(context.node.parameters.get())) {
    static_cast<ReduceParameters&>(*p) = *reduce;
  } else {
    const auto& norm = context.params<NormParameters>();
    p->axis = norm.axis;
    p->keepdims = norm.keepdims;
  }
  p->mean = mean;
  return context.make("_spread", {std::move(value), context.in(0)}, std::move(p), 0);
}

Entry combine(const GradientContext& context, std::vector<Entry> inputs, Expr value) {
  const int count = static_cast<int>(inputs.size());
  return context.make("_pointwise", std::move(inputs),
                      pointwise::make_pointwise({std::move(value)}, {}, count, false), 0);
}

std::vector<Entry> sum_gradient(const GradientContext& c) { return {spread(c, c.dy())}; }
std::vector<Entry> mean_gradient(const GradientContext& c) { return {spread(c, c.dy(), true)}; }
// All elements that attain the extreme get the whole gradient, as in 1.9.1.
std::vector<Entry> extreme_gradient(const GradientContext& c) {
  return {combine(c, {c.in(0), spread(c, c.out(0)), spread(c, c.dy())},
                  equal(input(0), input(1)) * input(2))};
}
std::vector<Entry> prod_gradient(const GradientContext& c) {
  return {combine(c, {c.in(0), spread(c, c.out(0)), spread(c, c.dy())},
                  input(2) * input(1) / input(0))};
}
std::vector<Entry> nansum_gradient(const GradientContext& c) {
  return {
      combine(c, {c.in(0), spread(c, c.dy())}, where(equal(input(0), input(0)), input(1), 0.0))};
}
std::vector<Entry> nanprod_gradient(const GradientContext& c) {
  return {combine(c, {c.in(0), spread(c, c.out(0)), spread(c, c.dy())},
                  where(equal(input(0), input(0)), input(2) * input(1) / input(0), 0.0))};
}
std::vector<Entry> norm_gradient(const GradientContext& c) {
  if (c.params<NormParameters>().ord == 1)
    return {combine(c, {c.in(0), spread(c, c.dy())}, sign(input(0)) * input(1))};
  return {combine(c, {c.in(0), spread(c, c.out(0)), spread(c, c.dy())},
                  input(2) * (input(0) / input(1)))};
}

template <Reduction kind>
void declare_reduce(const char* name, std::initializer_list<std::string> aliases, const char* text,
                    Gradient gradient) {
  op<ReduceParameters>(name)
      .alias(aliases)
      .doc(text)
      .inputs({"data"})
      .shape(reduce_shape_rule<ReduceParameters>)
      .type(same_type)
      .gradient(std::move(gradient))
      .implement("blocked", reduce_kernel<kind>)
      .sample({.shapes = {{2, 3, 4}}, .low = 0.5, .high = 2})
      .sample({.shapes = {{2, 3, 4}},
               .attributes = {{"axis", "1"}, {"keepdims", "1"}},
               .low = 0.5,
               .high = 2})
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"axis", "(0, -1)"}}, .low = 0.5, .high = 2})
      .sample({.shapes = {{2, 3, 4}},
               .attributes = {{"axis", "(1,)"}, {"exclude", "1"}},
               .low = 0.5,
               .high = 2});
}

void spread_shape(ShapeContext& context) {
  const auto& p = context.params<SpreadParameters>();
  context.set_out(0, context.in[1]);
  context.set_in(1, context.out[0]);
  const Shape& full = context.in[1];
  if (full.ndim() >= 0)
    context.set_in(
        0, reduced_shape(full, axes_of<ReduceParameters>(p, full.ndim(), "_spread"), p.keepdims));
}

void spread_kernel(const OpCall& call) {
  static const pointwise::Program copy({input(0)}), scaled({input(0) / pointwise::scalar(0)});
  const auto& p = call.params<SpreadParameters>();
  const Shape& full = call.out[0].shape;
  const uint32_t axes = axes_of<ReduceParameters>(p, full.ndim(), "_spread");
  Tensor value = call.in[0];
  Shape kept;
  double count = 1;
  for (int i = 0; i < full.ndim(); ++i) {
    const bool reduced = axes >> i & 1;
    kept.push_back(reduced ? 1 : full[i]);
    if (reduced) count *= static_cast<double>(full[i]);
  }
  value.shape = kept;
  (p.mean ? scaled : copy)
      .run(std::span<const Tensor>(&value, 1), std::span<const double>(&count, p.mean ? 1 : 0),
           call.out);
}

std::vector<Entry> spread_gradient(const GradientContext& context) {
  auto p = std::make_shared<ReduceParameters>(context.params<SpreadParameters>());
  const char* name = context.params<SpreadParameters>().mean ? "mean" : "sum";
  return {context.make(name, {context.dy()}, std::move(p), 0), Entry{}};
}

}  // namespace

GEMEL_OPERATORS(reduce) {
  declare_reduce<Reduction::sum>("sum", {"sum_axis"}, "Sum over the given axes.", sum_gradient);
  declare_reduce<Reduction::mean>("mean", {}, "Mean over the given axes.", mean_gradient);
  declare_reduce<Reduction::prod>("prod", {}, "Product over the given axes.", prod_gradient);
  declare_reduce<Reduction::max>("max", {"max_axis"}, "Largest element over the given axes.",
                                 extreme_gradient);
  declare_reduce<Reduction::min>("min", {"min_axis"}, "Smallest element over the given axes.",
                                 extreme_gradient);
  declare_reduce<Reduction::nansum>("nansum", {}, "Sum over the given axes; NaN counts as 0.",
                                    nansum_gradient);
  declare_reduce<Reduction::nanprod>("nanprod", {}, "Product over the given axes; NaN counts as 1.",
                                     nanprod_gradient);
  op<NormParameters>("norm")
      .doc("1-norm or 2-norm over the given axes.")
      .inputs({"data"})
      .shape(reduce_shape_rule<NormParameters>)
      .type([](TypeContext& c) {
        const DType wanted = c.params<NormParameters>().out_dtype;
        if (wanted == DType::none)
          same_type(c);
        else
          c.set_out(0, wanted);
      })
      .gradient(norm_gradient)
      .implement("blocked", norm_kernel)
      .sample({.shapes = {{2, 3, 4}}})
      .sample(
          {.shapes = {{2, 3, 4}}, .attributes = {{"ord", "1"}, {"axis", "1"}, {"keepdims", "1"}}});
  OpBuilder spread_op = op<SpreadParameters>("_spread");
  spread_op.shape_only({1});
  spread_op
      .doc("A reduced array in the shape of `data`: each element stands where it was reduced from.")
      .inputs({"value", "data"})
      .shape(spread_shape)
      .type(same_type)
      .gradient(spread_gradient)
      .implement("tape", spread_kernel)
      .inplace({{1, 0}})
      .sample({.shapes = {{2, 4}, {2, 3, 4}}, .attributes = {{"axis", "1"}, {"mean", "1"}}});
  spread_op.info().hidden = true;
}

}  // namespace gemel
