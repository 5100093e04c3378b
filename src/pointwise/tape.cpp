#include "pointwise/tape.h"

#include <algorithm>
#include <unordered_map>

#include "pointwise/walk.h"

namespace gemel::pointwise {

namespace {

template <typename T>
bool rounds_nothing(DType dtype) {
  if constexpr (std::is_same_v<T, float>)
    return dtype == DType::float32 || dtype == DType::float64;
  else if constexpr (std::is_same_v<T, double>)
    return dtype == DType::float64;
  else
    return dtype == simd::compute_dtype<T> || is_floating(dtype);
}

template <typename T>
Expr without_idle_rounding(const Expr& e) {
  return transform(e, [](const Expr& node, std::span<const Expr> children) {
    if (node->kind == Kind::round_to && rounds_nothing<T>(node->dtype)) return children[0];
    return rebuild(node, children);
  });
}

// Turns expressions into steps in three passes: number the distinct values and join pairs, then
// assign registers by last use.
template <typename T>
class Compiler {
  using Form = typename Step<T>::Form;

 public:
  Compiler(const std::vector<Expr>& outputs, int inputs) : table_(simd::primitives<T>()) {
    tape_.inputs = inputs;
    tape_.outputs = static_cast<int>(outputs.size());
    for (const Expr& e : outputs) outputs_.push_back(without_idle_rounding<T>(e));
  }

  Tape<T> compile() {
    for (const Expr& e : outputs_) {
      ++uses_[e];
      count_uses(e);
    }
    for (const Expr& e : outputs_) output_values_.push_back(value_of(e));
    assign_registers();
    return std::move(tape_);
  }

 private:
  // A value: an input, a uniform or the result of the step with the same number.
  enum class Where : uint8_t { input, uniform, step };
  struct Value {
    Where where;
    int index;
    bool operator==(const Value&) const = default;
  };
  struct Draft {
    Step<T> step;
    std::vector<Value> operands;  // in the order a, b, c
  };

  void count_uses(const Expr& e) {
    if (!counted_.insert({e, true}).second) return;
    for (int i = 0; i < e->child_count; ++i) {
      ++uses_[e->child[i]];
      count_uses(e->child[i]);
    }
  }

  bool is_uniform(const Expr& e) {
    if (auto it = uniform_.find(e); it != uniform_.end()) return it->second;
    bool all = e->kind != Kind::input;
    for (int i = 0; i < e->child_count; ++i) all &= is_uniform(e->child[i]);
    uniform_.emplace(e, all);
    return all;
  }

  Value value_of(const Expr& e) {
    if (auto it = values_.find(e); it != values_.end()) return it->second;
    Value value{Where::input, e->index};
    if (is_uniform(e)) {
      Uniform uniform{e};
      for (int i = 0; i < e->child_count; ++i) uniform.child[i] = value_of(e->child[i]).index;
      tape_.uniforms.push_back(uniform);
      value = {Where::uniform, static_cast<int>(tape_.uniforms.size()) - 1};
    } else if (e->kind != Kind::input) {
      Draft draft = e->kind == Kind::round_to ? rounding(e) : joined(e);
      drafts_.push_back(std::move(draft));
      value = {Where::step, static_cast<int>(drafts_.size()) - 1};
    }
    values_.emplace(e, value);
    return value;
  }

  Draft rounding(const Expr& e) {
    Draft draft;
    draft.step.form = Form::round;
    draft.step.store = simd::store_function<T>(e->dtype);
    draft.step.load = simd::load_function<T>(e->dtype);
    draft.operands = {value_of(e->child[0])};
    tape_.rounds = true;
    return draft;
  }

  // A child that is this primitive, varies by element and is used nowhere else.
  bool joins(const Expr& child, Primitive p) {
    return child->kind == Kind::apply && child->primitive == p && uses_[child] == 1 &&
           !is_uniform(child);
  }
  bool all_vary(const Expr& e) {
    for (int i = 0; i < e->child_count; ++i)
      if (is_uniform(e->child[i])) return false;
    return true;
  }

