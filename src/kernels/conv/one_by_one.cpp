#include "kernels/conv/one_by_one.h"

#include <algorithm>
#include <cstring>

#include "kernels/blocks.h"
#include "kernels/parallel.h"
#include "simd/bfloat16_product.h"
#include "simd/packed_product.h"

namespace gemel::kernels {
namespace {

using Geometry = ConvolutionGeometry;
using simd::StridedMatrix;

// A block of columns of `most_steps` channels stays in the second cache.
constexpr int64_t most_steps = 512, block_columns = 256;
// With fewer channels than this, or fewer columns for each laying out of the weight, the layouts
// cost more than they save.
constexpr int64_t fewest = 16, fewest_columns = 192;

// The images of a batch as one matrix: a row for each channel, a column for each output position
// of each image. Positions of the input that no output sees are no columns.
struct Columns {
  const float* data = nullptr;
  int64_t channels = 0, plane = 0;        // elements between channels
  int64_t positions = 0;                  // columns of one image
  int64_t width = 0, line = 0, step = 1;  // outputs in a row; elements between rows and outputs

  static Columns of_output(const Geometry& g, const float* out) {
    return {out, g.out_channels, g.out_size(), g.out_size(), g.out_size(), g.out_size(), 1};
  }
  static Columns of_input(const Geometry& g, const float* in) {
    if (g.pointwise())
      return {in, g.in_channels, g.in_size(), g.in_size(), g.in_size(), g.in_size()};
    return {in,       g.in_channels,         g.in_size(), g.out_size(),
            g.out[2], g.stride[1] * g.in[2], g.stride[2]};
  }

  // f(offset of the first row's element, columns before it, count) for each run of columns
  // [first, first + count) whose elements are `step` apart.
  template <typename F>
  void runs(int64_t first, int64_t count, F&& f) const {
    for (int64_t done = 0; done < count;) {
      const int64_t image = (first + done) / positions, at = (first + done) % positions;
      const int64_t row = at / width, column = at % width;
      const int64_t run = std::min(count - done, width - column);
      f(image * channels * plane + row * line + column * step, done, run);
      done += run;
    }
  }
  // Whether the columns lie side by side in one image.
  bool together(int64_t first, int64_t count) const {
    return width == positions && first % positions + count <= positions;
  }
};

// Rows [first, first + k) of `columns` from column `from` on, as the right operand.
void pack_columns(const Columns& columns, int64_t first, int64_t k, int64_t from, int64_t n,
                  float* packed) {
  const float* base = columns.data + first * columns.plane;
  const int64_t unit = simd::product_tile().columns;
  for (int64_t j = 0; j < n; j += unit) {
    const int64_t count = std::min(unit, n - j);
    float* panel = packed + j * k;
    if (columns.together(from + j, count)) {
      const int64_t image = (from + j) / columns.positions, at = (from + j) % columns.positions;
      simd::pack_right(
          k, count, {base + image * columns.channels * columns.plane + at, columns.plane}, panel);
      continue;
    }
    const int64_t panel_row = simd::packed_right_size(1, count);
    columns.runs(from + j, count, [&](int64_t offset, int64_t column, int64_t run) {
      for (int64_t p = 0; p < k; ++p) {
        const float* source = base + offset + p * columns.plane;
        float* target = panel + p * panel_row + column;
        if (columns.step == 1)
          std::memcpy(target, source, static_cast<size_t>(run) * sizeof(float));
        else
          for (int64_t i = 0; i < run; ++i) target[i] = source[i * columns.step];
      }
    });
    if (panel_row > count)
      for (int64_t p = 0; p < k; ++p)
        std::fill(panel + p * panel_row + count, panel + (p + 1) * panel_row, 0.0f);
  }
}

// How the columns of a product with a weight are shared out.
struct Blocks {
  bool joined = false;  // images side by side: their results go through scratch memory
  int64_t columns = 0, count = 0, each = 0;  // of one block; in all; of one image (if not joined)
  Blocks(const Columns& in, const Columns& out, int64_t batch) {
    const int64_t vector = simd::product_tile().columns / 2, positions = in.positions;
    joined = out.step != 1 || out.width != out.positions ||
             (batch > 1 && 10 * rounded(positions, vector) > 11 * positions);
    const int64_t all = joined ? batch * positions : positions;
    const int64_t least = blocks_of(all, block_columns);
    columns = rounded(blocks_of(all, least), simd::product_tile().columns);
    each = blocks_of(all, columns);
    count = joined ? each : each * batch;
  }
};

// out = left * in for all images; `left` (m x k) is the weight or its transpose.
struct Product {
  StridedMatrix left;
  int64_t m = 0, k = 0;
  Columns in, out;
  const float* bias = nullptr;
  float* result = nullptr;

