// _cond: one of two graphs, as a third one says.
#include "ops/control/body.h"

namespace gemel::control {
namespace {

struct CondParameters : Parameters {
  int num_args, num_outputs;
  std::vector<double> cond_input_locs, then_input_locs, else_input_locs;
  Body condition, branches[2];  // else, then
  std::vector<int> written, written_backward;

  static void declare(Fields<CondParameters>& f) {
    using P = CondParameters;
    f.field("num_args", &P::num_args).doc("Inputs and subgraphs together.");
    f.field("num_outputs", &P::num_outputs).doc("Outputs of either branch.");
    f.field("cond_input_locs", &P::cond_input_locs).doc("Which inputs the condition takes.");
    f.field("then_input_locs", &P::then_input_locs).doc("Which inputs the first branch takes.");
    f.field("else_input_locs", &P::else_input_locs).doc("Which inputs the second branch takes.");
  }
};
using P = CondParameters;

const P& of(const Parameters& p) { return static_cast<const P&>(p); }

void take_subgraphs(Parameters& parameters, const Subgraphs& graphs) {
  auto& p = static_cast<P&>(parameters);
  GEMEL_CHECK(graphs.size() == 3, "[_cond] expected three subgraphs, got {}", graphs.size());
  const int inputs = p.num_args - 3;
  const auto limit = static_cast<size_t>(std::max(inputs, 0));
  const auto body = [&](size_t graph, const std::vector<double>& locations) {
    return make_body("_cond", graphs[graph], as_indices("_cond", locations, limit), inputs);
  };
  p.condition = body(0, p.cond_input_locs);
  p.branches[1] = body(1, p.then_input_locs);
  p.branches[0] = body(2, p.else_input_locs);
  GEMEL_CHECK(p.condition.output_count() == 1,
              "[_cond] expected the condition to have one output, got {}",
              p.condition.output_count());
  for (const Body& branch : p.branches)
    GEMEL_CHECK(branch.output_count() == static_cast<size_t>(p.num_outputs),
                "[_cond] expected both branches to have {} outputs, got {}", p.num_outputs,
                branch.output_count());
  p.written = written_inputs({&p.branches[0], &p.branches[1]}, 0);
  p.written_backward = written_inputs({&p.branches[0], &p.branches[1]}, p.num_outputs);
}

void shape(ShapeContext& c) {
  const P& p = c.params<P>();
  for (const Body* body : {&p.condition, &p.branches[1], &p.branches[0]}) {
    auto in = inner_values<Shape>(*body, c.in);
    std::vector<Shape> out(body->output_count(), Shape::unknown());
    const bool branch = body != &p.condition;
    if (branch) out.assign(c.out.begin(), c.out.begin() + p.num_outputs);
    body->runner->infer_shapes(in, out, c.training);
    for (size_t i = 0; i < in.size(); ++i) c.set_in(body->outer[i], in[i]);
    for (size_t i = 0; branch && i < out.size(); ++i) c.set_out(static_cast<int>(i), out[i]);
  }
  c.set_out(p.num_outputs, Shape{3});
}

void type(TypeContext& c) {
  const P& p = c.params<P>();
  for (const Body* body : {&p.condition, &p.branches[1], &p.branches[0]}) {
    auto in = inner_values<DType>(*body, c.in);
    std::vector<DType> out(body->output_count(), DType::none);
    const bool branch = body != &p.condition;
    if (branch) out.assign(c.out.begin(), c.out.begin() + p.num_outputs);
    body->runner->infer_types(in, out);
    for (size_t i = 0; i < in.size(); ++i) c.set_in(body->outer[i], in[i]);
    for (size_t i = 0; branch && i < out.size(); ++i) c.set_out(static_cast<int>(i), out[i]);
  }
  c.set_out(p.num_outputs, DType::int64);
}

uint64_t draws(const Body& body, std::span<const Tensor> in, bool training) {
  return body.runner->random_count(inner_values<Tensor>(body, in), training);
}

uint64_t random_count(const OpCall& call) {
  const P& p = call.params<P>();
  return draws(p.condition, call.in, call.training) +
         std::max(draws(p.branches[0], call.in, call.training),
                  draws(p.branches[1], call.in, call.training));
}

void forward(const OpCall& call) {
  const P& p = call.params<P>();
  const bool first =
      holds(p.condition, inner_values<Tensor>(p.condition, call.in), call.training, call.random);
  const Body& branch = p.branches[first ? 1 : 0];
  const uint64_t offset = call.random.offset + draws(p.condition, call.in, call.training);
  branch.runner->forward(inner_values<Tensor>(branch, call.in),
                         call.out.first(static_cast<size_t>(p.num_outputs)), call.training,
                         {call.random.seed, offset});
  auto* record = call.out.back().data<int64_t>();
  record[0] = first;
  record[1] = static_cast<int64_t>(call.random.seed);
  record[2] = static_cast<int64_t>(offset);
}

// Inputs: head gradients, the inputs of the forward pass, its record.
void backward(const OpCall& call) {
  const P& p = call.params<P>();
  const auto heads = call.in.first(static_cast<size_t>(p.num_outputs));
  const auto in = call.in.subspan(heads.size(), call.out.size());
  const auto* record = call.in.back().data<int64_t>();
  const Body& branch = p.branches[record[0] ? 1 : 0];
  for (const Tensor& gradient : call.out) clear(gradient);
  std::vector<Tensor> gradients(branch.input_count());
  for (size_t i = 0; i < gradients.size(); ++i)
    if (!branch.auxiliary[i]) gradients[i] = call.out[static_cast<size_t>(branch.outer[i])];
  branch.runner->backward(inner_values<Tensor>(branch, in), heads, gradients, {}, call.training,
                          {static_cast<uint64_t>(record[1]), static_cast<uint64_t>(record[2])});
}

std::vector<Entry> gradient(const GradientContext& c) {
  const P& p = c.params<P>();
  std::vector<Entry> inputs;
  for (int i = 0; i < p.num_outputs; ++i) inputs.push_back(c.dy(i));
  inputs.insert(inputs.end(), c.node.inputs.begin(), c.node.inputs.end());
  inputs.push_back(c.out(p.num_outputs));
  const NodeRef node = make_node(require_op("_backward_cond"), c.node.name + "_backward",
                                 std::move(inputs), c.node.parameters);
  node->subgraphs = c.node.subgraphs;
  std::vector<Entry> gradients;
  for (size_t i = 0; i < c.node.inputs.size(); ++i)
    gradients.push_back(Entry{node, static_cast<int>(i), 0});
  return gradients;
}

}  // namespace

GEMEL_OPERATORS(cond) {
  Implementation run;
  run.name = "reference";
  run.small = false;

  auto builder = op<P>("_cond");
  OpInfo& info = builder.info();
  info.take_subgraphs = take_subgraphs;
  info.hidden = true;  // made with graphs, not called: no generated test can feed it
  info.inputs = [](const Parameters& p) { return numbered("arg", of(p).num_args - 3); };
  info.outputs = [](const Parameters& p) { return of(p).num_outputs + 1; };
  info.visible_outputs = info.file_outputs = [](const Parameters& p) { return of(p).num_outputs; };
  info.output_rule = [](const Parameters& p) { return output_names(of(p).num_outputs); };
  info.mutates_rule = [](const Parameters& p) -> const std::vector<int>& { return of(p).written; };
  info.training_dependent = true;
  run.kernel = forward;
  builder.doc("Runs one of two graphs, as a third one says.")
      .shape(shape)
      .type(type)
      .random(random_count)
      .gradient(gradient)
      .implement(run);

  auto back = op<P>("_backward_cond");
  OpInfo& back_info = back.info();
  back_info.take_subgraphs = take_subgraphs;
  back_info.inputs = [](const Parameters& p) {
    return numbered("arg", of(p).num_outputs + of(p).num_args - 3 + 1);
  };
  back_info.outputs = [](const Parameters& p) { return of(p).num_args - 3; };
  back_info.mutates_rule = [](const Parameters& p) -> const std::vector<int>& {
    return of(p).written_backward;
  };
  back_info.training_dependent = true;
  run.kernel = backward;
  back.doc("Gradient of _cond.")
      .shape([](ShapeContext& c) {
        const auto first = static_cast<size_t>(c.params<P>().num_outputs);
        for (size_t i = 0; i < c.out.size(); ++i) c.set_out(static_cast<int>(i), c.in[first + i]);
      })
      .type([](TypeContext& c) {
        const auto first = static_cast<size_t>(c.params<P>().num_outputs);
        for (size_t i = 0; i < c.out.size(); ++i) c.set_out(static_cast<int>(i), c.in[first + i]);
      })
      .implement(run);
}

}  // namespace gemel::control
