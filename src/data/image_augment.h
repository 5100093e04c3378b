// What happens to an image between its bytes and its place in a batch.
#pragma once
#include <optional>

#include "data/image_codec.h"
#include "data/image_colors.h"
#include "data/image_random.h"
#include "data/image_resize.h"
#include "op/parameters.h"

namespace gemel::data {

// Geometry first (resize, rotation and other affine changes, padding, crop), then colours, then
// mirror and normalisation.
struct AugmentParameters {
  int resize, max_rotate_angle, max_crop_size, min_crop_size, random_h, random_s, random_l, rotate,
      fill_value, inter_method, pad;
  bool rand_crop, random_resized_crop, scaled_decode;
  float max_aspect_ratio, max_shear_ratio, max_random_scale, min_random_scale, max_random_area,
      min_random_area, max_img_size, min_img_size, brightness, contrast, saturation, pca_noise;
  std::optional<float> min_aspect_ratio;
};

struct NormalizeParameters {
  bool mirror, rand_mirror;
  std::string mean_img;
  float mean_r, mean_g, mean_b, mean_a, std_r, std_g, std_b, std_a, scale, max_random_contrast,
      max_random_illumination;
};

// One for each thread.
class ImageAugmenter {
 public:
  // The result has `channels` x `height` x `width` numbers. `mean_image` of that size, or null.
  ImageAugmenter(const AugmentParameters& augment, const NormalizeParameters& normalize,
                 int64_t channels, int64_t height, int64_t width, const float* mean_image);
  // From an image's bytes to planes of float.
  void run(std::span<const std::byte> bytes, std::string_view name, ImageRandom random,
           float* planes);

 private:
  void place(ImageRandom& random, bool mirror);
  void place_slowly(ImageRandom& random, bool mirror);
  Region crop_of(int64_t height, int64_t width, ImageRandom& random) const;
  bool is_affine() const;
  void change_affinely(ImageRandom& random);
  void colors(ImageRandom& random, float* planes);

  const AugmentParameters& a_;
  const NormalizeParameters& n_;
  int64_t channels_, height_, width_;
  const float* mean_image_;
  ImageDecoder decoder_;
  Image image_, other_, result_;
};

}  // namespace gemel::data
