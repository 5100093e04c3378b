// Rows written, rows selected, and the coordinates of elements.
#include <cstring>
#include <optional>

#include "op/registry.h"
#include "ops/index/elements.h"

namespace gemel {

namespace {

void index_copy_shape(ShapeContext& c) {
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  const Shape &old = c.in[0], &index = c.in[1], &fresh = c.in[2];
  if (old.ndim() < 0 || index.ndim() < 0 || fresh.ndim() < 0) return;
  bool fits =
      index.ndim() == 1 && old.ndim() >= 1 && fresh.ndim() == old.ndim() && fresh[0] == index[0];
  for (int i = 1; fits && i < old.ndim(); ++i) fits = old[i] == fresh[i];
  GEMEL_CHECK(fits,
              "[{}] expected rows of {} in the new array and a vector of as many indices, "
              "got {} and {}",
              c.op.name(), old, fresh, index);
}

void index_copy(const OpCall& c) {
  const Tensor &old = c.in[0], &index = c.in[1], &fresh = c.in[2], &out = c.out[0];
  if (old.address != out.address && out.size())
    std::memcpy(out.address, old.address, static_cast<size_t>(out.bytes()));
  const int64_t rows = out.shape[0], width = rows ? out.bytes() / rows : 0;
  for (int64_t i = 0; i < index.size(); ++i) {
    const auto row = static_cast<int64_t>(element(index, i));
    GEMEL_CHECK(row >= 0 && row < rows, "[{}] expected an index below {}, got {}", c.op.name(),
                rows, row);
    std::memcpy(out.address + row * width, fresh.address + i * width, static_cast<size_t>(width));
  }
}

struct IndexArrayParameters : Parameters {
  std::optional<Shape> axes;
  static void declare(Fields<IndexArrayParameters>& f) {
    f.field("axes", &IndexArrayParameters::axes)
        .fallback("None")
        .doc("The axes whose coordinates are wanted; None: all.")
        .type = "Shape or None";
  }
};

int wanted_axis(const IndexArrayParameters& p, int k, int ndim, std::string_view who) {
  if (!p.axes) return k;
  const int64_t axis = (*p.axes)[k], found = axis < 0 ? axis + ndim : axis;
  GEMEL_CHECK(found >= 0 && found < ndim, "[{}] axes: expected axes of {} axes, got {}", who, ndim,
              axis);
  return static_cast<int>(found);
}

void index_array(const OpCall& c) {
  const auto& p = c.params<IndexArrayParameters>();
  const Shape& in = c.in[0].shape;
  const int ndim = in.ndim(), wanted = p.axes ? p.axes->ndim() : ndim;
  int64_t* out = c.out[0].data<int64_t>();
  for (int64_t i = 0; i < in.size(); ++i) {
    int64_t place[Shape::max_ndim], rest = i;
    for (int axis = ndim - 1; axis >= 0; --axis) {
      place[axis] = rest % in[axis];
      rest /= in[axis];
    }
    for (int k = 0; k < wanted; ++k) *out++ = place[wanted_axis(p, k, ndim, c.op.name())];
  }
}

struct MaskParameters : Parameters {
  int axis = 0;
  static void declare(Fields<MaskParameters>& f) {
    f.field("axis", &MaskParameters::axis).fallback("0").range(0, 0).doc("Only 0.");
  }
};

void check_mask(const ShapeContext& c, const Shape& data, const Shape& mask) {
  if (!data.known() || !mask.known()) return;
  GEMEL_CHECK(data.ndim() >= 1 && mask.ndim() == 1 && mask[0] == data[0],
              "[{}] index: expected one number for each row of {}, got shape {}", c.op.name(), data,
              mask);
}

// Rows of the larger array where the mask is not 0, packed (or spread again, zeros between).
void move_rows(const Tensor& mask, const Tensor& from, const Tensor& to, bool packs) {
  const int64_t rows = mask.size();
  const Tensor& whole = packs ? from : to;
  const int64_t width = rows ? whole.bytes() / rows : 0;
  if (!packs && to.size()) std::memset(to.address, 0, static_cast<size_t>(to.bytes()));
  for (int64_t row = 0, packed = 0; row < rows; ++row) {
    if (element(mask, row) == 0) continue;
    std::memcpy(to.address + (packs ? packed : row) * width,
                from.address + (packs ? row : packed) * width, static_cast<size_t>(width));
    ++packed;
  }
}

}  // namespace

GEMEL_OPERATORS(index_copy) {
  op("_contrib_index_copy")
      .doc("The old array with the rows at the indices replaced by those of the new array.")
      .inputs({"old_tensor", "index_vector", "new_tensor"})
      .shape(index_copy_shape)
      .type([](TypeContext& c) {
        for (int round = 0; round < 2; ++round) {
          c.set_in(2, c.in[0]);
          c.set_in(0, c.in[2]);
          c.set_out(0, c.in[0]);
          c.set_in(0, c.out[0]);
        }
        if (c.in[1] == DType::none) c.set_in(1, c.in[0]);
      })
      .gradient([](const GradientContext& c) {
        const Entry none = c.make("zeros_like", {c.in(2)});
        return std::vector<Entry>{c.make("_contrib_index_copy", {c.dy(), c.in(1), none}), Entry{},
                                  c.make("take", {c.dy(), c.in(1)}, {{"axis", "0"}})};
      })
      .inplace({{0, 0}})
      .implement("memcpy", index_copy)
      .sample({.shapes = {{5, 3}, {1}, {1, 3}}, .ranges = {{-1, 1}, {0, 5}, {-1, 1}}});
  op<IndexArrayParameters>("_contrib_index_array")
      .doc("The coordinates of each element, as a last axis; int64.")
      .inputs({"data"})
      .shape([](ShapeContext& c) {
        if (c.in[0].ndim() < 0) return;
        const auto& p = c.params<IndexArrayParameters>();
        Shape out = c.in[0];
        const int wanted = p.axes ? p.axes->ndim() : c.in[0].ndim();
        for (int k = 0; k < wanted; ++k) wanted_axis(p, k, c.in[0].ndim(), c.op.name());
        out.push_back(wanted);
        c.set_out(0, out);
      })
      .type([](TypeContext& c) { c.set_out(0, DType::int64); })
      .shape_only({0})
      .no_gradient()
      .implement("reference", index_array)
      .sample({.shapes = {{2, 3}}})
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"axes", "(1, -1)"}}});
  op<MaskParameters>("_contrib_boolean_mask")
      .doc(
          "The rows of data whose index is not 0. Their number depends on values, so only calls on "
          "arrays can have it.")
      .inputs({"data", "index"})
      .shape([](ShapeContext& c) { check_mask(c, c.in[0], c.in[1]); })
      .shape_from_values([](ShapeContext& c, std::span<const Tensor> in) {
        int64_t count = 0;
        for (int64_t i = 0; i < in[1].size(); ++i) count += element(in[1], i) != 0;
        Shape out = in[0].shape;
        out[0] = count;
        c.set_out(0, out);
      })
      .type([](TypeContext& c) {
        c.set_out(0, c.in[0]);
        c.set_in(0, c.out[0]);
        if (c.in[1] == DType::none) c.set_in(1, c.in[0]);
      })
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{
            c.make("_backward_contrib_boolean_mask", {c.dy(), c.in(0), c.in(1)}), Entry{}};
      })
      .implement("memcpy", [](const OpCall& c) { move_rows(c.in[1], c.in[0], c.out[0], true); })
      .sample({.shapes = {{4, 3}, {4}}, .ranges = {{-1, 1}, {0, 2}}});
  op("_backward_contrib_boolean_mask")
      .doc("Gradient of boolean_mask: rows back where they came from, zeros between.")
      .inputs({"dy", "data", "index"})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[1]); })
      .type([](TypeContext& c) { c.set_out(0, c.in[0]); })
      .shape_only({1})
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_contrib_boolean_mask", {c.dy(), c.in(2)}), Entry{},
                                  Entry{}};
      })
      .implement("memcpy", [](const OpCall& c) { move_rows(c.in[2], c.in[0], c.out[0], false); });
}

}  // namespace gemel
