#include "passes/fold_batch_norm.h"

#include <string>

#include "op/registry.h"
#include "ops/nn/batch_norm/batch_norm.h"
#include "ops/nn/convolution/parameters.h"
#include "ops/nn/fully_connected/fully_connected.h"
#include "passes/hoist.h"
#include "passes/rewrite.h"

namespace gemel {
namespace {

Entry call(const char* op, const std::string& name, std::vector<Entry> inputs,
           Attributes attributes = {}) {
  return {make_node(require_op(op), name, std::move(inputs), std::move(attributes)), 0, 0};
}

// (1, channels, 1, ...): along one of `axes` axes.
Entry along(const Entry& channels, const std::string& name, int axis, int axes) {
  Shape shape;
  for (int i = 0; i < axes; ++i) shape.push_back(i == axis ? -1 : 1);
  return call("Reshape", name + "_channels", {channels}, {{"shape", print_value(shape)}});
}

// y = scale * x + shift of each channel.
struct Affine {
  Entry scale, mean, beta;
  Entry shift(const std::string& name, const Entry& bias) const {
    const Entry center = bias ? call("elemwise_sub", name + "_center", {mean, bias}) : mean;
    return call("elemwise_sub", name + "_shift",
                {beta, call("elemwise_mul", name + "_offset", {center, scale})});
  }
};

Affine affine_of(const Node& norm) {
  const auto& p = static_cast<const BatchNormParameters&>(*norm.parameters);
  const Attributes epsilon = {{"scalar", fmt::format("{:.17g}", p.eps)}};
  Entry scale = call("rsqrt", norm.name + "_deviation",
                     {call("_plus_scalar", norm.name + "_variance", {norm.inputs[4]}, epsilon)});
  if (!p.fix_gamma) scale = call("elemwise_mul", norm.name + "_scale", {scale, norm.inputs[1]});
  return {scale, norm.inputs[3], norm.inputs[2]};
}

// A node that multiplies by a weight, and the axis of the weight that its output channels lie on.
struct Layer {
  int weight_axis = -1;  // -1: none of these
  bool has_bias = false;
};

Layer layer_of(const Node& node, const Shape& out) {
  const std::string& op = node.op->name();
  if (op == "Convolution" || op == "Convolution_v1")
    return {0, !static_cast<const ConvolutionParameters&>(*node.parameters).no_bias};
  if (op == "Deconvolution") {
    const auto& p = static_cast<const ConvolutionParameters&>(*node.parameters);
    return {p.num_group == 1 ? 1 : -1, !p.no_bias};
  }
  if (op == "FullyConnected")
    return {out.ndim() == 2 ? 0 : -1,
            !static_cast<const FullyConnectedParameters&>(*node.parameters).no_bias};
  return {};
}

template <typename P>
ParametersRef with_bias(const Node& node) {
  auto p = std::make_shared<P>(static_cast<const P&>(*node.parameters));
  p->no_bias = false;
  return p;
}
ParametersRef parameters_with_bias(const Node& node) {
  if (node.op->name() == "FullyConnected") return with_bias<FullyConnectedParameters>(node);
  if (node.op->name() == "Deconvolution") return with_bias<DeconvolutionParameters>(node);
  return with_bias<ConvolutionParameters>(node);
}

}  // namespace

std::vector<Entry> fold_batch_norm(const IndexedGraph& graph, const std::vector<Entry>& heads,
                                   const std::vector<Shape>& shapes,
                                   const std::vector<DType>& dtypes,
                                   const passes::ParameterSet& parameters) {
  const std::vector<int> readers = passes::count_readers(graph);
  const std::vector<char> steady = steady_nodes(graph, parameters);
  const auto is_steady = [&](int entry) {
    return steady[static_cast<size_t>(graph.producer(entry))];
  };
  return passes::rewrite(graph, heads, [&](int n, const NodeRef& self) -> Entry {
    const std::string& op = self->op->name();
    if (op != "BatchNorm" && op != "BatchNorm_v1") return {};
    const int out = graph.first_entry(n), in = graph.inputs(n)[0];
    const Shape& shape = shapes[static_cast<size_t>(out)];
    if (readers[static_cast<size_t>(out + 1)] || readers[static_cast<size_t>(out + 2)]) return {};
    for (size_t i = 1; i < self->inputs.size(); ++i) {
      if (!is_steady(graph.inputs(n)[i])) return {};
      if (dtypes[static_cast<size_t>(graph.inputs(n)[i])] != dtypes[static_cast<size_t>(in)])
        return {};
    }
    int axis = static_cast<const BatchNormParameters&>(*self->parameters).axis;
    if (axis < 0) axis += shape.ndim();
    const Affine affine = affine_of(*self);

    const Node& layer = *self->inputs[0].node;
    const int before = graph.producer(in);
    const Layer kind = layer.is_variable() || axis != 1 || readers[static_cast<size_t>(in)] != 1
                           ? Layer{}
                           : layer_of(layer, shape);
    bool foldable = kind.weight_axis >= 0;
    for (size_t i = 1; foldable && i < graph.inputs(before).size(); ++i)
      foldable = is_steady(graph.inputs(before)[i]);
    if (!foldable) {
      const Entry scaled =
          call("broadcast_mul", self->name + "_scaled",
               {self->inputs[0], along(affine.scale, self->name + "_scale", axis, shape.ndim())});
      return call(
          "broadcast_add", self->name,
          {scaled, along(affine.shift(self->name, {}), self->name + "_shift", axis, shape.ndim())});
    }
    const Entry weight = call("broadcast_mul", layer.name + "_weight_folded",
                              {layer.inputs[1], along(affine.scale, self->name + "_scale",
                                                      kind.weight_axis, shape.ndim())});
    const Entry bias = affine.shift(self->name, kind.has_bias ? layer.inputs[2] : Entry{});
    const std::string name =
        layer.op->name() == "Convolution_v1" ? "Convolution" : layer.op->name();
    return {make_node(require_op(name), layer.name + "+" + self->name,
                      {layer.inputs[0], weight, bias}, parameters_with_bias(layer)),
            0, 0};
  });
}

}  // namespace gemel
