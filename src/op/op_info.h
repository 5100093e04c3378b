// OpInfo: everything about one operator, declared in one place (its file in src/ops).
// Builders (op<P>(...), pointwise(...), composite(...)) fill it and register it; nothing else in
// the project lists operators.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "array/tensor.h"
#include "graph/node.h"
#include "op/parameters.h"

namespace gemel {

class OpInfo;

// Shape and type rules see what is known and fill what follows, in both directions (an unknown
// shape has ndim() -1, an unknown axis is -1, an unknown type is DType::none). They are called
// again when more becomes known, and throw Error(Input) on a contradiction. They must not rely on
// anything being known.
struct ShapeContext {
  const OpInfo& op;
  const Parameters& parameters;
  std::span<Shape> in, out;
  bool training = false;
  template <typename P>
  const P& params() const {
    return static_cast<const P&>(parameters);
  }
  // Merges `shape` into in[i] / out[i]; throws an error that names the operator and the input.
  GEMEL_EXPORT void set_in(int i, const Shape& shape);
  GEMEL_EXPORT void set_out(int i, const Shape& shape);
};
struct TypeContext {
  const OpInfo& op;
  const Parameters& parameters;
  std::span<DType> in, out;
  template <typename P>
  const P& params() const {
    return static_cast<const P&>(parameters);
  }
  GEMEL_EXPORT void set_in(int i, DType dtype);
  GEMEL_EXPORT void set_out(int i, DType dtype);
};

// State that a kernel prepared for fixed shapes and types (library primitives, repacked weights).
struct Prepared {
  virtual ~Prepared() = default;
};

// Where a random operator's stream starts; assigned when the call is pushed.
struct RandomStream {
  uint64_t seed = 0;
  uint64_t offset = 0;
};

// One call of an operator. Predicates, preparation and workspace queries see it without addresses;
// kernels see it complete. Outputs may share memory with inputs only as the operator's in-place
// pairs allow. Tensors are contiguous unless the implementation accepts strides.
struct OpCall {
  const OpInfo& op;
  const Parameters& parameters;
  std::span<const Tensor> in, out;
  bool training = false;  // the executor's or autograd's mode
  Prepared* prepared = nullptr;
  std::byte* workspace = nullptr;  // 64-byte aligned, as many bytes as the query said
  RandomStream random;
  template <typename P>
  const P& params() const {
    return static_cast<const P&>(parameters);
  }
};

using Kernel = std::function<void(const OpCall&)>;

struct Implementation {
  std::string name;  // "onednn", "openblas", "reference"
  Kernel kernel;
  std::function<bool(const OpCall&)> when;                          // none: always
  std::function<std::unique_ptr<Prepared>(const OpCall&)> prepare;  // none: nothing to prepare
  std::function<int64_t(const OpCall&)> workspace;                  // bytes; none: 0
  bool accepts_strides = false;
  bool small = true;  // cheap enough per byte to run inline when its arrays are small
};

// Builds the gradient as a graph.
class GradientContext {
 public:
  const Node& node;
  const NodeRef& self;
  std::vector<Entry> head;  // gradient of each output; empty Entry where none flows

