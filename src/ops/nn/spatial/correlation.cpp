// Correlation: patches of one image compared with displaced patches of another (Dosovitskiy et al.
// 2015, FlowNet).
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/parallel.h"
#include "op/registry.h"
#include "ops/floating_type.h"

namespace gemel::correlation_op {
namespace {

struct CorrelationParameters : Parameters {
  int kernel_size, max_displacement, stride1, stride2, pad_size;
  bool is_multiply;
  static void declare(Fields<CorrelationParameters>& f) {
    using P = CorrelationParameters;
    const auto size = [&](const char* name, int P::*member, const char* fallback, double low,
                          const char* doc) {
      f.field(name, member).fallback(fallback).range(low, 2147483647).doc(doc).type =
          "int (non-negative)";
    };
    size("kernel_size", &P::kernel_size, "1", 1, "Side of the patches, odd.");
    size("max_displacement", &P::max_displacement, "1", 0, "Largest displacement.");
    size("stride1", &P::stride1, "1", 1, "Step between patches of data1.");
    size("stride2", &P::stride2, "1", 1, "Step between displacements.");
    size("pad_size", &P::pad_size, "0", 0, "Zeros around both images.");
    f.field("is_multiply", &P::is_multiply)
        .fallback("1")
        .doc("Products of the patches' elements; otherwise distances.");
  }
  int reach() const { return max_displacement / stride2; }
  int displacements() const { return 2 * reach() + 1; }  // along one axis
  int border() const { return max_displacement + (kernel_size - 1) / 2; }
};
using P = CorrelationParameters;

void shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  GEMEL_CHECK(p.kernel_size % 2 == 1, "[{}] expected an odd kernel_size, got {}", c.op.name(),
              p.kernel_size);
  c.set_in(1, c.in[0]);
  c.set_in(0, c.in[1]);
  const Shape& data = c.in[0];
  if (!data.known()) return;
  GEMEL_CHECK(data.ndim() == 4,
              "[{}] expected data of 4 axes (batch, channel, height, width), got {}", c.op.name(),
              data);
  Shape out = {data[0], static_cast<int64_t>(p.displacements()) * p.displacements()};
  for (int i = 2; i < 4; ++i) {
    const int64_t room = data[i] + 2 * p.pad_size - 2 * p.border();
    GEMEL_CHECK(room > 0, "[{}] expected images larger than the patches' reach {}, got {}",
                c.op.name(), 2 * p.border(), data);
    out.push_back((room + p.stride1 - 1) / p.stride1);
  }
  c.set_out(0, out);
}

// Calls f(place in data1, place in data2) for the pairs of elements, one of each image, that the
// output at (displacement, row, column) of one sample compares, in a channel; outside of an image
// the place is -1.
template <typename F>
void pairs(const P& p, const Shape& data, int64_t displacement, int64_t row, int64_t column,
           F&& f) {
  const int64_t across = displacement % p.displacements() - p.reach(),
                down = displacement / p.displacements() - p.reach();
  const auto place = [&](int64_t h, int64_t w) {
    return h >= 0 && w >= 0 && h < data[2] && w < data[3] ? h * data[3] + w : -1;
  };
  for (int64_t i = 0; i < p.kernel_size; ++i)
    for (int64_t j = 0; j < p.kernel_size; ++j) {
      const int64_t h = row * p.stride1 + p.max_displacement + i - p.pad_size,
                    w = column * p.stride1 + p.max_displacement + j - p.pad_size;
      f(place(h, w), place(h + down * p.stride2, w + across * p.stride2));
    }
}

double divisor(const P& p, const Shape& data) {
  return static_cast<double>(p.kernel_size) * p.kernel_size * static_cast<double>(data[1]);
}

template <typename T>
T element(const T* image, int64_t place) {
  return place < 0 ? T(0.0f) : image[place];
}

template <typename T>
void forward(const OpCall& c) {
  using C = compute_type<T>;
  const auto& p = c.params<P>();
  const Shape &data = c.in[0].shape, &out = c.out[0].shape;
  const int64_t plane = data[2] * data[3], size = out[2] * out[3];
  kernels::parallel_for(out[0] * out[1], size * data[1] * p.kernel_size, [&](int64_t at) {
    const int64_t n = at / out[1];
    for (int64_t i = 0; i < size; ++i) {
      C sum = 0;
      pairs(p, data, at % out[1], i / out[3], i % out[3], [&](int64_t a, int64_t b) {
        for (int64_t k = n * data[1]; k < (n + 1) * data[1]; ++k) {
          const C x = static_cast<C>(element(c.in[0].data<T>() + k * plane, a)),
                  y = static_cast<C>(element(c.in[1].data<T>() + k * plane, b));
          sum += p.is_multiply ? x * y : std::abs(x - y);
        }
      });
      c.out[0].data<T>()[at * size + i] = static_cast<T>(sum / static_cast<C>(divisor(p, data)));
    }
  });
}

// in: dy, data1, data2.
template <typename T>
void backward(const OpCall& c) {
  using C = compute_type<T>;
  const auto& p = c.params<P>();
  const Shape &data = c.in[1].shape, &out = c.in[0].shape;
  const int64_t plane = data[2] * data[3], size = out[2] * out[3];
  kernels::parallel_for(data[0], size * out[1] * data[1] * p.kernel_size, [&](int64_t n) {
    std::vector<C> sums[2];
    for (auto& sum : sums) sum.resize(static_cast<size_t>(data[1] * plane));
    for (int64_t at = n * out[1]; at < (n + 1) * out[1]; ++at)
      for (int64_t i = 0; i < size; ++i) {
        const C head =
            static_cast<C>(c.in[0].data<T>()[at * size + i]) / static_cast<C>(divisor(p, data));
        pairs(p, data, at % out[1], i / out[3], i % out[3], [&](int64_t a, int64_t b) {
          for (int64_t k = 0; k < data[1]; ++k) {
            const int64_t first = (n * data[1] + k) * plane;
            const C x = static_cast<C>(element(c.in[1].data<T>() + first, a)),
                    y = static_cast<C>(element(c.in[2].data<T>() + first, b));
            const C side = x > y ? C(1) : x < y ? C(-1) : C(0);
            if (a >= 0) sums[0][k * plane + a] += head * (p.is_multiply ? y : side);
            if (b >= 0) sums[1][k * plane + b] += head * (p.is_multiply ? x : -side);
          }
        });
      }
    for (int s = 0; s < 2; ++s)
      for (size_t k = 0; k < sums[s].size(); ++k)
        c.out[s].data<T>()[static_cast<size_t>(n * data[1] * plane) + k] =
            static_cast<T>(sums[s][k]);
  });
}

}  // namespace

