#include "passes/infer_shape.h"

#include "passes/by_name.h"
#include "passes/fixpoint.h"

namespace gemel {
namespace {

// Files hold MXNet's legacy form, where 0 is an unknown axis and () an unknown number of axes.
Shape attribute_shape(const Node& node) {
  const auto found = node.attributes.find("__shape__");
  if (found == node.attributes.end()) return Shape::unknown();
  Shape shape;
  try {
    parse_value(found->second, shape);
  } catch (const Error& error) {
    fail(ErrorKind::Input, "variable {}: attribute __shape__: {}", node.name, error.what());
  }
  if (shape.ndim() == 0) return Shape::unknown();
  for (int64_t& axis : shape)
    if (axis <= 0) axis = -1;
  return shape;
}

}  // namespace

void infer_shapes(const IndexedGraph& graph, std::vector<Shape>& shapes, bool training) {
  GEMEL_ASSERT(static_cast<int>(shapes.size()) == graph.entry_count());
  for (int n : graph.variables()) {
    Shape& shape = shapes[static_cast<size_t>(graph.first_entry(n))];
    if (shape.known()) continue;
    const Shape given = attribute_shape(*graph.node(n));
    if (!merge_shape(shape, given))
      shape = given;  // as in 1.9.1, it counts more than a partial shape
  }
  passes::run_to_fixpoint(
      graph, shapes,
      [training](const Node& node, const OpInfo& op, std::vector<Shape>& in,
                 std::vector<Shape>& out) {
        ShapeContext context{op, *node.parameters, in, out, training};
        if (op.shape_rule) op.shape_rule(context);
      },
      [](const Shape& shape) { return shape.known(); });
}

std::vector<Shape> infer_shapes(const IndexedGraph& graph,
                                const std::vector<std::pair<std::string, Shape>>& known,
                                bool training) {
  std::vector<Shape> shapes(static_cast<size_t>(graph.entry_count()), Shape::unknown());
  passes::assign_by_name(graph, known, shapes);
  infer_shapes(graph, shapes, training);
  return shapes;
}

}  // namespace gemel
