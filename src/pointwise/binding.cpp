#include "pointwise/binding.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace gemel::pointwise {

Shape broadcast_strides(const Tensor& tensor, const Shape& shape, int index) {
  const int extra = shape.ndim() - tensor.shape.ndim();
  const Shape own = tensor.contiguous() ? contiguous_strides(tensor.shape) : tensor.stride;
  Shape strides = Shape::filled(shape.ndim(), 0);
  bool fits = extra >= 0;
  for (int i = 0; fits && i < tensor.shape.ndim(); ++i) {
    const int64_t size = tensor.shape[i];
    fits = size == shape[i + extra] || size == 1;
    strides[i + extra] = size == 1 ? 0 : own[i];
  }
  GEMEL_CHECK(fits, "[pointwise] expected input {} to broadcast to the output's shape {}, got {}",
              index, shape, tensor.shape);
  return strides;
}

Axes merge_axes(const Shape& shape, std::span<Shape*> strides) {
  Axes axes;
  for (int i = 0; i < shape.ndim(); ++i) {
    if (shape[i] == 1) continue;
    const int last = axes.count - 1;
    bool merge = last >= 0;
    for (Shape* stride : strides) merge = merge && (*stride)[last] == (*stride)[i] * shape[i];
    const int to = merge ? last : axes.count++;
    axes.size[to] = merge ? axes.size[to] * shape[i] : shape[i];
    for (Shape* stride : strides) (*stride)[to] = (*stride)[i];
  }
  if (axes.count == 0) {
    axes.size[axes.count++] = 1;
    for (Shape* stride : strides)
      if (stride->ndim() == 0) stride->push_back(0);
  }
  return axes;
}

namespace {

// Rows of one short repeated run (a bias): the first period is read, the rest copied from it.
template <typename T>
void repeat_period(const InputBinding<T>& input, int64_t period, int64_t phase, int64_t n, T* to) {
  const int64_t head = std::min(period - phase, n);
  input.load(input.address + phase * input.element_size, to, static_cast<size_t>(head));
  const int64_t rest = std::min(phase, n - head);
  if (rest > 0) input.load(input.address, to + head, static_cast<size_t>(rest));
  for (int64_t done = period; done < n; done *= 2)  // whole periods, so every copy is in phase
    std::memcpy(to + done, to, static_cast<size_t>(std::min(done, n - done)) * sizeof(T));
}

// One element of each short row, repeated along it.
template <typename T>
void repeat_elements(const InputBinding<T>& input, int64_t run, int64_t begin, int64_t n, T* to) {
  const T* from = reinterpret_cast<const T*>(input.address) + begin / run * input.stride[0];
  int64_t left = run - begin % run;
  for (int64_t i = 0; i < n;) {
    const T value = *from;
    const int64_t end = std::min(n, i + left);
    for (; i < end; ++i) to[i] = value;
    from += input.stride[0];
    left = run;
  }
}

}  // namespace

template <typename T>
const T* walk(const InputBinding<T>& input, const Axes& axes, int64_t begin, int64_t n, T* to) {
  if (axes.count == 2) {
    const int64_t row = axes.size[1];
    if (input.stride[0] == 0 && input.stride[1] == 1 && row <= n / 2) {
      repeat_period(input, row, begin % row, n, to);
      return to;
    }
    if (input.stride[1] == 0 && input.same_type && row <= n / 2) {
      repeat_elements(input, row, begin, n, to);
      return to;
    }
  }
  int64_t at[Shape::max_ndim];
  int64_t offset = 0, rest = begin;
  for (int i = axes.count - 1; i >= 0; --i) {
    at[i] = rest % axes.size[i];
    rest /= axes.size[i];
    offset += at[i] * input.stride[i];
  }
  const int inner = axes.count - 1;
  const int64_t step = input.stride[inner];
  if (step == 1 && input.same_type && at[inner] + n <= axes.size[inner])
    return reinterpret_cast<const T*>(input.address) + offset;
  T* target = to;
  for (int64_t left = n; left > 0;) {
    const int64_t run = std::min(left, axes.size[inner] - at[inner]);
    const std::byte* from = input.address + offset * input.element_size;
    const size_t length = static_cast<size_t>(run);
    if (step == 1 && input.same_type && run < 16)
      for (int64_t i = 0; i < run; ++i) target[i] = reinterpret_cast<const T*>(from)[i];
    else if (step == 1)
      input.load(from, target, length);
    else if (step == 0) {
      T value;
      input.load(from, &value, 1);
      std::fill_n(target, length, value);
    } else
      input.strided_load(from, step, target, length);
    target += run;
    left -= run;
    if (left == 0) break;
    offset -= at[inner] * step;
    at[inner] = 0;
    for (int i = inner - 1; i >= 0; --i) {
      offset += input.stride[i];
      if (++at[i] < axes.size[i]) break;
      offset -= at[i] * input.stride[i];
      at[i] = 0;
    }
  }
  return to;
}

template const float* walk(const InputBinding<float>&, const Axes&, int64_t, int64_t, float*);
template const double* walk(const InputBinding<double>&, const Axes&, int64_t, int64_t, double*);
template const int64_t* walk(const InputBinding<int64_t>&, const Axes&, int64_t, int64_t, int64_t*);
template const uint64_t* walk(const InputBinding<uint64_t>&, const Axes&, int64_t, int64_t,
                              uint64_t*);

}  // namespace gemel::pointwise
