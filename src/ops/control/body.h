// What the control flow operators share: the graphs that their nodes hold, and how a node's inputs
// reach them.
#pragma once
#include <string>
#include <vector>

#include "op/registry.h"
#include "op/subgraph_runner.h"

namespace gemel::control {

// One graph of a node.
struct Body {
  std::shared_ptr<Symbol> graph;
  std::shared_ptr<SubgraphRunner> runner;
  std::vector<int> outer;       // per input of the graph: which input of the node it is
  std::vector<char> auxiliary;  // per input of the graph: whether some operator in it writes it

  size_t input_count() const { return outer.size(); }
  size_t output_count() const { return graph->outputs.size(); }
};

// Files are not trusted: throws Error(Input) unless every number is that of one of `inputs` inputs.
Body make_body(const char* who, std::shared_ptr<Symbol> graph, std::vector<int> outer, int inputs);
std::vector<int> as_indices(const char* who, const std::vector<double>& locations, size_t limit);

// The node's inputs that the graphs write, in order, each plus `offset`.
std::vector<int> written_inputs(std::initializer_list<const Body*> bodies, int offset);

std::vector<std::string> numbered(const char* stem, int count);  // arg0, arg1, ...
std::vector<std::string> output_names(int count);                // output, or output0, output1, ...

// Values of a graph's inputs, taken from those of the node's.
template <typename T, typename List>
std::vector<T> inner_values(const Body& body, const List& outer) {
  std::vector<T> inner;
  inner.reserve(body.outer.size());
  for (int i : body.outer) inner.push_back(outer[static_cast<size_t>(i)]);
  return inner;
}

// Runs a graph whose only output is one number, and tells whether it is not zero.
bool holds(const Body& condition, std::span<const Tensor> in, bool training, RandomStream random);
void copy_bytes(const Tensor& from, const Tensor& to);
void clear(const Tensor& tensor);
Tensor row(const Tensor& tensor, int64_t index);  // along axis 0, which goes
// The shape of a row: the first axis dropped, and (1,) of a vector, as in MXNet; unknown stays so.
Shape without_rows(const Shape& shape);
Shape with_rows(int64_t rows, const Shape& shape);

}  // namespace gemel::control
