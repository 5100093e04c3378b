// The sum of any number of arrays, in one pass over memory for every 64 of them.
#include <algorithm>
#include <array>
#include <memory>
#include <mutex>

#include "pointwise/operator.h"

namespace gemel::pointwise {

namespace {

struct AddParameters : Parameters {
  int num_args = 1;
  static void declare(Fields<AddParameters>& f) {
    f.field("num_args", &AddParameters::num_args).doc("Number of arrays.").range(1, 1 << 20);
  }
};

constexpr int add_chunk = 64;

// x0 + x1 + ... of `count` inputs, left to right; compiled on first use.
const Program& sum_program(int count) {
  static std::array<std::unique_ptr<const Program>, add_chunk + 1> programs;
  static std::array<std::once_flag, add_chunk + 1> compiled;
  std::call_once(compiled[count], [count] {
    Expr total = input(0);
    for (int i = 1; i < count; ++i) total = total + input(i);
    programs[count] = std::make_unique<const Program>(std::vector<Expr>{total});
  });
  return *programs[count];
}

void add_kernel(const OpCall& call) {
  const int total = static_cast<int>(call.in.size());
  int done = std::min(total, add_chunk);
  sum_program(done).run(call.in.subspan(0, done), {}, call.out);
  while (done < total) {
    std::array<Tensor, add_chunk> chunk;
    chunk[0] = call.out[0];
    const int more = std::min(total - done, add_chunk - 1);
    std::copy_n(call.in.begin() + done, more, chunk.begin() + 1);
    sum_program(more + 1).run(std::span<const Tensor>(chunk.data(), more + 1), {}, call.out);
    done += more;
  }
}

}  // namespace

GEMEL_OPERATORS(add_n) {
  op<AddParameters>("add_n")
      .alias({"ElementWiseSum"})
      .doc("Sum of several arrays of one shape.")
      .variadic("num_args", &AddParameters::num_args)
      .shape(same_shape)
      .type(same_type)
      .gradient([](const GradientContext& context) {
        return std::vector<Entry>(context.node.inputs.size(), context.dy());
      })
      .implement("tape", add_kernel)
      .inplace({{0, 0}})
      .sample({.shapes = {{2, 3}, {2, 3}, {2, 3}}, .attributes = {{"num_args", "3"}}});
}

}  // namespace gemel::pointwise
