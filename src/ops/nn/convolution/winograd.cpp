#include "ops/nn/convolution/winograd.h"

#include <optional>

#include "base/settings.h"
#include "kernels/conv/direct.h"
#include "kernels/conv/winograd_groups.h"
#include "kernels/fpmath.h"
#include "kernels/parallel.h"
#include "memory/pool.h"
#include "ops/nn/convolution/parameters.h"

namespace gemel::convolution_op {
namespace {

using kernels::ConvolutionPass;
using kernels::WinogradSchedule;

struct PreparedWinograd : Prepared {
  WinogradSchedule schedule;
};

WinogradSchedule schedule_of(ConvolutionGeometryOf geometry, ConvolutionPass pass,
                             const OpCall& c) {
  if (c.prepared) return static_cast<const PreparedWinograd*>(c.prepared)->schedule;
  return kernels::winograd_schedule(geometry(c), pass, {.threads = kernels::thread_count()});
}

bool run(const WinogradSchedule& s, ConvolutionGeometryOf geometry, const OpCall& c) {
  const bool has_bias = !c.params<ConvolutionParameters>().no_bias;
  const auto in = [&](int i) { return c.in[i].data<const float>(); };
  float* const out = c.out[0].data<float>();
  switch (s.pass) {
    case ConvolutionPass::forward:
      return kernels::winograd_convolution(s, in(0), in(1), {.bias = has_bias ? in(2) : nullptr},
                                           out, c.workspace);
    case ConvolutionPass::data:
      return kernels::winograd_convolution(s, in(0), in(1), {}, out, c.workspace);
    case ConvolutionPass::weight:
      if (has_bias)
        kernels::convolution_bias(DType::float32, geometry(c), c.in[0].address, c.out[1].address);
      return kernels::winograd_weight_gradient(s, in(1), in(0), out, c.workspace);
  }
  return false;
}

}  // namespace

bool winograd_pays(const WinogradSchedule& s) {
  if (s.in_channels < 16 || (s.out_channels < 16 && s.pass != ConvolutionPass::data)) return false;
  if (s.tile_count() < (s.prepared ? 1 : 12)) return false;
  // Products saved: tiles that reach over the edge do some in vain.
  const double direct = static_cast<double>(s.out[0] * s.out[1] * s.kernel * s.kernel);
  const double ours = 36.0 * static_cast<double>(s.tiles[0] * s.tiles[1]);
  return direct > 1.7 * ours;
}

void exact_convolution(OpCall c) {
  const auto& list = c.op.implementations;
  auto next = std::find_if(list.begin(), list.end(),
                           [](const Implementation& i) { return i.name == "winograd"; });
  do ++next;
  while (next->when && !next->when(c));
  std::optional<kernels::SingleThread> alone;  // sums of libraries may depend on the threads
  if (settings::current().determinism) alone.emplace();
  const std::unique_ptr<Prepared> prepared = next->prepare ? next->prepare(c) : nullptr;
  c.prepared = prepared.get();
  memory::OwnerScope scope(memory::Owner::workspace);
  memory::Block block = memory::allocate(next->workspace ? next->workspace(c) : 0);
  c.workspace = static_cast<std::byte*>(block.data);
  try {
    next->kernel(c);
  } catch (...) {
    memory::release(block);
    throw;
  }
  memory::release(block);
}

Implementation winograd(ConvolutionGeometryOf geometry, ConvolutionPass pass) {
  return {.name = "winograd",
          .kernel =
              [=](const OpCall& c) {
                if (!run(schedule_of(geometry, pass, c), geometry, c)) exact_convolution(c);
              },
          .when =
              [=](const OpCall& c) {
                if (c.out[0].dtype != DType::float32 || kernels::fpmath() == kernels::Fpmath::exact)
                  return false;
                const kernels::ConvolutionGeometry g = geometry(c);
                return kernels::winograd_applies(g) &&
                       winograd_pays(kernels::winograd_schedule(g, pass, {}));
              },
          .prepare =
              [=](const OpCall& c) {
                auto prepared = std::make_unique<PreparedWinograd>();
                prepared->schedule = schedule_of(geometry, pass, c);
                return prepared;
              },
          .workspace =
              [=](const OpCall& c) {
                return kernels::winograd_workspace(schedule_of(geometry, pass, c));
              },
          .small = false};
}

namespace {

bool run_groups(const kernels::ConvolutionGeometry& g, ConvolutionPass pass, const OpCall& c) {
  const bool has_bias = !c.params<ConvolutionParameters>().no_bias;
  const auto in = [&](int i) { return c.in[i].data<const float>(); };
  float* const out = c.out[0].data<float>();
  switch (pass) {
    case ConvolutionPass::forward:
      return kernels::winograd_groups_convolution(g, in(0), in(1), has_bias ? in(2) : nullptr, out);
    case ConvolutionPass::data:
      return kernels::winograd_groups_data(g, in(0), in(1), out);
    case ConvolutionPass::weight:
      if (has_bias) kernels::convolution_bias(DType::float32, g, c.in[0].address, c.out[1].address);
      return kernels::winograd_groups_weight(g, in(1), in(0), out);
  }
  return false;
}

// Where it was measured to be faster than what follows in the lists: with fewer channels the
// transforms cost what the products save.
bool winograd_groups_pays(const kernels::ConvolutionGeometry& g, ConvolutionPass pass) {
  constexpr int64_t few = 8, vectors_summed = 3;
  if (std::min(g.group_in(), g.group_out()) < few) return false;
  if (pass == ConvolutionPass::weight && g.batch * g.out_size() < vectors_summed * 256)
    return false;
  return kernels::winograd_groups_fill(g, pass) >= 0.5;
}

}  // namespace

Implementation winograd_groups(ConvolutionGeometryOf geometry, ConvolutionPass pass) {
  return {.name = "winograd_groups",
          .kernel =
              [=](const OpCall& c) {
                if (!run_groups(geometry(c), pass, c)) exact_convolution(c);
              },
          .when =
              [=](const OpCall& c) {
                if (c.out[0].dtype != DType::float32 || kernels::fpmath() == kernels::Fpmath::exact)
                  return false;
                const kernels::ConvolutionGeometry g = geometry(c);
                return kernels::winograd_groups_serves(g) && winograd_groups_pays(g, pass);
              },
          .prepare = {},
          .workspace = {},
          .small = false};
}

}  // namespace gemel::convolution_op
