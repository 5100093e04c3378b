// From images to tensors: to_tensor and normalize.
#include <algorithm>
#include <vector>

#include "ops/image/image.h"
#include "simd/image_loops.h"

namespace gemel::image {
namespace {

// (..., H, W, C) to (..., C, H, W).
void to_tensor_shape(ShapeContext& c) {
  check_image(c, true);
  const Shape& in = c.in[0];
  if (in.ndim() < 0) return;
  if (in.ndim() == 3)
    c.set_out(0, {in[2], in[0], in[1]});
  else
    c.set_out(0, {in[0], in[3], in[1], in[2]});
}

// Pixels of three bytes, a stretch at a time that stays in the first-level cache.
void pixels_to_planes(const uint8_t* from, float* to, int64_t plane) {
  constexpr float one[3] = {1, 1, 1}, zero[3] = {};
  constexpr int64_t stretch = 1024;
  for (int64_t k = 0; k < plane; k += stretch) {
    const auto n = static_cast<size_t>(std::min(stretch, plane - k));
    float *r = to + k, *g = r + plane, *b = g + plane;
    simd::planes_of_rgb(from + 3 * k, one, zero, r, g, b, n);
    for (float* color : {r, g, b}) simd::normalize_plane(color, 0, 255, color, n);
  }
}

void to_tensor_kernel(const OpCall& call) {
  const Shape& in = call.in[0].shape;
  const int last = in.ndim() - 1;
  const int64_t channels = in[last], plane = in[last - 1] * in[last - 2];
  if (call.in[0].dtype == DType::uint8 && channels == 3) {
    kernels::parallel_for(in.size(0, last - 2), 3 * plane, [&](int64_t i) {
      pixels_to_planes(call.in[0].data<uint8_t>() + i * 3 * plane,
                       call.out[0].data<float>() + i * 3 * plane, plane);
    });
    return;
  }
  dispatch(call.in[0].dtype, [&]<typename T>(Type<T>) {
    const T* from = call.in[0].data<T>();
    auto* to = call.out[0].data<float>();
    kernels::parallel_for(call.out[0].size() / std::max<int64_t>(plane, 1), plane, [&](int64_t i) {
      const T* source = from + i / channels * plane * channels + i % channels;
      for (int64_t k = 0; k < plane; ++k)
        to[i * plane + k] = static_cast<float>(source[k * channels]) / 255.0f;
    });
  });
}

void normalize_shape(ShapeContext& c) {
  same_shape(c);
  const Shape& in = c.in[0];
  if (in.ndim() < 0) return;
  GEMEL_CHECK(in.ndim() == 3 || in.ndim() == 4,
              "[{}] expected a tensor (channels, height, width) or (N, channels, height, width), "
              "got shape {}",
              c.op.name(), in);
  const int64_t channels = in[in.ndim() - 3];
  if (channels < 0) return;
  GEMEL_CHECK(channels == 1 || channels == 3, "[{}] expected 1 or 3 channels, got shape {}",
              c.op.name(), in);
  const auto& p = c.params<NormalizeParameters>();
  for (const auto& [name, values] : {std::pair{"mean", &p.mean}, std::pair{"std", &p.std}})
    GEMEL_CHECK(values->size() == 1 || static_cast<int64_t>(values->size()) == channels,
                "[{}] {}: expected 1 or {} numbers for shape {}, got {}", c.op.name(), name,
                channels, in, values->size());
}

// The gradient leaves out `mean`.
template <bool subtracts>
void normalize_kernel(const OpCall& call) {
  const auto& p = call.params<NormalizeParameters>();
  const Shape& in = call.in[0].shape;
  const int first = in.ndim() - 3;
  const int64_t channels = in[first], plane = in[first + 1] * in[first + 2];
  dispatch(call.in[0].dtype, [&]<typename T>(Type<T>) {
    using W = std::conditional_t<std::is_same_v<T, double>, double, float>;
    kernels::parallel_for(in.size(0, first + 1), plane, [&](int64_t i) {
      const W mean = subtracts ? static_cast<W>(NormalizeParameters::of(p.mean, i % channels)) : 0;
      const W deviation = static_cast<W>(NormalizeParameters::of(p.std, i % channels));
      const T* from = call.in[0].data<T>() + i * plane;
      T* to = call.out[0].data<T>() + i * plane;
      if constexpr (std::is_same_v<T, float>) {
        simd::normalize_plane(from, mean, deviation, to, static_cast<size_t>(plane));
        return;
      }
      for (int64_t k = 0; k < plane; ++k) {
        const W value = (static_cast<W>(from[k]) - mean) / deviation;
        if constexpr (std::is_integral_v<T>)
          to[k] =
              static_cast<T>(saturate<int64_t>(static_cast<float>(value)));  // wraps, as in 1.9.1
        else
          to[k] = static_cast<T>(value);
      }
    });
  });
}

}  // namespace

GEMEL_OPERATORS(image_to_tensor) {
  op("_image_to_tensor")
      .alias({"_npx__image_to_tensor"})
      .doc(
          "An image (H, W, C) of 0 to 255, or several (N, H, W, C), as float32 (C, H, W) or "
          "(N, C, H, W) of 0 to 1.")
      .inputs({"data"})
      .shape(to_tensor_shape)
      .type([](TypeContext& c) { c.set_out(0, DType::float32); })
      .implement("reference", to_tensor_kernel)
      .sample({.shapes = {{4, 5, 3}}, .low = 0, .high = 255})
      .sample({.shapes = {{2, 3, 4, 1}}, .low = 0, .high = 255});
  op<NormalizeParameters>("_image_normalize")
      .alias({"_npx__image_normalize"})
      .doc("(data - mean) / std for each channel of (C, H, W) or (N, C, H, W).")
      .inputs({"data"})
      .shape(normalize_shape)
      .type(same_type)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_backward_image_normalize", {c.dy()}, c.node.parameters)};
      })
      .inplace({{0, 0}})
      .implement("reference", normalize_kernel<true>)
      .sample({.shapes = {{3, 4, 5}},
               .attributes = {{"mean", "(0.1, 0.2, 0.3)"}, {"std", "(0.5, 1, 2)"}}})
      .sample({.shapes = {{2, 1, 4, 3}}, .attributes = {{"mean", "(0.5,)"}, {"std", "(0.25,)"}}});
  op<NormalizeParameters>("_backward_image_normalize")
      .doc("Gradient of _image_normalize.")
      .inputs({"dy"})
      .shape(same_shape)
      .type(same_type)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_backward_image_normalize", {c.dy()}, c.node.parameters)};
      })
      .inplace({{0, 0}})
      .implement("reference", normalize_kernel<false>);
}

}  // namespace gemel::image
