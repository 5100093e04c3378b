#include "kernels/reduce.h"

#include <algorithm>
#include <vector>

#include "kernels/parallel.h"
#include "kernels/reducers.h"
#include "simd/convert.h"
#include "simd/reduce_loops.h"

namespace gemel::kernels {

namespace {

constexpr int64_t run_length = 4096;     // elements reduced in L before their total is taken in W
constexpr int64_t column_block = 2048;   // columns whose totals fit in the first-level cache
constexpr int64_t chunk_size = 1 << 16;  // elements of one partial result
constexpr int64_t most_chunks = 32;      // of columns, whose partial results take memory

// An index over several axes turned into an element offset.
struct Offsets {
  int count = 0;
  int64_t size[Shape::max_ndim], stride[Shape::max_ndim];
  void add(int64_t n, int64_t step) {
    size[count] = n;
    stride[count++] = step;
  }
  int64_t total() const {
    int64_t n = 1;
    for (int i = 0; i < count; ++i) n *= size[i];
    return n;
  }
  int64_t operator()(int64_t index) const {
    if (count == 1) return index * stride[0];
    int64_t offset = 0;
    for (int i = count - 1; i >= 0; --i) {
      offset += index % size[i] * stride[i];
      index /= size[i];
    }
    return offset;
  }
};

// Elements as L: the array itself, or a converted copy of a run.
template <typename L>
struct Source {
  const std::byte* address;
  int64_t width;
  bool native;
  simd::Load<L> load;

  explicit Source(const Tensor& t)
      : address(t.address),
        width(size_of(t.dtype)),
        native(t.dtype == simd::compute_dtype<L>),
        load(simd::load_function<L>(t.dtype)) {}
  const L* run(int64_t offset, int64_t n, L* buffer) const {
    if (native) return reinterpret_cast<const L*>(address) + offset;
    load(address + offset * width, buffer, static_cast<size_t>(n));
    return buffer;
  }
};

// Which vector loop serves a reduction of L; -1: none.
template <Reduction kind, typename L>
constexpr int vector_loop() {
  if constexpr (!std::is_floating_point_v<L>) return -1;
  switch (kind) {
    case Reduction::sum:
    case Reduction::mean:
      return static_cast<int>(simd::Reducing::add);
    case Reduction::norm2:
    case Reduction::sum_squares:
      return static_cast<int>(simd::Reducing::add_squares);
    case Reduction::max:
      return static_cast<int>(simd::Reducing::max);
    case Reduction::min:
      return static_cast<int>(simd::Reducing::min);
    default:
      return -1;
  }
}

// Sixteen lanes keep the vector units busy and fix the order of additions.
template <Reduction kind, typename L>
__attribute__((optimize("O3"))) total_type<L> reduce_run(const L* x, int64_t n) {
  using R = Reducer<kind>;
  if constexpr (constexpr int loop = vector_loop<kind, L>(); loop >= 0)
    return simd::reduce_loops<L>().run[loop](x, static_cast<size_t>(n));
  L lane[16];
  for (L& l : lane) l = R::template identity<L>();
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int k = 0; k < 16; ++k) lane[k] = R::combine(lane[k], R::map(x[i + k]));
  for (; i < n; ++i) lane[i % 16] = R::combine(lane[i % 16], R::map(x[i]));
  for (int width = 8; width > 0; width /= 2)
    for (int k = 0; k < width; ++k) lane[k] = R::combine(lane[k], lane[k + width]);
  return static_cast<total_type<L>>(lane[0]);
}

template <Reduction kind, typename L>
total_type<L> reduce_row(const Source<L>& source, int64_t offset, int64_t n) {
  using W = total_type<L>;
  L buffer[run_length];
  W total = Reducer<kind>::template identity<W>();
  for (int64_t i = 0; i < n; i += run_length) {
    const int64_t length = std::min(run_length, n - i);
    total = Reducer<kind>::combine(
        total, reduce_run<kind>(source.run(offset + i, length, buffer), length));
  }
  return total;
}

// Adds `count` rows to totals of n columns.
template <Reduction kind, typename L>
__attribute__((optimize("O3"))) void add_rows(total_type<L>* __restrict total, const L* const* rows,
                                              int64_t count, int64_t n) {
  using W = total_type<L>;
  if constexpr (constexpr int loop = vector_loop<kind, L>(); loop >= 0) {
    simd::reduce_loops<L>().accumulate[loop](rows, static_cast<size_t>(count), total,
                                             static_cast<size_t>(n));
    return;
  }
  for (int64_t r = 0; r < count; ++r) {
    const L* __restrict x = rows[r];
    for (int64_t i = 0; i < n; ++i)
      total[i] = Reducer<kind>::combine(total[i], static_cast<W>(Reducer<kind>::map(x[i])));
  }
}

template <Reduction kind, typename L>
struct Reduce {
  using R = Reducer<kind>;
  using W = total_type<L>;
  const Source<L> source;
  const Tensor& out;
  const simd::Store<L> store;
  Offsets kept, reduced;
  int64_t inner = 1;  // length of the contiguous last axis

