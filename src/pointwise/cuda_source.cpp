#include "pointwise/cuda_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "pointwise/walk.h"

namespace gemel::pointwise {
namespace {

// The enumerator of a primitive, which is what the templates of simd/scalar_math.h take.
std::string_view identifier(Primitive p) {
  constexpr std::string_view names[] = {
#define GEMEL_NAME(name, text) #name,
      GEMEL_UNARY_PRIMITIVES(GEMEL_NAME) GEMEL_BINARY_PRIMITIVES(GEMEL_NAME)
          GEMEL_TERNARY_PRIMITIVES(GEMEL_NAME)
#undef GEMEL_NAME
  };
  return names[static_cast<int>(p)];
}

std::string literal(double value) {
  if (std::isnan(value)) return "std::numeric_limits<double>::quiet_NaN()";
  if (std::isinf(value))
    return value > 0 ? "std::numeric_limits<double>::infinity()"
                     : "-std::numeric_limits<double>::infinity()";
  const std::string text = fmt::format("{}", value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string statement(const Expr& e, std::span<const std::string> children) {
  switch (e->kind) {
    case Kind::input:
      break;  // has its value already
    case Kind::scalar:
      return fmt::format("from_real<T>(scalars.value[{}])", e->index);
    case Kind::constant:
      return fmt::format("from_real<T>({})", literal(e->value));
    case Kind::round_to:
      return fmt::format("rounded<{}>({})", cuda_type(e->dtype), children[0]);
    case Kind::apply: {
      constexpr std::string_view forms[] = {"unary", "binary", "ternary"};
      std::string arguments = children[0];
      for (size_t i = 1; i < children.size(); ++i) arguments += ", " + children[i];
      return fmt::format("gemel::simd::{}<Primitive::{}>({})", forms[e->child_count - 1],
                         identifier(e->primitive), arguments);
    }
  }
  return {};
}

}  // namespace

std::string_view cuda_type(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return "float";
    case DType::float64:
      return "double";
    case DType::float16:
      return "gemel::float16";
    case DType::bfloat16:
      return "gemel::bfloat16";
    case DType::uint8:
      return "uint8_t";
    case DType::int8:
      return "int8_t";
    case DType::int16:
      return "int16_t";
    case DType::uint16:
      return "uint16_t";
    case DType::int32:
      return "int32_t";
    case DType::uint32:
      return "uint32_t";
    case DType::int64:
      return "int64_t";
    case DType::uint64:
      return "uint64_t";
    case DType::boolean:
      return "bool";
    case DType::none:
      break;
  }
  fail(ErrorKind::Type, "[cuda_source] expected a known element type, got none");
}

DType compute_type_of(std::span<const DType> arrays) {
  const auto any = [&](auto is) { return std::any_of(arrays.begin(), arrays.end(), is); };
  if (any([](DType t) { return t == DType::float64; })) return DType::float64;
  if (any(is_floating)) return DType::float32;
  return any([](DType t) { return t == DType::uint64; }) ? DType::uint64 : DType::int64;
}

std::vector<std::string> cuda_statements(std::span<const Expr> outputs, std::string& body) {
  std::unordered_map<Expr, std::string, ExprHash> names;
  for (const Expr& output : outputs)
    visit(output, [&](const Expr& e) {
      if (names.contains(e)) return;
      if (e->kind == Kind::input) {
        names.emplace(e, fmt::format("x{}", e->index));
        return;
      }
      std::vector<std::string> children;
      for (int i = 0; i < e->child_count; ++i) children.push_back(names.at(e->child[i]));
      const std::string name = fmt::format("v{}", names.size());
      body += fmt::format("    const T {} = {};\n", name, statement(e, children));
      names.emplace(e, name);
    });
  std::vector<std::string> results;
  for (const Expr& output : outputs) results.push_back(names.at(output));
  return results;
}

std::string cuda_source(const CudaKernel& kernel, std::span<const Expr> outputs) {
  GEMEL_CHECK(outputs.size() == kernel.outputs.size(),
              "[cuda_source] expected a type for each of {} outputs, got {}", outputs.size(),
              kernel.outputs.size());
  int inputs = 0, scalars = 0;
  for (const Expr& e : outputs) {
    inputs = std::max(inputs, input_count(e));
    scalars = std::max(scalars, scalar_count(e));
  }
  GEMEL_CHECK(inputs <= static_cast<int>(kernel.inputs.size()),
              "[cuda_source] expected a type for each of {} inputs, got {}", inputs,
              kernel.inputs.size());
  inputs = static_cast<int>(kernel.inputs.size());
  DType compute = kernel.compute;
  if (compute == DType::none) {
    std::vector<DType> all = kernel.inputs;
    all.insert(all.end(), kernel.outputs.begin(), kernel.outputs.end());
    compute = compute_type_of(all);
  }
  const bool layout = kernel.layout && inputs > 0;

  std::string arguments;
  for (int i = 0; i < inputs; ++i)
    arguments += fmt::format("const {}* in{}, ", cuda_type(kernel.inputs[i]), i);
  for (size_t i = 0; i < outputs.size(); ++i)
    arguments += fmt::format("{}* out{}, ", cuda_type(kernel.outputs[i]), i);
  if (scalars > 0) arguments += fmt::format("gemel::cuda::Scalars<{}> scalars, ", scalars);
  if (layout) arguments += fmt::format("gemel::cuda::Layout<{}> layout, ", inputs);

  std::string body;
  if (layout)
    body += fmt::format("    long long position[{}];\n    layout.locate(i, position);\n", inputs);
  for (int i = 0; i < inputs; ++i)
    body +=
        fmt::format("    const T x{} = load_value<{}, T>(in{}[{}]);\n", i,
                    cuda_type(kernel.inputs[i]), i, layout ? fmt::format("position[{}]", i) : "i");
  const auto results = cuda_statements(outputs, body);
  for (size_t i = 0; i < outputs.size(); ++i)
    body += fmt::format("    out{}[i] = store_value<T, {}>({});\n", i, cuda_type(kernel.outputs[i]),
                        results[i]);
  return fmt::format(
      "#include \"device/cuda/include/kernel.h\"\n\n"
      "extern \"C\" __global__ void {}({}long long size) {{\n"
      "  using namespace gemel::cuda;\n"
      "  using T = {};\n"
      "  const long long step = static_cast<long long>(gridDim.x) * blockDim.x;\n"
      "  for (long long i = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x; i < "
      "size;\n"
      "       i += step) {{\n{}  }}\n}}\n",
      kernel.name, arguments, cuda_type(compute), body);
}

}  // namespace gemel::pointwise
