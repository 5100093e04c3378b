#include "kernels/softmax/softmax.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/parallel.h"
#include "simd/row_loops.h"

namespace gemel::kernels {
namespace {

constexpr int64_t rows_together = 4096;  // elements of neighbouring rows that make one task

// Reads and writes rows of any type through a buffer in the type of computation.
template <typename C>
using Load = void (*)(const std::byte* from, int64_t step, int64_t count, C* to);
template <typename C>
using Store = void (*)(const C* from, int64_t count, std::byte* to, int64_t step);

template <typename C>
Load<C> loader(DType dtype) {
  return dispatch_floating(dtype, "softmax", [](auto type) -> Load<C> {
    using T = typename decltype(type)::type;
    return [](const std::byte* from, int64_t step, int64_t count, C* to) {
      const T* source = reinterpret_cast<const T*>(from);
      for (int64_t i = 0; i < count; ++i) to[i] = static_cast<C>(source[i * step]);
    };
  });
}

template <typename C>
Store<C> storer(DType dtype) {
  return dispatch_floating(dtype, "softmax", [](auto type) -> Store<C> {
    using T = typename decltype(type)::type;
    return [](const C* from, int64_t count, std::byte* to, int64_t step) {
      T* target = reinterpret_cast<T*>(to);
      if constexpr (std::is_same_v<T, double> || std::is_same_v<T, float>)
        for (int64_t i = 0; i < count; ++i) target[i * step] = static_cast<T>(from[i]);
      else
        for (int64_t i = 0; i < count; ++i)
          target[i * step] = static_cast<T>(static_cast<float>(from[i]));
    };
  });
}

// A row's worth of numbers: on the stack when it is short.
template <typename C>
class Row {
 public:
  explicit Row(int64_t count) {
    if (count > fixed) heap_.resize(static_cast<size_t>(count));
    data_ = count > fixed ? heap_.data() : stack_;
  }
  C* data() { return data_; }

 private:
  static constexpr int64_t fixed = 256;
  C stack_[fixed];
  std::vector<C> heap_;
  C* data_;
};

template <typename C>
C factor_of(const Softmax& s) {
  return static_cast<C>((s.kind == SoftmaxKind::softmin ? -1 : 1) / s.temperature);
}

// Rows next to each other; y may be x.
template <typename C>
void rows_forward(const Softmax& s, const C* x, int64_t rows, int64_t count, C* y) {
  const auto& loops = simd::row_loops<C>();
  (s.kind == SoftmaxKind::log_softmax ? loops.log_softmax : loops.softmax)(
      x, static_cast<size_t>(rows), static_cast<size_t>(count), factor_of<C>(s), y);
}

template <typename C>
void row_backward(const Softmax& s, const C* dy, const C* y, C* dx, int64_t count) {
  const auto& loops = simd::row_loops<C>();
  const auto n = static_cast<size_t>(count);
  const C factor = factor_of<C>(s);
  if (s.kind == SoftmaxKind::log_softmax)
    return loops.log_softmax_backward(dy, y, loops.sum(dy, n), factor, dx, n);
  loops.softmax_backward(dy, y, loops.dot(dy, y, n), factor, dx, n);
}

int64_t length_at(const Softmax& s, int64_t row) {
  if (!s.lengths) return s.count;
  const int64_t length = dispatch(s.lengths->dtype, [&](auto type) {
    return static_cast<int64_t>(s.lengths->data<typename decltype(type)::type>()[row]);
  });
  return std::clamp<int64_t>(length, 0, s.count);
}

// Calls f(row index, offset of its first element in elements).
template <typename F>
void rows(const Softmax& s, F&& f) {
  if (s.count == 0) return;
  parallel_for(s.outer * s.inner, s.count * 8,
               [&](int64_t row) { f(row, row / s.inner * s.count * s.inner + row % s.inner); });
}

template <typename C>
void forward(const Softmax& s, const Tensor& data, const Tensor& out) {
  const auto load = loader<C>(data.dtype);
  const auto store = storer<C>(out.dtype);
  const int64_t in_size = size_of(data.dtype), out_size = size_of(out.dtype);
  const bool direct =
      s.inner == 1 && out.dtype == (std::is_same_v<C, float> ? DType::float32 : DType::float64);
  if (direct && data.dtype == out.dtype && !s.lengths && s.count > 0) {
    const int64_t step = std::max<int64_t>(1, rows_together / s.count);
    parallel_for((s.outer + step - 1) / step, step * s.count * 8, [&](int64_t block) {
      const int64_t first = block * step * s.count;
      rows_forward(s, data.data<C>() + first, std::min(step, s.outer - block * step), s.count,
                   out.data<C>() + first);
    });
    return;
  }
  rows(s, [&](int64_t row, int64_t offset) {
    if (direct) {  // the output's own memory is the buffer
      C* y = out.data<C>() + offset;
      const int64_t length = length_at(s, row);
      load(data.address + offset * in_size, 1, length, y);
      rows_forward(s, y, 1, length, y);
      std::fill(y + length, y + s.count, C(0));
      return;
    }
    Row<C> buffer(s.count);
    C* x = buffer.data();
    const int64_t length = length_at(s, row);
    load(data.address + offset * in_size, s.inner, length, x);
    rows_forward(s, x, 1, length, x);
    std::fill(x + length, x + s.count, C(0));
    store(x, s.count, out.address + offset * out_size, s.inner);
  });
}

template <typename C>
void backward(const Softmax& s, const Tensor& dy, const Tensor& y, const Tensor& dx) {
  const auto load_dy = loader<C>(dy.dtype), load_y = loader<C>(y.dtype);
  const auto store = storer<C>(dx.dtype);
  const DType own = std::is_same_v<C, float> ? DType::float32 : DType::float64;
  const bool direct = s.inner == 1 && dy.dtype == own && y.dtype == own && dx.dtype == own;
  rows(s, [&](int64_t, int64_t offset) {
    if (direct) {
      row_backward(s, dy.data<C>() + offset, y.data<C>() + offset, dx.data<C>() + offset, s.count);
      return;
    }
    Row<C> head(s.count), result(s.count);
    load_dy(dy.address + offset * size_of(dy.dtype), s.inner, s.count, head.data());
    load_y(y.address + offset * size_of(y.dtype), s.inner, s.count, result.data());
    row_backward(s, head.data(), result.data(), head.data(), s.count);
    store(head.data(), s.count, dx.address + offset * size_of(dx.dtype), s.inner);
  });
}

bool wide(std::initializer_list<DType> dtypes) {
  return std::find(dtypes.begin(), dtypes.end(), DType::float64) != dtypes.end();
}

}  // namespace

void softmax(const Softmax& s, const Tensor& data, const Tensor& out) {
  if (wide({data.dtype, out.dtype}))
    forward<double>(s, data, out);
  else
    forward<float>(s, data, out);
}

void softmax_backward(const Softmax& s, const Tensor& dy, const Tensor& y, const Tensor& dx) {
  if (wide({dy.dtype, y.dtype, dx.dtype}))
    backward<double>(s, dy, y, dx);
  else
    backward<float>(s, dy, y, dx);
}

}  // namespace gemel::kernels
