#include "array/convert.h"

#include <cstring>

namespace gemel {
namespace {

template <typename To, typename From>
inline To convert_value(From value) {
  if constexpr (!std::is_same_v<compute_type<From>, From>) {
    return convert_value<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From(0);
  } else if constexpr (!std::is_same_v<compute_type<To>, To>) {
    return To(static_cast<float>(value));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> && sizeof(To) < 4) {
    // By way of a wider integer, so that a value outside of To wraps around on every machine alike.
    return static_cast<To>(static_cast<int32_t>(value));
  } else if constexpr (std::is_floating_point_v<From> && std::is_same_v<To, uint32_t>) {
    return static_cast<To>(static_cast<int64_t>(value));
  } else {
    return static_cast<To>(value);
  }
}

template <typename From, typename To>
void convert_all(const From* __restrict from, To* __restrict to, int64_t size) {
  for (int64_t i = 0; i < size; ++i) to[i] = convert_value<To>(from[i]);
}

// Axes of size 1 dropped and neighbours joined where one step of the outer is all of the inner.
struct Loops {
  int ndim = 0;
  int64_t size[Shape::max_ndim], stride[Shape::max_ndim];

  Loops(const Shape& shape, const Shape& strides) {
    for (int i = 0; i < shape.ndim(); ++i) {
      if (shape[i] == 1) continue;
      if (ndim && stride[ndim - 1] == strides[i] * shape[i]) {
        size[ndim - 1] *= shape[i];
        stride[ndim - 1] = strides[i];
      } else {
        size[ndim] = shape[i];
        stride[ndim++] = strides[i];
      }
    }
    if (ndim == 0) {
      size[0] = stride[0] = 1;
      ndim = 1;
    }
  }
};

template <typename T>
T* gather(const Loops& loops, int axis, const T* from, T* to) {
  const int64_t size = loops.size[axis], stride = loops.stride[axis];
  if (axis < loops.ndim - 1) {
    for (int64_t i = 0; i < size; ++i) to = gather(loops, axis + 1, from + i * stride, to);
    return to;
  }
  if (stride == 1)
    std::memcpy(to, from, static_cast<size_t>(size) * sizeof(T));
  else
    for (int64_t i = 0; i < size; ++i) to[i] = from[i * stride];
  return to + size;
}

template <typename T>
void gather_all(const Loops& loops, const Tensor& from, const Tensor& to) {
  gather(loops, 0, from.data<const T>(), to.data<T>());
}
}  // namespace

void convert(const Tensor& from, const Tensor& to) {
  GEMEL_CHECK(from.size() == to.size(), "[convert] expected {} elements as in {}, got {}",
              from.size(), from.shape, to.shape);
  GEMEL_CHECK(from.contiguous() && to.contiguous(), "[convert] expected contiguous arrays");
  if (to.size() == 0) return;
  if (from.dtype == to.dtype) {
    std::memcpy(to.address, from.address, static_cast<size_t>(to.bytes()));
    return;
  }
  dispatch(from.dtype, [&](auto source) {
    using From = typename decltype(source)::type;
    dispatch(to.dtype, [&](auto target) {
      using To = typename decltype(target)::type;
      convert_all(from.data<const From>(), to.data<To>(), to.size());
    });
  });
}

void copy_strided(const Tensor& from, const Tensor& to) {
  GEMEL_CHECK(from.shape == to.shape && from.dtype == to.dtype,
              "[copy_strided] expected a target of shape {} and dtype {}, got {} and {}",
              from.shape, name_of(from.dtype), to.shape, name_of(to.dtype));
  GEMEL_CHECK(to.contiguous(), "[copy_strided] expected a contiguous target");
  if (to.size() == 0) return;
  if (from.contiguous()) {
    std::memcpy(to.address, from.address, static_cast<size_t>(to.bytes()));
    return;
  }
  GEMEL_CHECK(from.stride.ndim() == from.shape.ndim(), "[copy_strided] expected {} strides, got {}",
              from.shape.ndim(), from.stride.ndim());
  const Loops loops(from.shape, from.stride);
  switch (size_of(from.dtype)) {
    case 1:
      return gather_all<uint8_t>(loops, from, to);
    case 2:
      return gather_all<uint16_t>(loops, from, to);
    case 4:
      return gather_all<uint32_t>(loops, from, to);
    default:
      return gather_all<uint64_t>(loops, from, to);
  }
}

}  // namespace gemel
