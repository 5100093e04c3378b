#include "data/detection_work.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "data/image_colors.h"
#include "data/image_resize.h"
#include "simd/image_loops.h"

namespace gemel::data {
namespace {

constexpr int64_t numbers_before_label = 4;

class Detection final : public ImageWork {
 public:
  Detection(const DetectionParameters& p, int64_t width, const float* mean_image)
      : p_(p),
        samplers_(p.samplers("ImageDetRecordIter")),
        channels_(p.data_shape[0]),
        height_(p.data_shape[1]),
        width_(p.data_shape[2]),
        label_width_(width),
        mean_image_(mean_image) {}

  void run(const ImageRecord& record, std::span<const float> given, const std::string& where,
           ImageRandom random, float* planes, float* row) override {
    GEMEL_CHECK(p_.label_width <= 0 || static_cast<int64_t>(given.size()) == p_.label_width,
                "[ImageDetRecordIter] {}: expected label_width {} labels, got {}", where,
                p_.label_width, given.size());
    DetectionLabel label(given, where);
    decoder_.open(record.content, where);
    decoder_.decode(channels_, image_);
    change(random, label);
    fit(random);
    const float factor = happens(random, p_.random_contrast_prob)
                             ? 1 + random.uniform(-p_.max_random_contrast, p_.max_random_contrast)
                             : 1;
    normalize(factor, planes);
    std::fill_n(row, label_width_, p_.label_pad_value);
    const int64_t size = label.size();
    GEMEL_CHECK(size <= label_width_ - numbers_before_label,
                "[ImageDetRecordIter] {}: expected a label of at most {} numbers, got {}; raise "
                "label_pad_width",
                where, label_width_ - numbers_before_label, size);
    const auto number = [](int64_t value) { return static_cast<float>(value); };
    row[0] = number(channels_);
    row[1] = number(image_.height);
    row[2] = number(image_.width);
    row[3] = number(size);
    label.write(row + numbers_before_label);
  }

 private:
  static bool happens(ImageRandom& random, float probability) {
    return probability > 0 && random.uniform(0, 1) < probability;
  }

  void change(ImageRandom& random, DetectionLabel& label) {
    int64_t height = image_.height, width = image_.width;
    if (p_.resize > 0) {
      shorter_edge(p_.resize, height, width);
      resize(height, width, random);
    }
    const auto shift = [&](float probability, int limit) {
      return happens(random, probability) ? static_cast<float>(random.integer(-limit, limit)) : 0;
    };
    const float hue = shift(p_.random_hue_prob, p_.max_random_hue),
                saturation = shift(p_.random_saturation_prob, p_.max_random_saturation);
    shift_hsl(image_, hue, saturation,
              shift(p_.random_illumination_prob, p_.max_random_illumination));
    if (happens(random, p_.rand_mirror_prob)) {
      mirror_image(image_);
      label.mirror();
    }
    if (happens(random, p_.rand_pad_prob)) pad(random, label);
    if (!samplers_.empty() && happens(random, p_.rand_crop_prob)) {
      const float form = static_cast<float>(image_.width) / static_cast<float>(image_.height);
      if (const auto crop =
              draw_crop(samplers_, {p_.by_center, p_.emit_overlap_thresh}, form, random, label))
        cut(*crop);
    }
  }

  void pad(ImageRandom& random, DetectionLabel& label) {
    const float factor = random.uniform(1, p_.max_pad_scale);
    const auto larger = [&](int64_t size) {
      return std::max(size, static_cast<int64_t>(factor * static_cast<float>(size)));
    };
    const int64_t height = larger(image_.height), width = larger(image_.width);
    const int64_t top = random.integer(0, height - image_.height),
                  left = random.integer(0, width - image_.width);
    other_.allocate(height, width, channels_);
    std::fill(other_.pixels.begin(), other_.pixels.end(), static_cast<uint8_t>(p_.fill_value));
    copy_part(image_, {0, 0, image_.height, image_.width}, other_, top, left);
    const auto h = static_cast<float>(image_.height), w = static_cast<float>(image_.width);
    label.move_to({-static_cast<float>(left) / w, -static_cast<float>(top) / h,
                   static_cast<float>(width - left) / w, static_cast<float>(height - top) / h});
    std::swap(image_, other_);
  }

  void cut(const Box& crop) {
    const auto edge = [](float part, int64_t size) {
      return std::clamp<int64_t>(std::lrint(part * static_cast<float>(size)), 0, size);
    };
    const int64_t top = std::min(edge(crop.top, image_.height), image_.height - 1),
                  left = std::min(edge(crop.left, image_.width), image_.width - 1);
    const Region part{top, left, std::max<int64_t>(1, edge(crop.bottom, image_.height) - top),
                      std::max<int64_t>(1, edge(crop.right, image_.width) - left)};
    other_.allocate(part.height, part.width, channels_);
    copy_part(image_, part, other_, 0, 0);
    std::swap(image_, other_);
  }

  // The image gets its size in the result.
  void fit(ImageRandom& random) {
    int64_t height = height_, width = width_;
    if (p_.resize_mode != DetectionParameters::ResizeMode::force) {
      double factor = std::min(static_cast<double>(height_) / static_cast<double>(image_.height),
                               static_cast<double>(width_) / static_cast<double>(image_.width));
      if (p_.resize_mode == DetectionParameters::ResizeMode::shrink) factor = std::min(factor, 1.0);
      const auto scaled = [&](int64_t size, int64_t limit) {
        return std::clamp<int64_t>(static_cast<int64_t>(factor * static_cast<double>(size) + 1e-6),
                                   1, limit);
      };
      height = scaled(image_.height, height_);
      width = scaled(image_.width, width_);
    }
    resize(height, width, random);
  }

  void resize(int64_t height, int64_t width, ImageRandom& random) {
    if (height == image_.height && width == image_.width) return;
    const Interpolation method =
        choose_interpolation(p_.inter_method, random, image_.height, image_.width, height, width);
    resize_image(image_, height, width, method, other_);
    std::swap(image_, other_);
  }

  void normalize(float contrast, float* planes) {
    const float means[3] = {p_.mean_r, p_.mean_g, p_.mean_b};
    const float deviations[3] = {p_.std_r, p_.std_g, p_.std_b};
    std::fill_n(planes, channels_ * height_ * width_, 0.0f);
    for (int64_t c = 0; c < channels_; ++c) {
      const float factor = p_.scale / (deviations[c] > 0 ? deviations[c] : 1);
      for (int64_t y = 0; y < image_.height; ++y) {
        const uint8_t* from = image_.row(y) + c;
        float* to = planes + (c * height_ + y) * width_;
        const float* mean = mean_image_ ? mean_image_ + (to - planes) : nullptr;
        for (int64_t x = 0; x < image_.width; ++x)
          to[x] = (from[x * channels_] * contrast - (mean ? mean[x] : means[c])) * factor;
      }
    }
  }

  DetectionParameters p_;
  std::vector<CropSampler> samplers_;
  int64_t channels_, height_, width_, label_width_;
  const float* mean_image_;
  ImageDecoder decoder_;
  Image image_, other_;
};

}  // namespace

std::unique_ptr<ImageWork> make_detection_work(const DetectionParameters& parameters, int64_t width,
                                               const float* mean_image) {
  return std::make_unique<Detection>(parameters, width, mean_image);
}

}  // namespace gemel::data
