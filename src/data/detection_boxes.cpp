#include "data/detection_boxes.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace gemel::data {
namespace {

Box intersection(const Box& a, const Box& b) {
  return {std::max(a.left, b.left), std::max(a.top, b.top), std::min(a.right, b.right),
          std::min(a.bottom, b.bottom)};
}

}  // namespace

DetectionLabel::DetectionLabel(std::span<const float> numbers, const std::string& where) {
  const auto size = static_cast<int64_t>(numbers.size());
  const auto number_at = [&](int64_t i) {
    const float value = i < size ? numbers[static_cast<size_t>(i)] : 0;
    return value >= 0 && value <= static_cast<float>(size) ? static_cast<int64_t>(value) : 0;
  };
  const int64_t before = number_at(0), width = number_at(1);
  GEMEL_CHECK(
      before >= 2 && width >= 5 && size > before && (size - before) % width == 0,
      "{}: expected a label of an image with objects: the length of its header (2 or more), "
      "the numbers of an object (5 or more), the rest of the header, the objects; got {} "
      "numbers",
      where, size);
  header.assign(numbers.begin(), numbers.begin() + before);
  for (auto at = numbers.begin() + before; at != numbers.end(); at += width)
    objects.push_back({at[0], {at[1], at[2], at[3], at[4]}, {at + 5, at + width}});
}

int64_t DetectionLabel::size() const {
  return static_cast<int64_t>(header.size()) +
         static_cast<int64_t>(objects.size()) * static_cast<int64_t>(header[1]);
}

void DetectionLabel::write(float* to) const {
  to = std::copy(header.begin(), header.end(), to);
  for (const DetectedObject& one : objects) {
    for (float number : {one.kind, one.box.left, one.box.top, one.box.right, one.box.bottom})
      *to++ = number;
    to = std::copy(one.rest.begin(), one.rest.end(), to);
  }
}

void DetectionLabel::mirror() {
  for (DetectedObject& one : objects) {
    const float left = 1 - one.box.right;
    one.box.right = 1 - one.box.left;
    one.box.left = left;
  }
}

void DetectionLabel::move_to(const Box& frame) {
  const float width = frame.right - frame.left, height = frame.bottom - frame.top;
  const auto part = [](float edge, float start, float length) {
    return std::clamp((edge - start) / length, 0.0f, 1.0f);
  };
  for (DetectedObject& one : objects)
    one.box = {part(one.box.left, frame.left, width), part(one.box.top, frame.top, height),
               part(one.box.right, frame.left, width), part(one.box.bottom, frame.top, height)};
}

Box CropSampler::draw(ImageRandom& random, float image_ratio) const {
  const float size = std::clamp(random.uniform(scale.low, scale.high), 1e-3f, 1.0f);
  // The form is one of pixels, and so narrow or so flat at most that the crop stays inside.
  const float least = std::max(aspect_ratio.low / image_ratio, size * size);
  const float most = std::max(least, std::min(aspect_ratio.high / image_ratio, 1 / (size * size)));
  const float form = std::sqrt(random.uniform(least, most));
  const float width = std::min(1.0f, size * form), height = std::min(1.0f, size / form);
  const float left = random.uniform(0, 1 - width), top = random.uniform(0, 1 - height);
  return {left, top, left + width, top + height};
}

bool CropSampler::accepts(const Box& crop, const DetectionLabel& label) const {
  const auto excludes = [](const Range& range) { return range.low > 0 || range.high < 1; };
  if (!excludes(overlap) && !excludes(sample_coverage) && !excludes(object_coverage)) return true;
  return std::any_of(label.objects.begin(), label.objects.end(), [&](const DetectedObject& one) {
    const float shared = intersection(crop, one.box).area(), area = one.box.area();
    if (shared <= 0) return false;
    return overlap.holds(shared / (crop.area() + area - shared)) &&
           sample_coverage.holds(shared / crop.area()) && object_coverage.holds(shared / area);
  });
}

bool CropEmission::keeps(const Box& crop, const Box& object) const {
  if (!by_center)
    return object.area() > 0 && intersection(crop, object).area() / object.area() > least_overlap;
  const float x = (object.left + object.right) / 2, y = (object.top + object.bottom) / 2;
  return x >= crop.left && x <= crop.right && y >= crop.top && y <= crop.bottom;
}

std::optional<Box> draw_crop(const std::vector<CropSampler>& samplers, const CropEmission& emission,
                             float image_ratio, ImageRandom& random, DetectionLabel& label) {
  std::vector<size_t> order(samplers.size());
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1],
              order[static_cast<size_t>(random.integer(0, static_cast<int64_t>(i) - 1))]);
  for (size_t which : order) {
    const CropSampler& sampler = samplers[which];
    for (int trial = 0; trial < sampler.trials; ++trial) {
      const Box crop = sampler.draw(random, image_ratio);
      if (!sampler.accepts(crop, label)) continue;
      DetectionLabel inside = label;
      std::erase_if(inside.objects,
                    [&](const DetectedObject& one) { return !emission.keeps(crop, one.box); });
      if (inside.objects.empty()) continue;
      inside.move_to(crop);
      label = std::move(inside);
      return crop;
    }
  }
  return std::nullopt;
}

}  // namespace gemel::data
