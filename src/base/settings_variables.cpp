// MXNet's environment variables: which setting each one sets, or why it has no effect.
#include "base/settings.h"

namespace gemel::settings {
namespace {

constexpr const char* cuda = "this build computes on the CPU";
constexpr const char* tuned =
    "kernels choose by the size of the call, as measured for this machine's kind";
constexpr const char* bulk =
    "a graph is one task whatever its length; imperative calls are bundled by mx.engine.bulk";
constexpr const char* tree =
    "arrays of one machine are summed in memory, not over links between GPUs";
constexpr const char* dist = "distributed stores are not part of this version";
constexpr const char* onednn =
    "oneDNN is one implementation among others, chosen for each call; results agree within the "
    "tolerance of "
    "fpmath";
constexpr const char* planner =
    "the memory planner shares wherever lifetimes and sizes allow; memory_plan chooses the mode";
constexpr const char* temporary =
    "workspace comes out of the memory plan or the pool, as much as is needed";
constexpr const char* logs = "executor.debug_str(), memory_plan() and the trace show it on request";
constexpr const char* stack = "errors carry the operator, the node and the Python traceback";
constexpr const char* subgraph =
    "operators choose their kernels themselves; optimize_for names a backend";
constexpr const char* tests = "read by MXNet's own test suite only";
constexpr const char* ffi = "the extension module is compiled; there is no slower form to choose";
constexpr const char* old = "a name of versions up to 0.8, which 1.9.1 does not read either";

struct Row {
  const char* name;
  const char* why;
};

// Without a setting, in the order in which users meet them.
constexpr Row without_effect[] = {
    {"MXNET_LIBRARY_PATH",
     "read by the original Python front end, which then loads this library; this package "
     "brings its own"},
    {"KMP_AFFINITY",
     "read by Intel's OpenMP, which is not used; GOMP_CPU_AFFINITY and OMP_PROC_BIND are GNU's"},
    {"MXNET_GPU_WORKER_NTHREADS", cuda},
    {"MXNET_EXEC_BULK_EXEC_TRAIN", bulk},
    {"MXNET_EXEC_BULK_EXEC_INFERENCE", bulk},
    {"MXNET_EXEC_BULK_EXEC_MAX_NODE_TRAIN", bulk},
    {"MXNET_EXEC_BULK_EXEC_MAX_NODE_TRAIN_FWD", bulk},
    {"MXNET_EXEC_BULK_EXEC_MAX_NODE_TRAIN_BWD", bulk},
    {"MXNET_CUDNN_AUTOTUNE_DEFAULT", cuda},
    {"DMLC_ROLE", dist},
    {"DMLC_PS_ROOT_URI", dist},
    {"DMLC_PS_ROOT_PORT", dist},
    {"DMLC_NUM_WORKER", dist},
    {"DMLC_NUM_SERVER", dist},
    {"DMLC_INTERFACE", dist},
    {"DMLC_NODE_HOST", dist},
    {"DMLC_WORKER_ID", dist},
    {"PS_VERBOSE", dist},
    {"PS_RESEND", dist},
    {"PS_RESEND_TIMEOUT", dist},
    {"PS_DROP_MSG", dist},
    {"PS_HEARTBEAT_INTERVAL", dist},
    {"PS_HEARTBEAT_TIMEOUT", dist},
    {"DMLC_PS_VAN_TYPE", dist},
    {"MXNET_KVSTORE_BIGARRAY_BOUND", "sums of any size use all compute threads"},
    {"MXNET_KVSTORE_REDUCTION_NTHREADS",
     "sums are tasks of the engine, which has one set of threads"},
    {"MXNET_KVSTORE_USETREE", tree},
    {"MXNET_KVSTORE_LOGTREE", tree},
    {"MXNET_KVSTORE_TREE_ARRAY_BOUND", tree},
    {"MXNET_KVSTORE_TREE_BACKTRACK", tree},
    {"MXNET_KVSTORE_TREE_LINK_USAGE_PENALTY", tree},
    {"MXNET_KVSTORE_SLICE_THRESHOLD", dist},
    {"MXNET_KVSTORE_SERIAL_PUSH", "GEMEL_ENGINE=naive runs everything in the order of the pushes"},
    {"MXNET_KVSTORE_DIST_ROW_SPARSE_VERBOSE", dist},
    {"MXNET_ENABLE_GPU_P2P", cuda},
    {"MXNET_GPU_MEM_POOL_TYPE", cuda},
    {"MXNET_GPU_MEM_POOL_RESERVE", cuda},
    {"MXNET_GPU_MEM_POOL_PAGE_SIZE", cuda},
    {"MXNET_GPU_MEM_POOL_ROUND_LINEAR_CUTOFF", cuda},
    {"MXNET_GPU_MEM_LARGE_ALLOC_ROUND_SIZE", cuda},
    {"NNVM_EXEC_MATCH_RANGE", planner},
    {"NNVM_AUTO_SEARCH_MATCH_RANGE", planner},
    {"NNVM_EXEC_NUM_TEMP", planner},
    {"MXNET_EXEC_NUM_TEMP", planner},
    {"MXNET_MEM_PLAN_VERBOSE_LOGGING", logs},
    {"MXNET_EXEC_ENABLE_INPLACE", planner},
    {"MXNET_EXEC_INPLACE_GRAD_SUM_CAP",
     "gradients are added in the order of the graph, in place where memory_plan "
     "allows"},
    {"MXNET_EXEC_VERBOSE_LOGGING", logs},
    {"MXNET_STORAGE_FALLBACK_LOG_VERBOSE", logs},
    {"MXNET_INFER_STORAGE_TYPE_VERBOSE_LOGGING", logs},
    {"MXNET_SUBGRAPH_BACKEND", subgraph},
    {"MXNET_SUBGRAPH_VERBOSE", subgraph},
    {"MXNET_MKLDNN_CACHE_NUM", onednn},
    {"MXNET_MKLDNN_DEBUG", onednn},
    {"MXNET_MKLDNN_FORCE_FC_AB_FORMAT", onednn},
    {"MXNET_USE_MKLDNN_RNN", onednn},
    {"MXNET_DISABLE_MKLDNN_CACHE_LAYOUT", onednn},
    {"MXNET_DISABLE_MKLDNN_FUSE_ALL", onednn},
    {"MXNET_SAFE_ACCUMULATION", "half types always compute in float32"},
    {"MXNET_CUDA_ALLOW_TENSOR_CORE", cuda},
    {"MXNET_CUDA_TENSOR_OP_MATH_ALLOW_CONVERSION", cuda},
    {"MXNET_FC_TRUE_FP16", cuda},
    {"NVIDIA_TF32_OVERRIDE", cuda},
    {"MXNET_ENABLE_CUDA_GRAPHS", cuda},
    {"MXNET_ENABLE_CUDA_GRAPHS_VERBOSE", cuda},
    {"MXNET_ENABLE_CUDA_GRAPHS_MAX_LOG_ENTRIES", cuda},
    {"MXNET_FUSION_VERBOSE", logs},
    {"MXNET_ELIMINATE_COMMON_EXPR",
     "equal subexpressions of a graph give equal bits whether they are computed "
     "once or twice"},
    {"MXNET_UPDATE_AGGREGATION_SIZE", "a push to a store updates one parameter"},
    {"MXNET_OPTIMIZER_AGGREGATION_SIZE",
     "optimizers read it: aggregate_num, how many parameters `update` is given at once; where the "
     "step is ours, one task updates all parameters anyway"},
    {"MXNET_ENABLE_CYTHON", ffi},
    {"MXNET_ENFORCE_CYTHON", ffi},
    {"MXNET_CPU_PRIORITY_NTHREADS", "ready tasks of higher priority run first on the same workers"},
    {"MXNET_GPU_COPY_NTHREADS", cuda},
    {"MXNET_MP_WORKER_NTHREADS", "the child of a fork computes with one thread"},
    {"MXNET_MP_OPENCV_NUM_THREADS",
     "images are decoded by tasks of the engine or by worker processes"},
    {"MXNET_CPU_PARALLEL_SIZE", tuned},
    {"MXNET_USE_OPERATOR_TUNING", tuned},
    {"MXNET_USE_NUM_CORES_OPERATOR_TUNING", tuned},
    {"MXNET_CPU_TEMP_COPY", temporary},
    {"MXNET_GPU_TEMP_COPY", cuda},
    {"MXNET_CPU_PARALLEL_RAND_COPY",
     "random streams are counted, so one generator serves all threads"},
    {"MXNET_GPU_PARALLEL_RAND_COPY", cuda},
    {"MXNET_GPU_CUDNN_DROPOUT_STATE_COPY", cuda},
    {"MXNET_ENGINE_INFO", "GEMEL_TRACE and mx.profiler record every task"},
    {"DMLC_LOG_STACK_TRACE_DEPTH", stack},
    {"DMLC_LOG_DEBUG", "GEMEL_LOG chooses what is logged"},
    {"MXNET_RTC_VERBOSE", cuda},
    {"MXNET_TEST_SEED", tests},
    {"MXNET_MODULE_SEED", tests},
    {"MXNET_TEST_COUNT", tests},
    {"MXNET_EXEC_PREFER_BULK_EXEC", old},
    {"MXNET_EXEC_MATCH_RANGE", old},
};

}  // namespace

std::vector<Variable> variables() {
  std::vector<Variable> result;
  for (const Description& setting : all())
    for (const std::string& name : setting.environment)
      if (!name.starts_with("GEMEL_")) result.push_back({name, setting.name, ""});
  for (const Row& row : without_effect) result.push_back({row.name, "", row.why});
  return result;
}

}  // namespace gemel::settings
