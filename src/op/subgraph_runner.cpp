#include "op/subgraph_runner.h"

namespace gemel {
namespace {

SubgraphRunnerFactory& current_factory() {
  static SubgraphRunnerFactory factory = nullptr;
  return factory;
}

}  // namespace

SubgraphRunner::~SubgraphRunner() = default;

void set_subgraph_runner_factory(SubgraphRunnerFactory factory) { current_factory() = factory; }

std::shared_ptr<SubgraphRunner> make_subgraph_runner(std::shared_ptr<Symbol> graph) {
  GEMEL_ASSERT(current_factory());
  return current_factory()(std::move(graph));
}

}  // namespace gemel