GEMEL_OPERATORS(correlation) {
  op<P>("Correlation")
      .doc(
          "Compares patches of data1 with patches of data2 displaced by up to max_displacement: "
          "the "
          "mean product, or distance, of their elements, with one output channel for each "
          "displacement (Dosovitskiy et al. 2015).")
      .inputs({"data1", "data2"})
      .outputs({"output"}, 1)
      .file_outputs(3)
      .shape(shape)
      .type(floating_type)
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        const NodeRef node =
            c.make("_backward_Correlation", {c.dy(), c.in(0), c.in(1)}, c.node.parameters).node;
        return {{node, 0, 0}, {node, 1, 0}};
      })
      .implement("reference",
                 [](const OpCall& c) {
                   dispatch_floating(c.out[0].dtype, c.op.name(),
                                     [&](auto type) { forward<typename decltype(type)::type>(c); });
                 })
      .sample({.shapes = {{2, 2, 5, 6}, {2, 2, 5, 6}},
               .attributes = {{"kernel_size", "3"},
                              {"max_displacement", "2"},
                              {"pad_size", "3"},
                              {"stride1", "2"},
                              {"stride2", "2"}}})
      .sample({.shapes = {{1, 3, 4, 4}, {1, 3, 4, 4}},
               .attributes = {{"is_multiply", "False"}, {"pad_size", "1"}}});
  op<P>("_backward_Correlation")
      .doc("Gradient of Correlation.")
      .inputs({"dy", "data1", "data2"})
      .outputs({"data1", "data2"}, 2)
      .shape([](ShapeContext& c) {
        c.set_out(0, c.in[1]);
        c.set_out(1, c.in[2]);
      })
      .implement("reference", [](const OpCall& c) {
        dispatch_floating(c.out[0].dtype, c.op.name(),
                          [&](auto type) { backward<typename decltype(type)::type>(c); });
      });
}

}  // namespace gemel::correlation_op
