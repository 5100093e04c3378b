// Choice by a condition: a mask of the arrays' shape, or one flag for each row.
#include <algorithm>

#include "kernels/parallel.h"
#include "op/registry.h"

namespace gemel {

namespace {

constexpr int64_t where_block = 1024;

void truth(const Tensor& condition, int64_t begin, int64_t n, bool* out) {
  dispatch(condition.dtype, [&]<typename T>(Type<T>) {
    const T* c = condition.data<T>() + begin;
    for (int64_t i = 0; i < n; ++i) out[i] = static_cast<compute_type<T>>(c[i]) != 0;
  });
}

// Elements are only moved, so one loop for each width serves every type.
template <typename Word>
void select(const bool* flags, const Tensor& x, const Tensor& y, const Tensor& out, int64_t begin,
            int64_t n) {
  const Word* a = x.data<Word>() + begin;
  const Word* b = y.data<Word>() + begin;
  Word* to = out.data<Word>() + begin;
  for (int64_t i = 0; i < n; ++i) to[i] = flags[i] ? a[i] : b[i];
}

void select_block(const bool* flags, const OpCall& call, int64_t begin, int64_t n) {
  const Tensor &x = call.in[1], &y = call.in[2], &out = call.out[0];
  switch (size_of(out.dtype)) {
    case 1:
      return select<uint8_t>(flags, x, y, out, begin, n);
    case 2:
      return select<uint16_t>(flags, x, y, out, begin, n);
    case 4:
      return select<uint32_t>(flags, x, y, out, begin, n);
    default:
      return select<uint64_t>(flags, x, y, out, begin, n);
  }
}

void where_kernel(const OpCall& call) {
  const Tensor& condition = call.in[0];
  const int64_t size = call.out[0].size();
  if (size == 0) return;
  if (condition.shape == call.out[0].shape) {
    kernels::parallel_for((size + where_block - 1) / where_block, where_block, [&](int64_t block) {
      bool flags[where_block];
      const int64_t begin = block * where_block, n = std::min(where_block, size - begin);
      truth(condition, begin, n, flags);
      select_block(flags, call, begin, n);
    });
    return;
  }
  const int64_t rows = condition.size(), row = size / rows,
                width = row * size_of(call.out[0].dtype);
  kernels::parallel_for(rows, row, [&](int64_t i) {
    bool flag;
    truth(condition, i, 1, &flag);
    const std::byte* from = call.in[flag ? 1 : 2].address + i * width;
    std::byte* to = call.out[0].address + i * width;
    if (from != to) std::copy_n(from, width, to);
  });
}

void where_shape(ShapeContext& context) {
  for (int i : {1, 2}) context.set_out(0, context.in[i]);
  for (int i : {1, 2}) context.set_in(i, context.out[0]);
  const Shape &condition = context.in[0], &out = context.out[0];
  if (out.ndim() < 0) return;
  if (condition.ndim() < 0) return;
  if (condition.ndim() == 1 && out.ndim() > 1)
    context.set_in(0, Shape{out[0]});
  else
    context.set_in(0, out);
}

void where_type(TypeContext& context) {
  for (int i : {1, 2}) context.set_out(0, context.in[i]);
  for (int i : {1, 2}) context.set_in(i, context.out[0]);
}

std::vector<Entry> where_gradient(const GradientContext& context) {
  const Entry dy = context.dy(), zero = context.make("zeros_like", {dy});
  return {Entry{}, context.make("where", {context.in(0), dy, zero}),
          context.make("where", {context.in(0), zero, dy})};
}

}  // namespace

GEMEL_OPERATORS(where) {
  op("where")
      .doc(
          "Elements of x where the condition is not 0, of y elsewhere. A condition with one axis "
          "chooses whole rows.")
      .inputs({"condition", "x", "y"})
      .shape(where_shape)
      .type(where_type)
      .gradient(where_gradient)
      .implement("select", where_kernel)
      .inplace({{1, 0}, {2, 0}})
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}}, .ranges = {{0, 2}, {-1, 1}, {-1, 1}}})
      .sample({.shapes = {{3}, {3, 4}, {3, 4}}, .ranges = {{0, 2}, {-1, 1}, {-1, 1}}});
}

}  // namespace gemel
