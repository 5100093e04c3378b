// im2col and col2im: the windows of a convolution as columns of a matrix, and their sum back.
#include <algorithm>
#include <vector>

#include "kernels/parallel.h"
#include "op/registry.h"
#include "ops/floating_type.h"
#include "ops/nn/convolution/parameters.h"

namespace gemel::im2col_op {
namespace {

struct Im2colParameters : Parameters {
  Shape output_size;  // of col2im
  Shape kernel, stride, dilate, pad;
  static void declare(Fields<Im2colParameters>& f) {
    using P = Im2colParameters;
    f.field("kernel", &P::kernel).doc("Size of the window: (w,), (h, w) or (d, h, w).");
    f.field("stride", &P::stride).fallback("[]").doc("Step of the window; 1 when empty.");
    f.field("dilate", &P::dilate)
        .fallback("[]")
        .doc("Distance between the window's elements; 1 when empty.");
    f.field("pad", &P::pad).fallback("[]").doc("Zeros on both sides of data; 0 when empty.");
  }
};
struct Col2imParameters : Im2colParameters {
  static void declare(Fields<Col2imParameters>& f) {
    using P = Col2imParameters;
    using B = Im2colParameters;
    f.field("output_size", static_cast<Shape P::*>(&B::output_size))
        .doc("Spatial shape of the result.");
    f.field("kernel", static_cast<Shape P::*>(&B::kernel)).doc("Size of the window.");
    f.field("stride", static_cast<Shape P::*>(&B::stride))
        .fallback("[]")
        .doc("Step of the window; 1 when empty.");
    f.field("dilate", static_cast<Shape P::*>(&B::dilate))
        .fallback("[]")
        .doc("Distance between the window's elements; 1 when empty.");
    f.field("pad", static_cast<Shape P::*>(&B::pad))
        .fallback("[]")
        .doc("Zeros on both sides of the result; 0 when empty.");
  }
};
using P = Im2colParameters;

// Sizes along depth, height and width; axes that are missing come first.
struct Windows {
  int64_t image[3] = {1, 1, 1}, kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, dilate[3] = {1, 1, 1},
          pad[3] = {0, 0, 0}, count[3] = {1, 1, 1};
  Windows(const P& p, std::span<const int64_t> space, std::string_view who) {
    const int axes = p.kernel.ndim();
    GEMEL_CHECK(axes >= 1 && axes <= 3, "[{}] expected a kernel of 1 to 3 axes, got {}", who,
                p.kernel);
    GEMEL_CHECK(static_cast<int>(space.size()) == axes,
                "[{}] expected {} axes of space as the kernel has, got {}", who, axes,
                space.size());
    const Shape steps = per_axis(p.stride, axes, 1, "stride", who),
                gaps = per_axis(p.dilate, axes, 1, "dilate", who),
                margins = per_axis(p.pad, axes, 0, "pad", who);
    for (int i = 0; i < axes; ++i) {
      const int a = 3 - axes + i;
      image[a] = space[i];
      kernel[a] = p.kernel[i];
      stride[a] = steps[i];
      dilate[a] = gaps[i];
      pad[a] = margins[i];
      GEMEL_CHECK(kernel[a] > 0 && stride[a] > 0 && dilate[a] > 0 && pad[a] >= 0,
                  "[{}] expected positive kernel, stride and dilate and pad of at least 0, got {}, "
                  "{}, {} and {}",
                  who, p.kernel, p.stride, p.dilate, p.pad);
      const int64_t room = image[a] + 2 * pad[a] - dilate[a] * (kernel[a] - 1) - 1;
      GEMEL_CHECK(room >= 0,
                  "[{}] expected a kernel no larger than the padded data, got {} over {}", who,
                  p.kernel, image[a]);
      count[a] = room / stride[a] + 1;
    }
  }
  int64_t pixels() const { return image[0] * image[1] * image[2]; }
  int64_t elements() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t columns() const { return count[0] * count[1] * count[2]; }

