#include "data/image_augment.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "simd/image_loops.h"

namespace gemel::data {
namespace {

constexpr float gray_of_rgb[3] = {0.299f, 0.587f, 0.114f};

// Principal components of the colours of ImageNet (Krizhevsky et al. 2012).
constexpr float color_deviation[3] = {55.46f, 4.794f, 1.148f};
constexpr float color_direction[3][3] = {
    {-0.5675f, 0.7192f, 0.4009f}, {-0.5808f, -0.0045f, -0.8140f}, {-0.5836f, -0.6948f, 0.4203f}};

}  // namespace

ImageAugmenter::ImageAugmenter(const AugmentParameters& augment,
                               const NormalizeParameters& normalize, int64_t channels,
                               int64_t height, int64_t width, const float* mean_image)
    : a_(augment),
      n_(normalize),
      channels_(channels),
      height_(height),
      width_(width),
      mean_image_(mean_image) {}

bool ImageAugmenter::is_affine() const {
  return a_.max_rotate_angle > 0 || a_.rotate > 0 || a_.max_shear_ratio > 0 ||
         a_.max_random_scale != 1 || a_.min_random_scale != 1 ||
         (!a_.random_resized_crop && (a_.max_aspect_ratio > 0 || a_.min_aspect_ratio)) ||
         a_.max_img_size < 1e10f || a_.min_img_size > 0;
}

// What of an image of this size becomes the result.
Region ImageAugmenter::crop_of(int64_t height, int64_t width, ImageRandom& random) const {
  if (a_.random_resized_crop) {
    const float low = a_.min_aspect_ratio.value_or(1 - a_.max_aspect_ratio);
    const float high = a_.min_aspect_ratio ? a_.max_aspect_ratio : 1 + a_.max_aspect_ratio;
    const auto area = static_cast<float>(height * width);
    for (int attempt = 0; attempt < 10; ++attempt) {
      const float part = random.uniform(a_.min_random_area, a_.max_random_area) * area;
      const float ratio = random.uniform(low, high);
      const auto w = static_cast<int64_t>(std::lrint(std::sqrt(part * ratio)));
      const auto h = static_cast<int64_t>(std::lrint(std::sqrt(part / ratio)));
      if (w < 1 || h < 1 || w > width || h > height) continue;
      return {random.integer(0, height - h), random.integer(0, width - w), h, w};
    }
  }
  int64_t h = height_, w = width_;
  if (!a_.random_resized_crop && (a_.max_crop_size > 0 || a_.min_crop_size > 0)) {
    GEMEL_CHECK(a_.min_crop_size > 0 && a_.max_crop_size >= a_.min_crop_size &&
                    height >= a_.max_crop_size && width >= a_.max_crop_size,
                "expected 0 < min_crop_size <= max_crop_size and images of at least that size, got "
                "{}, {} and an image of {}x{}",
                a_.min_crop_size, a_.max_crop_size, height, width);
    h = w = random.integer(a_.min_crop_size, a_.max_crop_size);
  } else if (h > height || w > width || a_.random_resized_crop) {
    // The largest part of the result's form.
    const bool wide = width * height_ > height * width_;
    h = wide ? height : std::max<int64_t>(1, height_ * width / width_);
    w = wide ? std::max<int64_t>(1, width_ * height / height_) : width;
  }
  if (a_.rand_crop) return {random.integer(0, height - h), random.integer(0, width - w), h, w};
  return {(height - h) / 2, (width - w) / 2, h, w};
}

void ImageAugmenter::place(ImageRandom& random, bool mirror) {
  int64_t height = decoder_.height(), width = decoder_.width();
  if (a_.resize > 0) shorter_edge(a_.resize, height, width);
  const bool resized = height != decoder_.height() || width != decoder_.width();
  const bool grows = height < height_ || width < width_;
  if (is_affine() || a_.pad > 0 || a_.inter_method != 1 || (grows && !a_.random_resized_crop))
    return place_slowly(random, mirror);
  const Region crop = crop_of(height, width, random);
  const bool scaled = crop.height != height_ || crop.width != width_;
  WindowResize step{{0, 0, decoder_.height(), decoder_.width()}, height, width, crop, mirror};
  if (scaled) step = {crop, height_, width_, {0, 0, height_, width_}, mirror};
  if ((resized && scaled) || ((resized || scaled) && step.halves())) {
    // The same crop again: the numbers of the image do not depend on the way.
    decoder_.decode(channels_, image_);
    if (resized) {
      resize_image(image_, height, width, kernels::Interpolation::linear, other_);
      std::swap(image_, other_);
    }
    other_.allocate(crop.height, crop.width, channels_);
    copy_part(image_, crop, other_, 0, 0);
    resize_image(other_, height_, width_, kernels::Interpolation::linear, result_);
    if (mirror) mirror_image(result_);
    return;
  }
  const Region needed = step.needed();
  decoder_.decode(channels_, image_, &needed);
  resize_window(step, image_, result_);
}

void ImageAugmenter::place_slowly(ImageRandom& random, bool mirror) {
  decoder_.decode(channels_, image_);
  int64_t height = image_.height, width = image_.width;
  const auto resize = [&](int64_t to_height, int64_t to_width) {
    if (to_height == image_.height && to_width == image_.width) return;
    resize_image(image_, to_height, to_width,
                 choose_interpolation(a_.inter_method, random, image_.height, image_.width,
                                      to_height, to_width),
                 other_);
    std::swap(image_, other_);
  };
  if (a_.resize > 0) {
    shorter_edge(a_.resize, height, width);
    resize(height, width);
  }
  if (is_affine()) change_affinely(random);
  if (a_.pad > 0) {
    other_.allocate(image_.height + 2 * a_.pad, image_.width + 2 * a_.pad, channels_);
    std::fill(other_.pixels.begin(), other_.pixels.end(), static_cast<uint8_t>(a_.fill_value));
    for (int64_t y = 0; y < image_.height; ++y)
      std::memcpy(other_.row(y + a_.pad) + a_.pad * channels_, image_.row(y),
                  static_cast<size_t>(image_.width * channels_));
    std::swap(image_, other_);
  }
  if (!a_.random_resized_crop && a_.max_crop_size <= 0 &&
      (image_.height < height_ || image_.width < width_)) {
    // Large enough to cover the result, in its own form.
    const double factor = std::max(static_cast<double>(height_) / image_.height,
                                   static_cast<double>(width_) / image_.width);
    resize(std::max(height_, static_cast<int64_t>(image_.height * factor)),
           std::max(width_, static_cast<int64_t>(image_.width * factor)));
  }
  const Region crop = crop_of(image_.height, image_.width, random);
  other_.allocate(crop.height, crop.width, channels_);
  copy_part(image_, crop, other_, 0, 0);
  std::swap(image_, other_);
  resize(height_, width_);
  std::swap(image_, result_);
  if (mirror) mirror_image(result_);
}

// Rotation, shear, scale and aspect around the middle of the image, linear between pixels.
void ImageAugmenter::change_affinely(ImageRandom& random) {
  const float degrees =
      a_.rotate > 0 ? static_cast<float>(a_.rotate)
      : a_.max_rotate_angle > 0
          ? static_cast<float>(random.integer(-a_.max_rotate_angle, a_.max_rotate_angle))
          : 0.0f;
  const float shear = random.uniform(-a_.max_shear_ratio, a_.max_shear_ratio);
  const float scale = random.uniform(a_.min_random_scale, a_.max_random_scale);
  float ratio = 1;
  if (!a_.random_resized_crop && (a_.max_aspect_ratio > 0 || a_.min_aspect_ratio))
    ratio = a_.min_aspect_ratio ? random.uniform(*a_.min_aspect_ratio, a_.max_aspect_ratio)
                                : random.uniform(1 - a_.max_aspect_ratio, 1 + a_.max_aspect_ratio);
  const auto angle = degrees * std::numbers::pi_v<float> / 180;
  const float c = std::cos(angle), s = std::sin(angle);
  // Height and width change such that their ratio does, and their mean keeps to the scale.
  const float down = 2 * scale / (1 + ratio), across = ratio * down;
  const float m00 = down * c - shear * s * across, m01 = down * s + shear * c * across,
              m10 = -s * across, m11 = c * across;
  const auto limited = [&](int64_t size) {
    return std::max<int64_t>(
        1, static_cast<int64_t>(std::clamp(scale * static_cast<float>(size), a_.min_img_size,
                                           std::max(a_.min_img_size, a_.max_img_size))));
  };
  const int64_t height = limited(image_.height), width = limited(image_.width);
  const float determinant = m00 * m11 - m01 * m10;
  GEMEL_CHECK(std::abs(determinant) > 1e-6f, "an affine change that leaves no area");
  other_.allocate(height, width, channels_);
  const auto value = [&](int64_t y, int64_t x, int64_t channel) -> float {
    const bool inside = y >= 0 && x >= 0 && y < image_.height && x < image_.width;
    return inside ? image_.row(y)[x * channels_ + channel] : static_cast<float>(a_.fill_value);
  };
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const float dx = static_cast<float>(x) - static_cast<float>(width) / 2;
      const float dy = static_cast<float>(y) - static_cast<float>(height) / 2;
      const float u = (m11 * dx - m01 * dy) / determinant + static_cast<float>(image_.width) / 2;
      const float v = (-m10 * dx + m00 * dy) / determinant + static_cast<float>(image_.height) / 2;
      const auto left = static_cast<int64_t>(std::floor(u)),
                 top = static_cast<int64_t>(std::floor(v));
      const float fx = u - static_cast<float>(left), fy = v - static_cast<float>(top);
      for (int64_t k = 0; k < channels_; ++k)
        other_.row(y)[x * channels_ + k] =
            pixel_of((value(top, left, k) * (1 - fx) + value(top, left + 1, k) * fx) * (1 - fy) +
                     (value(top + 1, left, k) * (1 - fx) + value(top + 1, left + 1, k) * fx) * fy);
    }
  std::swap(image_, other_);
}

