#include "passes/fuse_convolution.h"

#include <algorithm>

#include "op/registry.h"
#include "ops/nn/convolution/prepared.h"
#include "passes/hoist.h"
#include "passes/rewrite.h"

namespace gemel {
namespace {

using P = PreparedConvolutionParameters;

bool is_relu(const Node& node) {
  if (node.op->name() == "relu") return true;
  if (node.op->name() != "Activation") return false;
  return std::any_of(node.attributes.begin(), node.attributes.end(), [](const auto& attribute) {
    return attribute.first == "act_type" && attribute.second == "relu";
  });
}

bool is_sum(const Node& node) {
  const std::string& op = node.op->name();
  return op == "elemwise_add" || op == "broadcast_add" || op == "_grad_add";
}

class ConvolutionFusion {
 public:
  ConvolutionFusion(const IndexedGraph& graph, const std::vector<Shape>& shapes,
                    const std::vector<DType>& dtypes, const passes::ParameterSet& parameters,
                    const PreferredConvolution& preferred)
      : graph_(graph),
        shapes_(shapes),
        dtypes_(dtypes),
        readers_(passes::count_readers(graph)),
        steady_(steady_nodes(graph, parameters)),
        preferred_(preferred),
        convolution_(require_op("_prepared_convolution")) {}

  Entry operator()(int n, const NodeRef& self) {
    const std::string& op = self->op->name();
    if (op == "Convolution" || op == "Convolution_v1") return prepare(n, *self);
    if (is_relu(*self)) return add_relu(n, *self);
    if (is_sum(*self)) return add_residual(n, *self);
    return {};
  }

 private:
  const Shape& shape(int entry) const { return shapes_[static_cast<size_t>(entry)]; }

  Entry prepare(int n, const Node& self) {
    const auto inputs = graph_.inputs(n);
    const int out = graph_.first_entry(n);
    for (size_t i = 1; i < inputs.size(); ++i)
      if (!steady_[static_cast<size_t>(graph_.producer(inputs[i]))]) return {};
    if (dtypes_[static_cast<size_t>(out)] != DType::float32) return {};
    const auto parameters =
        prepared_convolution(static_cast<const ConvolutionParameters&>(*self.parameters),
                             shape(inputs[0]), shape(out), preferred(n, self));
    if (!parameters) return {};
    std::vector<Entry> renewed = self.inputs;
    renewed[1] = {make_node(require_op("_prepare_convolution_weight"), self.name + "_prepare",
                            {self.inputs[1]}, parameters),
                  0, 0};
    return {make_node(convolution_, self.name, std::move(renewed), parameters), 0, 0};
  }

  std::string_view preferred(int n, const Node& self) const {
    if (!preferred_) return {};
    std::vector<Tensor> tensors;
    for (const int entry : graph_.inputs(n))
      tensors.emplace_back(nullptr, shape(entry), dtypes_[static_cast<size_t>(entry)], Device{});
    const int out = graph_.first_entry(n);
    tensors.emplace_back(nullptr, shape(out), dtypes_[static_cast<size_t>(out)], Device{});
    const std::span<const Tensor> all = tensors;
    return preferred_(self, {static_cast<const OpInfo&>(*self.op), *self.parameters,
                             all.first(all.size() - 1), all.last(1)});
  }

  // The convolution, of those made here, that alone gives input i of node n, and may do more.
  const Node* before(int n, const Node& self, size_t i) const {
    const Entry& input = self.inputs[i];
    if (input.node->op != &convolution_) return nullptr;
    if (readers_[static_cast<size_t>(graph_.inputs(n)[i])] != 1) return nullptr;
    return static_cast<const P&>(*input.node->parameters).relu ? nullptr : input.node.get();
  }

  Entry extended(const Node& convolution, const Node& by, std::vector<Entry> inputs,
                 std::shared_ptr<const P> parameters) const {
    return {make_node(convolution_, convolution.name + "+" + by.name, std::move(inputs),
                      std::move(parameters)),
            0, 0};
  }

  Entry add_relu(int n, const Node& self) const {
    const Node* convolution = before(n, self, 0);
    if (!convolution) return {};
    auto parameters = std::make_shared<P>(static_cast<const P&>(*convolution->parameters));
    parameters->relu = true;
    return extended(*convolution, self, convolution->inputs, parameters);
  }

  Entry add_residual(int n, const Node& self) const {
    const auto entries = graph_.inputs(n);
    if (entries[0] == entries[1] || !(shape(entries[0]) == shape(entries[1]))) return {};
    for (size_t i : {size_t(1), size_t(0)}) {
      const Node* convolution = before(n, self, i);
      if (!convolution || static_cast<const P&>(*convolution->parameters).residual) continue;
      auto parameters = std::make_shared<P>(static_cast<const P&>(*convolution->parameters));
      parameters->residual = true;
      std::vector<Entry> inputs = convolution->inputs;
      inputs.push_back(self.inputs[1 - i]);
      return extended(*convolution, self, std::move(inputs), parameters);
    }
    return {};
  }

  const IndexedGraph& graph_;
  const std::vector<Shape>& shapes_;
  const std::vector<DType>& dtypes_;
  std::vector<int> readers_;
  std::vector<char> steady_;
  const PreferredConvolution& preferred_;
  const OpInfo& convolution_;
};

}  // namespace

std::vector<Entry> fuse_convolution(const IndexedGraph& graph, const std::vector<Entry>& heads,
                                    const std::vector<Shape>& shapes,
                                    const std::vector<DType>& dtypes,
                                    const passes::ParameterSet& parameters,
                                    const PreferredConvolution& preferred) {
  return passes::rewrite(graph, heads,
                         ConvolutionFusion(graph, shapes, dtypes, parameters, preferred));
}

}  // namespace gemel
