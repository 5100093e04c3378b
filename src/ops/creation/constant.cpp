#include "ops/creation/constant.h"

#include <algorithm>

#include "op/registry.h"

namespace gemel {

GEMEL_OPERATORS(constant) {
  using P = ConstantArrayParameters;
  OpBuilder constant = op<P>("_constant");
  constant.doc("An array that a pass computed beforehand; made by passes only.")
      .inputs(std::vector<std::string>{})
      .shape([](ShapeContext& c) {
        const NDArray& value = c.params<P>().value;
        GEMEL_CHECK(value, "[{}] only passes make it", c.op.name());
        c.set_out(0, value.shape());
      })
      .type([](TypeContext& c) {
        if (const NDArray& value = c.params<P>().value) c.set_out(0, value.dtype());
      })
      .no_gradient()
      .implement("copy", [](const OpCall& call) {
        const NDArray& value = call.params<P>().value;
        std::copy_n(value.data<std::byte>(), value.bytes(), call.out[0].address);
      });
  constant.info().hidden = true;
}

}  // namespace gemel
