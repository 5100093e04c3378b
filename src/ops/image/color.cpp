// The colours of images (height, width, 3), or gray ones (height, width, 1), changed at random:
// brightness, contrast, saturation, hue and lighting. The gradient passes through, as in 1.9.1.
#include <array>
#include <unordered_map>
#include <vector>

#include "kernels/random.h"
#include "ops/image/image.h"
#include "simd/image_loops.h"

namespace gemel::image {
namespace {

using kernels::ColorChange;
using Kind = ColorChange::Kind;
using Changes = std::vector<ColorChange>;

std::unordered_map<std::string, ColorRule>& color_rules() {
  static auto* rules = new std::unordered_map<std::string, ColorRule>;
  return *rules;
}

// Adds a colour: shares of the main directions in which natural images vary (Krizhevsky et al.,
// 2012), times their spread.
Changes light(const std::array<float, 3>& alpha, int64_t channels) {
  if (channels == 1) return {};
  constexpr float directions[3][3] = {{55.46f * -0.5675f, 4.794f * 0.7192f, 1.148f * 0.4009f},
                                      {55.46f * -0.5808f, 4.794f * -0.0045f, 1.148f * -0.8140f},
                                      {55.46f * -0.5836f, 4.794f * -0.6948f, 1.148f * 0.4203f}};
  ColorChange change{Kind::scale};
  for (size_t c = 0; c < 3; ++c) {
    const float* d = directions[c];
    change.shift[c] = d[0] * alpha[0] + d[1] * alpha[1] + d[2] * alpha[2];
  }
  return {change};
}

// Three bytes a pixel go to planes and back in vectors.
template <typename T>
void load_pixels(const T* from, int64_t channels, int64_t first, int64_t n,
                 const kernels::ColorPlanes& planes) {
  if constexpr (std::is_same_v<T, uint8_t>)
    if (channels == 3) return load_rgb(from, first, n, planes);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t i = 0; i < n; ++i)
      planes[static_cast<size_t>(c)][i] = static_cast<float>(from[(first + i) * channels + c]);
}

template <typename T>
void store_pixels(T* to, int64_t channels, int64_t first, int64_t n,
                  const kernels::ColorPlanes& planes) {
  if constexpr (std::is_same_v<T, uint8_t>)
    if (channels == 3)
      return simd::rgb_of_planes(planes[0], planes[1], planes[2], to + 3 * first,
                                 static_cast<size_t>(n));
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t i = 0; i < n; ++i)
      to[(first + i) * channels + c] = saturate<T>(planes[static_cast<size_t>(c)][i]);
}

void color_kernel(const OpCall& call) {
  const Shape& shape = call.in[0].shape;
  const int64_t channels = shape[2];
  const Changes changes = color_rule(call.op)(call.parameters, call.random, channels);
  dispatch(call.in[0].dtype, [&]<typename T>(Type<T>) {
    simd::ColorLimits limits;
    if constexpr (std::is_integral_v<T>)
      limits = {true, static_cast<float>(std::numeric_limits<T>::min()),
                static_cast<float>(std::numeric_limits<T>::max())};
    kernels::change_colors(
        changes, shape[0] * shape[1], channels, limits,
        [from = call.in[0].data<T>(), channels](auto... strip) {
          load_pixels(from, channels, strip...);
        },
        [to = call.out[0].data<T>(), channels](auto... strip) {
          store_pixels(to, channels, strip...);
        });
  });
}

// Number `index` of a call, in [low, high).
float uniform(const RandomStream& random, uint64_t index, float low, float high) {
  const kernels::Philox stream(random.seed, random.offset);
  return low + (high - low) * kernels::unit_float(stream.bits(index)[0]);
}

struct FactorParameters : Parameters {
  float min_factor, max_factor;
  static void declare(Fields<FactorParameters>& f) {
    f.field("min_factor", &FactorParameters::min_factor).range(0, 1e30).doc("The smallest factor.");
    f.field("max_factor", &FactorParameters::max_factor).range(0, 1e30).doc("The largest factor.");
  }
};

struct JitterParameters : Parameters {
  float brightness, contrast, saturation, hue;
  static void declare(Fields<JitterParameters>& f) {
    using P = JitterParameters;
    f.field("brightness", &P::brightness).doc("Largest change of the factor of brightness.");
    f.field("contrast", &P::contrast).doc("Largest change of the factor of contrast.");
    f.field("saturation", &P::saturation).doc("Largest change of the factor of saturation.");
    f.field("hue", &P::hue).doc("Largest turn of the hue, in circles.");
  }
};

struct LightParameters : Parameters {
  std::vector<double> alpha;
  static void declare(Fields<LightParameters>& f) {
    f.field("alpha", &LightParameters::alpha).doc("Shares of the three main directions.");
  }
};

