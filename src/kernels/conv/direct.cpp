#include "kernels/conv/direct.h"

#include "kernels/parallel.h"
#include "simd/reduce_loops.h"

namespace gemel::kernels {
namespace {

using Geometry = ConvolutionGeometry;

// Calls f(kernel offset, input offset) for the elements of the window at output position `o` that
// lie inside the input.
template <typename F>
void window(const Geometry& g, const int64_t (&o)[3], F&& f) {
  int64_t start[3];
  for (int a = 0; a < 3; ++a) start[a] = o[a] * g.stride[a] - g.pad[a];
  int64_t k = 0;
  for (int64_t kd = 0; kd < g.kernel[0]; ++kd) {
    const int64_t d = start[0] + kd * g.dilate[0];
    for (int64_t kh = 0; kh < g.kernel[1]; ++kh) {
      const int64_t h = start[1] + kh * g.dilate[1];
      for (int64_t kw = 0; kw < g.kernel[2]; ++kw, ++k) {
        const int64_t w = start[2] + kw * g.dilate[2];
        if (d < 0 || d >= g.in[0] || h < 0 || h >= g.in[1] || w < 0 || w >= g.in[2]) continue;
        f(k, (d * g.in[1] + h) * g.in[2] + w);
      }
    }
  }
}

// Calls f(output offset, output position) for every output position.
template <typename F>
void positions(const Geometry& g, F&& f) {
  int64_t offset = 0;
  int64_t o[3];
  for (o[0] = 0; o[0] < g.out[0]; ++o[0])
    for (o[1] = 0; o[1] < g.out[1]; ++o[1])
      for (o[2] = 0; o[2] < g.out[2]; ++o[2]) f(offset++, o);
}

// The output coordinate whose window meets input coordinate `i` at kernel coordinate `k`; -1: none.
int64_t source(const Geometry& g, int axis, int64_t i, int64_t k) {
  const int64_t shifted = i + g.pad[axis] - k * g.dilate[axis];
  if (shifted < 0 || shifted % g.stride[axis] != 0) return -1;
  const int64_t o = shifted / g.stride[axis];
  return o < g.out[axis] ? o : -1;
}

template <typename T>
void forward(const Geometry& g, const T* data, const T* weight, const T* bias, T* out) {
  using C = compute_type<T>;
  const int64_t steps = g.out_size() * g.group_in() * g.kernel_size();
  parallel_for(g.batch * g.out_channels, steps, [&](int64_t item) {
    const int64_t n = item / g.out_channels, channel = item % g.out_channels;
    const int64_t first = channel / g.group_out() * g.group_in();
    const T* filter = weight + channel * g.group_in() * g.kernel_size();
    const T* image = data + (n * g.in_channels + first) * g.in_size();
    T* target = out + item * g.out_size();
    positions(g, [&](int64_t offset, const int64_t(&o)[3]) {
      C sum = bias ? static_cast<C>(bias[channel]) : C(0);
      for (int64_t c = 0; c < g.group_in(); ++c)
        window(g, o, [&](int64_t k, int64_t i) {
          sum += static_cast<C>(image[c * g.in_size() + i]) *
                 static_cast<C>(filter[c * g.kernel_size() + k]);
        });
      target[offset] = static_cast<T>(sum);
    });
  });
}

template <typename T>
void backward_data(const Geometry& g, const T* dy, const T* weight, T* dx) {
  using C = compute_type<T>;
  const int64_t steps = g.in_size() * g.group_out() * g.kernel_size();
  parallel_for(g.batch * g.in_channels, steps, [&](int64_t item) {
    const int64_t n = item / g.in_channels, channel = item % g.in_channels;
    const int64_t group = channel / g.group_in(), c = channel % g.group_in();
    T* target = dx + item * g.in_size();
    int64_t i[3];
    for (i[0] = 0; i[0] < g.in[0]; ++i[0])
      for (i[1] = 0; i[1] < g.in[1]; ++i[1])
        for (i[2] = 0; i[2] < g.in[2]; ++i[2]) {
          C sum = 0;
          for (int64_t k = 0; k < g.kernel_size(); ++k) {
            const int64_t d = source(g, 0, i[0], k / (g.kernel[1] * g.kernel[2]));
            const int64_t h = source(g, 1, i[1], k / g.kernel[2] % g.kernel[1]);
            const int64_t w = source(g, 2, i[2], k % g.kernel[2]);
            if (d < 0 || h < 0 || w < 0) continue;
            const int64_t o = (d * g.out[1] + h) * g.out[2] + w;
            for (int64_t m = group * g.group_out(); m < (group + 1) * g.group_out(); ++m)
              sum += static_cast<C>(dy[(n * g.out_channels + m) * g.out_size() + o]) *
                     static_cast<C>(weight[(m * g.group_in() + c) * g.kernel_size() + k]);
          }
          *target++ = static_cast<T>(sum);
        }
  });
}

template <typename T>
void backward_weight(const Geometry& g, const T* data, const T* dy, T* dweight) {
  using C = compute_type<T>;
  const int64_t steps = g.batch * g.out_size() * g.kernel_size();
  parallel_for(g.out_channels * g.group_in(), steps, [&](int64_t item) {
    const int64_t m = item / g.group_in(), c = item % g.group_in();
    const int64_t channel = m / g.group_out() * g.group_in() + c;
    T* target = dweight + item * g.kernel_size();
    for (int64_t k = 0; k < g.kernel_size(); ++k) {
      C sum = 0;
      for (int64_t n = 0; n < g.batch; ++n) {
        const T* image = data + (n * g.in_channels + channel) * g.in_size();
        const T* head = dy + (n * g.out_channels + m) * g.out_size();
        positions(g, [&](int64_t offset, const int64_t(&o)[3]) {
          const int64_t d =
              o[0] * g.stride[0] - g.pad[0] + k / (g.kernel[1] * g.kernel[2]) * g.dilate[0];
          const int64_t h =
              o[1] * g.stride[1] - g.pad[1] + k / g.kernel[2] % g.kernel[1] * g.dilate[1];
          const int64_t w = o[2] * g.stride[2] - g.pad[2] + k % g.kernel[2] * g.dilate[2];
          if (d < 0 || d >= g.in[0] || h < 0 || h >= g.in[1] || w < 0 || w >= g.in[2]) return;
          sum +=
              static_cast<C>(head[offset]) * static_cast<C>(image[(d * g.in[1] + h) * g.in[2] + w]);
        });
      }
      target[k] = static_cast<T>(sum);
    }
  });
}

}  // namespace

void direct_convolution(DType dtype, const Geometry& g, const void* data, const void* weight,
                        const void* bias, void* out) {
  dispatch_floating(dtype, "Convolution", [&](auto type) {
    using T = typename decltype(type)::type;
    forward(g, static_cast<const T*>(data), static_cast<const T*>(weight),
            static_cast<const T*>(bias), static_cast<T*>(out));
  });
}

void direct_convolution_data(DType dtype, const Geometry& g, const void* dy, const void* weight,
                             void* dx) {
  dispatch_floating(dtype, "Convolution", [&](auto type) {
    using T = typename decltype(type)::type;
    backward_data(g, static_cast<const T*>(dy), static_cast<const T*>(weight), static_cast<T*>(dx));
  });
}

void direct_convolution_weight(DType dtype, const Geometry& g, const void* data, const void* dy,
                               void* dweight) {
  dispatch_floating(dtype, "Convolution", [&](auto type) {
    using T = typename decltype(type)::type;
    backward_weight(g, static_cast<const T*>(data), static_cast<const T*>(dy),
                    static_cast<T*>(dweight));
  });
}

void convolution_bias(DType dtype, const Geometry& g, const void* dy, void* dbias) {
  dispatch_floating(dtype, "Convolution", [&](auto type) {
    using T = typename decltype(type)::type;
    using C = compute_type<T>;
    constexpr auto add = static_cast<size_t>(simd::Reducing::add);
    const T* head = static_cast<const T*>(dy);
    parallel_for(g.out_channels, g.batch * g.out_size(), [&](int64_t m) {
      std::conditional_t<std::is_same_v<T, float>, double, C> sum = 0;
      for (int64_t n = 0; n < g.batch; ++n) {
        const T* from = head + (n * g.out_channels + m) * g.out_size();
        if constexpr (std::is_same_v<T, C>)
          sum += simd::reduce_loops<T>().run[add](from, static_cast<size_t>(g.out_size()));
        else
          for (int64_t i = 0; i < g.out_size(); ++i) sum += static_cast<C>(from[i]);
      }
      static_cast<T*>(dbias)[m] = static_cast<T>(sum);
    });
  });
}

}  // namespace gemel::kernels
