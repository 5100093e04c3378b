// _split_v2: sections of an axis that begin at given places, or equal ones.
#include <algorithm>
#include <cstring>

#include "kernels/parallel.h"
#include "op/registry.h"

namespace gemel {

namespace {

struct SplitV2Parameters : Parameters {
  Shape indices;
  int axis = 1, sections = 0;
  bool squeeze_axis = false;
  static void declare(Fields<SplitV2Parameters>& f) {
    using P = SplitV2Parameters;
    f.field("indices", &P::indices).doc("Where the sections begin, the first 0 included.");
    f.field("axis", &P::axis).fallback("1").doc("The axis to split.");
    f.field("squeeze_axis", &P::squeeze_axis)
        .fallback("0")
        .doc("Drop the axis, where all sections have length 1.");
    f.field("sections", &P::sections)
        .fallback("0")
        .range(0, 1e9)
        .doc("Number of equal sections; 0: `indices` says them.");
  }
};

int section_count(const SplitV2Parameters& p) {
  return p.sections > 0 ? p.sections : std::max(p.indices.ndim(), 1);
}

// Where section k begins; section_count gives the end.
int64_t section_begin(const SplitV2Parameters& p, int k, int64_t length) {
  if (k == section_count(p) || length == 0) return length;
  // Of equal sections, the first ones take what is left over.
  if (p.sections > 0) return length / p.sections * k + std::min<int64_t>(k, length % p.sections);
  return p.indices.ndim() ? p.indices[k] : 0;
}

int axis_of(const SplitV2Parameters& p, int ndim, std::string_view who) {
  const int axis = p.axis < 0 ? p.axis + ndim : p.axis;
  GEMEL_CHECK(axis >= 0 && axis < ndim, "[{}] axis: expected one of {} axes, got {}", who, ndim,
              p.axis);
  return axis;
}

void split_shape(ShapeContext& c) {
  const auto& p = c.params<SplitV2Parameters>();
  const Shape& in = c.in[0];
  if (in.ndim() < 0) return;
  const int axis = axis_of(p, in.ndim(), c.op.name());
  if (in[axis] < 0) return;
  for (int k = 0; k < section_count(p); ++k) {
    const int64_t begin = section_begin(p, k, in[axis]), end = section_begin(p, k + 1, in[axis]);
    GEMEL_CHECK(0 <= begin && begin <= end && end <= in[axis],
                "[{}] indices: expected ascending places in axis {} of shape {}, got {}",
                c.op.name(), axis, in, p.indices);
    GEMEL_CHECK(!p.squeeze_axis || end - begin == 1,
                "[{}] squeeze_axis: expected sections of length 1 of shape {}, got one of {}",
                c.op.name(), in, end - begin);
    Shape out;
    for (int i = 0; i < in.ndim(); ++i)
      if (i != axis)
        out.push_back(in[i]);
      else if (!p.squeeze_axis)
        out.push_back(end - begin);
    c.set_out(k, out);
  }
}

void split_kernel(const OpCall& c) {
  const auto& p = c.params<SplitV2Parameters>();
  const Tensor& in = c.in[0];
  if (in.size() == 0) return;
  const int axis = axis_of(p, in.shape.ndim(), c.op.name());
  const int64_t outer = in.shape.size(0, axis), length = in.shape[axis];
  const int64_t inner = in.shape.size(axis + 1, in.shape.ndim()) * size_of(in.dtype);
  for (int k = 0; k < section_count(p); ++k) {
    const int64_t begin = section_begin(p, k, length);
    const int64_t bytes = (section_begin(p, k + 1, length) - begin) * inner;
    std::byte* to = c.out[static_cast<size_t>(k)].address;
    if (bytes)
      kernels::parallel_for(outer, bytes / 8 + 1, [&](int64_t o) {
        std::memcpy(to + o * bytes, in.address + (o * length + begin) * inner,
                    static_cast<size_t>(bytes));
      });
  }
}

std::vector<Entry> split_gradient(const GradientContext& c) {
  const auto& p = c.params<SplitV2Parameters>();
  std::vector<Entry> heads;
  const Attributes axis{{"axis", print_value(p.axis)}};
  for (int k = 0; k < section_count(p); ++k)
    heads.push_back(p.squeeze_axis ? c.make("expand_dims", {c.dy(k)}, axis) : c.dy(k));
  const int count = static_cast<int>(heads.size());
  return {c.make("Concat", std::move(heads),
                 {{"dim", print_value(p.axis)}, {"num_args", print_value(count)}})};
}

}  // namespace

GEMEL_OPERATORS(split_v2) {
  op<SplitV2Parameters>("_split_v2")
      .doc("Sections of one axis: equal ones, or those that begin at `indices`.")
      .inputs({"data"})
      .outputs(section_count)
      .shape(split_shape)
      .gradient(split_gradient)
      .implement("memcpy", split_kernel)
      .sample({.shapes = {{2, 5, 3}}, .attributes = {{"indices", "(0, 1, 4)"}, {"axis", "1"}}})
      .sample({.shapes = {{2, 6}}, .attributes = {{"indices", "()"}, {"sections", "3"}}})
      .sample({.shapes = {{3, 2}},
               .attributes = {
                   {"indices", "()"}, {"sections", "3"}, {"axis", "0"}, {"squeeze_axis", "True"}}});
}

}  // namespace gemel