  Draft joined(const Expr& e) {
    const Expr* child = e->child;
    if (e->primitive == Primitive::add && all_vary(e))
      for (int side = 0; side < 2; ++side) {
        const Expr& product = child[side];
        if (joins(product, Primitive::multiply) && all_vary(product))
          return make(table_.multiply_add, product->child[0], product->child[1], child[1 - side]);
      }
    if (e->primitive == Primitive::add && all_vary(e))
      for (int side = 0; side < 2; ++side)
        if (joins(child[side], Primitive::multiply))
          return scaled(table_.add_scaled, child[side], child[1 - side]);
    if (e->primitive == Primitive::subtract && all_vary(e) &&
        joins(child[1], Primitive::multiply) && !all_vary(child[1]))
      return scaled(table_.subtract_scaled, child[1], child[0]);
    if (e->primitive == Primitive::subtract && all_vary(e) && joins(child[1], Primitive::exp) &&
        joins(child[1]->child[0], Primitive::negative))
      return make(table_.subtract_exp_negative, child[0], child[1]->child[0]->child[0]);
    // A Symbol's -x is x * -1.
    if (e->primitive == Primitive::subtract && all_vary(e) && joins(child[1], Primitive::exp) &&
        joins(child[1]->child[0], Primitive::multiply) && !all_vary(child[1]->child[0]))
      return scaled(table_.subtract_exp_scaled, child[1]->child[0], child[0]);
    if (e->primitive == Primitive::exp && joins(child[0], Primitive::negative))
      return make(table_.exp_negative, child[0]->child[0]);
    if (e->primitive == Primitive::multiply)
      for (int side = 0; side < 2; ++side)
        if (is_uniform(child[1 - side]) && joins(child[side], Primitive::relu))
          return make(table_.relu_multiply, Form::right_scalar, child[side]->child[0],
                      child[1 - side]);
    return plain(e);
  }

  Draft plain(const Expr& e) {
    const Primitive p = e->primitive;
    const Expr* child = e->child;
    if (e->child_count == 1) return make(table_.of_unary(p), child[0]);
    if (e->child_count == 3) return make(table_.of_ternary(p), child[0], child[1], child[2]);
    if (is_uniform(child[1]))
      return make(table_.of_right_scalar(p), Form::right_scalar, child[0], child[1]);
    if (is_uniform(child[0]))
      return make(table_.of_left_scalar(p), Form::left_scalar, child[1], child[0]);
    return make(table_.of_binary(p), child[0], child[1]);
  }

  Draft make(typename simd::Primitives<T>::Unary f, const Expr& a) {
    Draft draft;
    draft.step.form = Form::unary;
    draft.step.function.unary = f;
    draft.operands = {value_of(a)};
    return draft;
  }
  Draft make(typename simd::Primitives<T>::Binary f, const Expr& a, const Expr& b) {
    Draft draft;
    draft.step.form = Form::binary;
    draft.step.function.binary = f;
    draft.operands = {value_of(a), value_of(b)};
    return draft;
  }
  Draft make(typename simd::Primitives<T>::BinaryScalar f, Form form, const Expr& a,
             const Expr& b) {
    Draft draft;
    draft.step.form = form;
    draft.step.function.scalar = f;
    draft.operands = {value_of(a), value_of(b)};
    return draft;
  }
  Draft make(typename simd::Primitives<T>::Ternary f, const Expr& a, const Expr& b, const Expr& c) {
    Draft draft;
    draft.step.form = Form::ternary;
    draft.step.function.ternary = f;
    draft.operands = {value_of(a), value_of(b), value_of(c)};
    return draft;
  }

  // A product of which one factor is a uniform, joined with b.
  Draft scaled(typename simd::Primitives<T>::Scaled f, const Expr& product, const Expr& b) {
    const int factor = is_uniform(product->child[0]) ? 0 : 1;
    Draft draft;
    draft.step.form = Form::scaled;
    draft.step.function.scaled = f;
    draft.operands = {value_of(product->child[1 - factor]), value_of(product->child[factor]),
                      value_of(b)};
    return draft;
  }

  bool takes_uniform(const Draft& draft, size_t operand) const {
    return operand == 1 &&
           (draft.step.form == Form::right_scalar || draft.step.form == Form::left_scalar ||
            draft.step.form == Form::scaled);
  }

  int new_register() {
    if (!free_.empty()) {
      const int r = free_.back();
      free_.pop_back();
      return r;
    }
    GEMEL_CHECK(tape_.registers < max_registers,
                "[pointwise] the expression needs more than {} inputs, outputs and live values; "
                "split it",
                max_registers);
    return tape_.registers++;
  }

