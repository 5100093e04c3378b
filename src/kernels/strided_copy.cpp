#include "kernels/strided_copy.h"

#include <algorithm>
#include <cstring>

#include "kernels/parallel.h"
#include "simd/stream_copy.h"
#include "simd/transpose.h"

namespace gemel::kernels {

namespace {

constexpr int max_axes = 24;
constexpr int64_t tile = 32, vector_tile = 64;
constexpr int64_t streaming_row = 4096;  // bytes of a row from which on it may bypass the caches

struct Walk {
  int count = 0;
  CopyAxis axis[max_axes];

  int64_t total() const {
    int64_t n = 1;
    for (int i = 0; i < count; ++i) n *= axis[i].size;
    return n;
  }
};

// Axes of length 1 dropped, neighbours that form one run on both sides joined.
Walk merged(std::span<const CopyAxis> axes) {
  Walk walk;
  for (const CopyAxis& a : axes) {
    if (a.size == 1) continue;
    if (walk.count) {
      CopyAxis& last = walk.axis[walk.count - 1];
      if (last.from == a.from * a.size && last.to == a.to * a.size) {
        last = {last.size * a.size, a.from, a.to};
        continue;
      }
    }
    GEMEL_ASSERT(walk.count < max_axes);
    walk.axis[walk.count++] = a;
  }
  return walk;
}

template <typename T>
void copy_row(const T* from, int64_t from_step, T* to, int64_t to_step, int64_t n, bool streaming) {
  if (from_step == 1 && to_step == 1) {
    if (streaming) {
      simd::stream_copy(from, to, static_cast<size_t>(n) * sizeof(T));
      simd::finish_streams();
    } else if (n < 16)
      for (int64_t i = 0; i < n; ++i) to[i] = from[i];
    else
      std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
  } else if (to_step == 1 && from_step == 0) {
    std::fill_n(to, n, *from);
  } else {
    for (int64_t i = 0; i < n; ++i) to[i * to_step] = from[i * from_step];
  }
}

// f(from offset, to offset) for every index of the walk, split over threads in ranges.
template <typename F>
void for_each(const Walk& walk, int64_t steps, const F& f) {
  const int64_t total = walk.total();
  const int64_t chunks =
      std::clamp<int64_t>(total * steps / parallel_grain, 1, std::min<int64_t>(total, 256));
  const int64_t share = chunks ? (total + chunks - 1) / chunks : 0;
  parallel_for(chunks, share * steps, [&](int64_t chunk) {
    int64_t index[max_axes], from = 0, to = 0, rest = chunk * share;
    const int64_t end = std::min(total, rest + share);
    if (rest >= end) return;
    const int64_t begin = rest;
    for (int i = walk.count - 1; i >= 0; --i) {
      index[i] = rest % walk.axis[i].size;
      rest /= walk.axis[i].size;
      from += index[i] * walk.axis[i].from;
      to += index[i] * walk.axis[i].to;
    }
    for (int64_t k = begin; k < end; ++k) {
      f(from, to);
      for (int i = walk.count - 1; i >= 0; --i) {
        const CopyAxis& a = walk.axis[i];
        from += a.from;
        to += a.to;
        if (++index[i] < a.size) break;
        from -= a.from * a.size;
        to -= a.to * a.size;
        index[i] = 0;
      }
    }
  });
}

// Both sides are contiguous, along different axes: square tiles keep both in the cache.
template <typename T>
void transpose_tiles(Walk walk, int row, const T* from, T* to) {
  const CopyAxis columns = walk.axis[walk.count - 1], rows = walk.axis[row];
  Walk tiles;
  for (int i = 0; i < walk.count - 1; ++i)
    if (i != row) tiles.axis[tiles.count++] = walk.axis[i];
  constexpr bool vectors = sizeof(T) >= 4;
  constexpr int64_t side = vectors ? vector_tile : tile;
  const auto count = [](int64_t n) { return (n + side - 1) / side; };
  const int64_t down = count(rows.size), across = count(columns.size);
  bool streaming = reinterpret_cast<uintptr_t>(to) % 64 == 0;
  for (int i = 0; i < walk.count - 1; ++i)
    streaming &= walk.axis[i].to * static_cast<int64_t>(sizeof(T)) % 64 == 0;
  streaming &= tiles.total() * rows.size * columns.size * static_cast<int64_t>(sizeof(T)) >
               simd::streaming_bytes;
  for_each(tiles, rows.size * columns.size, [&](int64_t from_base, int64_t to_base) {
    parallel_for(down * across, side * side, [&](int64_t k) {
      const int64_t r0 = k / across * side, c0 = k % across * side;
      const int64_t r1 = std::min(rows.size, r0 + side), c1 = std::min(columns.size, c0 + side);
      if constexpr (vectors) {
        simd::transpose_function<T>()(from + from_base + c0 * columns.from + r0, columns.from,
                                      to + to_base + r0 * rows.to + c0, rows.to,
                                      static_cast<size_t>(r1 - r0), static_cast<size_t>(c1 - c0),
                                      streaming);
        return;
      }
      // Through a buffer: lines of the source are read once and whole, however far apart they lie.
      T buffer[tile][tile + 1];
      for (int64_t c = c0; c < c1; ++c) {
        const T* source = from + from_base + c * columns.from;
        for (int64_t r = r0; r < r1; ++r) buffer[r - r0][c - c0] = source[r];
      }
      for (int64_t r = r0; r < r1; ++r) {
        T* target = to + to_base + r * rows.to;
        for (int64_t c = c0; c < c1; ++c) target[c] = buffer[r - r0][c - c0];
      }
    });
  });
}

template <typename T>
void copy_typed(std::span<const CopyAxis> axes, const std::byte* from_bytes, std::byte* to_bytes) {
  const T* from = reinterpret_cast<const T*>(from_bytes);
  T* to = reinterpret_cast<T*>(to_bytes);
  Walk walk = merged(axes);
  if (walk.total() == 0) return;
  if (walk.count == 0) {
    *to = *from;
    return;
  }
  const CopyAxis last = walk.axis[walk.count - 1];
  if (last.to == 1 && last.from > 1 && last.size >= 8)
    for (int i = 0; i < walk.count - 1; ++i)
      if (walk.axis[i].from == 1 && walk.axis[i].size >= 8)
        return transpose_tiles(walk, i, from, to);
  const bool streaming = last.from == 1 && last.to == 1 &&
                         last.size * static_cast<int64_t>(sizeof(T)) >= streaming_row &&
                         walk.total() * static_cast<int64_t>(sizeof(T)) >= simd::streaming_bytes;
  --walk.count;
  if (walk.count == 0 && last.size > parallel_grain) {  // one long row: cut it
    const int64_t piece = parallel_grain / 2, pieces = (last.size + piece - 1) / piece;
    parallel_for(pieces, piece, [&](int64_t k) {
      const int64_t at = k * piece;
      copy_row(from + at * last.from, last.from, to + at * last.to, last.to,
               std::min(piece, last.size - at), streaming);
    });
    return;
  }
  for_each(walk, last.size, [&](int64_t from_offset, int64_t to_offset) {
    copy_row(from + from_offset, last.from, to + to_offset, last.to, last.size, streaming);
  });
}

}  // namespace

void strided_copy(std::span<const CopyAxis> axes, const std::byte* from, std::byte* to,
                  int64_t width) {
  switch (width) {
    case 1:
      return copy_typed<uint8_t>(axes, from, to);
    case 2:
      return copy_typed<uint16_t>(axes, from, to);
    case 4:
      return copy_typed<uint32_t>(axes, from, to);
    default:
      return copy_typed<uint64_t>(axes, from, to);
  }
}

void strided_fill(std::span<const CopyAxis> axes, const std::byte* value, std::byte* to,
                  int64_t width) {
  CopyAxis still[max_axes];
  GEMEL_ASSERT(axes.size() <= max_axes);
  for (size_t i = 0; i < axes.size(); ++i) still[i] = {axes[i].size, 0, axes[i].to};
  strided_copy(std::span<const CopyAxis>(still, axes.size()), value, to, width);
}

}  // namespace gemel::kernels
