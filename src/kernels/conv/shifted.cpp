#include "kernels/conv/shifted.h"

#include <algorithm>
#include <vector>

#include "kernels/gemm/scratch.h"
#include "kernels/parallel.h"
#include "simd/shifted_product.h"

namespace gemel::kernels {
namespace {

using Geometry = ConvolutionGeometry;

// Elements that the planes of one task should take: they stay in the second cache.
constexpr int64_t task_elements = 1 << 16;
// Elements of a row of results before they go to their places.
constexpr int64_t block_elements = 1536;

// A grid of outputs inside planes of `rows` x `row` elements for each depth: output (z, y, x) is
// element (z * rows + y) * row + x, and between the outputs there are elements without meaning.
struct Grid {
  int64_t out[3], rows, row;
  int64_t line(int64_t z, int64_t y) const { return (z * rows + y) * row; }
  int64_t extent() const { return line(out[0] - 1, out[1] - 1) + out[2]; }
};

// Outputs that begin at `first` along each axis and lie `step` apart, in planes of size `size`.
struct Target {
  int64_t size[3], first[3], step[3];
};

// The plane of one channel: padded, and split by the residues of the strides.
struct Planes {
  int64_t step[3], size[3], margin[3];  // of one residue's plane; of zeros in front, undivided
  int64_t plane() const { return size[0] * size[1] * size[2]; }
  int64_t channel() const { return step[0] * step[1] * step[2] * plane() + simd::shifted_slack; }
  // Where (z, y, x) of the padded input lies.
  int64_t at(const int64_t (&p)[3]) const {
    const int64_t residue =
        ((p[0] % step[0]) * step[1] + p[1] % step[1]) * step[2] + p[2] % step[2];
    return residue * plane() + ((p[0] / step[0]) * size[1] + p[1] / step[1]) * size[2] +
           p[2] / step[2];
  }
};

// Rows of `count` elements, from position `at` of a padded row on, to the rows of their residues,
// `plane` apart; rows of one plane are `to_row` apart.
void spread(int64_t rows, const float* from, int64_t from_row, int64_t count, int64_t at,
            int64_t step, int64_t plane, float* to, int64_t to_row) {
  if (step == 2) {
    const bool odd = at % 2 != 0;
    float* const even = to + (at + 1) / 2;
    float* const other = to + plane + at / 2;
    return simd::split_pairs(rows, count, from, from_row, odd ? other : even, odd ? even : other,
                             to_row);
  }
  for (int64_t r = 0; r < rows; ++r, from += from_row, to += to_row)
    for (int64_t i = 0; i < count; ++i) to[(at + i) % step * plane + (at + i) / step] = from[i];
}

// The planes of one channel, whose margins are zeros; `in` are the sizes of the input.
void fill(const Planes& planes, const int64_t (&in)[3], const float* from, float* to) {
  int64_t count[3];
  for (int a = 0; a < 3; ++a)
    count[a] = std::min(in[a], planes.size[a] * planes.step[a] - planes.margin[a]);
  if (count[2] <= 0) return;
  for (int64_t z = 0; z < count[0]; ++z) {
    const float* rows = from + z * in[1] * in[2];
    if (planes.step[1] * planes.step[2] == 1) {
      simd::copy_rows(count[1], count[2], rows, in[2],
                      to + planes.at({z + planes.margin[0], planes.margin[1], planes.margin[2]}),
                      planes.size[2]);
      continue;
    }
    const int64_t step = planes.step[1];
    for (int64_t y = 0; y < std::min(step, count[1]); ++y)  // the rows of one residue
      spread((count[1] - y + step - 1) / step, rows + y * in[2], step * in[2], count[2],
             planes.margin[2], planes.step[2], planes.plane(),
             to + planes.at({z + planes.margin[0], y + planes.margin[1], 0}), planes.size[2]);
  }
}

// The planes and offsets of the forward pass and of the gradient of the weight.
struct ForwardPlan {
  Planes planes;
  Grid grid;
  std::vector<int64_t> offsets;  // for each channel of a group and element of the kernel
  explicit ForwardPlan(const Geometry& g) {
    for (int a = 0; a < 3; ++a) {
      planes.step[a] = g.stride[a];
      planes.size[a] = g.out[a] + (g.kernel[a] - 1) * g.dilate[a] / g.stride[a];
      planes.margin[a] = g.pad[a];
      grid.out[a] = g.out[a];
    }
    grid.rows = planes.size[1], grid.row = planes.size[2];
    for (int64_t c = 0; c < g.group_in(); ++c)
      for (int64_t z = 0; z < g.kernel[0]; ++z)
        for (int64_t y = 0; y < g.kernel[1]; ++y)
          for (int64_t x = 0; x < g.kernel[2]; ++x)
            offsets.push_back(c * planes.channel() +
                              planes.at({z * g.dilate[0], y * g.dilate[1], x * g.dilate[2]}));
  }
};

// Products over a grid, some of its rows at a time, and each row of outputs to its place.
void product_over_grid(const Grid& grid, simd::ShiftedProduct q, const Target& target, float* out,
                       float* block) {
  const int64_t rows = std::max<int64_t>(1, block_elements / grid.row);
  const float* const x = q.rows.x;
  const int64_t channel = target.size[0] * target.size[1] * target.size[2];
  q.c = block;
  for (int64_t z = 0; z < grid.out[0]; ++z)
    for (int64_t first = 0; first < grid.out[1]; first += rows) {
      const int64_t count = std::min(rows, grid.out[1] - first);
      q.n = (count - 1) * grid.row + grid.out[2];
      q.c_row = (q.n + 15) / 16 * 16;
      q.rows.x = x + grid.line(z, first);
      simd::shifted_product(q);
      for (int64_t m = 0; m < q.m; ++m) {
        const float* from = block + m * q.c_row;
        const int64_t line = (target.first[0] + z * target.step[0]) * target.size[1] +
                             target.first[1] + first * target.step[1];
        const int64_t apart = target.step[1] * target.size[2];
        float* to = out + m * channel + line * target.size[2] + target.first[2];
        if (target.step[2] == 1) {
          simd::copy_rows(count, grid.out[2], from, grid.row, to, apart);
          continue;
        }
        if (target.step[2] == 2) {
          simd::spread_pairs(count, grid.out[2], from, grid.row, to, apart);
          continue;
        }
        for (int64_t y = 0; y < count; ++y, from += grid.row, to += apart)
          for (int64_t i = 0; i < grid.out[2]; ++i) to[i * target.step[2]] = from[i];
      }
    }
}

int64_t block_size(const Grid& grid, int64_t rows) {
  return rows * (std::max(block_elements, grid.row) + 16) + simd::shifted_slack;
}

// Calls f(first, count) for blocks of `total` units that take `elements` each.
template <typename F>
void tasks(int64_t total, int64_t elements, int64_t steps, F&& f) {
  const int64_t most = std::clamp<int64_t>(task_elements / std::max<int64_t>(elements, 1), 1, 16);
  parallel_for((total + most - 1) / most, most * steps,
               [&](int64_t i) { f(i * most, std::min(most, total - i * most)); });
}

}  // namespace

void shifted_convolution(const Geometry& g, const float* data, const float* weight,
                         const float* bias, float* out) {
  const ForwardPlan plan(g);
  const int64_t ci = g.group_in(), co = g.group_out(), k = ci * g.kernel_size();
  const FloatScratch left(g.out_channels * k);
  for (int64_t group = 0; group < g.groups; ++group)
    simd::shifted_left(co, k, weight + group * co * k, k, 1, left.data() + group * co * k);
  const int64_t space = ci * plan.planes.channel();
  tasks(g.batch * g.groups, space, co * k * g.out_size() / 8, [&](int64_t first, int64_t count) {
    const FloatScratch scratch(space + block_size(plan.grid, co));
    float* const x = scratch.data();
    std::fill_n(x, space, 0.0f);
    for (int64_t i = first; i < first + count; ++i) {
      const int64_t group = i % g.groups;
      for (int64_t c = 0; c < ci; ++c)
        fill(plan.planes, g.in, data + (i * ci + c) * g.in_size(), x + c * plan.planes.channel());
      simd::ShiftedProduct q{{x, plan.offsets.data(), k}, co};
      q.left = left.data() + group * co * k;
      q.add = bias ? bias + group * co : nullptr;
      product_over_grid(plan.grid, q, {{g.out[0], g.out[1], g.out[2]}, {0, 0, 0}, {1, 1, 1}},
                        out + i * co * g.out_size(), x + space);
    }
  });
}

namespace {

// Elements of dx that are the same modulo the strides: what of the kernel meets them, and where.
struct Residue {
  Grid grid;
  Target target;
  int64_t base;                            // of the first element's windows, in a plane of dy
  std::vector<int64_t> offsets, elements;  // for each output channel and meeting element
};

struct DataPlan {
  Planes planes;  // of dy
  std::vector<Residue> residues;
  int64_t most = 0;  // elements of the kernel that one of them meets
  explicit DataPlan(const Geometry& g) {
    // Input i is window (i + pad - k * dilate) / stride for each k where that is whole: along an
    // axis, inputs s * t + r - pad with t >= low are windows t - q.
    int64_t front[3];
    for (int a = 0; a < 3; ++a) {
      const int64_t s = g.stride[a], reach = (g.kernel[a] - 1) * g.dilate[a] / s;
      int64_t lowest = (g.pad[a] + s - 1) / s, highest = 0;
      for (int64_t r = 0; r < s; ++r) {
        lowest = std::min(lowest, low(g, a, r));
        highest = std::max(highest, low(g, a, r) + count(g, a, r));
      }
      front[a] = std::max<int64_t>(0, reach - lowest);
      planes.step[a] = 1;
      planes.margin[a] = front[a];
      planes.size[a] = std::max(front[a] + highest, front[a] + 1);
    }
    for (int64_t rz = 0; rz < g.stride[0]; ++rz)
      for (int64_t ry = 0; ry < g.stride[1]; ++ry)
        for (int64_t rx = 0; rx < g.stride[2]; ++rx) add(g, {rz, ry, rx}, front);
  }