  int splat_register(int uniform) {
    for (const Fill& fill : tape_.fills)
      if (fill.uniform == uniform && fill.out >= tape_.inputs + tape_.outputs) return fill.out;
    GEMEL_CHECK(tape_.registers < max_registers, "[pointwise] the expression has too many values");
    const int r = tape_.registers++;  // never handed out again
    tape_.fills.push_back({static_cast<int16_t>(uniform), static_cast<int16_t>(r)});
    return r;
  }

  void assign_registers() {
    const int count = static_cast<int>(drafts_.size());
    std::vector<int> last_use(drafts_.size(), -1), place(drafts_.size(), -1);
    for (int i = 0; i < count; ++i)
      for (const Value& v : drafts_[i].operands)
        if (v.where == Where::step) last_use[v.index] = i;
    tape_.registers = tape_.inputs + tape_.outputs;
    std::vector<int> copies;  // outputs that only repeat an input or another output
    for (int o = 0; o < tape_.outputs; ++o) {
      const Value v = output_values_[o];
      const int out = tape_.inputs + o;
      if (v.where == Where::uniform)
        tape_.fills.push_back({static_cast<int16_t>(v.index), static_cast<int16_t>(out)});
      else if (v.where == Where::step && place[v.index] < 0)
        place[v.index] = out;
      else
        copies.push_back(o);
    }
    for (int i = 0; i < count; ++i) {
      Step<T> step = drafts_[i].step;
      int16_t* slots[] = {&step.a, &step.b, &step.c};
      for (size_t k = 0; k < drafts_[i].operands.size(); ++k) {
        const Value v = drafts_[i].operands[k];
        int r = v.index;
        if (v.where == Where::step)
          r = place[v.index];
        else if (v.where == Where::uniform && !takes_uniform(drafts_[i], k))
          r = splat_register(v.index);
        *slots[k] = static_cast<int16_t>(r);
      }
      for (const Value& v : drafts_[i].operands)
        if (v.where == Where::step && last_use[v.index] == i &&
            place[v.index] >= tape_.inputs + tape_.outputs) {
          free_.push_back(place[v.index]);
          last_use[v.index] = -1;  // an operand may stand twice
        }
      if (place[i] < 0) place[i] = new_register();
      step.out = static_cast<int16_t>(place[i]);
      tape_.steps.push_back(step);
    }
    for (int o : copies) {
      Step<T> step;
      const Value v = output_values_[o];
      step.a = static_cast<int16_t>(v.where == Where::input ? v.index : place[v.index]);
      step.out = static_cast<int16_t>(tape_.inputs + o);
      tape_.steps.push_back(step);
    }
    find_late_reads();
  }

  static int operand_count(const Step<T>& step) {
    switch (step.form) {
      case Form::binary:
      case Form::scaled:
        return 2;
      case Form::ternary:
        return 3;
      default:
        return 1;
    }
  }

  void find_late_reads() {
    tape_.read_later.resize(static_cast<size_t>(tape_.outputs));
    for (int o = 0; o < tape_.outputs; ++o) {
      bool written = true;  // a filled output is written before every step
      for (const Step<T>& step : tape_.steps) written &= step.out != tape_.inputs + o;
      auto& later = tape_.read_later[static_cast<size_t>(o)];
      for (const Step<T>& step : tape_.steps) {
        const int16_t reads[] = {step.a, step.form == Form::scaled ? step.c : step.b, step.c};
        for (int k = 0; written && k < operand_count(step); ++k)
          if (reads[k] < tape_.inputs) later.push_back(reads[k]);
        written |= step.out == tape_.inputs + o;
      }
    }
  }

  const simd::Primitives<T>& table_;
  Tape<T> tape_;
  std::vector<Expr> outputs_;
  std::vector<Value> output_values_;
  std::vector<Draft> drafts_;
  std::vector<int> free_;
  std::unordered_map<Expr, int, ExprHash> uses_;
  std::unordered_map<Expr, bool, ExprHash> counted_, uniform_;
  std::unordered_map<Expr, Value, ExprHash> values_;
};

}  // namespace

template <typename T>
Tape<T> make_tape(const std::vector<Expr>& outputs, int inputs) {
  return Compiler<T>(outputs, inputs).compile();
}
template Tape<float> make_tape<float>(const std::vector<Expr>&, int);
template Tape<double> make_tape<double>(const std::vector<Expr>&, int);
template Tape<int64_t> make_tape<int64_t>(const std::vector<Expr>&, int);
template Tape<uint64_t> make_tape<uint64_t>(const std::vector<Expr>&, int);

}  // namespace gemel::pointwise
