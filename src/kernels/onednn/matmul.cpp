#include "kernels/onednn/matmul.h"

#ifdef GEMEL_WITH_ONEDNN
#include "kernels/onednn/arguments.h"
#endif

namespace gemel::kernels::onednn {

#ifdef GEMEL_WITH_ONEDNN

namespace {

using dnnl::memory;

memory::desc matrix(int64_t rows, int64_t columns, int64_t stride, bool transposed, DType dtype) {
  return {{rows, columns},
          data_type(dtype),
          transposed ? memory::dims{1, stride} : memory::dims{stride, 1}};
}

std::unique_ptr<PreparedPrimitive> make(const MatmulProblem& problem) {
  const Gemm& g = problem.gemm;
  const memory::desc a = matrix(g.m, g.k, g.a_stride, g.transpose_a, problem.dtype);
  const memory::desc b = matrix(g.k, g.n, g.b_stride, g.transpose_b, problem.dtype);
  const memory::desc c = matrix(g.m, g.n, g.c_stride, false, problem.dtype);
  const memory::desc bias = matrix(1, g.n, g.n, false, problem.dtype);
  const auto descriptor =
      problem.bias < 0
          ? dnnl::matmul::primitive_desc(cpu_engine(), a, b, c, user_scratchpad())
          : dnnl::matmul::primitive_desc(cpu_engine(), a, b, bias, c, user_scratchpad());
  auto state = std::make_unique<PreparedPrimitive>(descriptor, dnnl::matmul(descriptor));
  state->input(DNNL_ARG_SRC, problem.a, a, a);
  state->input(DNNL_ARG_WEIGHTS, problem.b, b, b);
  if (problem.bias >= 0) state->input(DNNL_ARG_BIAS, problem.bias, bias, bias);
  state->output(DNNL_ARG_DST, 0, c, c);
  return state;
}

// Below this many products OpenBLAS answers sooner.
constexpr double smallest = 1 << 20;

}  // namespace

bool serves(const MatmulProblem& problem) {
  const Gemm& g = problem.gemm;
  return is_enabled() && problem.dtype == DType::float32 &&
         static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k) >= smallest;
}

std::unique_ptr<Prepared> prepare_matmul(const MatmulProblem& problem) { return make(problem); }

int64_t matmul_workspace(const MatmulProblem& problem, Prepared* prepared) {
  if (prepared) return static_cast<PreparedPrimitive*>(prepared)->workspace();
  return make(problem)->workspace();
}

void run_matmul(const MatmulProblem& problem, const OpCall& call) {
  if (call.prepared)
    static_cast<PreparedPrimitive*>(call.prepared)->run(call);
  else
    make(problem)->run(call);
}

#else

bool serves(const MatmulProblem&) { return false; }
std::unique_ptr<Prepared> prepare_matmul(const MatmulProblem&) { return nullptr; }
int64_t matmul_workspace(const MatmulProblem&, Prepared*) { return 0; }
void run_matmul(const MatmulProblem&, const OpCall& call) {
  fail(ErrorKind::Internal, "[{}] this build has no oneDNN", call.op.name());
}

#endif

}  // namespace gemel::kernels::onednn
