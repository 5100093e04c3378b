// How many elements fall into each bin.
#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "op/registry.h"
#include "ops/index/elements.h"

namespace gemel {

namespace {

struct HistogramParameters : Parameters {
  std::optional<int> bin_cnt;
  std::optional<std::vector<double>> range;
  static void declare(Fields<HistogramParameters>& f) {
    f.field("bin_cnt", &HistogramParameters::bin_cnt)
        .fallback("None")
        .doc("Number of equal bins; None: the second input holds their edges.");
    f.field("range", &HistogramParameters::range)
        .fallback("None")
        .doc("Edges of the first and the last of equal bins.")
        .type = "";
  }
};

std::vector<std::string> input_names(const HistogramParameters& p) {
  return p.bin_cnt ? std::vector<std::string>{"data"} : std::vector<std::string>{"data", "bins"};
}

void histogram_shape(ShapeContext& c) {
  const auto& p = c.params<HistogramParameters>();
  int64_t bins = 0;
  if (p.bin_cnt) {
    GEMEL_CHECK(*p.bin_cnt > 0 && p.range && p.range->size() == 2 && (*p.range)[0] < (*p.range)[1],
                "[{}] expected a bin_cnt above 0 and a range of two ascending numbers, got {}",
                c.op.name(), *p.bin_cnt);
    bins = *p.bin_cnt;
  } else {
    if (!c.in[1].known()) return;
    GEMEL_CHECK(c.in[1].ndim() == 1 && c.in[1][0] > 1,
                "[{}] bins: expected at least two edges in one axis, got shape {}", c.op.name(),
                c.in[1]);
    bins = c.in[1][0] - 1;
  }
  c.set_out(0, Shape{bins});
  c.set_out(1, Shape{bins + 1});
}

void histogram_kernel(const OpCall& c) {
  const auto& p = c.params<HistogramParameters>();
  const int64_t bins = c.out[0].size(), size = c.in[0].size();
  std::vector<double> edges(static_cast<size_t>(bins + 1));
  for (int64_t i = 0; i <= bins; ++i) {
    const double low = p.bin_cnt ? (*p.range)[0] : 0, high = p.bin_cnt ? (*p.range)[1] : 0;
    edges[static_cast<size_t>(i)] =
        p.bin_cnt ? low + (high - low) * static_cast<double>(i) / static_cast<double>(bins)
                  : element(c.in[1], i);
    set_element(c.out[1], i, edges[static_cast<size_t>(i)]);
  }
  int64_t* counts = c.out[0].data<int64_t>();
  std::fill_n(counts, bins, 0);
  for (int64_t i = 0; i < size; ++i) {
    const double x = element(c.in[0], i);
    if (!(x >= edges.front() && x <= edges.back())) continue;
    const auto above = std::upper_bound(edges.begin(), edges.end(), x);
    ++counts[std::min<int64_t>(above - edges.begin() - 1, bins - 1)];  // the last bin is closed
  }
}

}  // namespace

GEMEL_OPERATORS(histogram) {
  op<HistogramParameters>("_histogram")
      .doc("Counts (int64) of the elements in each bin, and the edges of the bins.")
      .inputs(input_names)
      .outputs(2, 2)
      .shape(histogram_shape)
      .type([](TypeContext& c) {
        if (c.in.size() > 1) {
          c.set_in(1, c.in[0]);
          c.set_in(0, c.in[1]);
        }
        c.set_out(0, DType::int64);
        c.set_out(1, c.in[0]);
        c.set_in(0, c.out[1]);
      })
      .no_gradient()
      .implement("reference", histogram_kernel)
      .sample({.shapes = {{3, 4}}, .attributes = {{"bin_cnt", "3"}, {"range", "(-1, 1)"}}});
}

}  // namespace gemel
