// Types of the C ABI: handles, callbacks and the few structures that cross it. Layouts and values
// are those of MXNet 1.9.1, so that existing bindings run unchanged. Included by c_api.h.
#ifndef GEMEL_C_TYPES_H_
#define GEMEL_C_TYPES_H_

#ifdef __cplusplus
#include <cstddef>
#include <cstdint>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

#define GEMEL_C_API __attribute__((visibility("default")))
#ifdef __cplusplus
#define GEMEL_DEFAULT(value) = value
#else
#define GEMEL_DEFAULT(value)
#endif

typedef uint32_t mx_uint;
typedef uint32_t nn_uint;
typedef float mx_float;
typedef int64_t dim_t;

// Handles are no addresses: they hold a type, a slot and a generation, so a null, freed or foreign
// one is an error.
typedef void* NDArrayHandle;
typedef void* SymbolHandle;
typedef void* ExecutorHandle;
typedef void* CachedOpHandle;
typedef void* KVStoreHandle;
typedef void* DataIterHandle;
typedef void* RecordIOHandle;
typedef void* PredictorHandle;
typedef void* NDListHandle;
typedef void* ProfileHandle;
typedef void* GraphHandle;
typedef void* DLManagedTensorHandle;  // the address of a DLManagedTensor
typedef void* MXNetObjectHandle;
typedef void* MXNetFunctionHandle;
typedef void* RtcHandle;
typedef void* CudaModuleHandle;
typedef void* CudaKernelHandle;
typedef void* OpHandle;
typedef const void* FunctionHandle;  // operators: never freed
typedef void* AtomicSymbolCreator;
typedef void* DataIterCreator;
typedef const void* ContextHandle;
typedef const void* EngineFnPropertyHandle;
typedef void* EngineVarHandle;

// The callee owns the array handles that it is given, and frees them.
typedef void (*ExecutorMonitorCallback)(const char* name, NDArrayHandle array, void* state);
typedef void (*PredMonitorCallback)(const char* name, NDArrayHandle array, void* state);
typedef void (*CachedOpMonitorCallback)(const char* name, const char* op_name, NDArrayHandle array);
typedef void(MXKVStoreUpdater)(int key, NDArrayHandle received, NDArrayHandle stored, void* state);
typedef void(MXKVStoreStrUpdater)(const char* key, NDArrayHandle received, NDArrayHandle stored,
                                  void* state);
typedef void(MXKVStoreServerController)(int head, const char* body, void* state);

// `on_complete` must be handed to the engine when an asynchronous function is done.
typedef void (*EngineAsyncFunc)(void* engine, void* on_complete, void* state);
typedef void (*EngineSyncFunc)(void* engine, void* state);
typedef void (*EngineFuncParamDeleter)(void* state);

struct LibFeature {
  const char* name;
  bool enabled;
};

struct MXCallbackList {
  int num_callbacks;
  int (**callbacks)(void);
  void** contexts;
};

// Operators of the user (MXCustomOpRegister): what each place of a callback list holds.
enum CustomOpCallbacks { kCustomOpDelete, kCustomOpForward, kCustomOpBackward };
enum CustomOpPropCallbacks {
  kCustomOpPropDelete,
  kCustomOpPropListArguments,
  kCustomOpPropListOutputs,
  kCustomOpPropListAuxiliaryStates,
  kCustomOpPropInferShape,
  kCustomOpPropDeclareBackwardDependency,
  kCustomOpPropCreateOperator,
  kCustomOpPropInferType,
  kCustomOpPropInferStorageType,
  kCustomOpPropBackwardInferStorageType
};
enum CustomFunctionCallbacks { kCustomFunctionBackward, kCustomFunctionDelete };
typedef int (*CustomOpFBFunc)(int size, void** arrays, int* tags, const int* requests,
                              const int is_train, void* state);
typedef int (*CustomOpDelFunc)(void* state);
typedef int (*CustomOpListFunc)(char*** names, void* state);
typedef int (*CustomOpInferShapeFunc)(int count, int* ndims, int** shapes, void* state);
typedef int (*CustomOpInferStorageTypeFunc)(int count, int* storage_types, void* state);
typedef int (*CustomOpBackwardInferStorageTypeFunc)(int count, int* storage_types, int* tags,
                                                    void* state);
typedef int (*CustomOpInferTypeFunc)(int count, int* types, void* state);
typedef int (*CustomOpBwdDepFunc)(const int* out_grad, const int* in_data, const int* out_data,
                                  int* count, int** dependencies, void* state);
typedef int (*CustomOpCreateFunc)(const char* context, int count, unsigned** shapes,
                                  const int* ndims, const int* dtypes,
                                  struct MXCallbackList* callbacks, void* state);
typedef int (*CustomOpPropCreator)(const char* op_type, const int count, const char** keys,
                                   const char** values, struct MXCallbackList* callbacks);
typedef int (*CustomFunctionBwdFunc)(int num_head_gradients, int num_input_gradients, void** arrays,
                                     const int* requests, const int is_train, void* state);
typedef int (*CustomFunctionDelFunc)(void* state);

// Values of the packed functions (MXNetFuncCall).
typedef union {
  int64_t v_int64;
  double v_float64;
  void* v_handle;
  const char* v_str;
} MXNetValue;

// Tables of TVM operators (MXLoadTVMConfig).
typedef struct OtherOptionEntity {
  int val;
} OtherOptionEntity;
typedef struct OtherOptionSpace {
  OtherOptionEntity* entities;
  int entities_size;
} OtherOptionSpace;
typedef struct ConfigSpace {
  int entity_map_size;
  char** entity_map_key;
  OtherOptionEntity* entity_map_val;
  int space_map_size;
  char** space_map_key;
  OtherOptionSpace* space_map_val;
} ConfigSpace;
typedef struct ConfigSpaces {
  int spaces_size;
  char** spaces_key;
  ConfigSpace* spaces_val;
} ConfigSpaces;

#endif  // GEMEL_C_TYPES_H_
