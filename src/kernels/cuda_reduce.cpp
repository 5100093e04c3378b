#include "kernels/cuda_reduce.h"

#include <fmt/format.h>

namespace gemel::kernels {
namespace {

std::string_view identifier(Reduction kind) {
  constexpr std::string_view names[] = {"sum",    "mean",    "prod",  "max",   "min",
                                        "nansum", "nanprod", "norm1", "norm2", "sum_squares"};
  return names[static_cast<int>(kind)];
}

constexpr std::string_view form = R"(#include "device/cuda/include/kernel.h"
#include "kernels/reducers.h"

extern "C" __global__ void {name}({arguments}gemel::cuda::Layout<{inputs}> kept,
                                  gemel::cuda::Layout<{inputs}> reduced, long long outputs,
                                  long long count) {{
  using namespace gemel::cuda;
  using T = {type};
  using W = gemel::kernels::total_type<T>;
  using Reduce = gemel::kernels::Reducer<gemel::kernels::Reduction::{kind}>;
  __shared__ W totals[1024];
  for (long long o = blockIdx.x; o < outputs; o += gridDim.x) {{
    long long base[{inputs}], position[{inputs}];
    kept.locate(o, base);
    W total = Reduce::identity<W>();
    for (long long i = threadIdx.x; i < count; i += blockDim.x) {{
      reduced.locate(i, position);
{loads}{body}      total = Reduce::combine<W>(total, Reduce::map<W>(static_cast<W>({result})));
    }}
    totals[threadIdx.x] = total;
    for (int half = blockDim.x / 2; half > 0; half /= 2) {{
      __syncthreads();
      if (static_cast<int>(threadIdx.x) < half)
        totals[threadIdx.x] =
            Reduce::combine<W>(totals[threadIdx.x], totals[threadIdx.x + half]);
    }}
    if (threadIdx.x == 0)
      out0[o] = store_value<W, {output}>(Reduce::finish<W>(totals[0], count));
    __syncthreads();
  }}
}}
)";

}  // namespace

std::string cuda_reduce_source(const CudaReduce& kernel) {
  using pointwise::cuda_type;
  const int inputs = static_cast<int>(kernel.inputs.size());
  GEMEL_CHECK(inputs > 0 && pointwise::input_count(kernel.map) <= inputs,
              "[cuda_reduce_source] expected a type for each of {} inputs, got {}",
              std::max(1, pointwise::input_count(kernel.map)), inputs);
  const DType compute =
      kernel.compute == DType::none ? pointwise::compute_type_of(kernel.inputs) : kernel.compute;
  std::string arguments, loads, body;
  for (int i = 0; i < inputs; ++i) {
    const auto type = cuda_type(kernel.inputs[i]);
    arguments += fmt::format("const {}* in{}, ", type, i);
    loads += fmt::format(
        "      const T x{0} = load_value<{1}, T>(in{0}[base[{0}] + position[{0}]]);\n", i, type);
  }
  arguments += fmt::format("{}* out0, ", cuda_type(kernel.output));
  if (const int scalars = pointwise::scalar_count(kernel.map); scalars > 0)
    arguments += fmt::format("gemel::cuda::Scalars<{}> scalars, ", scalars);
  const std::string result = pointwise::cuda_statements({&kernel.map, 1}, body)[0];
  return fmt::format(form, fmt::arg("name", kernel.name), fmt::arg("arguments", arguments),
                     fmt::arg("inputs", inputs), fmt::arg("type", cuda_type(compute)),
                     fmt::arg("kind", identifier(kernel.kind)), fmt::arg("loads", loads),
                     fmt::arg("body", body), fmt::arg("result", result),
                     fmt::arg("output", cuda_type(kernel.output)));
}

}  // namespace gemel::kernels
