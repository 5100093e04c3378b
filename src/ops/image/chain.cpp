#include "ops/image/chain.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "kernels/image/resize.h"
#include "ops/image/image.h"
#include "ops/image/view.h"
#include "simd/image_loops.h"

namespace gemel::image {
namespace {

struct ChainParameters : Parameters {
  std::vector<ChainStep> steps;
  static void declare(Fields<ChainParameters>&) {}
};

constexpr std::array<std::string_view, 8> places = {"_image_crop",
                                                    "_image_resize",
                                                    "_resized_image_part",
                                                    "_image_flip_left_right",
                                                    "_image_flip_top_bottom",
                                                    "_image_random_flip_left_right",
                                                    "_image_random_flip_top_bottom",
                                                    "_image_to_tensor"};

uint64_t draws(const ChainStep& step) {
  return step.op->random ? step.op->random_count({*step.op, *step.parameters, {}, {}}) : 0;
}

size_t input_count(const ChainStep& step) { return step.op->input_names(*step.parameters).size(); }

// Shapes and dtypes of the image after each step.
struct Stage {
  Shape shape;
  DType dtype;
  int64_t bytes() const { return shape.size() * size_of(dtype); }
};

// Calls use(step, inputs' shapes, output's shape) for each step as far as shapes are known.
template <typename Use>
void for_each_shape(const std::vector<ChainStep>& steps, Shape shape, bool training, Use&& use) {
  for (const ChainStep& step : steps) {
    if (!shape.known()) return use(step, Shape::unknown());
    std::vector<Shape> in(input_count(step), Shape::unknown()), out(1, Shape::unknown());
    in[0] = shape;
    ShapeContext context{*step.op, *step.parameters, in, out, training};
    step.op->shape_rule(context);
    shape = out[0];
    use(step, shape);
  }
}

DType dtype_after(const ChainStep& step, DType dtype) {
  std::vector<DType> in(input_count(step), DType::none), out(1, DType::none);
  in[0] = dtype;
  TypeContext context{*step.op, *step.parameters, in, out};
  step.op->type_rule ? step.op->type_rule(context) : same_type(context);
  return out[0];
}

std::vector<Stage> stages_of(const OpCall& call) {
  std::vector<Stage> stages = {{call.in[0].shape, call.in[0].dtype}};
  for_each_shape(call.params<ChainParameters>().steps, call.in[0].shape, call.training,
                 [&](const ChainStep& step, const Shape& shape) {
                   stages.push_back({shape, dtype_after(step, stages.back().dtype)});
                 });
  return stages;
}

// Bytes of the largest image between two steps.
int64_t largest(const std::vector<Stage>& stages) {
  int64_t bytes = 0;
  for (size_t i = 1; i + 1 < stages.size(); ++i) bytes = std::max(bytes, stages[i].bytes());
  return (bytes + 63) / 64 * 64;
}

// The steps of one call, of one image.
class Run {
 public:
  Run(const OpCall& call, const std::vector<Stage>& stages)
      : call_(call),
        steps_(call.params<ChainParameters>().steps),
        stages_(stages),
        now_(call.in[0].address),
        spare_bytes_(largest(stages)),
        random_(call.random) {}

  void run() {
    while (next_ < steps_.size()) {
      const Stage& stage = stages_[next_];
      const bool bytes = stage.dtype == DType::uint8 && stage.shape.ndim() == 3 &&
                         stage.shape.size() > 0 && (stage.shape[2] == 1 || stage.shape[2] == 3);
      const size_t before = next_;
      if (bytes) move();
      if (bytes && stages_[next_].shape[2] == 3 && next_ < steps_.size()) change_colors();
      if (next_ == before) one_step();
    }
    // Steps that moved nothing.
    if (now_ != call_.out[0].address)
      std::memcpy(call_.out[0].address, now_, static_cast<size_t>(call_.out[0].bytes()));
  }

