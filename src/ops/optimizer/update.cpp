#include "ops/optimizer/update.h"

#include <array>

#include "kernels/parallel_ranges.h"

namespace gemel {

namespace {

using pointwise::Expr;

constexpr int most = 16;  // scalars and outputs of one update

Expr unlimited(Expr gradient) { return gradient; }
Expr limited(Expr gradient) { return clip(gradient, -pointwise::scalar(0), pointwise::scalar(0)); }

void alike(ShapeContext& context, int first, int count, int output) {
  Shape shape = context.out[static_cast<size_t>(output)];
  for (int round = 0; round < 2; ++round) {
    for (int i = first; i < first + count; ++i) {
      context.set_in(i, shape);
      merge_shape(shape, context.in[static_cast<size_t>(i)]);
    }
    context.set_out(output, shape);
  }
}

void update_type(TypeContext& context, const Update& update, int group) {
  DType weight = DType::none;
  const int weights = static_cast<int>(context.out.size()) * group;
  auto is_master = [&](int i) {
    return i >= weights || (update.masters && i % group >= update.masters);
  };
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < static_cast<int>(context.in.size()); ++i) {
      context.set_in(i, is_master(i) ? DType::float32 : weight);
      if (!is_master(i) && weight == DType::none) weight = context.in[static_cast<size_t>(i)];
    }
    for (int i = 0; i < static_cast<int>(context.out.size()); ++i) {
      context.set_out(i, weight);
      if (weight == DType::none) weight = context.out[static_cast<size_t>(i)];
    }
  }
}

bool all_float32(std::span<const Tensor> in, std::span<const Tensor> out) {
  for (std::span<const Tensor> tensors : {in, out})
    for (const Tensor& t : tensors)
      if (t.dtype != DType::float32 || t.shape != out[0].shape || !t.contiguous()) return false;
  return true;
}

void run_loop(simd::UpdateLoop loop, std::span<const Tensor> in, std::span<const double> scalars,
              std::span<const Tensor> out) {
  std::array<float, most> values;
  std::copy(scalars.begin(), scalars.end(), values.begin());
  const int64_t streams = static_cast<int64_t>(in.size() + out.size());
  const kernels::Extent all{out[0].size(), streams * int64_t{sizeof(float)}};
  kernels::parallel_ranges(std::span(&all, 1), [&](size_t, int64_t begin, int64_t end) {
    std::array<const float*, most> from;
    std::array<float*, most> to;
    for (size_t i = 0; i < in.size(); ++i) from[i] = in[i].data<float>() + begin;
    for (size_t i = 0; i < out.size(); ++i) to[i] = out[i].data<float>() + begin;
    loop(from.data(), to.data(), values.data(), static_cast<size_t>(end - begin));
  });
}

int group_of(const Update& update, size_t inputs) {
  return update.group ? update.group : static_cast<int>(inputs);
}

}  // namespace

UpdatePrograms::UpdatePrograms(const Update& update)
    : plain(update.value(unlimited)),
      clipped(update.value(limited)),
      plain_loop(simd::update_loop(update.formula, false)),
      clipped_loop(simd::update_loop(update.formula, true)) {}

void UpdatePrograms::run(const Update& update, const OpCall& call, int k,
                         std::span<const Tensor> in, const Tensor& weight) const {
  const float limit = call.params<UpdateParameters>().clip_gradient;
  std::array<double, most> scalars{limit};
  const std::vector<double> own = update.scalars(call, k);
  GEMEL_ASSERT(own.size() < most && update.mutates.size() < most);
  std::copy(own.begin(), own.end(), scalars.begin() + 1);
  std::array<Tensor, most> outputs;
  outputs[0] = weight;
  for (size_t i = 0; i < update.mutates.size(); ++i)
    outputs[i + 1] = in[static_cast<size_t>(update.mutates[i])];
  const std::span<const double> given(scalars.data(), own.size() + 1);
  const std::span<const Tensor> targets(outputs.data(), update.mutates.size() + 1);
  const simd::UpdateLoop loop = limit >= 0 ? clipped_loop : plain_loop;
  if (loop && all_float32(in, targets)) return run_loop(loop, in, given, targets);
  const pointwise::Program& program = limit >= 0 ? clipped : plain;
  program.run(in, given, targets);
}

void UpdatePrograms::run_all(const Update& update, const OpCall& call) const {
  const size_t group = static_cast<size_t>(group_of(update, call.in.size()));
  if (call.out.size() == 1) return run(update, call, 0, call.in.first(group), call.out[0]);
  std::vector<kernels::Extent> extents(call.out.size());
  for (size_t k = 0; k < extents.size(); ++k) {
    extents[k].elements = call.out[k].size();
    for (const Tensor& in : call.in.subspan(k * group, group))
      extents[k].bytes += size_of(in.dtype);
  }
  kernels::parallel_ranges(extents, [&](size_t k, int64_t begin, int64_t end) {
    std::array<Tensor, most> in;
    for (size_t i = 0; i < group; ++i)
      in[i] = kernels::range_of(call.in[k * group + i], begin, end);
    run(update, call, static_cast<int>(k), std::span(in.data(), group),
        kernels::range_of(call.out[k], begin, end));
  });
}

void implement_update(OpBuilder& builder, Update given) {
  auto update = std::make_shared<const Update>(std::move(given));
  auto programs = std::make_shared<const UpdatePrograms>(*update);
  builder
      .shape([update](ShapeContext& c) {
        const int group = group_of(*update, c.in.size());
        for (int k = 0; k < static_cast<int>(c.out.size()); ++k) alike(c, k * group, group, k);
      })
      .type([update](TypeContext& c) { update_type(c, *update, group_of(*update, c.in.size())); })
      .no_gradient()
      .inplace({{0, 0}})
      .mutates(update->mutates)
      .implement("tape",
                 [update, programs](const OpCall& call) { programs->run_all(*update, call); });
}

std::vector<std::string> grouped_names(std::span<const char* const> group, int count,
                                       std::initializer_list<const char*> rest) {
  std::vector<std::string> names;
  for (int k = 0; k < count; ++k)
    for (const char* stem : group) names.push_back(fmt::format("{}_{}", stem, k));
  names.insert(names.end(), rest.begin(), rest.end());
  return names;
}

}  // namespace gemel
