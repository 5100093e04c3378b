// Loops that apply a vector operation to arrays. The tail goes through the same operation, in a
// vector whose other lanes are not read and not written.
#if defined(GEMEL_SIMD_VECTOR_LOOPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GEMEL_SIMD_VECTOR_LOOPS_INL_H_
#undef GEMEL_SIMD_VECTOR_LOOPS_INL_H_
#else
#define GEMEL_SIMD_VECTOR_LOOPS_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Masked loads that do not touch memory behind the mask exist from AVX-512 on; elsewhere the tail
// passes through a buffer.
inline constexpr bool has_masked_memory = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL;

template <class D, typename T>
HWY_INLINE hn::Vec<D> load_tail(D d, const T* from, size_t count) {
  if constexpr (has_masked_memory) return hn::MaskedLoad(hn::FirstN(d, count), d, from);
  alignas(64) T buffer[hn::MaxLanes(D())] = {};
  for (size_t i = 0; i < count; ++i) buffer[i] = from[i];
  return hn::Load(d, buffer);
}
template <class D, typename T>
HWY_INLINE void store_tail(D d, hn::Vec<D> value, T* to, size_t count) {
  if constexpr (has_masked_memory) return hn::BlendedStore(value, hn::FirstN(d, count), d, to);
  alignas(64) T buffer[hn::MaxLanes(D())];
  hn::Store(value, d, buffer);
  for (size_t i = 0; i < count; ++i) to[i] = buffer[i];
}

template <class F, typename T>
void unary_vectors(const T* a, T* out, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(F()(d, hn::LoadU(d, a + i)), d, out + i);
  if (i < n) store_tail(d, F()(d, load_tail(d, a + i, n - i)), out + i, n - i);
}

template <class F, typename T>
void binary_vectors(const T* a, const T* b, T* out, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(F()(d, hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, out + i);
  if (i < n)
    store_tail(d, F()(d, load_tail(d, a + i, n - i), load_tail(d, b + i, n - i)), out + i, n - i);
}

template <class F, typename T>
void right_scalar_vectors(const T* a, T b, T* out, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto scalar = hn::Set(d, b);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(F()(d, hn::LoadU(d, a + i), scalar), d, out + i);
  if (i < n) store_tail(d, F()(d, load_tail(d, a + i, n - i), scalar), out + i, n - i);
}

template <class F, typename T>
void left_scalar_vectors(const T* a, T b, T* out, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto scalar = hn::Set(d, b);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(F()(d, scalar, hn::LoadU(d, a + i)), d, out + i);
  if (i < n) store_tail(d, F()(d, scalar, load_tail(d, a + i, n - i)), out + i, n - i);
}

template <class F, typename T>
void scaled_vectors(const T* a, T scale, const T* b, T* out, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto scalar = hn::Set(d, scale);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(F()(d, scalar, hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, out + i);
  if (i < n)
    store_tail(d, F()(d, scalar, load_tail(d, a + i, n - i), load_tail(d, b + i, n - i)), out + i,
               n - i);
}

template <class F, typename T>
void ternary_vectors(const T* a, const T* b, const T* c, T* out, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(F()(d, hn::LoadU(d, a + i), hn::LoadU(d, b + i), hn::LoadU(d, c + i)), d, out + i);
  if (i < n)
    store_tail(
        d,
        F()(d, load_tail(d, a + i, n - i), load_tail(d, b + i, n - i), load_tail(d, c + i, n - i)),
        out + i, n - i);
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
