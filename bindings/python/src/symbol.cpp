// The Symbol class: composition, listing, inference, JSON.
#include "graph/symbol.h"
#include "common.h"
#include "graph/amp_cast.h"
#include "graph/cut.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"
#include "runtime/executor.h"

namespace gemel::python {
namespace {

// An unknown shape is None; an unknown axis is 0 in the legacy meaning of Module and simple_bind.
nb::object shape_or_none(const Shape& shape) {
  if (shape.ndim() < 0) return nb::none();
  Shape shown = shape;
  for (int64_t& axis : shown) axis = std::max<int64_t>(axis, 0);
  return tuple_of(shown);
}

// Under np_shape a 0 is an empty axis and () a scalar.
bool numpy_shapes() {
  return nb::cast<bool>(nb::module_::import_("gemel.util").attr("is_np_shape")());
}

Shape legacy_shape(nb::handle object) {
  if (object.is_none()) return Shape::unknown();
  Shape shape = shape_of(object);
  if (numpy_shapes()) return shape;
  if (shape.ndim() == 0) return Shape::unknown();
  for (int64_t& axis : shape)
    if (axis == 0) axis = -1;
  return shape;
}

Attributes attributes_of(nb::handle dict) {
  Attributes attributes;
  if (!dict.is_none())
    for (auto [key, value] : nb::cast<nb::dict>(dict))
      attributes[nb::cast<std::string>(key)] = nb::cast<std::string>(value);
  return attributes;
}

nb::dict dict_of(const Attributes& attributes) {
  nb::dict d;
  for (const auto& [key, value] : attributes) d[key.c_str()] = value;
  return d;
}

// (arguments, outputs, auxiliary states), each a list of what `show` makes of the entry.
template <typename T, typename Show>
nb::tuple split_entries(const Symbol& symbol, const IndexedGraph& graph,
                        const std::vector<T>& entries, Show show) {
  nb::list arguments, outputs, auxiliary;
  const auto nodes = symbol.input_nodes();
  const auto is_auxiliary = symbol.input_is_auxiliary();
  for (size_t i = 0; i < nodes.size(); ++i)
    (is_auxiliary[i] ? auxiliary : arguments)
        .append(show(entries[graph.entry_id(Entry{nodes[i], 0, 0})]));
  for (const Entry& output : symbol.outputs) outputs.append(show(entries[graph.entry_id(output)]));
  return nb::make_tuple(arguments, outputs, auxiliary);
}

void check_names(const Symbol& symbol, nb::dict given, const char* who) {
  const auto names = symbol.list_inputs();
  for (auto [key, value] : given) {
    std::string name = nb::cast<std::string>(key);
    GEMEL_CHECK(std::find(names.begin(), names.end(), name) != names.end(),
                "[{}] the symbol has no input '{}'; its inputs are {}", who, name,
                fmt::join(names, ", "));
  }
}

nb::tuple infer_shape(const Symbol& symbol, nb::dict known, bool partial) {
  const IndexedGraph graph(symbol.outputs);
  std::vector<Shape> shapes(graph.entry_count(), Shape::unknown());
  const auto nodes = symbol.input_nodes();
  const auto names = symbol.list_inputs();
  for (size_t i = 0; i < nodes.size(); ++i)
    if (known.contains(names[i].c_str()))
      shapes[graph.entry_id(Entry{nodes[i], 0, 0})] = legacy_shape(known[names[i].c_str()]);
  infer_shapes(graph, shapes, false);
  bool complete = true;
  for (size_t i = 0; i < nodes.size(); ++i)
    complete &= shapes[graph.entry_id(Entry{nodes[i], 0, 0})].known();
  for (const Entry& output : symbol.outputs) complete &= shapes[graph.entry_id(output)].known();
  if (!complete && !partial) return nb::make_tuple(nb::none(), nb::none(), nb::none());
  return split_entries(symbol, graph, shapes, shape_or_none);
}

nb::tuple infer_type(const Symbol& symbol, nb::dict known, bool partial) {
  const IndexedGraph graph(symbol.outputs);
  std::vector<DType> dtypes(graph.entry_count(), DType::none);
  const auto nodes = symbol.input_nodes();
  const auto names = symbol.list_inputs();
  for (size_t i = 0; i < nodes.size(); ++i)
    if (known.contains(names[i].c_str())) {
      nb::object value = known[names[i].c_str()];
      if (!value.is_none()) dtypes[graph.entry_id(Entry{nodes[i], 0, 0})] = dtype_of(value);
    }
  infer_types(graph, dtypes);
  bool complete = true;
  for (const Entry& output : symbol.outputs)
    complete &= dtypes[graph.entry_id(output)] != DType::none;
  if (!complete && !partial) return nb::make_tuple(nb::none(), nb::none(), nb::none());
  return split_entries(symbol, graph, dtypes, [](DType dtype) { return numpy_dtype(dtype); });
}

std::vector<Symbol> symbols_of(nb::handle sequence) {
  std::vector<Symbol> symbols;
  for (nb::handle item : sequence) {
    if (!nb::isinstance<Symbol>(item))
      fail(ErrorKind::Type, "[Group] expected Symbols, got {}", Py_TYPE(item.ptr())->tp_name);
    symbols.push_back(nb::cast<const Symbol&>(item));
  }
  return symbols;
}

}  // namespace

void bind_symbol(nb::module_& m) {
  nb::class_<Symbol>(m, "Symbol", nb::dynamic_attr(), nb::is_weak_referenceable())
      .def_static(
          "_variable",
          [](const std::string& name, nb::handle attributes) {
            return Symbol::variable(name, attributes_of(attributes));
          },
          nb::arg("name"), nb::arg("attributes").none())
      .def_static("_group", [](nb::handle symbols) { return Symbol::group(symbols_of(symbols)); })
      .def_prop_ro("_name", &Symbol::name)
      .def("list_arguments", &Symbol::list_arguments)
      .def("list_auxiliary_states", &Symbol::list_auxiliary_states)
      .def("list_inputs", &Symbol::list_inputs)
      .def("list_outputs", &Symbol::list_outputs)
      .def("get_internals", &Symbol::internals)
      .def("get_children",
           [](const Symbol& s) -> nb::object {
             auto children = s.children();
             return children ? nb::cast(*children) : nb::none();
           })
      .def("_at", &Symbol::at)
      .def("_index_of", &Symbol::index_of)
      .def("__len__", [](const Symbol& s) { return s.outputs.size(); })
      .def("attr", [](const Symbol& s, std::string_view key) { return s.attribute(key); })
      .def("_list_attr", [](const Symbol& s) { return dict_of(s.attributes()); })
      .def("_set_attr_text", &Symbol::set_attribute)
      .def(
          "attr_dict",
          [](const Symbol& s) {
            nb::dict d;
            for (const auto& [name, attributes] : s.all_attributes())
              if (!attributes.empty()) d[name.c_str()] = dict_of(attributes);
            return d;
          },
          "Attributes of every node that has some: name -> {key: text}.")
      .def("_infer_shape",
           [](const Symbol& s, nb::dict known, bool partial) {
             check_names(s, known, "infer_shape");
             return infer_shape(s, known, partial);
           })
      .def("_infer_type",
           [](const Symbol& s, nb::dict known, bool partial) {
             check_names(s, known, "infer_type");
             return infer_type(s, known, partial);
           })
      .def("_compose_symbol",
           [](const Symbol& s, const std::string& name, nb::handle positional, nb::dict named) {
             std::vector<std::pair<std::string, Symbol>> by_name;
             for (auto [key, value] : named)
               by_name.emplace_back(nb::cast<std::string>(key), nb::cast<const Symbol&>(value));
             return s.compose(name, symbols_of(positional), by_name);
           })
      .def(
          "tojson", [](const Symbol& s) { return to_json(s); },
          "MXNet 1.9.1's JSON text of the graph.")
      .def("_without_amp_cast", &without_amp_cast)
      .def("_debug_str", [](const Symbol& s) { return debug_string(s); })
      .def("_copy", &Symbol::copy)
      .def("_output_index", [](const Symbol& s) { return s.outputs.at(0).index; })
      .def("_is_same",
           [](const Symbol& s, const Symbol& other) {
             const auto node = [](const Symbol& one) { return one.outputs.at(0).node.get(); };
             return node(s) == node(other) && s.outputs[0].index == other.outputs[0].index;
           })
      .def("_is_variable", [](const Symbol& s) {
        return s.outputs.size() == 1 && s.outputs[0].node->is_variable();
      });
  m.def("symbol_memory_plan", [](const Symbol& symbol, nb::dict known) {
    check_names(symbol, known, "memory_plan");
    std::vector<std::pair<std::string, Shape>> shapes;
    for (auto [key, value] : known)
      shapes.emplace_back(nb::cast<std::string>(key), legacy_shape(value));
    nb::dict d;
    for (auto [mode, bytes] : runtime::memory_plan(symbol, shapes))
      d[std::string(name_of(mode)).c_str()] = bytes;
    return d;
  });
  m.def("cut_subgraph", [](const Symbol& symbol, const std::string& scope) {
    Cut cut = cut_subgraph(symbol, scope);
    nb::list outside;
    for (Entry& entry : cut.outside) outside.append(nb::cast(Symbol({entry})));
    return nb::make_tuple(nb::cast(std::move(cut.graph)), outside);
  });
  m.def("create_with_subgraphs", [](const std::string& op, const std::string& name,
                                    nb::dict attributes, nb::list inputs, nb::list graphs) {
    std::vector<Entry> entries;
    for (const Symbol& input : symbols_of(inputs)) entries.push_back(input.outputs.at(0));
    Subgraphs subgraphs;
    for (Symbol& graph : symbols_of(graphs))
      subgraphs.push_back(std::make_shared<Symbol>(std::move(graph)));
    return create_with_subgraphs(require_op(op), name, attributes_of(attributes), entries,
                                 std::move(subgraphs));
  });
  m.def("symbol_from_json",
        [](const std::string& text) { return from_json(text, &lookup_operator); });
}

}  // namespace gemel::python