  int64_t steps() const { return blocks_of(k, blocks_of(k, most_steps)); }
  int64_t left_size() const { return simd::packed_left_size(m, steps()) * blocks_of(k, steps()); }
  int64_t lane_size(const Blocks& blocks) const {
    return rounded(
        simd::packed_right_size(steps(), blocks.columns) + (blocks.joined ? m * blocks.columns : 0),
        16);
  }

  void run(int64_t batch, float* scratch, int threads, bool rounded_operands) const {
    const Blocks blocks(in, out, batch);
    const int64_t unit = simd::product_tile().rows, depth = steps();
    constexpr int64_t groups = 4;  // of a tile's rows, laid out by one thread
    const int64_t parts = blocks_of(m, groups * unit), chunks = blocks_of(k, depth);
    const int64_t chunk_size = simd::packed_left_size(m, depth);
    parallel_for(parts * chunks, groups * unit * depth, [&](int64_t at) {
      const int64_t row = at % parts * groups * unit, chunk = at / parts, first = chunk * depth;
      const int64_t size = std::min(depth, k - first);
      const int64_t rows = std::min(groups * unit, m - row);
      float* group = scratch + chunk * chunk_size + row * size;
      simd::pack_left(rows, size,
                      {left.data + row * left.row + first * left.column, left.row, left.column},
                      group);
      if (rounded_operands) simd::bfloat16_left(rows, size, group);
    });
    const float* packed = scratch;
    float* lanes = scratch + rounded(left_size(), 16);
    parallel_lanes(blocks.count, threads, [&](int64_t block, int64_t lane) {
      float* right = lanes + lane * lane_size(blocks);
      float* apart = right + simd::packed_right_size(depth, blocks.columns);
      const int64_t image = blocks.joined ? 0 : block / blocks.each;
      const int64_t at = (blocks.joined ? block : block % blocks.each) * blocks.columns;
      const int64_t from = image * in.positions + at;
      const int64_t n = std::min(blocks.columns, (blocks.joined ? batch : 1) * in.positions - at);
      float* to = blocks.joined ? apart : result + image * out.channels * out.plane + at;
      const int64_t to_row = blocks.joined ? blocks.columns : out.plane;
      if (bias)
        for (int64_t i = 0; i < m; ++i) std::fill_n(to + i * to_row, n, bias[i]);
      for (int64_t first = 0; first < k; first += depth) {
        const int64_t size = std::min(depth, k - first);
        pack_columns(in, first, size, from, n, right);
        if (rounded_operands) simd::bfloat16_right(size, n, right);
        simd::PackedProduct q{m, n, size, packed + first / depth * chunk_size, right, to, to_row};
        if (first > 0 || bias) q.add = to, q.add_row = to_row;
        rounded_operands ? simd::bfloat16_product(q) : simd::packed_product(q);
      }
      if (blocks.joined) put(from, n, apart, to_row);
    });
  }

