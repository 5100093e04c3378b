// Reading symbol files of MXNet 0.8 to 1.9.1. The file is not trusted: every index is checked, and
// nothing is built from a graph that has a cycle.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "graph/close_names.h"
#include "graph/file_version.h"
#include "graph/node_error.h"
#include "graph/symbol.h"

namespace gemel {
namespace {

using Json = nlohmann::json;
constexpr int deepest_subgraph = 32;

// 1.9.1 writes control characters of names as they are, which strict parsers refuse.
std::string escape_control_characters(const std::string& text) {
  std::string result;
  result.reserve(text.size());
  bool inside = false, escaped = false;
  for (char c : text) {
    if (inside && static_cast<unsigned char>(c) < 0x20) {
      result += fmt::format("\\u{:04x}", static_cast<int>(c));
      escaped = false;
      continue;
    }
    result += c;
    if (escaped)
      escaped = false;
    else if (inside && c == '\\')
      escaped = true;
    else if (c == '"')
      inside = !inside;
  }
  return result;
}

void check_keys(const Json& object, std::string_view what, const std::vector<std::string>& allowed,
                const std::vector<std::string>& required) {
  GEMEL_CHECK(object.is_object(), "symbol file: expected {} to be an object, got {}", what,
              object.type_name());
  for (const auto& [key, value] : object.items())
    GEMEL_CHECK(std::find(allowed.begin(), allowed.end(), key) != allowed.end(),
                "symbol file: unknown field '{}' in {}{}", key, what, did_you_mean(key, allowed));
  for (const std::string& key : required)
    GEMEL_CHECK(object.contains(key), "symbol file: {} has no field '{}'", what, key);
}

int64_t integer(const Json& value, std::string_view what, int64_t limit) {
  GEMEL_CHECK(value.is_number_integer(), "symbol file: expected {} to be an integer, got {}", what,
              value.type_name());
  const int64_t number =
      value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX ? -1 : value.get<int64_t>();
  GEMEL_CHECK(number >= 0 && number < limit, "symbol file: expected {} to be from 0 to {}, got {}",
              what, limit - 1, value.dump());
  return number;
}

const Json& array(const Json& value, std::string_view what) {
  GEMEL_CHECK(value.is_array(), "symbol file: expected {} to be a list, got {}", what,
              value.type_name());
  return value;
}

const std::string& string(const Json& value, std::string_view what) {
  GEMEL_CHECK(value.is_string(), "symbol file: expected {} to be a string, got {}", what,
              value.type_name());
  return value.get_ref<const std::string&>();
}

int file_version(const Json& graph) {
  if (!graph.contains("attrs")) return 800;
  const Json& attributes = graph["attrs"];
  GEMEL_CHECK(attributes.is_object(), "symbol file: expected attrs to be an object, got {}",
              attributes.type_name());
  const auto found = attributes.find("mxnet_version");
  if (found == attributes.end()) return 800;
  GEMEL_CHECK(found->is_array() && found->size() == 2,
              "symbol file: expected mxnet_version to be [type, number]");
  return static_cast<int>(integer((*found)[1], "mxnet_version", INT32_MAX));
}

class Reader {
 public:
  Reader(const Json& graph, OperatorLookup lookup, int version, int depth)
      : graph_(graph), lookup_(lookup), version_(version), depth_(depth) {}
  // Half-built graphs may hold cycles of references, which would never be freed.
  ~Reader() {
    if (!complete_)
      for (const NodeRef& node : nodes_) {
        node->inputs.clear();
        node->control.clear();
      }
  }

  Symbol read() {
    check_keys(graph_, "the graph", {"nodes", "arg_nodes", "node_row_ptr", "heads", "attrs"},
               {"nodes", "arg_nodes", "heads"});
    const Json& list = array(graph_["nodes"], "nodes");
    for (const Json& item : list) read_node(item);
    for (size_t i = 0; i < nodes_.size(); ++i) link_node(*nodes_[i], list[i]);
    std::vector<Entry> heads;
    for (const Json& item : array(graph_["heads"], "heads")) heads.push_back(entry(item, "a head"));
    GEMEL_CHECK(!heads.empty(), "symbol file: the graph has no heads");
    check_lists();
    for (const NodeRef& node : ordered()) upgrade_node(version_, *node);
    for (const NodeRef& node : ordered()) finish_node(*node);
    for (const Entry& head : heads) check_index(head, "a head");
    complete_ = true;
    return Symbol(std::move(heads));
  }

 private:
  void read_node(const Json& item) {
    check_keys(item, "a node",
               {"op", "name", "attrs", "attr", "param", "inputs", "control_deps", "subgraphs",
                "backward_source_id"},
               {"op", "name", "inputs"});
    auto node = std::make_shared<Node>();
    node->name = string(item["name"], "a node's name");
    const std::string& op = string(item["op"], "a node's op");
    if (op != "null") {
      node->op = lookup_(op);
      GEMEL_CHECK(node->op, "symbol file: node {}: there is no operator '{}'", node->name, op);
    }
    for (const char* key : {"param", "attr", "attrs"}) {
      const auto found = item.find(key);
      if (found == item.end()) continue;
      GEMEL_CHECK(found->is_object(), "symbol file: node {}: expected {} to be an object, got {}",
                  node->name, key, found->type_name());
      for (const auto& [name, value] : found->items())
        node->attributes[name] = string(value, "an attribute");
    }
    if (item.contains("subgraphs")) {
      GEMEL_CHECK(depth_ < deepest_subgraph, "symbol file: subgraphs are nested deeper than {}",
                  deepest_subgraph);
      for (const Json& inner : array(item["subgraphs"], "subgraphs"))
        node->subgraphs.push_back(
            std::make_shared<Symbol>(Reader(inner, lookup_, version_, depth_ + 1).read()));
    }
    nodes_.push_back(std::move(node));
  }