  Reduce(const Tensor& in, const Tensor& out)
      : source(in), out(out), store(simd::store_function<L>(out.dtype)) {}

  void write(const W* total, int64_t count, int64_t at, int64_t n) const {
    L values[column_block];
    for (int64_t i = 0; i < n; ++i) values[i] = static_cast<L>(R::finish(total[i], count));
    store(values, out.address + at * size_of(out.dtype), static_cast<size_t>(n));
  }

  // The last axis is reduced: every output is the total of contiguous rows.
  void rows() const {
    const int64_t outputs = kept.total(), count = reduced.total(), work = count * inner;
    // A row that is long beside the number of outputs is cut into chunks, whose number depends on
    // its length only.
    const int64_t chunks =
        count == 1 && outputs < 64 ? std::max<int64_t>(1, inner / chunk_size) : 1;
    if (chunks > 1) {
      const int64_t length = (inner + chunks - 1) / chunks;
      std::vector<W> partial(static_cast<size_t>(outputs * chunks));
      parallel_for(outputs * chunks, length, [&](int64_t k) {
        const int64_t begin = k % chunks * length;
        partial[static_cast<size_t>(k)] =
            reduce_row<kind>(source, kept(k / chunks) + begin,
                             std::max<int64_t>(0, std::min(length, inner - begin)));
      });
      for (int64_t o = 0; o < outputs; ++o) {
        W total = R::template identity<W>();
        for (int64_t c = 0; c < chunks; ++c)
          total = R::combine(total, partial[static_cast<size_t>(o * chunks + c)]);
        write(&total, work, o, 1);
      }
      return;
    }
    parallel_for(outputs, work, [&](int64_t o) {
      const int64_t base = kept(o);
      W total = R::template identity<W>();
      for (int64_t r = 0; r < count; ++r)
        total = R::combine(total, reduce_row<kind>(source, base + reduced(r), inner));
      write(&total, work, o, 1);
    });
  }

  void add_columns(W* total, int64_t base, int64_t n, int64_t first, int64_t last) const {
    constexpr int64_t together = simd::joined_rows;
    L buffer[column_block];
    const L* rows[together];
    std::fill_n(total, n, R::template identity<W>());
    const int64_t step = source.native ? together : 1;
    for (int64_t r = first; r < last; r += step) {
      const int64_t count = std::min(step, last - r);
      for (int64_t k = 0; k < count; ++k) rows[k] = source.run(base + reduced(r + k), n, buffer);
      add_rows<kind>(total, rows, count, n);
    }
  }