 private:
  const ChainStep& step() const { return steps_[next_]; }
  template <typename P>
  const P& params() const {
    return static_cast<const P&>(*step().parameters);
  }

  // Goes on to the next step.
  void advance() {
    random_.offset += draws(step());
    extra_ += input_count(step()) - 1;
    ++next_;
  }

  // Where the image before step `next_` belongs.
  std::byte* target() {
    if (next_ == steps_.size()) return call_.out[0].address;
    return now_ == call_.workspace ? call_.workspace + spare_bytes_ : call_.workspace;
  }

  // All steps from here on that a view can take.
  void move() {
    const Shape& shape = stages_[next_].shape;
    View view(shape[0], shape[1]);
    while (next_ < steps_.size() && takes(view)) advance();
    if (!view.moves()) return;
    std::byte* const to = target();
    view.run(reinterpret_cast<const uint8_t*>(now_), shape[2], reinterpret_cast<uint8_t*>(to));
    now_ = to;
  }

  bool takes(View& view) {
    const std::string_view name = step().op->name();
    const bool random = name.starts_with("_image_random_flip");
    if (random || name.starts_with("_image_flip")) {
      if (!random || flips(random_)) view.flip(name.ends_with("left_right"));
      return true;
    }
    if (name == "_image_crop") {
      const auto& p = params<CropParameters>();
      view.crop({p.y, p.x, p.height, p.width});
      return true;
    }
    const bool part = name == "_resized_image_part";
    if (!part && name != "_image_resize") return false;
    const auto kind = static_cast<kernels::Interpolation>(params<ResizeParameters>().interp);
    View resized = view;
    if (part) resized.crop(part_of(call_.in[1 + extra_], view.height(), view.width()));
    const Shape& size = stages_[next_ + 1].shape;
    const bool same = size[0] == resized.height() && size[1] == resized.width();
    if (!same && (kind != kernels::Interpolation::linear || !resized.resize(size[0], size[1])))
      return false;
    view = resized;
    return true;
  }

  // All changes of colour from here on, and what makes floats of the image.
  void change_colors() {
    const int64_t pixels = stages_[next_].shape[0] * stages_[next_].shape[1];
    const size_t before = next_;
    std::vector<kernels::ColorChange> changes;
    for (; next_ < steps_.size(); advance()) {
      const ColorRule rule = color_rule(*step().op);
      if (!rule) break;
      const auto more = rule(*step().parameters, random_, 3);
      changes.insert(changes.end(), more.begin(), more.end());
    }
    const bool to_float = next_ < steps_.size() && step().op->name() == "_image_to_tensor";
    if (next_ == before && !to_float) return;
    const NormalizeParameters* normalize = nullptr;
    if (to_float) {
      advance();
      if (next_ < steps_.size() && step().op->name() == "_image_normalize") {
        normalize = &params<NormalizeParameters>();
        advance();
      }
    }
    const auto* from = reinterpret_cast<const uint8_t*>(now_);
    std::byte* const to = target();
    kernels::change_colors(
        std::move(changes), pixels, 3, {true, 0, 255},
        [from](auto... strip) { load_rgb(from, strip...); },
        [&](int64_t first, int64_t count, const kernels::ColorPlanes& v) {
          const auto n = static_cast<size_t>(count);
          if (!to_float)
            return simd::rgb_of_planes(v[0], v[1], v[2], reinterpret_cast<uint8_t*>(to) + 3 * first,
                                       n);
          for (int64_t c = 0; c < 3; ++c) {
            float* plane = reinterpret_cast<float*>(to) + c * pixels + first;
            simd::normalize_plane(v[static_cast<size_t>(c)], 0, 255, plane, n);
            if (normalize)
              simd::normalize_plane(
                  plane, static_cast<float>(NormalizeParameters::of(normalize->mean, c)),
                  static_cast<float>(NormalizeParameters::of(normalize->std, c)), plane, n);
          }
        });
    now_ = to;
  }