  Entry entry(const Json& item, std::string_view what) const {
    GEMEL_CHECK(array(item, what).size() == 2 || item.size() == 3,
                "symbol file: expected {} to be [node, output, version]", what);
    const int64_t id = integer(item[0], "a node number", static_cast<int64_t>(nodes_.size()));
    const int64_t index = integer(item[1], "an output number", INT32_MAX);
    const int64_t version = item.size() == 3 ? integer(item[2], "a version", INT32_MAX) : 0;
    return {nodes_[static_cast<size_t>(id)], static_cast<int32_t>(index),
            static_cast<int32_t>(version)};
  }

  void link_node(Node& node, const Json& item) {
    for (const Json& input : array(item["inputs"], "inputs")) {
      node.inputs.push_back(entry(input, "an input"));
      Node& source = *node.inputs.back().node;
      source.mutations = std::max(source.mutations, node.inputs.back().version);
    }
    GEMEL_CHECK(node.op || node.inputs.empty(), "symbol file: variable {} has inputs", node.name);
    if (item.contains("control_deps"))
      for (const Json& id : array(item["control_deps"], "control_deps"))
        node.control.push_back(nodes_[static_cast<size_t>(
            integer(id, "a node number", static_cast<int64_t>(nodes_.size())))]);
  }

  void check_lists() const {
    for (const Json& id : array(graph_["arg_nodes"], "arg_nodes")) {
      const int64_t i = integer(id, "a number in arg_nodes", static_cast<int64_t>(nodes_.size()));
      GEMEL_CHECK(nodes_[static_cast<size_t>(i)]->is_variable(),
                  "symbol file: arg_nodes names {}, which is no variable",
                  nodes_[static_cast<size_t>(i)]->name);
    }
    if (graph_.contains("node_row_ptr"))
      for (const Json& value : array(graph_["node_row_ptr"], "node_row_ptr"))
        integer(value, "a number in node_row_ptr", INT32_MAX);
  }

  // All nodes, inputs before their users; throws when there is a cycle.
  const std::vector<NodeRef>& ordered() {
    if (!ordered_.empty()) return ordered_;
    std::unordered_map<const Node*, size_t> waiting;
    std::unordered_map<const Node*, std::vector<size_t>> users;
    std::vector<size_t> ready;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const Node& node = *nodes_[i];
      waiting[&node] = node.inputs.size() + node.control.size();
      for (const Entry& input : node.inputs) users[input.node.get()].push_back(i);
      for (const NodeRef& other : node.control) users[other.get()].push_back(i);
      if (waiting[&node] == 0) ready.push_back(i);
    }
    while (!ready.empty()) {
      const NodeRef& node = nodes_[ready.back()];
      ready.pop_back();
      ordered_.push_back(node);
      for (size_t user : users[node.get()])
        if (--waiting[nodes_[user].get()] == 0) ready.push_back(user);
    }
    GEMEL_CHECK(ordered_.size() == nodes_.size(), "symbol file: the graph has a cycle");
    return ordered_;
  }

  static void check_index(const Entry& entry, std::string_view what) {
    GEMEL_CHECK(entry.index < entry.node->output_count(),
                "symbol file: {} asks for output {} of {}, which has {}", what, entry.index,
                entry.node->name, entry.node->output_count());
  }

  void finish_node(Node& node) const {
    if (!node.op) return;
    try {
      node.parameters = node.op->parse(node.attributes, node.subgraphs);
      complete_inputs(version_, node);
      const size_t expected = node.op->input_names(*node.parameters).size();
      GEMEL_CHECK(node.inputs.size() == expected, "[{}] expected {} inputs, got {}",
                  node.op->name(), expected, node.inputs.size());
    } catch (const Error& error) {
      rethrow_with_node(error, node.op->name(), node.name);
    }
    for (const Entry& input : node.inputs) check_index(input, fmt::format("node {}", node.name));
  }

  const Json& graph_;
  OperatorLookup lookup_;
  int version_;
  int depth_;
  bool complete_ = false;
  std::vector<NodeRef> nodes_;
  std::vector<NodeRef> ordered_;
};

}  // namespace

Symbol from_json(const std::string& text, OperatorLookup lookup) {
  Json graph;
  try {
    graph = Json::parse(escape_control_characters(text));
  } catch (const Json::exception& error) {
    fail(ErrorKind::Input, "symbol file: not JSON: {}", error.what());
  }
  return Reader(graph, lookup, file_version(graph), 0).read();
}

}  // namespace gemel
