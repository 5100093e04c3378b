#include "passes/fuse_images.h"

#include "op/registry.h"
#include "ops/image/chain.h"
#include "passes/rewrite.h"

namespace gemel {

std::vector<Entry> fuse_images(const std::vector<Entry>& heads) {
  const IndexedGraph graph(heads);
  const std::vector<int> readers = passes::count_readers(graph);
  const auto op_of = [](const Node& node) -> const OpInfo& {
    return static_cast<const OpInfo&>(*node.op);
  };
  return passes::rewrite(graph, heads, [&](int n, const NodeRef& self) -> Entry {
    if (self->inputs.empty()) return {};
    const Node& image = *self->inputs[0].node;
    if (!image::joins_chain(op_of(*self)) || image.is_variable() ||
        readers[static_cast<size_t>(graph.inputs(n)[0])] != 1)
      return {};
    const bool chain = op_of(image).name() == "_fused_image";
    if (!chain && !image::joins_chain(op_of(image))) return {};
    std::vector<image::ChainStep> steps = image::steps_of(op_of(image), image.parameters);
    steps.push_back({&op_of(*self), self->parameters});
    std::vector<Entry> inputs = image.inputs;
    inputs.insert(inputs.end(), self->inputs.begin() + 1, self->inputs.end());
    return {make_node(require_op("_fused_image"), self->name, std::move(inputs),
                      image::make_chain(std::move(steps))),
            0, 0};
  });
}

}  // namespace gemel
