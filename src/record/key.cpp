#include "record/key.h"

#include <unordered_map>

#include "base/settings.h"
#include "graph/symbol.h"
#include "kernels/parallel.h"

namespace gemel::record {
namespace {

// FNV-1a, twice with different starts: equality of 128 bits is equality here, for a mistake costs
// time only.
class Digest {
 public:
  void add(std::string_view text) {
    for (const char c : text) step(static_cast<unsigned char>(c));
    step(0xff);  // no byte of UTF-8: texts do not run into each other
  }
  void add(int64_t number) {
    for (int i = 0; i < 8; ++i) step(static_cast<uint64_t>(number) >> (8 * i) & 0xff);
  }
  void add(const Shape& shape) {
    add(static_cast<int64_t>(shape.ndim()));
    for (const int64_t size : shape) add(size);
  }
  std::string text() const { return fmt::format("{:016x}{:016x}", first_, second_); }

 private:
  void step(uint64_t byte) {
    first_ = (first_ ^ byte) * 0x100000001b3;
    second_ = (second_ ^ byte) * 0x9e3779b97f4a7c15;
    second_ ^= second_ >> 29;
  }
  uint64_t first_ = 0xcbf29ce484222325, second_ = 0x84222325cbf29ce4;
};

void add_parameters(Digest& digest, const OpInfo& op, const Parameters& parameters) {
  digest.add(op.name());
  for (const Field& field : op.spec.fields) digest.add(field.print(parameters));
}

void add_graph(Digest& digest, const std::vector<Entry>& heads, const BoundInputOf& input) {
  std::unordered_map<const Node*, int64_t> number;
  for (const Node* node : topological_order(heads)) {
    number.emplace(node, static_cast<int64_t>(number.size()));
    if (node->is_variable()) {
      const BoundInput bound = input(*node);
      digest.add(bound.shape);
      digest.add(name_of(bound.dtype));
      digest.add(static_cast<int64_t>(bound.wants_gradient));
      continue;
    }
    add_parameters(digest, static_cast<const OpInfo&>(*node->op), *node->parameters);
    for (const Entry& entry : node->inputs) {
      digest.add(number.at(entry.node.get()));
      digest.add(static_cast<int64_t>(entry.index));
    }
    // What is inside gets its shapes from outside.
    for (const auto& graph : node->subgraphs)
      add_graph(digest, graph->outputs, [](const Node&) { return BoundInput{}; });
  }
  for (const Entry& head : heads) {
    digest.add(number.at(head.node.get()));
    digest.add(static_cast<int64_t>(head.index));
  }
}

}  // namespace

std::string graph_key(const std::vector<Entry>& heads, const BoundInputOf& input, bool training,
                      const std::vector<std::pair<std::string, std::string>>& settings) {
  Digest digest;
  digest.add(static_cast<int64_t>(training));
  digest.add(static_cast<int64_t>(kernels::thread_count()));
  for (const char* name : {"fusion", "blocked_layouts", "memory_plan", "recompute", "fpmath",
                           "onednn", "instruction_set"}) {
    std::string value = settings::get(name);
    for (const auto& [other, given] : settings)
      if (other == name) value = given;
    digest.add(value);
  }
  add_graph(digest, heads, input);
  return digest.text();
}

std::string graph_key(const std::vector<Entry>& heads, const BoundInputOf& input, bool training) {
  return graph_key(heads, input, training, {});
}

std::string call_signature(const OpCall& call) {
  std::string text = call.op.name() + "(";
  const char* separator = "";
  for (const Field& field : call.op.spec.fields) {
    text += separator + field.name + "=" + field.print(call.parameters);
    separator = ", ";
  }
  text += ")";
  for (const Tensor& tensor : call.in)
    text += fmt::format(" {}{}", name_of(tensor.dtype), tensor.shape);
  return text;
}

}  // namespace gemel::record