  // The last axis is kept: rows are added to a block of totals.
  void columns() const {
    const int64_t outer = kept.total(), count = reduced.total();
    const int64_t blocks = (inner + column_block - 1) / column_block;
    const int64_t width = std::min(inner, column_block);
    const int64_t wanted = std::clamp<int64_t>(
        std::min(count * width / chunk_size, most_chunks / std::max<int64_t>(1, outer * blocks)), 1,
        most_chunks);
    const int64_t together = simd::joined_rows;
    const int64_t share = ((count + wanted - 1) / wanted + together - 1) / together * together;
    const int64_t chunks = std::max<int64_t>(1, (count + share - 1) / std::max<int64_t>(1, share));
    std::vector<W> partial(chunks > 1 ? static_cast<size_t>(outer * blocks * chunks * column_block)
                                      : 0);
    parallel_for(outer * blocks * chunks, share * width, [&](int64_t k) {
      const int64_t c = k % chunks, block = k / chunks % blocks, o = k / chunks / blocks;
      const int64_t column = block * column_block, n = std::min(column_block, inner - column);
      W local[column_block];
      W* total = chunks > 1 ? &partial[static_cast<size_t>(k * column_block)] : local;
      add_columns(total, kept(o) + column, n, std::min(count, c * share),
                  std::min(count, (c + 1) * share));
      if (chunks == 1) write(total, count, o * inner + column, n);
    });
    for (int64_t k = 0; chunks > 1 && k < outer * blocks; ++k) {
      W* total = &partial[static_cast<size_t>(k * chunks * column_block)];
      const int64_t column = k % blocks * column_block, n = std::min(column_block, inner - column);
      for (int64_t c = 1; c < chunks; ++c)
        for (int64_t i = 0; i < n; ++i)
          total[i] = R::combine(total[i], total[c * column_block + i]);
      write(total, count, k / blocks * inner + column, n);
    }
  }
};

template <Reduction kind, typename L>
void reduce_typed(const Tensor& in, uint32_t axes, const Tensor& out) {
  const MergedAxes merged = merge_reduced(in.shape, axes);
  Reduce<kind, L> task(in, out);
  const int last = merged.count - 1;
  for (int i = 0; i < last; ++i)
    (merged.reduced[i] ? task.reduced : task.kept).add(merged.size[i], merged.stride[i]);
  const bool rows = last < 0 || merged.reduced[last];
  if (last >= 0) task.inner = merged.size[last];
  if (out.size() == 0) return;
  if (rows)
    task.rows();
  else
    task.columns();
}

// Sums and products wrap to the same bits; these do not.
template <Reduction kind>
constexpr bool cares_for_sign =
    kind == Reduction::max || kind == Reduction::min || kind == Reduction::mean;

template <Reduction kind>
void reduce_kind(const Tensor& in, uint32_t axes, const Tensor& out) {
  if (in.dtype == DType::float64)
    reduce_typed<kind, double>(in, axes, out);
  else if (is_floating(in.dtype))
    reduce_typed<kind, float>(in, axes, out);
  else if (in.dtype == DType::uint64)
    reduce_typed<kind, std::conditional_t<cares_for_sign<kind>, uint64_t, int64_t>>(in, axes, out);
  else
    reduce_typed<kind, int64_t>(in, axes, out);
}

}  // namespace

MergedAxes merge_reduced(const Shape& shape, uint32_t axes) {
  MergedAxes merged;
  for (int i = 0; i < shape.ndim(); ++i) {
    if (shape[i] == 1) continue;
    const bool reduced = axes >> i & 1;
    if (merged.count && merged.reduced[merged.count - 1] == reduced) {
      merged.size[merged.count - 1] *= shape[i];
    } else {
      merged.reduced[merged.count] = reduced;
      merged.size[merged.count++] = shape[i];
    }
  }
  int64_t step = 1;
  for (int i = merged.count - 1; i >= 0; --i) {
    merged.stride[i] = step;
    step *= merged.size[i];
  }
  return merged;
}

void reduce(Reduction kind, const Tensor& in, uint32_t axes, const Tensor& out) {
  switch (kind) {
    case Reduction::sum:
      return reduce_kind<Reduction::sum>(in, axes, out);
    case Reduction::mean:
      return reduce_kind<Reduction::mean>(in, axes, out);
    case Reduction::prod:
      return reduce_kind<Reduction::prod>(in, axes, out);
    case Reduction::max:
      return reduce_kind<Reduction::max>(in, axes, out);
    case Reduction::min:
      return reduce_kind<Reduction::min>(in, axes, out);
    case Reduction::nansum:
      return reduce_kind<Reduction::nansum>(in, axes, out);
    case Reduction::nanprod:
      return reduce_kind<Reduction::nanprod>(in, axes, out);
    case Reduction::norm1:
      return reduce_kind<Reduction::norm1>(in, axes, out);
    case Reduction::norm2:
      return reduce_kind<Reduction::norm2>(in, axes, out);
    case Reduction::sum_squares:
      return reduce_kind<Reduction::sum_squares>(in, axes, out);
  }
}

}  // namespace gemel::kernels
