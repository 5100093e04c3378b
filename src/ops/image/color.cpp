// The colours of images (height, width, 3), or gray ones (height, width, 1), changed at random:
// brightness, contrast, saturation, hue and lighting. The gradient passes through, as in 1.9.1.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/random.h"
#include "ops/image/image.h"

namespace gemel::image {
namespace {

float gray_of(float r, float g, float b) { return 0.299f * r + 0.587f * g + 0.114f * b; }

// The elements of an image, which changes (values, channels, factor) work on in place.
using Values = std::vector<float>;

void brighten(Values& v, int64_t /*channels*/, float factor) {
  for (float& one : v) one *= factor;
}

// The distance to the image's mean gray times the factor.
void contrast(Values& v, int64_t channels, float factor) {
  double sum = 0;
  for (size_t i = 0; i < v.size(); i += static_cast<size_t>(channels))
    sum += static_cast<double>(channels == 3 ? gray_of(v[i], v[i + 1], v[i + 2]) : v[i]);
  const auto pixels = static_cast<double>(v.size()) / static_cast<double>(channels);
  const float rest = (1 - factor) * static_cast<float>(sum / std::max(pixels, 1.0));
  for (float& one : v) one = one * factor + rest;
}

// The distance to each pixel's gray times the factor.
void saturation(Values& v, int64_t channels, float factor) {
  if (channels == 1) return;
  for (size_t i = 0; i < v.size(); i += 3) {
    const float rest = (1 - factor) * gray_of(v[i], v[i + 1], v[i + 2]);
    for (size_t c = 0; c < 3; ++c) v[i + c] = v[i + c] * factor + rest;
  }
}

// Turns the hue by `turn` full circles. Values are 0 to 255. Every step is the one of the usual
// conversion to hue, lightness, saturation and back, because integers are cut off at the end.
void turn_hue(Values& v, int64_t channels, float turn) {
  if (channels == 1) return;
  for (size_t i = 0; i < v.size(); i += 3) {
    const float r = v[i] / 255, g = v[i + 1] / 255, b = v[i + 2] / 255;
    const float high = std::max({r, g, b}), low = std::min({r, g, b}), range = high - low;
    const float lightness = (high + low) * 0.5f;
    float hue = 0, saturation = 0;
    if (range > 1.1920929e-7f) {
      saturation = range / (lightness < 0.5f ? high + low : 2 - high - low);
      const float degrees = 60 / range;
      hue = high == r   ? (g - b) * degrees
            : high == g ? (b - r) * degrees + 120
                        : (r - g) * degrees + 240;
      if (hue < 0) hue += 360;
    }
    hue = std::fmod((hue + turn * 360) / 60, 6.0f);
    const float top = lightness <= 0.5f ? lightness * (1 + saturation)
                                        : lightness + saturation - lightness * saturation;
    const float bottom = 2 * lightness - top;
    const int sector = std::min(static_cast<int>(hue), 5);
    const float over = hue - static_cast<float>(sector);
    const float falling = bottom + (top - bottom) * (1 - over);
    const float rising = bottom + (top - bottom) * over;
    // What red has in each sixth of the circle; green is two sixths later, blue four.
    const float red[6] = {top, falling, bottom, bottom, rising, top};
    for (int c = 0; c < 3; ++c) v[i + static_cast<size_t>(c)] = red[(sector + 6 - 2 * c) % 6] * 255;
  }
}

// Adds a colour: shares of the main directions in which natural images vary (Krizhevsky et al.,
// 2012), times their spread.
void light(Values& v, int64_t channels, const std::array<float, 3>& alpha) {
  if (channels == 1) return;
  constexpr float directions[3][3] = {{55.46f * -0.5675f, 4.794f * 0.7192f, 1.148f * 0.4009f},
                                      {55.46f * -0.5808f, 4.794f * -0.0045f, 1.148f * -0.8140f},
                                      {55.46f * -0.5836f, 4.794f * -0.6948f, 1.148f * 0.4203f}};
  for (size_t i = 0; i < v.size(); ++i) {
    const float* d = directions[i % 3];
    v[i] += d[0] * alpha[0] + d[1] * alpha[1] + d[2] * alpha[2];
  }
}

// Runs `change(values, channels)` on the image as floats.
template <typename F>
void on_values(const OpCall& call, const F& change) {
  dispatch(call.in[0].dtype, [&]<typename T>(Type<T>) {
    const T* from = call.in[0].data<T>();
    T* to = call.out[0].data<T>();
    Values values(static_cast<size_t>(call.in[0].size()));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(from[i]);
    change(values, call.in[0].shape[2], [](Values& v) {
      for (float& one : v) one = static_cast<float>(saturate<T>(one));
    });
    for (size_t i = 0; i < values.size(); ++i) to[i] = saturate<T>(values[i]);
  });
}

// Number `index` of this call, in [low, high).
float uniform(const OpCall& call, uint64_t index, float low, float high) {
  const kernels::Philox stream(call.random.seed, call.random.offset);
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

using Change = void (*)(Values&, int64_t, float);

template <typename P>
void declare(const std::string& name, const std::string& text, Kernel kernel, uint64_t numbers,
             const Attributes& sample) {
  auto builder = op<P>("_image_" + name);
  builder.alias({"_npx__image_" + name})
      .doc(text)
      .inputs({"data"})
      .shape(color_shape)
      .type(same_type)
      .gradient([](const GradientContext& c) { return std::vector<Entry>{c.dy()}; })
      .inplace({{0, 0}})
      .implement("reference", std::move(kernel))
      .sample({.shapes = {{4, 5, 3}}, .attributes = sample, .low = 0, .high = 255});
  if (numbers) builder.random([numbers](const OpCall&) { return numbers; });
}

void define_factor(const std::string& name, const std::string& text, Change change) {
  declare<FactorParameters>("random_" + name, text,
                            [change](const OpCall& call) {
                              const auto& p = call.params<FactorParameters>();
                              on_values(call, [&](Values& v, int64_t channels, auto&&) {
                                change(v, channels, uniform(call, 0, p.min_factor, p.max_factor));
                              });
                            },
                            1, {{"min_factor", "0.5"}, {"max_factor", "1.5"}});
}

// All four in random order, each with a factor of its own; elements are kept in range after each.
void jitter_kernel(const OpCall& call) {
  const auto& p = call.params<JitterParameters>();
  const std::array<std::pair<Change, float>, 4> changes = {{{brighten, p.brightness},
                                                            {contrast, p.contrast},
                                                            {saturation, p.saturation},
                                                            {turn_hue, p.hue}}};
  std::array<int, 4> order = {0, 1, 2, 3};
  for (int i = 3; i > 0; --i)
    std::swap(order[i], order[static_cast<int>(uniform(call, static_cast<uint64_t>(4 + i), 0,
                                                       static_cast<float>(i + 1)))]);
  on_values(call, [&](Values& v, int64_t channels, auto&& keep_in_range) {
    for (int i : order) {
      const auto [change, amount] = changes[static_cast<size_t>(i)];
      if (amount == 0) continue;
      change(v, channels, uniform(call, static_cast<uint64_t>(i), 1 - amount, 1 + amount));
      keep_in_range(v);
    }
  });
}

}  // namespace

GEMEL_OPERATORS(image_color) {
  define_factor("brightness", "The image times a random factor.", brighten);
  define_factor("contrast", "The distance to the mean gray of the image times a random factor.",
                contrast);
  define_factor("saturation", "The distance to the gray of each pixel times a random factor.",
                saturation);
  define_factor("hue", "Colours turned by a random number of circles.", turn_hue);
  declare<JitterParameters>(
      "random_color_jitter", "Brightness, contrast, saturation and hue at random, in random order.",
      jitter_kernel, 8,
      {{"brightness", "0.1"}, {"contrast", "0.2"}, {"saturation", "0.3"}, {"hue", "0.4"}});
  declare<LightParameters>(
      "adjust_lighting",
      "The image with a colour added: shares of the main directions of natural images.",
      [](const OpCall& call) {
        const auto& alpha = call.params<LightParameters>().alpha;
        GEMEL_CHECK(alpha.size() == 3, "[{}] alpha: expected 3 numbers, got {}", call.op.name(),
                    alpha.size());
        on_values(call, [&](Values& v, int64_t channels, auto&&) {
          light(v, channels,
                {static_cast<float>(alpha[0]), static_cast<float>(alpha[1]),
                 static_cast<float>(alpha[2])});
        });
      },
      0, {{"alpha", "(0.1, -0.2, 0.3)"}});
  declare<RandomLightParameters>(
      "random_lighting", "The image with a random colour added, see _image_adjust_lighting.",
      [](const OpCall& call) {
        const float deviation = call.params<RandomLightParameters>().alpha_std;
        const auto bits = kernels::Philox(call.random.seed, call.random.offset).bits(0);
        const auto [a, b] = kernels::normal_pair(bits[0], bits[1]);
        const float c = kernels::normal_pair(bits[2], bits[3])[0];
        on_values(call, [&](Values& v, int64_t channels, auto&&) {
          light(v, channels, {a * deviation, b * deviation, c * deviation});
        });
      },
      1, {});
}

}  // namespace gemel::image
