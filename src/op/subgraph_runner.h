// SubgraphRunner: runs a graph that an operator holds (a loop's body, a condition's branch). The
// runtime implements it; kernels of control flow operators use it.
#pragma once
#include <functional>
#include <memory>
#include <span>

#include "graph/symbol.h"
#include "op/op_info.h"

namespace gemel {

// Inputs are in the graph's list_inputs() order. Everything is computed on the calling thread.
// Thread-safe; runs of one runner exclude each other.
class GEMEL_EXPORT SubgraphRunner {
 public:
  virtual ~SubgraphRunner();
  // What is known before the call, what follows after it (Shape::unknown(), DType::none).
  virtual void infer_shapes(std::span<Shape> in, std::span<Shape> out, bool training) = 0;
  virtual void infer_types(std::span<DType> in, std::span<DType> out) = 0;
  // Random numbers that one run draws.
  virtual uint64_t random_count(std::span<const Tensor> in, bool training) = 0;
  virtual void forward(std::span<const Tensor> in, std::span<const Tensor> out, bool training,
                       RandomStream random) = 0;
  // Computes the forward values again, with the same random numbers, and from them the gradients
  // of the inputs: gradients[i] is written where it has an address, after previous[i] is added
  // where that has one. gradients[i] and previous[i] may not overlap.
  virtual void backward(std::span<const Tensor> in, std::span<const Tensor> head_gradients,
                        std::span<const Tensor> gradients, std::span<const Tensor> previous,
                        bool training, RandomStream random) = 0;
};

using SubgraphRunnerFactory = std::shared_ptr<SubgraphRunner> (*)(std::shared_ptr<Symbol> graph);
// Set once by the runtime, before any graph is made.
GEMEL_EXPORT void set_subgraph_runner_factory(SubgraphRunnerFactory factory);
std::shared_ptr<SubgraphRunner> make_subgraph_runner(std::shared_ptr<Symbol> graph);

}  // namespace gemel
