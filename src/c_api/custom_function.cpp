// Functions of the user with a gradient of their own (autograd.Function), by callbacks.
#include "c_api/callbacks.h"
#include "c_api/objects.h"
#include "runtime/autograd.h"
#include "runtime/invoke.h"

namespace gemel::c_api {
namespace {

struct Signature {
  Shape shape;
  DType dtype;
  Device device;
};

// What the caller registered; told when nobody needs it any more.
class UserFunction {
 public:
  UserFunction(const MXCallbackList& list, std::span<const NDArray> in,
               std::span<const NDArray> out) {
    GEMEL_CHECK(list.num_callbacks > kCustomFunctionDelete, "[{}] expected 2 callbacks, got {}",
                current_function, list.num_callbacks);
    backward_ = callback_at<CustomFunctionBwdFunc>(list, kCustomFunctionBackward);
    state_ = callback_state(list, kCustomFunctionBackward);
    delete_ = callback_at<CustomFunctionDelFunc>(list, kCustomFunctionDelete);
    delete_state_ = callback_state(list, kCustomFunctionDelete);
    for (const NDArray& array : in)
      inputs_.push_back({array.shape(), array.dtype(), array.device()});
    for (const NDArray& array : out)
      outputs_.push_back({array.shape(), array.dtype(), array.device()});
  }
  UserFunction(const UserFunction&) = delete;
  ~UserFunction() {
    if (delete_ && !callers_are_gone) delete_(delete_state_);
  }

  // Every array gets a handle, which the callback owns.
  void run(std::span<const NDArray> heads, std::span<NDArray> gradients) const {
    std::vector<void*> arrays;
    for (size_t i = 0; i < heads.size(); ++i)
      arrays.push_back(new_handle(heads[i] ? heads[i] : zeros(outputs_[i])));
    std::vector<int> requests;
    for (size_t i = 0; i < gradients.size(); ++i) {
      if (!gradients[i])
        gradients[i] = NDArray(inputs_[i].shape, inputs_[i].dtype, inputs_[i].device);
      arrays.push_back(new_handle(gradients[i]));
      requests.push_back(static_cast<int>(GradRequest::write));
    }
    const int succeeded =
        backward_(static_cast<int>(heads.size()), static_cast<int>(gradients.size()), arrays.data(),
                  requests.data(), runtime::is_training(), state_);
    GEMEL_CHECK(succeeded, "[backward] the gradient of a user's function failed");
  }

 private:
  static NDArray zeros(const Signature& signature) {
    const Attributes attributes = {{"shape", to_string(signature.shape)},
                                   {"dtype", std::string(gemel::name_of(signature.dtype))}};
    return runtime::invoke("_zeros", {}, attributes, signature.device)[0];
  }

  CustomFunctionBwdFunc backward_;
  CustomFunctionDelFunc delete_;
  void *state_, *delete_state_;
  std::vector<Signature> inputs_, outputs_;
};

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXCustomFunctionRecord(int num_inputs, NDArrayHandle* inputs, int num_outputs,
                           NDArrayHandle* outputs, struct MXCallbackList* callbacks) {
  return call(__func__, [&] {
    const std::vector<NDArray> in = arrays_of(inputs, num_inputs, "the inputs");
    std::vector<NDArray> out = arrays_of(outputs, num_outputs, "the outputs");
    const auto function =
        std::make_shared<UserFunction>(*given(callbacks, "the callbacks"), in, out);
    if (!runtime::needs_record(in)) return;
    runtime::record_function(
        "CustomFunction", in, out,
        [function](std::span<const NDArray> heads, std::span<NDArray> gradients,
                   const std::vector<bool>&, bool) { function->run(heads, gradients); });
    for (size_t i = 0; i < out.size(); ++i) array_of(outputs[i]).set_history(out[i].history());
  });
}
