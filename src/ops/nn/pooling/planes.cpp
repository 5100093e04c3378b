#include "ops/nn/pooling/planes.h"

#include <algorithm>

#include "kernels/parallel.h"
#include "memory/pool.h"
#include "simd/convert.h"
#include "simd/pool_planes.h"

namespace gemel::pooling_planes {
namespace {

using Geometry = PoolingGeometry;

bool computed_in_float(DType dtype) {
  return dtype == DType::float32 || dtype == DType::float16 || dtype == DType::bfloat16;
}

simd::PoolSizes sizes_of(const Geometry& g) {
  simd::PoolSizes s;
  for (int a = 0; a < 3; ++a) {
    s.in[a] = g.in[a], s.out[a] = g.out[a];
    s.kernel[a] = g.kernel[a], s.stride[a] = g.stride[a], s.pad[a] = g.pad[a];
  }
  return s;
}

// Memory of one thread while it works on a block of planes.
class Scratch {
 public:
  explicit Scratch(int64_t bytes) {
    memory::OwnerScope scope(memory::Owner::workspace);
    block_ = memory::allocate(bytes);
  }
  ~Scratch() { memory::release(block_); }
  Scratch(const Scratch&) = delete;
  template <typename T>
  T* at(int64_t offset) const {
    return reinterpret_cast<T*>(static_cast<std::byte*>(block_.data) + offset);
  }

 private:
  memory::Block block_;
};

int64_t aligned(int64_t bytes) { return (bytes + 63) / 64 * 64; }

// Calls f(first plane, how many, scratch with `bytes` of its own behind the loops') for blocks of
// planes, which are small enough to stay in a cache between the steps of one.
template <typename F>
void blocks(const Geometry& g, int64_t bytes_per_plane, F&& f) {
  constexpr int64_t elements = 1 << 14;
  const int64_t per_block = std::max<int64_t>(1, elements / std::max<int64_t>(1, g.in_size()));
  const int64_t loops = aligned(simd::pool_scratch(sizes_of(g)));
  kernels::parallel_for((g.planes + per_block - 1) / per_block,
                        per_block * (g.in_size() + 4 * g.out_size()), [&](int64_t i) {
                          const int64_t first = i * per_block,
                                        count = std::min(per_block, g.planes - first);
                          const Scratch scratch(loops + per_block * bytes_per_plane + 128);
                          f(first, count, scratch, loops);
                        });
}

// Planes as floats: themselves, or a copy in `space` which is converted from and to the type.
class Floats {
 public:
  Floats(DType dtype, const void* data, int64_t offset, int64_t count, float* space)
      : dtype_(dtype),
        data_(static_cast<std::byte*>(const_cast<void*>(data)) + offset * size_of(dtype)),
        count_(static_cast<size_t>(count)),
        space_(space) {}
  const float* read() const {
    if (dtype_ == DType::float32) return reinterpret_cast<const float*>(data_);
    simd::load_function<float>(dtype_)(data_, space_, count_);
    return space_;
  }
  float* target() const {
    return dtype_ == DType::float32 ? reinterpret_cast<float*>(data_) : space_;
  }
  void written() const {
    if (dtype_ != DType::float32) simd::store_function<float>(dtype_)(space_, data_, count_);
  }

 private:
  DType dtype_;
  std::byte* data_;
  size_t count_;
  float* space_;
};

// Bytes for a plane of the input, one of the output and its places.
int64_t plane_bytes(const Geometry& g) {
  return (g.in_size() + g.out_size()) * int64_t{sizeof(float)} + aligned(g.out_size());
}

}  // namespace

bool forward_serves(DType dtype, const Geometry& g) {
  return computed_in_float(dtype) && g.type != PoolType::lp;
}
bool backward_serves(DType dtype, const Geometry& g) {
  return forward_serves(dtype, g) &&
         (g.type == PoolType::max ? g.kernel_size() <= no_place : g.stride[2] <= 2);
}

// f(sizes, planes, x, y, first plane, scratch): y from x, both as floats.
template <typename F>
static void forward(DType dtype, const Geometry& g, const void* data, void* out, F&& f) {
  const simd::PoolSizes sizes = sizes_of(g);
  blocks(g, plane_bytes(g), [&](int64_t first, int64_t count, const Scratch& s, int64_t space) {
    auto* in_space = s.at<float>(space);
    const Floats x(dtype, data, first * g.in_size(), count * g.in_size(), in_space);
    const Floats y(dtype, out, first * g.out_size(), count * g.out_size(),
                   in_space + count * g.in_size());
    f(sizes, count, x.read(), y.target(), first, s.at<void>(0));
    y.written();
  });
}

void pool(DType dtype, const Geometry& g, const void* data, void* out) {
  const auto& loops = simd::pool_loops();
  const std::vector<float> divisors =
      g.type == PoolType::avg ? window_divisors(g) : std::vector<float>();
  forward(dtype, g, data, out,
          [&](const auto& sizes, int64_t count, const float* x, float* y, int64_t, void* scratch) {
            if (g.type == PoolType::max)
              loops.largest(sizes, count, x, y, scratch);
            else
              loops.sums(sizes, count, x, divisors.empty() ? nullptr : divisors.data(), y, scratch);
          });
}

void pool_with_places(DType dtype, const Geometry& g, const void* data, void* out,
                      uint8_t* places) {
  const auto& loops = simd::pool_loops();
  forward(dtype, g, data, out,
          [&](const auto& sizes, int64_t count, const float* x, float* y, int64_t first,
              void* scratch) {
            loops.first_largest(sizes, count, x, y, places + first * g.out_size(), scratch);
          });
}

void pool_backward_to_places(DType dtype, const Geometry& g, const void* dy, const uint8_t* places,
                             void* dx) {
  const auto& loops = simd::pool_loops();
  const simd::PoolSizes sizes = sizes_of(g);
  blocks(g, plane_bytes(g), [&](int64_t first, int64_t count, const Scratch& s, int64_t space) {
    auto* in_space = s.at<float>(space);
    const Floats y(dtype, dy, first * g.out_size(), count * g.out_size(),
                   in_space + count * g.in_size());
    const Floats x(dtype, dx, first * g.in_size(), count * g.in_size(), in_space);
    loops.gradient(sizes, count, y.read(), places + first * g.out_size(), nullptr, x.target(),
                   s.at<void>(0));
    x.written();
  });
}

void pool_backward(DType dtype, const Geometry& g, const void* dy, const void* data, void* dx) {
  const auto& loops = simd::pool_loops();
  const simd::PoolSizes sizes = sizes_of(g);
  const std::vector<float> divisors =
      g.type == PoolType::avg ? window_divisors(g) : std::vector<float>();
  blocks(g, plane_bytes(g), [&](int64_t first, int64_t count, const Scratch& s, int64_t space) {
    auto* in_space = s.at<float>(space);
    float* out_space = in_space + count * g.in_size();
    uint8_t* places = nullptr;
    if (g.type == PoolType::max) {
      places = reinterpret_cast<uint8_t*>(out_space + count * g.out_size());
      const Floats x(dtype, data, first * g.in_size(), count * g.in_size(), in_space);
      loops.first_largest(sizes, count, x.read(), out_space, places, s.at<void>(0));
    }
    const Floats head(dtype, dy, first * g.out_size(), count * g.out_size(), out_space);
    const Floats x(dtype, dx, first * g.in_size(), count * g.in_size(), in_space);
    loops.gradient(sizes, count, head.read(), places, divisors.empty() ? nullptr : divisors.data(),
                   x.target(), s.at<void>(0));
    x.written();
  });
}

}  // namespace gemel::pooling_planes
