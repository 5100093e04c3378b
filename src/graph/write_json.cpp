// The text of MXNet 1.9.1's symbol files, byte for byte.
#include <unordered_map>

#include "graph/symbol.h"

namespace gemel {
namespace {

constexpr int written_version = 10901;

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (char c : text) {
    switch (c) {
      case '"':
        result += "\\\"";
        break;
      case '\\':
        result += "\\\\";
        break;
      case '\n':
        result += "\\n";
        break;
      case '\r':
        result += "\\r";
        break;
      case '\t':
        result += "\\t";
        break;
      default:
        result += c;
    }
  }
  return result + "\"";
}

// Scopes of 1.9.1's writer: items of a many-line scope stand on lines of their own.
class Writer {
 public:
  void open(char bracket, bool many_lines) {
    text += bracket;
    scopes_.push_back({many_lines, 0});
  }
  void item() {
    Scope& scope = scopes_.back();
    if (scope.count++) text += ", ";
    if (scope.many_lines) line(scopes_.size());
  }
  void key(const std::string& name) {
    item();
    text += quoted(name) + ": ";
  }
  void close(char bracket) {
    const Scope scope = scopes_.back();
    scopes_.pop_back();
    if (scope.many_lines && scope.count) line(scopes_.size());
    text += bracket;
  }

  template <typename List, typename Write>
  void list(const List& items, Write write) {
    open('[', std::size(items) > 10);
    for (const auto& value : items) {
      item();
      write(value);
    }
    close(']');
  }
  void integers(const std::vector<int>& values) {
    list(values, [&](int value) { text += std::to_string(value); });
  }
  void map(const Attributes& attributes) {
    open('{', attributes.size() > 1);
    for (const auto& [name, value] : attributes) {
      key(name);
      text += quoted(value);
    }
    close('}');
  }

  std::string text;

 private:
  struct Scope {
    bool many_lines;
    int count;
  };
  void line(size_t depth) { text += "\n" + std::string(2 * depth, ' '); }
  std::vector<Scope> scopes_;
};

class GraphWriter {
 public:
  GraphWriter(Writer& out, const Symbol& symbol)
      : out_(out), symbol_(symbol), order_(topological_order(symbol.outputs)) {
    for (size_t i = 0; i < order_.size(); ++i) index_[order_[i]] = static_cast<int>(i);
  }

  // Only the outermost graph says which version wrote it.
  void write(bool outermost) {
    out_.open('{', true);
    out_.key("nodes");
    out_.open('[', true);
    std::vector<int> variables, row{0};
    for (size_t i = 0; i < order_.size(); ++i) {
      out_.item();
      write_node(*order_[i]);
      if (order_[i]->is_variable()) variables.push_back(static_cast<int>(i));
      const Node& node = *order_[i];
      row.push_back(row.back() + (node.op ? node.op->file_output_count(*node.parameters) : 1));
    }
    out_.close(']');
    out_.key("arg_nodes");
    out_.integers(variables);
    out_.key("node_row_ptr");
    out_.integers(row);
    out_.key("heads");
    write_entries(symbol_.outputs);
    if (outermost) {
      out_.key("attrs");
      out_.text += "{\"mxnet_version\": [\"int\", " + std::to_string(written_version) + "]}";
    }
    out_.close('}');
  }

 private:
  void write_entries(const std::vector<Entry>& entries) {
    out_.list(entries, [&](const Entry& entry) {
      out_.integers({index_.at(entry.node.get()), entry.index, entry.version});
    });
  }
  void write_node(const Node& node) {
    out_.open('{', true);
    out_.key("op");
    out_.text += node.op ? quoted(node.op->name()) : "\"null\"";
    out_.key("name");
    out_.text += quoted(node.name);
    if (!node.attributes.empty()) {
      out_.key("attrs");
      out_.map(node.attributes);
    }
    out_.key("inputs");
    write_entries(node.inputs);
    if (!node.control.empty()) {
      std::vector<int> ids;
      for (const NodeRef& other : node.control) ids.push_back(index_.at(other.get()));
      out_.key("control_deps");
      out_.integers(ids);
    }
    if (!node.subgraphs.empty()) {
      out_.key("subgraphs");
      out_.open('[', true);
      for (const auto& inner : node.subgraphs) {
        out_.item();
        GraphWriter(out_, *inner).write(false);
      }
      out_.close(']');
    }
    out_.close('}');
  }

  Writer& out_;
  const Symbol& symbol_;
  std::vector<Node*> order_;
  std::unordered_map<const Node*, int> index_;
};

}  // namespace

std::string to_json(const Symbol& symbol) {
  Writer out;
  GraphWriter(out, symbol).write(true);
  return std::move(out.text);
}

}  // namespace gemel
