#include "simd/convert.h"

#include <cstring>

#include "simd/convert_half.h"
#include "simd/convert_value.h"

namespace gemel::simd {

namespace {

template <typename S, typename T>
void load(const void* from, T* to, size_t n) {
  const S* source = static_cast<const S*>(from);
  if constexpr (std::is_same_v<S, T>)
    std::memmove(to, source, n * sizeof(T));
  else
    for (size_t i = 0; i < n; ++i) to[i] = load_value<S, T>(source[i]);
}

template <typename S, typename T>
void load_strided(const void* from, ptrdiff_t stride, T* to, size_t n) {
  const S* source = static_cast<const S*>(from);
  for (size_t i = 0; i < n; ++i)
    to[i] = load_value<S, T>(source[static_cast<ptrdiff_t>(i) * stride]);
}

template <typename T, typename S>
void store(const T* from, void* to, size_t n) {
  S* target = static_cast<S*>(to);
  if constexpr (std::is_same_v<S, T>)
    std::memmove(target, from, n * sizeof(T));
  else
    for (size_t i = 0; i < n; ++i) target[i] = store_value<T, S>(from[i]);
}

}  // namespace

template <typename T>
Load<T> load_function(DType dtype) {
  if constexpr (std::is_same_v<T, float>) {
    if (dtype == DType::float16) return float_from_float16;
    if (dtype == DType::bfloat16) return float_from_bfloat16;
  }
  return dispatch(dtype,
                  [](auto type) -> Load<T> { return load<typename decltype(type)::type, T>; });
}
template <typename T>
StridedLoad<T> strided_load_function(DType dtype) {
  return dispatch(dtype, [](auto type) -> StridedLoad<T> {
    return load_strided<typename decltype(type)::type, T>;
  });
}
template <typename T>
Store<T> store_function(DType dtype) {
  if constexpr (std::is_same_v<T, float>) {
    if (dtype == DType::float16) return float16_from_float;
    if (dtype == DType::bfloat16) return bfloat16_from_float;
  }
  return dispatch(dtype,
                  [](auto type) -> Store<T> { return store<T, typename decltype(type)::type>; });
}

template Load<float> load_function<float>(DType);
template Load<double> load_function<double>(DType);
template Load<int64_t> load_function<int64_t>(DType);
template Load<uint64_t> load_function<uint64_t>(DType);
template StridedLoad<float> strided_load_function<float>(DType);
template StridedLoad<double> strided_load_function<double>(DType);
template StridedLoad<int64_t> strided_load_function<int64_t>(DType);
template StridedLoad<uint64_t> strided_load_function<uint64_t>(DType);
template Store<float> store_function<float>(DType);
template Store<double> store_function<double>(DType);
template Store<int64_t> store_function<int64_t>(DType);
template Store<uint64_t> store_function<uint64_t>(DType);

}  // namespace gemel::simd
