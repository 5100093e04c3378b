// _while_loop: a graph repeated as long as another graph says so, at most max_iterations times.
#include "ops/control/loop.h"

namespace gemel::control {
namespace {

struct WhileParameters : Loop {
  std::vector<double> cond_input_locs, func_input_locs, func_var_locs;
  static void declare(Fields<WhileParameters>& f) {
    using P = WhileParameters;
    f.field<int>("num_args", &P::num_args).doc("Inputs and subgraphs together.");
    f.field<int>("num_outputs", &P::num_outputs).doc("Stacked outputs and final loop variables.");
    f.field<int>("num_out_data", &P::num_out_data).doc("Stacked outputs.");
    f.field<int64_t>("max_iterations", &P::max_iterations)
        .range(0, 1e15)
        .doc("Rows of the stacked outputs; those that are not reached hold zeros.");
    f.field("cond_input_locs", &P::cond_input_locs).doc("Which inputs the condition takes.");
    f.field("func_input_locs", &P::func_input_locs).doc("Which inputs the body takes.");
    f.field("func_var_locs", &P::func_var_locs).doc("Where the body takes the loop variables.");
  }
};

void take_subgraphs(Parameters& parameters, const Subgraphs& graphs) {
  auto& p = static_cast<WhileParameters&>(parameters);
  GEMEL_CHECK(graphs.size() == 2, "[_while_loop] expected two subgraphs, got {}", graphs.size());
  const int inputs = p.input_count(2);
  const auto limit = static_cast<size_t>(std::max(inputs, 0));
  p.condition = make_body("_while_loop", graphs[0],
                          as_indices("_while_loop", p.cond_input_locs, limit), inputs);
  p.body = make_body("_while_loop", graphs[1], as_indices("_while_loop", p.func_input_locs, limit),
                     inputs);
  GEMEL_CHECK(p.condition.output_count() == 1,
              "[_while_loop] expected the condition to have one output, got {}",
              p.condition.output_count());
  p.states_inside = as_indices("_while_loop", p.func_var_locs, p.body.input_count());
  for (int i : p.states_inside) p.states.push_back(p.body.outer[static_cast<size_t>(i)]);
  for (int outer : p.condition.outer) {
    const auto state = std::find(p.states.begin(), p.states.end(), outer);
    p.condition_state.push_back(
        state == p.states.end() ? -1 : static_cast<int>(state - p.states.begin()));
  }
  finish_loop("_while_loop", p);
}

}  // namespace

GEMEL_OPERATORS(while_loop) {
  auto forward = op<WhileParameters>("_while_loop");
  forward.doc("Repeats a graph as long as another one says so; outputs are stacked.");
  forward.info().take_subgraphs = take_subgraphs;
  auto backward = op<WhileParameters>("_backward_while_loop");
  backward.doc("Gradient of _while_loop.");
  backward.info().take_subgraphs = take_subgraphs;
  declare_loop(forward, backward, "_backward_while_loop", 2);
}

}  // namespace gemel::control
