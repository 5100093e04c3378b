#include "ops/optimizer/update.h"

#include <array>

namespace gemel {

namespace {

constexpr int most = 8;  // scalars and outputs of one update

struct Compiled {
  pointwise::Program plain, clipped;
  std::vector<int> mutates;
  std::function<std::vector<double>(const Parameters&)> scalars;
};

void run_update(const Compiled& compiled, const OpCall& call) {
  const auto& p = call.params<UpdateParameters>();
  std::array<double, most> scalars{p.clip_gradient};
  const std::vector<double> own = compiled.scalars(p);
  std::copy(own.begin(), own.end(), scalars.begin() + 1);
  std::array<Tensor, most> outputs;
  outputs[0] = call.out[0];
  for (size_t k = 0; k < compiled.mutates.size(); ++k)
    outputs[k + 1] = call.in[static_cast<size_t>(compiled.mutates[k])];
  const pointwise::Program& program = p.clip_gradient >= 0 ? compiled.clipped : compiled.plain;
  program.run(call.in, std::span(scalars.data(), own.size() + 1),
              std::span(outputs.data(), compiled.mutates.size() + 1));
}

}  // namespace

void implement_update(OpBuilder& builder, Update update) {
  using pointwise::Expr;
  auto limit = [](Expr g) { return clip(g, -pointwise::scalar(0), pointwise::scalar(0)); };
  auto compiled = std::make_shared<const Compiled>(
      Compiled{pointwise::Program(update.value([](Expr g) { return g; })),
               pointwise::Program(update.value(limit)), update.mutates, update.scalars});
  builder.shape(same_shape)
      .no_gradient()
      .inplace({{0, 0}})
      .mutates(update.mutates)
      .implement("tape", [compiled](const OpCall& call) { run_update(*compiled, call); });
}

}  // namespace gemel
