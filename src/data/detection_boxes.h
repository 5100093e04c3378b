// The boxes of objects in an image's label, and what crops and pads do to them.
#pragma once
#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/image_random.h"

namespace gemel::data {

// Edges as parts of the image's width and height.
struct Box {
  float left, top, right, bottom;
  float area() const { return std::max(0.0f, right - left) * std::max(0.0f, bottom - top); }
};

struct DetectedObject {
  float kind;
  Box box;
  std::vector<float> rest;
};

// A flat label: the length of its header (2 or more), the numbers of an object (5 or more), the
// rest of the header; then the objects.
struct DetectionLabel {
  std::vector<float> header;
  std::vector<DetectedObject> objects;

  // Error(Input) that names `where` for anything else.
  DetectionLabel(std::span<const float> numbers, const std::string& where);
  int64_t size() const;
  void write(float* to) const;
  void mirror();
  // The image became `frame` of itself (which may reach beyond it).
  void move_to(const Box& frame);
};

// How one sampler draws crops, and which ones it accepts: ranges are [low, high].
struct CropSampler {
  struct Range {
    float low, high;
    bool holds(float value) const { return value >= low && value <= high; }
  };
  Range scale, aspect_ratio;
  // Of the crop and an object: intersection by union, by the crop's area, by the object's. At least
  // one object must be within all of these that exclude anything.
  Range overlap, sample_coverage, object_coverage;
  int trials;

  Box draw(ImageRandom& random, float image_ratio) const;
  bool accepts(const Box& crop, const DetectionLabel& label) const;
};

// Which objects stay in a crop: those with their centre in it, or with more than a part of their
// area.
struct CropEmission {
  bool by_center;
  float least_overlap;
  bool keeps(const Box& crop, const Box& object) const;
};

// A crop in which an object stays, with the label changed to it; none where no sampler finds one.
std::optional<Box> draw_crop(const std::vector<CropSampler>& samplers, const CropEmission& emission,
                             float image_ratio, ImageRandom& random, DetectionLabel& label);

}  // namespace gemel::data
