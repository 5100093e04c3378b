// Change of element type.
#include "ops/dtype_choices.h"
#include "pointwise/operator.h"

namespace gemel::pointwise {

namespace {

struct CastParameters : Parameters {
  DType dtype = DType::float32;
  static void declare(Fields<CastParameters>& f) {
    f.choice("dtype", &CastParameters::dtype, dtype_choices(DTypeSet::with_bool))
        .doc("Type of the result.");
  }
};
struct AmpCastParameters : Parameters {
  DType dtype = DType::float32;
  static void declare(Fields<AmpCastParameters>& f) {
    f.choice("dtype", &AmpCastParameters::dtype, dtype_choices(DTypeSet::numbers))
        .doc("Type of the result.");
  }
};

// float64 carries int32 and the floats exactly; int64 needs a computation of its own.
void cast_kernel(const OpCall& call) {
  static const Program copy({input(0)});
  const DType from = call.in[0].dtype, to = call.out[0].dtype;
  DType compute = DType::none;
  if (is_floating(from) != is_floating(to) && size_of(is_floating(from) ? to : from) >= 4)
    compute = DType::float64;
  copy.run(call.in, {}, call.out, compute);
}

std::vector<Entry> cast_gradient(const GradientContext& context) {
  return {context.make("_cast_like", {context.dy(), context.in(0)})};
}

// amp_cast leaves arrays alone that are not floating-point.
DType cast_result(const CastParameters& p, DType) { return p.dtype; }
DType cast_result(const AmpCastParameters& p, DType in) { return is_floating(in) ? p.dtype : in; }

template <typename P>
void declare_cast(const char* name, std::initializer_list<std::string> aliases, const char* text) {
  op<P>(name)
      .alias(aliases)
      .doc(text)
      .inputs({"data"})
      .shape(same_shape)
      .type([](TypeContext& c) {
        if (std::is_same_v<P, CastParameters> || c.in[0] != DType::none)
          c.set_out(0, cast_result(c.params<P>(), c.in[0]));
      })
      .gradient(cast_gradient)
      .implement("tape", cast_kernel)
      .inplace({{0, 0}})
      .sample({.shapes = {{2, 3}}, .attributes = {{"dtype", "float64"}}})
      .sample({.shapes = {{2, 3}}, .attributes = {{"dtype", "int32"}}, .low = -9, .high = 9});
}

}  // namespace

GEMEL_OPERATORS(cast) {
  declare_cast<CastParameters>(
      "Cast", {"cast"}, "The elements converted to another type, towards zero for integers.");
  declare_cast<AmpCastParameters>("amp_cast", {}, "Cast inserted by automatic mixed precision.");
  op("_copyto")
      .doc("The input copied into an array that may have another type or device.")
      .inputs({"data"})
      .shape(same_shape)
      .type([](TypeContext& c) {
        if (c.out[0] == DType::none) c.set_out(0, c.in[0]);
      })
      .gradient(cast_gradient)
      .implement("tape", cast_kernel)
      .sample({.shapes = {{2, 3}}});
  OpBuilder like = op("_cast_like");
  like.doc("The first input converted to the type of the second, whatever the shape of that.")
      .inputs({"data", "like"})
      .shape([](ShapeContext& c) {
        c.set_out(0, c.in[0]);
        c.set_in(0, c.out[0]);
      })
      .type([](TypeContext& c) {
        if (c.in[1] != DType::none)
          c.set_out(0, c.in[1]);
        else
          c.set_in(1, c.out[0]);
      })
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_cast_like", {c.dy(), c.in(0)}), Entry{}};
      })
      .implement("tape",
                 [](const OpCall& call) {
                   OpCall one = call;
                   one.in = call.in.subspan(0, 1);
                   cast_kernel(one);
                 })
      .inplace({{0, 0}})
      .sample({.shapes = {{2, 3}, {2, 3}}});
  like.info().hidden = true;
}

}  // namespace gemel::pointwise
