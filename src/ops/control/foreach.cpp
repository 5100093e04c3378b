// _foreach: a graph applied to every row of its data, with states that flow from row to row.
#include "ops/control/loop.h"

namespace gemel::control {
namespace {

struct ForeachParameters : Loop {
  std::vector<double> in_data_locs, in_state_locs, remain_locs;
  static void declare(Fields<ForeachParameters>& f) {
    using P = ForeachParameters;
    f.field<int>("num_args", &P::num_args).doc("Inputs and subgraphs together.");
    f.field<int>("num_outputs", &P::num_outputs).doc("Stacked outputs and final states.");
    f.field<int>("num_out_data", &P::num_out_data).doc("Stacked outputs.");
    f.field("in_state_locs", &P::in_state_locs).doc("Where the body takes the states.");
    f.field("in_data_locs", &P::in_data_locs).doc("Where the body takes a row of the data.");
    f.field("remain_locs", &P::remain_locs).doc("Where the body takes the other inputs.");
  }
};

// The node's inputs are the data, the states and the others; the locations are the body's inputs.
void take_subgraphs(Parameters& parameters, const Subgraphs& graphs) {
  auto& p = static_cast<ForeachParameters&>(parameters);
  GEMEL_CHECK(graphs.size() == 1, "[_foreach] expected one subgraph, got {}", graphs.size());
  const size_t inside = graphs[0]->list_inputs().size();
  p.data_inside = as_indices("_foreach", p.in_data_locs, inside);
  p.states_inside = as_indices("_foreach", p.in_state_locs, inside);
  const std::vector<int> others = as_indices("_foreach", p.remain_locs, inside);
  std::vector<int> outer(inside, -1);
  int next = 0;
  for (int i : p.data_inside) p.data.push_back(outer[static_cast<size_t>(i)] = next++);
  for (int i : p.states_inside) p.states.push_back(outer[static_cast<size_t>(i)] = next++);
  for (int i : others) outer[static_cast<size_t>(i)] = next++;
  p.body = make_body("_foreach", graphs[0], std::move(outer), p.input_count(1));
  finish_loop("_foreach", p);
}

}  // namespace

GEMEL_OPERATORS(foreach) {
  auto forward = op<ForeachParameters>("_foreach");
  forward.doc("Runs a graph on every row of its data, in order; states flow from row to row.");
  forward.info().take_subgraphs = take_subgraphs;
  auto backward = op<ForeachParameters>("_backward_foreach");
  backward.doc("Gradient of _foreach.");
  backward.info().take_subgraphs = take_subgraphs;
  declare_loop(forward, backward, "_backward_foreach", 1);
}

}  // namespace gemel::control