  // Calls f(place in the matrix of one channel, place in its image or -1).
  template <typename F>
  void each(F&& f) const {
    int64_t at = 0, k[3], o[3], x[3];
    for (k[0] = 0; k[0] < kernel[0]; ++k[0])
      for (k[1] = 0; k[1] < kernel[1]; ++k[1])
        for (k[2] = 0; k[2] < kernel[2]; ++k[2])
          for (o[0] = 0; o[0] < count[0]; ++o[0])
            for (o[1] = 0; o[1] < count[1]; ++o[1])
              for (o[2] = 0; o[2] < count[2]; ++o[2]) {
                bool inside = true;
                for (int a = 0; a < 3; ++a) {
                  x[a] = o[a] * stride[a] - pad[a] + k[a] * dilate[a];
                  inside &= x[a] >= 0 && x[a] < image[a];
                }
                f(at++, inside ? (x[0] * image[1] + x[1]) * image[2] + x[2] : -1);
              }
  }
};

std::span<const int64_t> space_of(const Shape& data) { return {data.begin() + 2, data.end()}; }

void im2col_shape(ShapeContext& c) {
  const Shape& data = c.in[0];
  if (!data.known()) return;
  GEMEL_CHECK(data.ndim() >= 3,
              "[{}] expected data of at least 3 axes (batch, channel, space), "
              "got {}",
              c.op.name(), data);
  const Windows w(c.params<P>(), space_of(data), c.op.name());
  c.set_out(0, {data[0], data[1] * w.elements(), w.columns()});
}

void col2im_shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  const Shape& columns = c.in[0];
  if (!columns.known()) return;
  GEMEL_CHECK(columns.ndim() == 3, "[{}] expected data of 3 axes (batch, rows, columns), got {}",
              c.op.name(), columns);
  const Windows w(p, {p.output_size.begin(), p.output_size.end()}, c.op.name());
  GEMEL_CHECK(columns[1] % w.elements() == 0 && columns[2] == w.columns(),
              "[{}] expected rows divisible by {} and {} columns, got {}", c.op.name(),
              w.elements(), w.columns(), columns);
  Shape out = {columns[0], columns[1] / w.elements()};
  for (int64_t n : p.output_size) out.push_back(n);
  c.set_out(0, out);
}

template <typename T>
void to_columns(const Windows& w, const Tensor& image, const Tensor& columns) {
  const int64_t size = w.elements() * w.columns();  // of one channel; its image may be empty
  kernels::parallel_for(columns.size() / std::max<int64_t>(size, 1), size, [&](int64_t plane) {
    const T* from = image.data<T>() + plane * w.pixels();
    T* to = columns.data<T>() + plane * w.elements() * w.columns();
    w.each([&](int64_t at, int64_t pixel) { to[at] = pixel < 0 ? T(0.0f) : from[pixel]; });
  });
}
template <typename T>
void to_image(const Windows& w, const Tensor& columns, const Tensor& image) {
  kernels::parallel_for(image.size() / std::max<int64_t>(w.pixels(), 1), w.elements() * w.columns(),
                        [&](int64_t plane) {
                          const T* from = columns.data<T>() + plane * w.elements() * w.columns();
                          std::vector<compute_type<T>> sums(static_cast<size_t>(w.pixels()));
                          w.each([&](int64_t at, int64_t pixel) {
                            if (pixel >= 0) sums[pixel] += static_cast<compute_type<T>>(from[at]);
                          });
                          T* to = image.data<T>() + plane * w.pixels();
                          for (size_t i = 0; i < sums.size(); ++i) to[i] = static_cast<T>(sums[i]);
                        });
}

template <bool columns>
void run(const OpCall& c, const Tensor& image) {
  const Windows w(c.params<P>(), space_of(image.shape), c.op.name());
  dispatch_floating(c.out[0].dtype, c.op.name(), [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (columns)
      to_columns<T>(w, c.in[0], c.out[0]);
    else
      to_image<T>(w, c.in[0], c.out[0]);
  });
}

}  // namespace

GEMEL_OPERATORS(im2col) {
  op<P>("im2col")
      .doc(
          "The windows of a convolution over data (batch, channel, space...) as columns: (batch, "
          "channel * kernel, windows).")
      .inputs({"data"})
      .shape(im2col_shape)
      .type(floating_type)
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        return {c.make("_backward_im2col", {c.dy(), c.in(0)}, c.node.parameters)};
      })
      .implement("reference", [](const OpCall& c) { run<true>(c, c.in[0]); })
      .sample({.shapes = {{2, 2, 5, 4}},
               .attributes = {{"kernel", "(3, 2)"}, {"stride", "(2, 1)"}, {"pad", "(1, 1)"}}})
      .sample({.shapes = {{2, 3, 7}}, .attributes = {{"kernel", "(3,)"}, {"dilate", "(2,)"}}});
  op<P>("_backward_im2col")
      .doc("Gradient of im2col.")
      .inputs({"dy", "data"})
      .shape_only({1})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[1]); })
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        return {c.make("im2col", {c.dy()}, c.node.parameters), Entry{}};
      })
      .implement("reference", [](const OpCall& c) { run<false>(c, c.out[0]); });
  op<Col2imParameters>("col2im")
      .doc(
          "The sum of overlapping windows, given as columns (batch, channel * kernel, windows), in "
          "an image (batch, channel, output_size...).")
      .inputs({"data"})
      .shape(col2im_shape)
      .type(floating_type)
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        return {c.make("im2col", {c.dy()}, c.node.parameters)};
      })
      .implement("reference", [](const OpCall& c) { run<false>(c, c.out[0]); })
      .sample({.shapes = {{2, 12, 15}},
               .attributes = {{"output_size", "(5, 4)"},
                              {"kernel", "(3, 2)"},
                              {"stride", "(2, 1)"},
                              {"pad", "(1, 1)"}}});
}

}  // namespace gemel::im2col_op