  template <typename P>
  const P& params() const {
    return static_cast<const P&>(*node.parameters);
  }
  Entry in(int i) const { return node.inputs[i]; }
  Entry out(int i) const { return Entry{self, i, 0}; }
  // Head gradient of output i; zeros of its shape when none flows.
  GEMEL_EXPORT Entry dy(int i = 0) const;
  // A node of another operator; its name is derived from this node's.
  GEMEL_EXPORT Entry make(std::string_view op_name, std::vector<Entry> inputs,
                          const Attributes& attributes = {}) const;
  GEMEL_EXPORT std::vector<Entry> make_all(std::string_view op_name, std::vector<Entry> inputs,
                                           const Attributes& attributes = {}) const;  // all outputs
  // The same with parameters already made (for example this node's own).
  GEMEL_EXPORT Entry make(std::string_view op_name, std::vector<Entry> inputs,
                          ParametersRef parameters, int index = 0) const;
};
// One entry per input; an empty one where no gradient flows.
using Gradient = std::function<std::vector<Entry>(const GradientContext&)>;

// What a graph that will be differentiated may have in place of a node, so that its backward pass
// keeps less: equal visible outputs, bit for bit; none: the node itself.
struct TrainingContext : GradientContext {
  // How many nodes and heads read the entry.
  const std::function<int(const Entry&)>& readers;
};
// An input that is a contiguous part of an output (Concat) or an output that is one of an input
// (slices): where in the larger one it begins, in bytes.
struct MemoryPart {
  int input = 0, output = 0;
  int64_t offset = 0;
};
using TrainingForm = std::function<std::vector<Entry>(const TrainingContext&)>;

// What other folders attach to an operator without op/ knowing (pointwise/ its expression).
struct GEMEL_EXPORT OpTrait {
  virtual ~OpTrait();
};

struct Sample {               // what generated tests and benchmarks feed
  std::vector<Shape> shapes;  // of the inputs
  Attributes attributes;
  double low = -1, high = 1;
  std::vector<std::pair<double, double>> ranges;  // per input, when they differ
};

class GEMEL_EXPORT OpInfo final : public Operator {
 public:
  std::string name_text, doc_text;
  std::vector<std::string> aliases;
  ParameterSpec spec;
  std::function<std::vector<std::string>(const Parameters&)> inputs;
  std::vector<std::string> auxiliary;  // names of the trailing auxiliary inputs
  std::function<std::vector<std::string>(const Parameters&)> auxiliary_rule;  // none: `auxiliary`
  std::vector<std::pair<std::string, Attributes>> auxiliary_attributes;
  std::function<int(const Parameters&)> outputs;          // none: 1
  std::function<int(const Parameters&)> visible_outputs;  // none: all
  // Outputs that 1.9.1's files count, where they are more than ours (Pooling: 2); none: `outputs`.
  std::function<int(const Parameters&)> file_outputs;
  std::vector<std::string> output_text;  // none: "output"; "output0"... where files count several
  std::function<std::vector<std::string>(const Parameters&)> output_rule;  // none: `output_text`
  // Attributes that are no declared parameters (Custom's own); none: read by `spec`.
  std::function<ParametersRef(const Attributes&)> parse_rule;
  // Operators that run graphs: gives the parsed parameters their graphs. None: refused.
  std::function<void(Parameters&, const Subgraphs&)> take_subgraphs;
  // Parameters with state of their own (a user's operator object): a copy for one binding of the
  // node, shared by its forward and backward pass. None: stateless.
  std::function<ParametersRef(const Parameters&)> instantiate;
  std::string variadic;
  std::function<void(ShapeContext&)> shape_rule;
  std::function<void(TypeContext&)> type_rule;  // none: all inputs and outputs of one type
  Gradient gradient_rule;                       // none: not differentiable
  // Each output from inputs and other outputs, cheaper than to keep it: in one pass over memory,
  // with equal bits. The node's own output stands for the node run again; pointwise operators need
  // no rule. An empty entry: not this output.
  Gradient recompute_rule;
  TrainingForm training_form;
  // f(max(a, b)) is max(f(a), f(b)), and where f(a) is f(b) for other a and b the derivative is 0.
  std::function<bool(const Parameters&)> keeps_maxima;  // none: no
  // Floating-point operations of one call, from shapes; none: one for each element of the outputs.
  std::function<double(const OpCall&)> operations;
  // Inputs that may be cut along axis 0, all in the same places: outside of training the first
  // output of each part is then that part of the whole call's, bit for bit. None: no such inputs;
  // pointwise operators need no rule.
  std::function<std::vector<int>(const Parameters&)> per_sample;
  bool zero_gradient = false;                      // constant: gradients are no edges at all
  std::vector<Implementation> implementations;     // by preference, the reference last
  std::vector<std::pair<int, int>> inplace;        // input i may share memory with output j
  bool inplace_any = false;                        // any input of an output's shape and dtype may
  std::vector<std::pair<int, int>> aliases_input;  // output j is input i's memory reshaped
  // Operators that only join arrays or part one: from shapes, the parts that lie together (not
  // those that would need strides). No kernel runs where all of them share memory. None: no parts.
  std::function<std::vector<MemoryPart>(const OpCall&)> joins, parts;
  // Inputs whose elements are never read; `shape_only_from`: so are all from this one on.
  std::vector<int> shape_only;
  int shape_only_from = 1 << 30;
  std::vector<int> mutates;                                         // inputs that are written
  std::function<std::vector<int>(const Parameters&)> mutates_rule;  // none: `mutates`
  // Inputs that come in groups of so many (one group for each weight of a multi-tensor update):
  // `mutates` and `inplace` then name places in a group, and output j belongs to group j. 0: none.
  int group = 0;
  bool random = false;                 // takes a RandomStream
  bool training_dependent = false;     // OpCall::training changes the result
  bool ignores_head_gradient = false;  // loss outputs: head gradient is not needed
  bool hidden = false;                 // no part of any API: "_backward..." and training forms
  // Runs a user's code, which may push and wait: never on a compute worker, never inline.
  bool runs_user_code = false;
  // For outputs whose shape depends on values: sets what `shape_rule` left unknown, from inputs
  // that are computed. Only calls outside of graphs can have such outputs.
  std::function<void(ShapeContext&, std::span<const Tensor> in)> shape_from_values;
  // Random numbers drawn by one call, to advance the stream; none: the output's size.
  std::function<uint64_t(const OpCall&)> random_count;
  std::shared_ptr<const OpTrait> pointwise;
  std::vector<Sample> samples;

  const std::string& name() const override { return name_text; }
  ParametersRef parse(const Attributes& attributes) const override;
  ParametersRef parse(const Attributes& attributes, const Subgraphs& subgraphs) const override;
  std::vector<std::string> input_names(const Parameters& parameters) const override;
  std::vector<std::string> auxiliary_names(const Parameters& parameters) const {
    return auxiliary_rule ? auxiliary_rule(parameters) : auxiliary;
  }
  int auxiliary_count(const Parameters& parameters) const override {
    return static_cast<int>(auxiliary_rule ? auxiliary_rule(parameters).size() : auxiliary.size());
  }
  std::vector<int> mutated_inputs(const Parameters& parameters) const;
  int output_count(const Parameters& parameters) const override;
  int visible_output_count(const Parameters& parameters) const override;
  std::vector<std::string> output_names(const Parameters& parameters) const override;
  const std::string& variadic_parameter() const override { return variadic; }
  std::string name_hint() const override;
  Attributes input_attributes(std::string_view input_name) const override;
  int file_output_count(const Parameters& parameters) const override;

  bool reads_only_shape(int input) const;
  // Whether `inplace` lets output j share memory with input i.
  bool allows_inplace(int input, int output) const;
  // The one named `preferred` if its predicate holds, else the first whose does; throws Error(Type)
  // that lists what is supported.
  const Implementation& choose(const OpCall& call, std::string_view preferred = {}) const;
  // What `preferred` may name for this call; not the reference, unless it is the only one.
  std::vector<const Implementation*> alternatives(const OpCall& call) const;
  bool fixed_outputs() const { return !outputs; }
};

}  // namespace gemel