 private:
  static int64_t low(const Geometry& g, int a, int64_t r) {
    return r >= g.pad[a] ? 0 : (g.pad[a] - r + g.stride[a] - 1) / g.stride[a];
  }
  static int64_t count(const Geometry& g, int a, int64_t r) {
    const int64_t first = g.stride[a] * low(g, a, r) + r - g.pad[a];
    return first >= g.in[a] ? 0 : (g.in[a] - first + g.stride[a] - 1) / g.stride[a];
  }
  void add(const Geometry& g, const int64_t (&r)[3], const int64_t (&front)[3]) {
    Residue residue;
    int64_t begin[3];
    for (int a = 0; a < 3; ++a) {
      const int64_t t = low(g, a, r[a]);
      begin[a] = t + front[a];
      residue.grid.out[a] = count(g, a, r[a]);
      if (residue.grid.out[a] == 0) return;
      residue.target.size[a] = g.in[a];
      residue.target.first[a] = g.stride[a] * t + r[a] - g.pad[a];
      residue.target.step[a] = g.stride[a];
    }
    residue.grid.rows = planes.size[1], residue.grid.row = planes.size[2];
    residue.base = planes.at(begin);
    for (int64_t m = 0; m < g.group_out(); ++m)
      for (int64_t k = 0; k < g.kernel_size(); ++k) {
        const int64_t tap[3] = {k / (g.kernel[1] * g.kernel[2]) * g.dilate[0],
                                k / g.kernel[2] % g.kernel[1] * g.dilate[1],
                                k % g.kernel[2] * g.dilate[2]};
        int64_t back[3];
        bool meets = true;
        for (int a = 0; a < 3; ++a) {
          meets = meets && tap[a] % g.stride[a] == r[a];
          back[a] = tap[a] / g.stride[a];
        }
        if (!meets) continue;
        residue.offsets.push_back(m * planes.channel() - planes.at(back));
        residue.elements.push_back(m * g.group_in() * g.kernel_size() + k);
      }
    most = std::max(most, static_cast<int64_t>(residue.offsets.size()));
    residues.push_back(std::move(residue));
  }
};

}  // namespace

void shifted_convolution_data(const Geometry& g, const float* dy, const float* weight, float* dx) {
  const DataPlan plan(g);
  const int64_t ci = g.group_in(), co = g.group_out(), k = g.kernel_size();
  const int64_t space = co * plan.planes.channel();
  // The weight by residues: row c of the left operand is input channel c.
  std::vector<int64_t> begins;
  int64_t size = 0;
  for (const Residue& r : plan.residues) {
    begins.push_back(size);
    size += g.in_channels * static_cast<int64_t>(r.offsets.size());
  }
  const FloatScratch left(std::max<int64_t>(size, 1)), chosen(std::max<int64_t>(ci * plan.most, 1));
  for (int64_t group = 0; group < g.groups; ++group)
    for (size_t n = 0; n < plan.residues.size(); ++n) {
      const Residue& r = plan.residues[n];
      const auto count = static_cast<int64_t>(r.elements.size());
      for (int64_t c = 0; c < ci; ++c)
        for (int64_t j = 0; j < count; ++j)
          chosen.data()[c * count + j] =
              weight[group * co * ci * k + r.elements[static_cast<size_t>(j)] + c * k];
      simd::shifted_left(ci, count, chosen.data(), count, 1,
                         left.data() + begins[n] + group * ci * count);
    }
  int64_t block = 0;
  for (const Residue& r : plan.residues) block = std::max(block, block_size(r.grid, ci));
  tasks(g.batch * g.groups, space, co * ci * k * g.out_size() / 8,
        [&](int64_t first, int64_t count) {
          const FloatScratch scratch(space + block);
          float* const planes = scratch.data();
          std::fill_n(planes, space, 0.0f);
          for (int64_t i = first; i < first + count; ++i) {
            for (int64_t m = 0; m < co; ++m)
              fill(plan.planes, g.out, dy + (i * co + m) * g.out_size(),
                   planes + m * plan.planes.channel());
            for (size_t n = 0; n < plan.residues.size(); ++n) {
              const Residue& r = plan.residues[n];
              const auto depth = static_cast<int64_t>(r.offsets.size());
              simd::ShiftedProduct q{{planes + r.base, r.offsets.data(), depth}, ci};
              q.left = left.data() + begins[n] + i % g.groups * ci * depth;
              product_over_grid(r.grid, q, r.target, dx + i * ci * g.in_size(), planes + space);
            }
          }
        });
}

void shifted_convolution_weight(const Geometry& g, const float* data, const float* dy,
                                float* dweight) {
  const ForwardPlan plan(g);
  const int64_t ci = g.group_in(), co = g.group_out(), k = ci * g.kernel_size();
  const int64_t extent = plan.grid.extent(), row = (extent + 15) / 16 * 16;
  const int64_t x_image = ci * plan.planes.channel(), y_image = co * row;
  const int64_t images = std::clamp<int64_t>(2 * task_elements / (x_image + y_image), 1,
                                             std::max<int64_t>(g.batch, 1));
  parallel_for(g.groups, g.batch * co * k * g.out_size() / 8, [&](int64_t group) {
    const FloatScratch scratch(images * (x_image + y_image) + simd::shifted_slack);
    float* const x = scratch.data();
    float* const y = x + images * x_image;
    float* const sums = dweight + group * co * k;
    std::fill_n(sums, co * k, 0.0f);
    std::fill_n(x, images * (x_image + y_image), 0.0f);
    for (int64_t first = 0; first < g.batch; first += images) {
      const int64_t count = std::min(images, g.batch - first);
      for (int64_t n = 0; n < count; ++n) {
        const int64_t item = (first + n) * g.groups + group;
        for (int64_t c = 0; c < ci; ++c)
          fill(plan.planes, g.in, data + (item * ci + c) * g.in_size(),
               x + n * x_image + c * plan.planes.channel());
        for (int64_t m = 0; m < co; ++m)
          for (int64_t z = 0; z < g.out[0]; ++z)
            simd::copy_rows(g.out[1], g.out[2],
                            dy + ((item * co + m) * g.out[0] + z) * g.out[1] * g.out[2], g.out[2],
                            y + n * y_image + m * row + plan.grid.line(z, 0), plan.grid.row);
      }
      simd::shifted_dots(
          {{x, plan.offsets.data(), k}, co, extent, count, y, row, y_image, x_image, sums});
    }
  });
}

}  // namespace gemel::kernels
