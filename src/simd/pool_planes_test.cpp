#include "simd/pool_planes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace gemel::simd {
namespace {

PoolSizes sizes(int64_t side, int64_t kernel, int64_t stride, int64_t pad) {
  PoolSizes s;
  for (int a : {1, 2}) {
    s.in[a] = side + a;
    s.kernel[a] = kernel, s.stride[a] = stride, s.pad[a] = pad;
    s.out[a] = (s.in[a] + 2 * pad - kernel) / stride + 1;
  }
  return s;
}

// Memory with a known element behind its end.
template <typename T>
std::vector<T> guarded(int64_t n) {
  std::vector<T> values(static_cast<size_t>(n + 1));
  values.back() = T(77);
  return values;
}

struct Planes {
  PoolSizes s;
  std::vector<float> x, out, sum;
  std::vector<uint8_t> places;
  explicit Planes(const PoolSizes& s)
      : s(s),
        x(static_cast<size_t>(2 * s.in_size())),
        out(guarded<float>(2 * s.out_size())),
        sum(out),
        places(guarded<uint8_t>(2 * s.out_size())),
        scratch_(static_cast<size_t>(pool_scratch(s)) / 64 + 2) {
    // Few different values, so that the largest is often not alone, and some that are no numbers.
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = i % 13 == 5 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(i * 7 % 5);
  }
  void* scratch() { return scratch_.data(); }

 private:
  struct alignas(64) Line {
    char bytes[64];
  };
  std::vector<Line> scratch_;
};

// f(window's number, element's place, element's index) for the elements of plane `p`.
template <typename F>
void elements(const PoolSizes& s, int64_t p, F&& f) {
  for (int64_t oy = 0; oy < s.out[1]; ++oy)
    for (int64_t ox = 0; ox < s.out[2]; ++ox)
      for (int64_t k = 0; k < s.kernel[1] * s.kernel[2]; ++k) {
        const int64_t y = oy * s.stride[1] - s.pad[1] + k / s.kernel[2],
                      x = ox * s.stride[2] - s.pad[2] + k % s.kernel[2];
        if (y >= 0 && y < s.in[1] && x >= 0 && x < s.in[2])
          f(static_cast<size_t>(p * s.out_size() + oy * s.out[2] + ox), k,
            static_cast<size_t>(p * s.in_size() + y * s.in[2] + x));
      }
}

template <typename F>
void each_size(F&& f) {
  for (int64_t side : {3, 7, 14, 31, 70})
    for (int64_t kernel : {1, 2, 3, 5})
      for (int64_t stride : {1, 2, 3})
        for (int64_t pad = 0; pad < kernel && pad < 3; ++pad)
          if (kernel <= side) f(sizes(side, kernel, stride, pad));
}

TEST(PoolLoops, LargestAndTheirFirstPlaces) {
  each_size([](const PoolSizes& s) {
    Planes run(s);
    std::vector<float> best(run.out.size() - 1, std::numeric_limits<float>::lowest());
    std::vector<int> place(best.size(), 255);
    for (int64_t p : {0, 1})
      elements(s, p, [&](size_t window, int64_t k, size_t i) {
        if (run.x[i] > best[window]) best[window] = run.x[i], place[window] = static_cast<int>(k);
      });
    pool_loops().largest(s, 2, run.x.data(), run.sum.data(), run.scratch());
    pool_loops().first_largest(s, 2, run.x.data(), run.out.data(), run.places.data(),
                               run.scratch());
    for (size_t i = 0; i < best.size(); ++i) {
      ASSERT_EQ(run.out[i], best[i]) << i;
      ASSERT_EQ(run.sum[i], best[i]) << i;
      ASSERT_EQ(run.places[i], place[i]) << i;
    }
    EXPECT_EQ(run.out.back(), 77);  // behind the planes nothing is written
    EXPECT_EQ(run.sum.back(), 77);
    EXPECT_EQ(run.places.back(), 77);
  });
}

TEST(PoolLoops, SumsAndGradients) {
  each_size([](const PoolSizes& s) {
    Planes run(s);
    std::vector<float> sum(run.out.size() - 1), divisors(static_cast<size_t>(s.out_size()));
    for (float& v : run.x) v = std::isnan(v) ? 2 : v;
    for (size_t i = 0; i < divisors.size(); ++i) divisors[i] = static_cast<float>(1 << i % 3);
    std::vector<float> dy(sum.size()), dx = guarded<float>(2 * s.in_size()), placed = dx;
    std::vector<float> shares(dx.size() - 1), gifts = shares;
    for (size_t i = 0; i < dy.size(); ++i) {
      dy[i] = static_cast<float>(i % 7) - 2;
      run.places[i] = static_cast<uint8_t>(i * 5 % static_cast<size_t>(s.kernel[1] * s.kernel[2]));
    }
    for (int64_t p : {0, 1})
      elements(s, p, [&](size_t window, int64_t k, size_t i) {
        sum[window] += run.x[i];
        shares[i] += dy[window] / divisors[window % divisors.size()];
        if (run.places[window] == k) gifts[i] += dy[window];
      });
    std::vector<uint8_t> inside(dy.size(), 255);  // what lies in the padding is no place
    for (int64_t p : {0, 1})
      elements(s, p, [&](size_t window, int64_t k, size_t) {
        if (run.places[window] == k) inside[window] = run.places[window];
      });
    pool_loops().sums(s, 2, run.x.data(), divisors.data(), run.out.data(), run.scratch());
    for (size_t i = 0; i < sum.size(); ++i)
      ASSERT_FLOAT_EQ(run.out[i], sum[i] / divisors[i % divisors.size()]) << i;
    pool_loops().gradient(s, 2, dy.data(), inside.data(), nullptr, placed.data(), run.scratch());
    for (size_t i = 0; i < gifts.size(); ++i) ASSERT_EQ(placed[i], gifts[i]) << i;
    EXPECT_EQ(placed.back(), 77);
    if (s.stride[2] > 2) return;
    pool_loops().gradient(s, 2, dy.data(), nullptr, divisors.data(), dx.data(), run.scratch());
    for (size_t i = 0; i < shares.size(); ++i) ASSERT_FLOAT_EQ(dx[i], shares[i]) << i;
    EXPECT_EQ(dx.back(), 77);
  });
}

}  // namespace
}  // namespace gemel::simd
