// Shape: the sizes of an array's axes, 64 bits each, stored inline (no allocation).
// An unknown number of axes is ndim() == -1, an unknown axis is -1. A scalar has ndim() == 0.
// MXNet's legacy meaning of 0 and () as "unknown" is translated at the API and JSON edge only.
#pragma once
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/export.h"

namespace gemel {

class Shape {
 public:
  static constexpr int max_ndim = 8;

  Shape() : ndim_(0) {}
  Shape(std::initializer_list<int64_t> axes)
      : Shape(std::span<const int64_t>(axes.begin(), axes.size())) {}
  explicit Shape(std::span<const int64_t> axes) : ndim_(static_cast<int>(axes.size())) {
    GEMEL_CHECK(ndim_ <= max_ndim, "expected at most {} axes, got {}", max_ndim, ndim_);
    std::copy(axes.begin(), axes.end(), axes_);
  }
  Shape(const Shape& other) : ndim_(other.ndim_) {
    std::copy_n(other.axes_, std::max(ndim_, 0), axes_);
  }
  Shape& operator=(const Shape& other) {
    ndim_ = other.ndim_;
    std::copy_n(other.axes_, std::max(ndim_, 0), axes_);
    return *this;
  }
  static Shape unknown() {
    Shape s;
    s.ndim_ = -1;
    return s;
  }
  static Shape filled(int ndim, int64_t value) {
    GEMEL_CHECK(ndim <= max_ndim, "expected at most {} axes, got {}", max_ndim, ndim);
    Shape s;
    s.ndim_ = ndim;
    std::fill_n(s.axes_, ndim, value);
    return s;
  }

  int ndim() const { return ndim_; }
  int64_t operator[](int axis) const { return axes_[axis]; }
  int64_t& operator[](int axis) { return axes_[axis]; }
  const int64_t* begin() const { return axes_; }
  const int64_t* end() const { return axes_ + std::max(ndim_, 0); }
  int64_t* begin() { return axes_; }
  int64_t* end() { return axes_ + std::max(ndim_, 0); }
  void push_back(int64_t size) {
    GEMEL_CHECK(ndim_ < max_ndim, "expected at most {} axes", max_ndim);
    axes_[ndim_++] = size;
  }

  // True when the number of axes and every axis are known.
  bool known() const {
    return ndim_ >= 0 && std::all_of(begin(), end(), [](int64_t n) { return n >= 0; });
  }
  // Number of elements; the shape must be known.
  int64_t size() const {
    int64_t n = 1;
    for (int i = 0; i < ndim_; ++i) n *= axes_[i];
    return n;
  }
  // Product of the axes [first, last).
  int64_t size(int first, int last) const {
    int64_t n = 1;
    for (int i = first; i < last; ++i) n *= axes_[i];
    return n;
  }
  bool operator==(const Shape& other) const {
    return ndim_ == other.ndim_ && std::equal(begin(), end(), other.begin());
  }

 private:
  int32_t ndim_;
  int64_t axes_[max_ndim];
};

// "(2,3)", "(2,)", "()", "None" when unknown: MXNet's text form.
GEMEL_EXPORT std::string to_string(const Shape& shape);

// Row-major strides in elements.
inline Shape contiguous_strides(const Shape& shape) {
  Shape strides = shape;
  int64_t step = 1;
  for (int i = shape.ndim() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

// Axis in [0, ndim) from one that may be negative; `who` names the operator in the error.
inline int normalize_axis(int64_t axis, int ndim, std::string_view who) {
  if (axis < -ndim || axis >= ndim)
    fail(ErrorKind::Input, "[{}] expected an axis from {} to {} for an array of {} axes, got {}",
         who, -ndim, ndim - 1, ndim, axis);
  return static_cast<int>(axis < 0 ? axis + ndim : axis);
}

// Fills unknown parts of `target` from `source`; returns false where both are known and differ.
GEMEL_EXPORT bool merge_shape(Shape& target, const Shape& source);

}  // namespace gemel

template <>
struct fmt::formatter<gemel::Shape> : fmt::formatter<std::string> {
  auto format(const gemel::Shape& shape, fmt::format_context& context) const {
    return fmt::formatter<std::string>::format(gemel::to_string(shape), context);
  }
};
