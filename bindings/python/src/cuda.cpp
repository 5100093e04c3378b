// Generated device code, for tests: nothing here runs on a device.
#include "common.h"
#include "device/cuda/headers.h"
#include "kernels/cuda_reduce.h"
#include "pointwise/operator.h"

namespace gemel::python {
namespace {

std::vector<DType> dtypes_of(nb::handle list) {
  std::vector<DType> types;
  for (nb::handle one : nb::borrow<nb::sequence>(list)) types.push_back(dtype_of(one));
  return types;
}

}  // namespace

void bind_cuda(nb::module_& m) {
  m.def("cuda_headers", [] {
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& header : cuda::headers()) all.emplace_back(header.name, header.text);
    return all;
  });
  m.def("cuda_pointwise_source",
        [](const std::string& name, const std::vector<std::string>& expressions, nb::handle inputs,
           nb::handle outputs, bool layout) {
          std::vector<pointwise::Expr> values;
          for (const auto& text : expressions) values.push_back(pointwise::parse(text));
          return pointwise::cuda_source(
              {name, dtypes_of(inputs), dtypes_of(outputs), DType::none, layout}, values);
        });
  m.def("cuda_reduce_source", [](const std::string& name, int kind, nb::handle inputs,
                                 nb::handle output, const std::string& map) {
    return kernels::cuda_reduce_source({name, static_cast<kernels::Reduction>(kind),
                                        dtypes_of(inputs), dtype_of(output), pointwise::parse(map),
                                        DType::none});
  });
  // The expressions and the scalars of a pointwise operator; None for any other.
  m.def("pointwise_expressions",
        [](const std::string& name, nb::dict parameters_text) -> nb::object {
          const OpInfo& op = require_op(name);
          Attributes attributes;
          for (auto [key, value] : parameters_text)
            attributes.emplace(nb::cast<std::string>(key), parameter_text(value));
          const auto* definition = dynamic_cast<const pointwise::Definition*>(op.pointwise.get());
          if (!definition) return nb::none();
          const ParametersRef parameters = op.parse(attributes);
          std::vector<std::string> expressions;
          for (const auto& e : definition->value(*parameters)) expressions.push_back(to_string(e));
          return nb::cast(std::make_pair(expressions, definition->scalars(*parameters)));
        });
}

}  // namespace gemel::python
