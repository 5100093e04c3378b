// Loops over a graph, forward and backward: what `_foreach` and `_while_loop` have in common.
//
// Outputs: the stacked results of the iterations, the final states; then hidden ones that the
// gradient needs: the states before every iteration (and after the last), and a record of three
// numbers: iterations, seed and offset of the random stream. The gradient computes each iteration
// again, last first, so a loop keeps its states and not the values inside its body.
#pragma once
#include "ops/control/body.h"

namespace gemel::control {

struct Loop : Parameters {
  int num_args, num_outputs, num_out_data;
  Body body;
  Body condition;                               // no graph: the loop runs over the rows of its data
  std::vector<int> data, states;                // inputs of the node
  std::vector<int> data_inside, states_inside;  // which inputs of the body they are
  std::vector<int> condition_state;             // per input of the condition: its state, or -1
  int64_t max_iterations = -1;                  // -1: the rows of the data
  std::vector<int> written, written_backward;

  int input_count(int subgraphs) const { return num_args - subgraphs; }
  int state_count() const { return num_outputs - num_out_data; }
};

// Checks counts and fills what follows from the rest; called when the graphs are known.
void finish_loop(const char* who, Loop& loop);

void loop_shape(ShapeContext& context);
void loop_type(TypeContext& context);
uint64_t loop_random_count(const OpCall& call);
void loop_forward(const OpCall& call);
void loop_backward(const OpCall& call);
void loop_backward_shape(ShapeContext& context);
void loop_backward_type(TypeContext& context);
std::vector<Entry> loop_gradient(const GradientContext& context, const char* backward);

// Registers a loop operator and its gradient.
void declare_loop(OpBuilder& forward, OpBuilder& backward, const char* backward_name,
                  int subgraphs);

}  // namespace gemel::control