  // The step's own kernel.
  void one_step() {
    const ChainStep& one = step();
    std::vector<Tensor> in = {{now_, stages_[next_].shape, stages_[next_].dtype, {}}};
    for (size_t i = 1; i < input_count(one); ++i) in.push_back(call_.in[extra_ + i]);
    const Stage& after = stages_[next_ + 1];
    OpCall call{*one.op, *one.parameters, in, {}, call_.training};
    call.random = random_;
    advance();
    std::byte* const to = target();
    const Tensor out(to, after.shape, after.dtype, {});
    call.out = {&out, 1};
    const Implementation& implementation = one.op->choose(call);
    std::unique_ptr<Prepared> prepared;
    if (implementation.prepare) prepared = implementation.prepare(call);
    call.prepared = prepared.get();
    std::vector<std::byte> workspace;
    if (implementation.workspace) {
      workspace.resize(static_cast<size_t>(implementation.workspace(call)) + 64);
      const auto at = reinterpret_cast<uintptr_t>(workspace.data());
      call.workspace = workspace.data() + (64 - at % 64) % 64;
    }
    implementation.kernel(call);
    now_ = to;
  }

  const OpCall& call_;
  const std::vector<ChainStep>& steps_;
  const std::vector<Stage>& stages_;
  std::byte* now_;  // the image before step `next_`
  int64_t spare_bytes_;
  RandomStream random_;
  size_t next_ = 0, extra_ = 0;
};

void chain_kernel(const OpCall& call) { Run(call, stages_of(call)).run(); }

}  // namespace

bool joins_chain(const OpInfo& op) {
  return color_rule(op) || op.name() == "_image_normalize" || op.name() == "Cast" ||
         std::find(places.begin(), places.end(), op.name()) != places.end();
}

ParametersRef make_chain(std::vector<ChainStep> steps) {
  auto parameters = std::make_shared<ChainParameters>();
  parameters->steps = std::move(steps);
  return parameters;
}

std::vector<ChainStep> steps_of(const OpInfo& op, const ParametersRef& parameters) {
  if (op.name() == "_fused_image") return static_cast<const ChainParameters&>(*parameters).steps;
  return {{&op, parameters}};
}

GEMEL_OPERATORS(image_chain) {
  op<ChainParameters>("_fused_image")
      .doc("Several operators on an image, one after the other, as one. Made by fusion.")
      .inputs<ChainParameters>([](const ChainParameters& p) {
        std::vector<std::string> names = {"data"};
        for (const ChainStep& step : p.steps)
          for (size_t i = 1; i < input_count(step); ++i)
            names.push_back("part" + std::to_string(names.size() - 1));
        return names;
      })
      .shape([](ShapeContext& c) {
        Shape shape = c.in[0];
        for_each_shape(c.params<ChainParameters>().steps, shape, c.training,
                       [&](const ChainStep&, const Shape& after) { shape = after; });
        for (size_t i = 1; i < c.in.size(); ++i) c.set_in(static_cast<int>(i), Shape{4});
        if (shape.known()) c.set_out(0, shape);
      })
      .type([](TypeContext& c) {
        DType dtype = c.in[0];
        if (dtype == DType::none) return;
        for (const ChainStep& step : c.params<ChainParameters>().steps)
          dtype = dtype_after(step, dtype);
        for (size_t i = 1; i < c.in.size(); ++i) c.set_in(static_cast<int>(i), DType::int32);
        c.set_out(0, dtype);
      })
      .random([](const OpCall& call) {
        uint64_t count = 0;
        for (const ChainStep& step : call.params<ChainParameters>().steps) count += draws(step);
        return count;
      })
      .implement({.name = "fused",
                  .kernel = chain_kernel,
                  .workspace = [](const OpCall& call) { return 2 * largest(stages_of(call)); }})
      .no_gradient()
      .info()
      .hidden = true;
}

}  // namespace gemel::image