void ImageAugmenter::colors(ImageRandom& random, float* planes) {
  const int64_t area = height_ * width_;
  const float mean[3] = {n_.mean_r, n_.mean_g, n_.mean_b},
              deviation[3] = {n_.std_r, n_.std_g, n_.std_b};
  const float contrast = 1 + random.uniform(-n_.max_random_contrast, n_.max_random_contrast);
  const float light = random.uniform(-n_.max_random_illumination, n_.max_random_illumination);
  float scale[3], shift[3];
  for (int c = 0; c < 3; ++c) {
    const float factor = n_.scale / deviation[c];
    scale[c] = contrast * factor;
    shift[c] = (light - (mean_image_ ? 0 : mean[c]) * contrast) * factor;
  }
  const bool jitter = a_.brightness > 0 || a_.contrast > 0 || a_.saturation > 0 || a_.pca_noise > 0;
  if (channels_ == 1) {
    const float bright = 1 + random.uniform(-a_.brightness, a_.brightness);
    for (int64_t i = 0; i < area; ++i)
      planes[i] = std::clamp(bright * result_.pixels[i], 0.0f, 255.0f) * scale[0] + shift[0];
  } else if (!jitter) {
    simd::planes_of_rgb(result_.pixels.data(), scale, shift, planes, planes + area,
                        planes + 2 * area, static_cast<size_t>(area));
  } else {
    // All three are affine in the colours of a pixel: one matrix. Contrast needs the mean gray.
    const float bright = 1 + random.uniform(-a_.brightness, a_.brightness);
    const float spread = 1 + random.uniform(-a_.contrast, a_.contrast);
    const float saturation = 1 + random.uniform(-a_.saturation, a_.saturation);
    int64_t sums[3] = {};
    if (a_.contrast > 0)
      for (size_t i = 0; i < result_.pixels.size(); i += 3)
        for (int c = 0; c < 3; ++c) sums[c] += result_.pixels[i + c];
    float gray = 0;
    for (int c = 0; c < 3; ++c)
      gray += gray_of_rgb[c] * static_cast<float>(sums[c]) / static_cast<float>(area);
    float matrix[9], offset[3];
    float noise[3];
    for (float& one : noise) one = a_.pca_noise > 0 ? a_.pca_noise * random.normal() : 0;
    for (int c = 0; c < 3; ++c) {
      for (int k = 0; k < 3; ++k)
        matrix[3 * c + k] =
            bright * spread * ((c == k ? saturation : 0) + (1 - saturation) * gray_of_rgb[k]);
      offset[c] = (1 - spread) * bright * gray;
      for (int k = 0; k < 3; ++k)
        offset[c] += color_direction[c][k] * color_deviation[k] * noise[k];
    }
    const float one[3] = {1, 1, 1}, zero[3] = {};
    simd::planes_of_rgb(result_.pixels.data(), one, zero, planes, planes + area, planes + 2 * area,
                        static_cast<size_t>(area));
    simd::mix_planes(matrix, offset, scale, shift, planes, planes + area, planes + 2 * area,
                     static_cast<size_t>(area));
  }
  if (mean_image_)
    for (int64_t i = 0; i < channels_ * area; ++i) planes[i] -= mean_image_[i] * scale[i / area];
}

void ImageAugmenter::run(std::span<const std::byte> bytes, std::string_view name,
                         ImageRandom random, float* planes) {
  decoder_.open(bytes, name);
  if (a_.scaled_decode && a_.resize > 0) decoder_.reduce_to(a_.resize);
  const bool mirror = n_.mirror || (n_.rand_mirror && random.coin());
  place(random, mirror);
  const auto draw = [&](int limit) { return static_cast<float>(random.integer(-limit, limit)); };
  if (a_.random_h || a_.random_s || a_.random_l) {
    const float hue = draw(a_.random_h), saturation = draw(a_.random_s);
    shift_hsl(result_, hue, saturation, draw(a_.random_l));
  }
  colors(random, planes);
}

}  // namespace gemel::data
