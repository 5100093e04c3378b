// Functions of the caller as engine tasks, ordered by the arrays that they read and write.
#include "engine/engine.h"

#include <atomic>

#include "c_api/objects.h"

namespace gemel::c_api {
namespace {

// What the caller hands back when its work is done: the layout of MXNet's callback object.
struct OnComplete {
  void (*callback)(void* engine, void* state, const void* error);
  void* engine;
  void* state;
};

struct PushedFunction {
  void* state;
  EngineFuncParamDeleter deleter;
  ~PushedFunction() {
    if (deleter) deleter(state);
  }
};

struct ArrayTags {
  std::vector<NDArray> arrays;  // alive while the task is
  std::vector<engine::Tag*> reads, writes;

  ArrayTags(void* const* read, int read_count, void* const* written, int written_count) {
    arrays = arrays_of(read, static_cast<size_t>(read_count), "the arrays read");
    const auto targets =
        arrays_of(written, static_cast<size_t>(written_count), "the arrays written");
    for (const NDArray& array : arrays) reads.push_back(&array.tag());
    for (const NDArray& array : targets) writes.push_back(&array.tag());
    arrays.insert(arrays.end(), targets.begin(), targets.end());
  }
  engine::TaskOptions options(int priority, const char* name) const {
    engine::TaskOptions made;
    made.reads = reads;
    made.writes = writes;
    made.resource = engine::Resource::io;
    made.priority = priority;
    made.name = engine::intern_name(name ? name : "function");
    return made;
  }
};

void push_sync(EngineSyncFunc function, void* state, EngineFuncParamDeleter deleter,
               const ArrayTags& tags, int priority, const char* name) {
  given(function, "the function");
  auto pushed = std::make_shared<PushedFunction>(state, deleter);
  engine::push([function, pushed, arrays = tags.arrays] { function(nullptr, pushed->state); },
               tags.options(priority, name));
}

// Handed to the caller's code and deleted by its completion.
struct PendingCompletion {
  OnComplete handle;
  engine::Completion done;
  std::shared_ptr<PushedFunction> pushed;
  std::vector<NDArray> arrays;
};

void complete_pending(void*, void* state, const void* error) {
  std::unique_ptr<PendingCompletion> pending(static_cast<PendingCompletion*>(state));
  if (!error) return pending->done(nullptr);
  pending->done(std::make_exception_ptr(
      Error(ErrorKind::Input, "[MXEnginePushAsync] the function reported an error")));
}

void push_asynchronous(EngineAsyncFunc function, void* state, EngineFuncParamDeleter deleter,
                       const ArrayTags& tags, int priority, const char* name, bool wait) {
  given(function, "the function");
  auto pushed = std::make_shared<PushedFunction>(state, deleter);
  engine::push_async(
      [function, pushed, arrays = tags.arrays](engine::Completion done) {
        auto* pending = new PendingCompletion{{}, std::move(done), pushed, arrays};
        pending->handle = {&complete_pending, nullptr, pending};
        function(nullptr, pushed->state, &pending->handle);
      },
      tags.options(priority, name));
  if (wait)
    for (const NDArray& array : tags.arrays) array.wait_to_write();
}

void refuse_variables(int reads, int writes) {
  GEMEL_CHECK(reads == 0 && writes == 0,
              "[{}] engine variables cannot be made through this interface: use the ND form, "
              "which names arrays",
              current_function);
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXEnginePushSyncND(EngineSyncFunc sync_func, void* func_param, EngineFuncParamDeleter deleter,
                       ContextHandle, NDArrayHandle* const_nds_handle, int num_const_nds,
                       NDArrayHandle* mutable_nds_handle, int num_mutable_nds,
                       EngineFnPropertyHandle, int priority, const char* opr_name) {
  return call(__func__, [&] {
    push_sync(sync_func, func_param, deleter,
              ArrayTags(const_nds_handle, num_const_nds, mutable_nds_handle, num_mutable_nds),
              priority, opr_name);
  });
}

int MXEnginePushSync(EngineSyncFunc sync_func, void* func_param, EngineFuncParamDeleter deleter,
                     ContextHandle, EngineVarHandle, int num_const_vars, EngineVarHandle,
                     int num_mutable_vars, EngineFnPropertyHandle, int priority,
                     const char* opr_name) {
  return call(__func__, [&] {
    refuse_variables(num_const_vars, num_mutable_vars);
    push_sync(sync_func, func_param, deleter, ArrayTags(nullptr, 0, nullptr, 0), priority,
              opr_name);
  });
}

int MXEnginePushAsyncND(EngineAsyncFunc async_func, void* func_param,
                        EngineFuncParamDeleter deleter, ContextHandle,
                        NDArrayHandle* const_nds_handle, int num_const_nds,
                        NDArrayHandle* mutable_nds_handle, int num_mutable_nds,
                        EngineFnPropertyHandle, int priority, const char* opr_name, bool wait) {
  return call(__func__, [&] {
    push_asynchronous(
        async_func, func_param, deleter,
        ArrayTags(const_nds_handle, num_const_nds, mutable_nds_handle, num_mutable_nds), priority,
        opr_name, wait);
  });
}

int MXEnginePushAsync(EngineAsyncFunc async_func, void* func_param, EngineFuncParamDeleter deleter,
                      ContextHandle, EngineVarHandle, int num_const_vars, EngineVarHandle,
                      int num_mutable_vars, EngineFnPropertyHandle, int priority,
                      const char* opr_name, bool wait) {
  return call(__func__, [&] {
    refuse_variables(num_const_vars, num_mutable_vars);
    push_asynchronous(async_func, func_param, deleter, ArrayTags(nullptr, 0, nullptr, 0), priority,
                      opr_name, wait);
  });
}
