// ROIPooling: the largest elements of a grid laid over each region (Girshick 2015).
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/parallel.h"
#include "op/registry.h"
#include "ops/floating_type.h"

namespace gemel::roi_pooling_op {
namespace {

struct ROIPoolingParameters : Parameters {
  Shape pooled_size;
  float spatial_scale;
  static void declare(Fields<ROIPoolingParameters>& f) {
    f.field("pooled_size", &ROIPoolingParameters::pooled_size).doc("Height and width of the grid.");
    f.field("spatial_scale", &ROIPoolingParameters::spatial_scale)
        .range(0, 1)
        .doc("Elements of data for each unit of the regions' coordinates.");
  }
};
using P = ROIPoolingParameters;

void shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  GEMEL_CHECK(p.pooled_size.ndim() == 2 && p.pooled_size[0] > 0 && p.pooled_size[1] > 0,
              "[{}] expected a pooled_size of two positive sizes, got {}", c.op.name(),
              p.pooled_size);
  const Shape &data = c.in[0], &rois = c.in[1];
  GEMEL_CHECK(data.ndim() < 0 || data.ndim() == 4,
              "[{}] expected data of 4 axes (batch, channel, height, width), got {}", c.op.name(),
              data);
  GEMEL_CHECK(rois.ndim() < 0 || (rois.ndim() == 2 && (rois[1] == 5 || rois[1] < 0)),
              "[{}] expected rois of 5 numbers each (batch index, x1, y1, x2, y2), got {}",
              c.op.name(), rois);
  if (data.ndim() < 0 || rois.ndim() < 0) return;
  c.set_out(0, {rois[0], data[1], p.pooled_size[0], p.pooled_size[1]});
}

// The first and the last element, exclusive, of each cell along one axis.
struct Cell {
  int64_t begin, end;
  Cell(int64_t i, double start, double size, int64_t limit)
      : begin(std::clamp<int64_t>(
            static_cast<int64_t>(std::floor(static_cast<double>(i) * size) + start), 0, limit)),
        end(std::clamp<int64_t>(
            static_cast<int64_t>(std::ceil(static_cast<double>(i + 1) * size) + start), 0, limit)) {
  }
};

// Calls f(place in the pooled array, place in data of the largest element or -1).
template <typename T, typename F>
void each_cell(const OpCall& c, const Tensor& data, const Tensor& rois, F&& f) {
  const auto& p = c.params<P>();
  const int64_t channels = data.shape[1], height = data.shape[2], width = data.shape[3];
  const int64_t rows = p.pooled_size[0], columns = p.pooled_size[1];
  for (int64_t r = 0; r < rois.shape[0]; ++r) {
    double roi[5];
    for (int k = 0; k < 5; ++k)
      roi[k] = static_cast<double>(static_cast<compute_type<T>>(rois.data<T>()[r * 5 + k]));
    const auto image = static_cast<int64_t>(roi[0]);
    GEMEL_CHECK(image >= 0 && image < data.shape[0],
                "[{}] expected batch indices of 0 to {}, got {} for region {}", c.op.name(),
                data.shape[0] - 1, image, r);
    double corner[4];
    for (int k = 0; k < 4; ++k)
      corner[k] = std::round(static_cast<float>(roi[k + 1]) * p.spatial_scale);
    const double tall = std::max(corner[3] - corner[1] + 1, 1.0) / static_cast<double>(rows),
                 wide = std::max(corner[2] - corner[0] + 1, 1.0) / static_cast<double>(columns);
    kernels::parallel_for(channels, height * width, [&](int64_t channel) {
      const int64_t first = (image * channels + channel) * height * width;
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) {
          const Cell row(i, corner[1], tall, height), column(j, corner[0], wide, width);
          int64_t best = -1;
          for (int64_t h = row.begin; h < row.end; ++h)
            for (int64_t w = column.begin; w < column.end; ++w) {
              const int64_t at = first + h * width + w;
              if (best < 0 || static_cast<compute_type<T>>(data.data<T>()[at]) >
                                  static_cast<compute_type<T>>(data.data<T>()[best]))
                best = at;
            }
          f(((r * channels + channel) * rows + i) * columns + j, best);
        }
    });
  }
}

template <typename T>
void forward(const OpCall& c) {
  each_cell<T>(c, c.in[0], c.in[1], [&](int64_t at, int64_t best) {
    c.out[0].data<T>()[at] = best < 0 ? T(0.0f) : c.in[0].data<T>()[best];
  });
}
// in: dy, data, rois.
template <typename T>
void backward(const OpCall& c) {
  std::vector<compute_type<T>> sums(static_cast<size_t>(c.out[0].size()));
  each_cell<T>(c, c.in[1], c.in[2], [&](int64_t at, int64_t best) {
    if (best >= 0) sums[best] += static_cast<compute_type<T>>(c.in[0].data<T>()[at]);
  });
  for (size_t i = 0; i < sums.size(); ++i) c.out[0].data<T>()[i] = static_cast<T>(sums[i]);
}

}  // namespace

GEMEL_OPERATORS(roi_pooling) {
  op<P>("ROIPooling")
      .doc(
          "Lays a grid of `pooled_size` over each region of `rois` (batch index, x1, y1, x2, y2) "
          "and "
          "takes the largest element of each cell of data (batch, channel, height, width); an "
          "empty cell gives 0. The result is (regions, channel, rows, columns) (Girshick 2015).")
      .inputs({"data", "rois"})
      .outputs({"output"}, 1)
      .file_outputs(2)
      .shape(shape)
      .type(floating_type)
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        return {c.make("_backward_ROIPooling", {c.dy(), c.in(0), c.in(1)}, c.node.parameters),
                Entry{}};
      })
      .implement("reference",
                 [](const OpCall& c) {
                   dispatch_floating(c.out[0].dtype, c.op.name(),
                                     [&](auto type) { forward<typename decltype(type)::type>(c); });
                 })
      .sample({.shapes = {{1, 2, 6, 7}, {3, 5}},
               .attributes = {{"pooled_size", "(2, 3)"}, {"spatial_scale", "1.0"}},
               .ranges = {{-1, 1}, {0, 0.9}}})
      .sample({.shapes = {{6, 2, 8, 9}, {2, 5}},
               .attributes = {{"pooled_size", "(2, 2)"}, {"spatial_scale", "0.7"}},
               .ranges = {{-1, 1}, {3, 5.5}}});
  op<P>("_backward_ROIPooling")
      .doc("Gradient of ROIPooling with respect to data.")
      .inputs({"dy", "data", "rois"})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[1]); })
      .implement("reference", [](const OpCall& c) {
        dispatch_floating(c.out[0].dtype, c.op.name(),
                          [&](auto type) { backward<typename decltype(type)::type>(c); });
      });
}

}  // namespace gemel::roi_pooling_op
