// BilinearSampler, GridGenerator and SpatialTransformer (Jaderberg et al. 2015).
#include "op/registry.h"
#include "ops/floating_type.h"
#include "ops/nn/spatial/sampling.h"

namespace gemel::spatial_transformer_op {
namespace {

struct SamplerParameters : Parameters {
  std::optional<bool> cudnn_off;
  static void declare(Fields<SamplerParameters>& f) {
    f.field("cudnn_off", &SamplerParameters::cudnn_off)
        .fallback("None")
        .doc("Accepted and ignored on CPUs.");
  }
};

enum class Transform { affine, warp };
enum class Sampler { bilinear };

struct GridParameters : Parameters {
  Transform transform_type;
  Shape target_shape;
  static void declare(Fields<GridParameters>& f) {
    f.choice("transform_type", &GridParameters::transform_type,
             {{"affine", Transform::affine}, {"warp", Transform::warp}})
        .doc("What data holds: six numbers of an affine map, or a flow in pixels.");
    f.field("target_shape", &GridParameters::target_shape)
        .fallback("[0,0]")
        .doc("Height and width of the grid, for affine.");
  }
};

struct TransformerParameters : Parameters {
  Shape target_shape;
  Transform transform_type;
  Sampler sampler_type;
  std::optional<bool> cudnn_off;
  static void declare(Fields<TransformerParameters>& f) {
    using P = TransformerParameters;
    f.field("target_shape", &P::target_shape)
        .fallback("[0,0]")
        .doc("Height and width of the result.");
    f.choice("transform_type", &P::transform_type, {{"affine", Transform::affine}})
        .doc("The kind of map.");
    f.choice("sampler_type", &P::sampler_type, {{"bilinear", Sampler::bilinear}})
        .doc("How images are read between their elements.");
    f.field("cudnn_off", &P::cudnn_off).fallback("None").doc("Accepted and ignored on CPUs.");
  }
};

void check_axes(const ShapeContext& c, const Shape& s, int axes, std::string_view name) {
  GEMEL_CHECK(s.ndim() < 0 || s.ndim() == axes, "[{}] expected {} of {} axes, got {}", c.op.name(),
              name, axes, s);
}
void check_target(const ShapeContext& c, const Shape& target) {
  GEMEL_CHECK(target.ndim() == 2 && target[0] > 0 && target[1] > 0,
              "[{}] expected a target_shape of two positive sizes, got {}", c.op.name(), target);
}

void sampler_shape(ShapeContext& c) {
  check_axes(c, c.in[0], 4, "data");
  check_axes(c, c.in[1], 4, "grid");
  if (c.in[0].ndim() < 0) return;
  c.set_in(1, {c.in[0][0], 2, -1, -1});
  c.set_out(0, {c.in[0][0], c.in[0][1], c.in[1][2], c.in[1][3]});
}

void grid_shape(ShapeContext& c) {
  const auto& p = c.params<GridParameters>();
  const Shape& data = c.in[0];
  if (p.transform_type == Transform::affine) {
    check_target(c, p.target_shape);
    check_axes(c, data, 2, "data");
    if (data.ndim() < 0) return;
    c.set_in(0, {-1, 6});
    c.set_out(0, {data[0], 2, p.target_shape[0], p.target_shape[1]});
  } else {
    check_axes(c, data, 4, "data");
    if (data.ndim() < 0) return;
    c.set_in(0, {-1, 2, -1, -1});
    c.set_out(0, c.in[0]);
  }
}

// (flow + position) in coordinates from -1 to 1; `linear` leaves out the position.
void warp(const Tensor& flow, const Tensor& grid, bool linear) {
  dispatch_floating(grid.dtype, "GridGenerator", [&](auto type) {
    using T = typename decltype(type)::type;
    using C = compute_type<T>;
    const int64_t rows = grid.shape[2], columns = grid.shape[3], plane = rows * columns;
    for (int64_t i = 0; i < grid.size(); ++i) {
      const bool is_x = i / plane % 2 == 0;
      const int64_t at = is_x ? i % columns : i % plane / columns;
      const C half = static_cast<C>((is_x ? columns : rows) - 1) / 2;
      const C value = static_cast<C>(flow.data<T>()[i]);
      grid.data<T>()[i] =
          static_cast<T>(linear ? value / half : (value + static_cast<C>(at)) / half - 1);
    }
  });
}

bool is_affine(const OpCall& c) {
  return c.params<GridParameters>().transform_type == Transform::affine;
}

void transformer_shape(ShapeContext& c) {
  const auto& p = c.params<TransformerParameters>();
  check_target(c, p.target_shape);
  check_axes(c, c.in[0], 4, "data");
  check_axes(c, c.in[1], 2, "loc");
  if (c.in[0].ndim() < 0) return;
  c.set_in(1, {c.in[0][0], 6});
  c.set_out(0, {c.in[0][0], c.in[0][1], p.target_shape[0], p.target_shape[1]});
  c.set_out(1, {c.in[0][0], 2, p.target_shape[0], p.target_shape[1]});
}

}  // namespace

GEMEL_OPERATORS(spatial_transformer) {
  const Sample sampler_sample = {.shapes = {{2, 2, 4, 5}, {2, 2, 3, 3}},
                                 .ranges = {{-1, 1}, {-0.9, 0.9}}};
  op<SamplerParameters>("BilinearSampler")
      .doc(
          "Reads images (batch, channel, height, width) at the points of `grid` (batch, 2, rows, "
          "columns), whose x and y run from -1 to 1 over the image, between its elements by "
          "bilinear weights. Outside of the image is 0.")
      .inputs({"data", "grid"})
      .outputs({"output"}, 1)
      .file_outputs(2)
      .shape(sampler_shape)
      .type(floating_type)
      .gradient([](const GradientContext& c) {
        return c.make_all("_backward_BilinearSampler", {c.dy(), c.in(0), c.in(1)});
      })
      .implement("reference", [](const OpCall& c) { sample_bilinear(c.in[0], c.in[1], c.out[0]); })
      .sample(sampler_sample);
  op("_backward_BilinearSampler")
      .doc("Gradient of BilinearSampler.")
      .inputs({"dy", "data", "grid"})
      .outputs({"data", "grid"}, 2)
      .shape([](ShapeContext& c) {
        c.set_out(0, c.in[1]);
        c.set_out(1, c.in[2]);
      })
      .implement("reference", [](const OpCall& c) {
        sample_bilinear_backward(c.in[0], c.in[1], c.in[2], c.out[0], c.out[1]);
      });

  op<GridParameters>("GridGenerator")
      .doc(
          "Grids for BilinearSampler: of affine maps given by the rows of 2 x 3 matrices, data "
          "(batch, 6), or of flows in pixels, data (batch, 2, height, width).")
      .inputs({"data"})
      .outputs({"output"}, 1)
      .file_outputs(2)
      .shape(grid_shape)
      .type(floating_type)
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        return {c.make("_backward_GridGenerator", {c.dy(), c.in(0)}, c.node.parameters)};
      })
      .implement("reference",
                 [](const OpCall& c) {
                   if (is_affine(c))
                     affine_grid(c.in[0], c.out[0]);
                   else
                     warp(c.in[0], c.out[0], false);
                 })
      .sample({.shapes = {{2, 6}},
               .attributes = {{"transform_type", "affine"}, {"target_shape", "(3, 4)"}}})
      .sample({.shapes = {{2, 2, 3, 4}}, .attributes = {{"transform_type", "warp"}}});
  op<GridParameters>("_backward_GridGenerator")
      .doc("Gradient of GridGenerator.")
      .inputs({"dy", "data"})
      .shape_only({1})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[1]); })
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        // Both kinds are linear in the head gradient, up to what does not depend on it.
        const Entry zero = c.make("zeros_like", {c.dy()});
        return {c.make("elemwise_sub", {c.make("GridGenerator", {c.dy()}, c.node.parameters),
                                        c.make("GridGenerator", {zero}, c.node.parameters)}),
                Entry{}};
      })
      .implement("reference", [](const OpCall& c) {
        if (is_affine(c))
          affine_grid_backward(c.in[0], c.out[0]);
        else
          warp(c.in[0], c.out[0], true);
      });

  op<TransformerParameters>("SpatialTransformer")
      .doc(
          "Reads images (batch, channel, height, width) through the affine maps `loc` (batch, 6): "
          "GridGenerator, then BilinearSampler (Jaderberg et al. 2015).")
      .inputs({"data", "loc"})
      .outputs({"output", "grid"}, 1)
      .file_outputs(3)
      .shape(transformer_shape)
      .type(floating_type)
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        const auto& p = c.params<TransformerParameters>();
        const std::vector<Entry> back =
            c.make_all("_backward_BilinearSampler", {c.dy(), c.in(0), c.out(1)});
        const Attributes grid = {{"transform_type", "affine"},
                                 {"target_shape", print_value(p.target_shape)}};
        return {back[0], c.make("_backward_GridGenerator", {back[1], c.in(1)}, grid)};
      })
      .implement("reference",
                 [](const OpCall& c) {
                   affine_grid(c.in[1], c.out[1]);
                   sample_bilinear(c.in[0], c.out[1], c.out[0]);
                 })
      .sample({.shapes = {{2, 2, 4, 5}, {2, 6}},
               .attributes = {{"transform_type", "affine"},
                              {"sampler_type", "bilinear"},
                              {"target_shape", "(3, 4)"}},
               .ranges = {{-1, 1}, {-0.45, 0.45}}});
}

}  // namespace gemel::spatial_transformer_op