struct RandomLightParameters : Parameters {
  float alpha_std;
  static void declare(Fields<RandomLightParameters>& f) {
    f.field("alpha_std", &RandomLightParameters::alpha_std)
        .fallback("0.0500000007")
        .doc("Standard deviation of the shares.");
  }
};

template <typename P>
void declare(const std::string& name, const std::string& text, ColorRule rule, uint64_t numbers,
             const Attributes& sample) {
  auto builder = op<P>("_image_" + name);
  builder.alias({"_npx__image_" + name})
      .doc(text)
      .inputs({"data"})
      .shape(color_shape)
      .type(same_type)
      .gradient([](const GradientContext& c) { return std::vector<Entry>{c.dy()}; })
      .inplace({{0, 0}})
      .implement("strips", color_kernel)
      .sample({.shapes = {{4, 5, 3}}, .attributes = sample, .low = 0, .high = 255});
  if (numbers) builder.random([numbers](const OpCall&) { return numbers; });
  color_rules()["_image_" + name] = rule;
}

template <Kind kind>
void define_factor(const std::string& name, const std::string& text) {
  declare<FactorParameters>(
      "random_" + name, text,
      [](const Parameters& parameters, const RandomStream& random, int64_t) {
        const auto& p = static_cast<const FactorParameters&>(parameters);
        return Changes{{kind, uniform(random, 0, p.min_factor, p.max_factor)}};
      },
      1, {{"min_factor", "0.5"}, {"max_factor", "1.5"}});
}

// All four in random order, each with a factor of its own.
Changes jitter(const Parameters& parameters, const RandomStream& random, int64_t) {
  const auto& p = static_cast<const JitterParameters&>(parameters);
  const std::array<std::pair<Kind, float>, 4> kinds = {{{Kind::scale, p.brightness},
                                                        {Kind::contrast, p.contrast},
                                                        {Kind::saturation, p.saturation},
                                                        {Kind::hue, p.hue}}};
  std::array<size_t, 4> order = {0, 1, 2, 3};
  for (size_t i = 3; i > 0; --i)
    std::swap(order[i],
              order[static_cast<size_t>(uniform(random, 4 + i, 0, static_cast<float>(i + 1)))]);
  Changes changes;
  for (size_t i : order) {
    const auto [kind, amount] = kinds[i];
    if (amount != 0) changes.push_back({kind, uniform(random, i, 1 - amount, 1 + amount)});
  }
  return changes;
}

}  // namespace

ColorRule color_rule(const OpInfo& op) {
  const auto found = color_rules().find(op.name());
  return found == color_rules().end() ? nullptr : found->second;
}

void load_rgb(const uint8_t* image, int64_t first, int64_t count,
              const kernels::ColorPlanes& planes) {
  constexpr float one[3] = {1, 1, 1}, zero[3] = {};
  simd::planes_of_rgb(image + 3 * first, one, zero, planes[0], planes[1], planes[2],
                      static_cast<size_t>(count));
}

GEMEL_OPERATORS(image_color) {
  define_factor<Kind::scale>("brightness", "The image times a random factor.");
  define_factor<Kind::contrast>(
      "contrast", "The distance to the mean gray of the image times a random factor.");
  define_factor<Kind::saturation>("saturation",
                                  "The distance to the gray of each pixel times a random factor.");
  define_factor<Kind::hue>("hue", "Colours turned by a random number of circles.");
  declare<JitterParameters>(
      "random_color_jitter", "Brightness, contrast, saturation and hue at random, in random order.",
      jitter, 8,
      {{"brightness", "0.1"}, {"contrast", "0.2"}, {"saturation", "0.3"}, {"hue", "0.4"}});
  declare<LightParameters>(
      "adjust_lighting",
      "The image with a colour added: shares of the main directions of natural images.",
      [](const Parameters& parameters, const RandomStream&, int64_t channels) {
        const auto& alpha = static_cast<const LightParameters&>(parameters).alpha;
        GEMEL_CHECK(alpha.size() == 3, "[_image_adjust_lighting] alpha: expected 3 numbers, got {}",
                    alpha.size());
        return light({static_cast<float>(alpha[0]), static_cast<float>(alpha[1]),
                      static_cast<float>(alpha[2])},
                     channels);
      },
      0, {{"alpha", "(0.1, -0.2, 0.3)"}});
  declare<RandomLightParameters>(
      "random_lighting", "The image with a random colour added, see _image_adjust_lighting.",
      [](const Parameters& parameters, const RandomStream& random, int64_t channels) {
        const float deviation = static_cast<const RandomLightParameters&>(parameters).alpha_std;
        const auto bits = kernels::Philox(random.seed, random.offset).bits(0);
        const auto [a, b] = kernels::normal_pair(bits[0], bits[1]);
        const float c = kernels::normal_pair(bits[2], bits[3])[0];
        return light({a * deviation, b * deviation, c * deviation}, channels);
      },
      1, {});
}

}  // namespace gemel::image
