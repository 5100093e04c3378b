#include "kernels/conv/patches.h"

#include <algorithm>
#include <cstring>

#include "kernels/gemm/gemm.h"
#include "kernels/parallel.h"

namespace gemel::kernels {
namespace {

using Geometry = ConvolutionGeometry;

// One row of the matrix belongs to a channel and a kernel element. Calls f(row, image offset or -1,
// column, count, step) for the runs along the width; offset -1 stands for padding.
template <typename F>
void runs(const Geometry& g, int64_t row, F&& f) {
  const int64_t channel = row / g.kernel_size(), k = row % g.kernel_size();
  const int64_t shift[3] = {k / (g.kernel[1] * g.kernel[2]) * g.dilate[0] - g.pad[0],
                            k / g.kernel[2] % g.kernel[1] * g.dilate[1] - g.pad[1],
                            k % g.kernel[2] * g.dilate[2] - g.pad[2]};
  // Outputs [first, last) along the width fall inside the image.
  const int64_t step = g.stride[2];
  const int64_t first =
      std::clamp<int64_t>(shift[2] < 0 ? (-shift[2] + step - 1) / step : 0, 0, g.out[2]);
  const int64_t last = std::clamp<int64_t>(
      shift[2] < g.in[2] ? (g.in[2] - shift[2] + step - 1) / step : 0, first, g.out[2]);
  int64_t column = 0;
  for (int64_t od = 0; od < g.out[0]; ++od)
    for (int64_t oh = 0; oh < g.out[1]; ++oh, column += g.out[2]) {
      const int64_t d = od * g.stride[0] + shift[0], h = oh * g.stride[1] + shift[1];
      if (d < 0 || d >= g.in[0] || h < 0 || h >= g.in[1]) {
        f(int64_t(-1), column, g.out[2]);
        continue;
      }
      const int64_t line = ((channel * g.in[0] + d) * g.in[1] + h) * g.in[2];
      if (first > 0) f(int64_t(-1), column, first);
      if (last > first) f(line + first * step + shift[2], column + first, last - first);
      if (last < g.out[2]) f(int64_t(-1), column + last, g.out[2] - last);
    }
}

template <typename T>
void gather(const Geometry& g, const T* image, T* matrix) {
  parallel_for(g.group_in() * g.kernel_size(), g.out_size(), [&](int64_t row) {
    T* target = matrix + row * g.out_size();
    runs(g, row, [&](int64_t from, int64_t column, int64_t count) {
      if (from < 0)
        std::fill_n(target + column, count, T(0));
      else if (g.stride[2] == 1)
        std::copy_n(image + from, count, target + column);
      else
        for (int64_t i = 0; i < count; ++i) target[column + i] = image[from + i * g.stride[2]];
    });
  });
}

template <typename T>
void scatter_add(const Geometry& g, const T* matrix, T* image) {
  // Rows of one channel meet in the same elements; channels do not.
  parallel_for(g.group_in(), g.kernel_size() * g.out_size(), [&](int64_t channel) {
    for (int64_t row = channel * g.kernel_size(); row < (channel + 1) * g.kernel_size(); ++row) {
      const T* source = matrix + row * g.out_size();
      runs(g, row, [&](int64_t to, int64_t column, int64_t count) {
        if (to < 0) return;
        for (int64_t i = 0; i < count; ++i) image[to + i * g.stride[2]] += source[column + i];
      });
    }
  });
}

// Offsets of one group of one sample, in elements.
struct Block {
  int64_t group, data, out, weight;
};
template <typename F>
void blocks(const Geometry& g, F&& f) {
  for (int64_t n = 0; n < g.batch; ++n)
    for (int64_t group = 0; group < g.groups; ++group)
      f(n, Block{group, (n * g.in_channels + group * g.group_in()) * g.in_size(),
                 (n * g.out_channels + group * g.group_out()) * g.out_size(),
                 group * g.group_out() * g.group_in() * g.kernel_size()});
}

template <typename T>
void forward(DType dtype, const Geometry& g, const T* data, const T* weight, const T* bias, T* out,
             T* scratch) {
  const int64_t depth = g.group_in() * g.kernel_size();
  const auto product = Gemm::packed(false, false, g.group_out(), g.out_size(), depth, bias ? 1 : 0);
  blocks(g, [&](int64_t, const Block& b) {
    const T* matrix = data + b.data;
    if (!g.pointwise()) {
      gather(g, data + b.data, scratch);
      matrix = scratch;
    }
    if (bias)
      for (int64_t m = 0; m < g.group_out(); ++m)
        std::fill_n(out + b.out + m * g.out_size(), g.out_size(),
                    bias[b.group * g.group_out() + m]);
    gemm(dtype, product, weight + b.weight, matrix, out + b.out);
  });
}

template <typename T>
void backward_data(DType dtype, const Geometry& g, const T* dy, const T* weight, T* dx,
                   T* scratch) {
  const int64_t depth = g.group_in() * g.kernel_size();
  const auto product = Gemm::packed(true, false, depth, g.out_size(), g.group_out());
  blocks(g, [&](int64_t, const Block& b) {
    if (g.pointwise()) {
      gemm(dtype, product, weight + b.weight, dy + b.out, dx + b.data);
      return;
    }
    gemm(dtype, product, weight + b.weight, dy + b.out, scratch);
    std::fill_n(dx + b.data, g.group_in() * g.in_size(), T(0));
    scatter_add(g, scratch, dx + b.data);
  });
}

template <typename T>
void backward_weight(DType dtype, const Geometry& g, const T* data, const T* dy, T* dweight,
                     T* scratch) {
  const int64_t depth = g.group_in() * g.kernel_size();
  if (g.batch == 0) std::fill_n(dweight, g.out_channels * depth, T(0));
  blocks(g, [&](int64_t n, const Block& b) {
    const T* matrix = data + b.data;
    if (!g.pointwise()) {
      gather(g, data + b.data, scratch);
      matrix = scratch;
    }
    gemm(dtype, Gemm::packed(false, true, g.group_out(), depth, g.out_size(), n == 0 ? 0 : 1),
         dy + b.out, matrix, dweight + b.weight);
  });
}

template <typename F>
void with_type(DType dtype, F&& f) {
  if (dtype == DType::float32)
    f(float{});
  else if (dtype == DType::float64)
    f(double{});
  else
    fail(ErrorKind::Type, "[Convolution] expected float32 or float64, got {}", name_of(dtype));
}

}  // namespace

void patches_convolution(DType dtype, const Geometry& g, const void* data, const void* weight,
                         const void* bias, void* out, void* scratch) {
  with_type(dtype, [&](auto type) {
    using T = decltype(type);
    forward(dtype, g, static_cast<const T*>(data), static_cast<const T*>(weight),
            static_cast<const T*>(bias), static_cast<T*>(out), static_cast<T*>(scratch));
  });
}

void patches_convolution_data(DType dtype, const Geometry& g, const void* dy, const void* weight,
                              void* dx, void* scratch) {
  with_type(dtype, [&](auto type) {
    using T = decltype(type);
    backward_data(dtype, g, static_cast<const T*>(dy), static_cast<const T*>(weight),
                  static_cast<T*>(dx), static_cast<T*>(scratch));
  });
}

void patches_convolution_weight(DType dtype, const Geometry& g, const void* data, const void* dy,
                                void* dweight, void* scratch) {
  with_type(dtype, [&](auto type) {
    using T = decltype(type);
    backward_weight(dtype, g, static_cast<const T*>(data), static_cast<const T*>(dy),
                    static_cast<T*>(dweight), static_cast<T*>(scratch));
  });
}

}  // namespace gemel::kernels