  // Spreads a block of results over the images.
  void put(int64_t from, int64_t n, const float* block, int64_t row) const {
    out.runs(from, n, [&](int64_t offset, int64_t column, int64_t run) {
      for (int64_t i = 0; i < m; ++i) {
        const float* source = block + i * row + column;
        float* target = result + offset + i * out.plane;
        if (out.step == 1)
          std::memcpy(target, source, static_cast<size_t>(run) * sizeof(float));
        else
          for (int64_t j = 0; j < run; ++j) target[j * out.step] = source[j];
      }
    });
  }
};

Product forward_product(const Geometry& g, const float* data, const float* weight,
                        const float* bias, float* out) {
  return {{weight, g.in_channels, 1},
          g.out_channels,
          g.in_channels,
          Columns::of_input(g, data),
          Columns::of_output(g, out),
          bias,
          out};
}
Product data_product(const Geometry& g, const float* dy, const float* weight, float* dx) {
  return {{weight, 1, g.in_channels},
          g.in_channels,
          g.out_channels,
          Columns::of_output(g, dy),
          Columns::of_input(g, dx),
          nullptr,
          dx};
}
int64_t bytes_of(const Product& product, int64_t batch, int threads) {
  const Blocks blocks(product.in, product.out, batch);
  const int64_t lanes = std::min<int64_t>(threads, blocks.count);
  return (rounded(product.left_size(), 16) + lanes * product.lane_size(blocks)) *
         static_cast<int64_t>(sizeof(float));
}

// Columns [from, from + k) of all rows of `columns`, as the left operand (channels x k): the groups
// of rows `first` to `last`.
void pack_rows(const Columns& columns, int64_t first, int64_t last, int64_t from, int64_t k,
               bool left, float* packed) {
  const int64_t unit = left ? simd::product_tile().rows : simd::product_tile().columns;
  for (int64_t i = first; i < last; i += unit) {
    const int64_t count = std::min(unit, last - i);
    const int64_t row = left ? simd::packed_left_size(count, 1) : simd::packed_right_size(1, count);
    columns.runs(from, k, [&](int64_t offset, int64_t before, int64_t run) {
      const float* source = columns.data + i * columns.plane + offset;
      float* target = packed + (i - first) * k + before * row;
      if (columns.step == 1) {
        if (left)
          simd::pack_left(count, run, {source, columns.plane, 1}, target);
        else
          simd::pack_right(run, count, {source, 1, columns.plane}, target);
        return;
      }
      for (int64_t p = 0; p < run; ++p)
        for (int64_t r = 0; r < row; ++r)
          target[p * row + r] = r < count ? source[p * columns.step + r * columns.plane] : 0.0f;
    });
  }
}

// How the gradient of the weight, a sum over the columns, is cut up. Slices of the columns have
// sums of their own, so that threads meet once and not for each chunk; the sums join in their
// order. Nothing here depends on the number of threads: the order of the sums follows from it.
struct WeightPlan {
  int64_t rows = 0, width = 0, columns = 0;  // of the gradient; columns that are summed
  int64_t steps = 0, each = 0, slices = 1;   // columns of a chunk; chunks of a slice; slices

