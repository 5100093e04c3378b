#include "kernels/softmax/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/parallel.h"

namespace gemel::kernels {
namespace {

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
        for (int64_t i = 0; i < count; ++i) target[i * step] = static_cast<T>(static_cast<float>(from[i]));
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
void row_forward(const Softmax& s, C* x, int64_t count) {
  if (count == 0) return;
  // With sign and temperature in one factor, the largest of factor*x is at the largest or smallest x.
  const C factor = static_cast<C>((s.kind == SoftmaxKind::softmin ? -1 : 1) / s.temperature);
  C largest = -std::numeric_limits<C>::infinity();
  for (int64_t i = 0; i < count; ++i) {
    x[i] *= factor;
    largest = x[i] > largest ? x[i] : largest;
  }
  C sum = 0;
  if (s.kind == SoftmaxKind::log_softmax) {
    for (int64_t i = 0; i < count; ++i) sum += std::exp(x[i] - largest);
    const C shift = largest + std::log(sum);
    for (int64_t i = 0; i < count; ++i) x[i] -= shift;
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    x[i] = std::exp(x[i] - largest);
    sum += x[i];
  }
  const C scale = 1 / sum;
  for (int64_t i = 0; i < count; ++i) x[i] *= scale;
}

template <typename C>
void row_backward(const Softmax& s, C* dy, const C* y, int64_t count) {
  const C factor = static_cast<C>((s.kind == SoftmaxKind::softmin ? -1 : 1) / s.temperature);
  C sum = 0;
  if (s.kind == SoftmaxKind::log_softmax) {
    for (int64_t i = 0; i < count; ++i) sum += dy[i];
    for (int64_t i = 0; i < count; ++i) dy[i] = factor * (dy[i] - std::exp(y[i]) * sum);
    return;
  }
  for (int64_t i = 0; i < count; ++i) sum += dy[i] * y[i];
  for (int64_t i = 0; i < count; ++i) dy[i] = factor * y[i] * (dy[i] - sum);
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
  rows(s, [&](int64_t row, int64_t offset) {
    Row<C> buffer(s.count);
    C* x = buffer.data();
    const int64_t length = length_at(s, row);
    load(data.address + offset * in_size, s.inner, length, x);
    row_forward(s, x, length);
    std::fill(x + length, x + s.count, C(0));
    store(x, s.count, out.address + offset * out_size, s.inner);
  });
}

template <typename C>
void backward(const Softmax& s, const Tensor& dy, const Tensor& y, const Tensor& dx) {
  const auto load_dy = loader<C>(dy.dtype), load_y = loader<C>(y.dtype);
  const auto store = storer<C>(dx.dtype);
  rows(s, [&](int64_t, int64_t offset) {
    Row<C> head(s.count), result(s.count);
    load_dy(dy.address + offset * size_of(dy.dtype), s.inner, s.count, head.data());
    load_y(y.address + offset * size_of(y.dtype), s.inner, s.count, result.data());
    row_backward(s, head.data(), result.data(), s.count);
    store(head.data(), s.count, dx.address + offset * size_of(dx.dtype), s.inner);
  });
}

bool wide(std::initializer_list<DType> dtypes) {
  return std::find(dtypes.begin(), dtypes.end(), DType::float64) != dtypes.end();
}

}  // namespace

void softmax(const Softmax& s, const Tensor& data, const Tensor& out) {
  if (wide({data.dtype, out.dtype})) forward<double>(s, data, out);
  else forward<float>(s, data, out);
}

void softmax_backward(const Softmax& s, const Tensor& dy, const Tensor& y, const Tensor& dx) {
  if (wide({dy.dtype, y.dtype, dx.dtype})) backward<double>(s, dy, y, dx);
  else backward<float>(s, dy, y, dx);
}

}  // namespace gemel::kernels