  explicit WeightPlan(const Geometry& g)
      : rows(g.out_channels), width(g.in_channels), columns(g.batch * g.out_size()) {
    constexpr int64_t most_slices = 8, most_floats = 1 << 20;  // of sums beside the result
    const int64_t chunks = blocks_of(columns, most_steps);
    while (slices < most_slices && 4 * slices <= chunks &&
           (2 * slices - 1) * rows * width <= most_floats)
      slices *= 2;
    each = blocks_of(chunks, slices);
    steps = blocks_of(columns, each * slices);
  }
  int64_t left_size() const { return rounded(simd::packed_left_size(rows, steps), 16); }
  int64_t lane_size() const {
    return left_size() + rounded(simd::packed_right_size(steps, width), 16);
  }
  int64_t sums_size() const { return rounded(rows * width, 16); }
  // Threads that take slices of their own; more threads than slices share each slice instead.
  int64_t lanes(int64_t threads) const { return threads > slices ? 1 : useful(threads); }
  int64_t inside(int64_t threads) const { return threads > slices ? useful(threads) : 1; }
  int64_t useful(int64_t threads) const {
    return rows * width * columns < 8 * parallel_grain ? 1 : threads;
  }
  int64_t scratch_size(int64_t threads) const {
    return lanes(threads) * lane_size() + (slices - 1) * sums_size();
  }
};

}  // namespace

bool one_by_one_serves(const Geometry& g, ConvolutionPass pass) {
  return g.kernel_size() == 1 && g.groups == 1 && g.pad[0] + g.pad[1] + g.pad[2] == 0 &&
         g.stride[0] == 1 && g.in[0] == 1 && g.in_channels >= fewest && g.out_channels >= fewest &&
         g.batch * g.out_size() >= (pass == ConvolutionPass::weight ? 1 : fewest_columns) &&
         simd::product_tile().rows > 0;
}

int64_t one_by_one_workspace(const Geometry& g, ConvolutionPass pass, int threads) {
  switch (pass) {
    case ConvolutionPass::forward:
      return bytes_of(forward_product(g, nullptr, nullptr, nullptr, nullptr), g.batch, threads);
    case ConvolutionPass::data:
      return bytes_of(data_product(g, nullptr, nullptr, nullptr), g.batch, threads);
    case ConvolutionPass::weight:
      break;
  }
  return WeightPlan(g).scratch_size(threads) * static_cast<int64_t>(sizeof(float));
}

void one_by_one_convolution(const Geometry& g, const float* data, const float* weight,
                            const float* bias, float* out, float* scratch, int threads,
                            bool rounded_operands) {
  forward_product(g, data, weight, bias, out).run(g.batch, scratch, threads, rounded_operands);
}

void one_by_one_data(const Geometry& g, const float* dy, const float* weight, float* dx,
                     float* scratch, int threads, bool rounded_operands) {
  if (!g.pointwise())
    parallel_for(g.batch * g.in_channels, g.in_size(),
                 [&](int64_t i) { std::fill_n(dx + i * g.in_size(), g.in_size(), 0.0f); });
  data_product(g, dy, weight, dx).run(g.batch, scratch, threads, rounded_operands);
}

void one_by_one_weight(const Geometry& g, const float* data, const float* dy, float* dweight,
                       float* scratch, int threads, bool rounded_operands) {
  const Columns left = Columns::of_output(g, dy), right = Columns::of_input(g, data);
  const WeightPlan plan(g);
  const auto [tile_rows, tile_columns] = simd::product_tile();
  const int64_t lanes = plan.lanes(threads), inside = plan.inside(threads);
  const int64_t row_part = 4 * tile_rows, column_part = 4 * tile_columns;
  const int64_t row_parts = blocks_of(plan.rows, row_part);
  const int64_t column_parts = blocks_of(plan.width, column_part);
  const int64_t across = blocks_of(plan.width, block_columns);
  const int64_t down = inside > 1 ? blocks_of(4 * inside, across) : 1;
  const int64_t piece = rounded(blocks_of(plan.rows, down), tile_rows);
  float* const sums = scratch + lanes * plan.lane_size();

  parallel_lanes(plan.slices, lanes, [&](int64_t slice, int64_t lane) {
    float *const a = scratch + lane * plan.lane_size(), *const b = a + plan.left_size();
    float* const result = slice == 0 ? dweight : sums + (slice - 1) * plan.sums_size();
    const int64_t begin = slice * plan.each * plan.steps;
    const int64_t end = std::min(plan.columns, begin + plan.each * plan.steps);
    for (int64_t from = begin; from < end; from += plan.steps) {
      const int64_t k = std::min(plan.steps, end - from);
      parallel_lanes(row_parts + column_parts, inside, [&](int64_t at, int64_t) {
        const bool is_left = at < row_parts;
        const int64_t part = is_left ? row_part : column_part;
        const int64_t first = (is_left ? at : at - row_parts) * part;
        const int64_t last = std::min(is_left ? plan.rows : plan.width, first + part);
        float* packed = (is_left ? a : b) + first * k;
        pack_rows(is_left ? left : right, first, last, from, k, is_left, packed);
        if (!rounded_operands) return;
        is_left ? simd::bfloat16_left(last - first, k, packed)
                : simd::bfloat16_right(k, last - first, packed);
      });
      // A block of columns stays in the second cache while all rows of the piece pass by.
      parallel_lanes(across * blocks_of(plan.rows, piece), inside, [&](int64_t at, int64_t) {
        const int64_t column = at % across * block_columns, row = at / across * piece;
        float* to = result + row * plan.width + column;
        simd::PackedProduct q{std::min(piece, plan.rows - row),
                              std::min(block_columns, plan.width - column),
                              k,
                              a + row * k,
                              b + column * k,
                              to,
                              plan.width};
        if (from > begin) q.add = to, q.add_row = plan.width;
        rounded_operands ? simd::bfloat16_product(q) : simd::packed_product(q);
      });
    }
  });
  const int64_t size = plan.rows * plan.width, share = 1 << 13;
  if (plan.slices == 1) return;
  parallel_for(blocks_of(size, share), share * plan.slices, [&](int64_t at) {
    const int64_t last = std::min(size, (at + 1) * share);
    for (int64_t slice = 1; slice < plan.slices; ++slice) {
      const float* other = sums + (slice - 1) * plan.sums_size();
      for (int64_t i = at * share; i < last; ++i) dweight[i] += other[i];
    }
  });
}

}  // namespace gemel::kernels
