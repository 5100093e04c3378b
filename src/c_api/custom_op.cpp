// Operators of the user, by callbacks (MXCustomOpRegister).
#include "ops/control/custom.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "c_api/callbacks.h"
#include "c_api/objects.h"
#include "runtime/autograd.h"

namespace gemel::c_api {
namespace {

// What each array of a forward or backward call is.
enum ArrayTag { tag_in_data, tag_out_data, tag_in_gradient, tag_out_gradient, tag_state };

// Callbacks of one object of the user, told when the object is no longer needed.
class UserCallbacks {
 public:
  UserCallbacks(std::string op_type, const MXCallbackList& list, int delete_place)
      : op_type_(std::move(op_type)),
        functions_(list.callbacks, list.callbacks + list.num_callbacks),
        states_(list.contexts, list.contexts + list.num_callbacks),
        delete_place_(delete_place) {}
  UserCallbacks(const UserCallbacks&) = delete;
  ~UserCallbacks() {
    const auto function = find<CustomOpDelFunc>(delete_place_);
    if (function && !callers_are_gone) function(states_[static_cast<size_t>(delete_place_)]);
  }

  // Calls the function in a place; an error when there is none or it fails.
  template <typename Function, typename... Arguments>
  void run(int place, const char* what, Arguments... arguments) const {
    const auto function = find<Function>(place);
    GEMEL_CHECK(function, "[Custom] the operator '{}' has no {}", op_type_, what);
    GEMEL_CHECK(function(arguments..., states_[static_cast<size_t>(place)]),
                "[Custom] {} of the operator '{}' failed", what, op_type_);
  }

  const std::string& op_type() const { return op_type_; }

 private:
  template <typename Function>
  Function find(int place) const {
    if (place < 0 || static_cast<size_t>(place) >= functions_.size()) return nullptr;
    return reinterpret_cast<Function>(
        reinterpret_cast<void*>(functions_[static_cast<size_t>(place)]));
  }
  std::string op_type_;
  std::vector<int (*)(void)> functions_;
  std::vector<void*> states_;
  int delete_place_;
};

// The arrays of one call: every one gets a handle, which the callee owns.
struct CallArrays {
  std::vector<NDArray> kept;
  std::vector<void*> handles;
  std::vector<int> tags;

  void add(const std::vector<NDArray>& arrays, ArrayTag tag) {
    for (const NDArray& array : arrays) {
      kept.push_back(array);
      handles.push_back(new_handle(array));
      tags.push_back(tag);
    }
  }
};

// No recording on this thread while it lives.
class RecordingPause {
 public:
  explicit RecordingPause(bool training)
      : recording_(runtime::set_recording(false)), training_(runtime::set_training(training)) {}
  RecordingPause(const RecordingPause&) = delete;
  ~RecordingPause() {
    runtime::set_recording(recording_);
    runtime::set_training(training_);
  }

 private:
  bool recording_, training_;
};

class CallbackObject : public control::CustomObject {
 public:
  CallbackObject(const std::string& op_type, const MXCallbackList& list)
      : callbacks_(op_type, list, kCustomOpDelete) {}

  void forward(bool training, const std::vector<NDArray>& in, const std::vector<NDArray>& out,
               const std::vector<NDArray>& states) override {
    CallArrays arrays;
    arrays.add(in, tag_in_data);
    arrays.add(out, tag_out_data);
    arrays.add(states, tag_state);
    run(kCustomOpForward, "forward", arrays, out, training);
  }
  void backward(const std::vector<NDArray>& out_gradients, const std::vector<NDArray>& in,
                const std::vector<NDArray>& out, const std::vector<NDArray>& in_gradients,
                const std::vector<NDArray>& states) override {
    CallArrays arrays;
    arrays.add(out_gradients, tag_out_gradient);
    arrays.add(in, tag_in_data);
    arrays.add(out, tag_out_data);
    arrays.add(in_gradients, tag_in_gradient);
    arrays.add(states, tag_state);
    run(kCustomOpBackward, "backward", arrays, in_gradients, true);
  }

 private:
  // What the callback pushes is part of the work, and not recorded.
  void run(int place, const char* what, CallArrays& arrays, const std::vector<NDArray>& written,
           bool training) const {
    const std::vector<int> requests(written.size(), static_cast<int>(GradRequest::write));
    const RecordingPause pause(training);
    callbacks_.run<CustomOpFBFunc>(place, what, static_cast<int>(arrays.handles.size()),
                                   arrays.handles.data(), arrays.tags.data(), requests.data(),
                                   static_cast<int>(training));
    for (const NDArray& array : arrays.kept) array.wait_to_write();
  }
  UserCallbacks callbacks_;
};

class CallbackKind : public control::CustomKind {
 public:
  CallbackKind(const std::string& op_type, const MXCallbackList& list)
      : callbacks_(op_type, list, kCustomOpPropDelete) {
    arguments = names(kCustomOpPropListArguments, "list of arguments");
    outputs = names(kCustomOpPropListOutputs, "list of outputs");
    states = names(kCustomOpPropListAuxiliaryStates, "list of states");
    needs_head_gradient = reads_head_gradients();
  }

  void infer_shapes(std::vector<Shape>& in, std::vector<Shape>& out,
                    std::vector<Shape>& state_shapes) override {
    if (!in.empty() && !in[0].known()) return;  // too little is known
    std::vector<std::vector<int>> axes(total());
    std::vector<int> ndims(total(), 0);
    std::vector<int*> addresses(total(), nullptr);
    for (size_t i = 0; i < in.size(); ++i) {
      for (const int64_t size : in[i])
        axes[i].push_back(static_cast<int>(std::max<int64_t>(size, 0)));
      ndims[i] = std::max(in[i].ndim(), 0);
      addresses[i] = axes[i].data();
    }
    callbacks_.run<CustomOpInferShapeFunc>(kCustomOpPropInferShape, "shape inference",
                                           static_cast<int>(total()), ndims.data(),
                                           addresses.data());
    in.resize(arguments.size());
    out.resize(outputs.size());
    state_shapes.resize(states.size());
    size_t next = 0;
    for (auto* part : {&in, &out, &state_shapes})
      for (Shape& shape : *part) {
        GEMEL_CHECK(ndims[next] >= 0 && (ndims[next] == 0 || addresses[next]),
                    "[Custom] shape inference of the operator '{}' left shape {} out",
                    callbacks_.op_type(), next);
        shape = c_api::shape_of(addresses[next], ndims[next]);
        ++next;
      }
  }
  void infer_types(std::vector<DType>& in, std::vector<DType>& out,
                   std::vector<DType>& state_types) override {
    if (!in.empty() && in[0] == DType::none) return;  // too little is known
    std::vector<int> types(total(), -1);
    for (size_t i = 0; i < in.size(); ++i)
      types[i] = static_cast<int>(in[i] == DType::none ? in[0] : in[i]);
    callbacks_.run<CustomOpInferTypeFunc>(kCustomOpPropInferType, "type inference",
                                          static_cast<int>(total()), types.data());
    in.resize(arguments.size());
    out.resize(outputs.size());
    state_types.resize(states.size());
    size_t next = 0;
    for (auto* part : {&in, &out, &state_types})
      for (DType& type : *part) type = c_api::dtype_of(types[next++]);
  }
  std::shared_ptr<control::CustomObject> create(Device device, const std::vector<Shape>& in,
                                                const std::vector<DType>& dtypes) override {
    std::vector<std::vector<unsigned>> axes;
    std::vector<unsigned*> addresses;
    std::vector<int> ndims, types;
    for (size_t i = 0; i < in.size(); ++i) {
      axes.emplace_back(in[i].begin(), in[i].end());
      ndims.push_back(in[i].ndim());
      types.push_back(static_cast<int>(dtypes[i]));
    }
    for (auto& list : axes) addresses.push_back(list.data());
    MXCallbackList list = {};
    callbacks_.run<CustomOpCreateFunc>(kCustomOpPropCreateOperator, "creation",
                                       to_string(device).c_str(), static_cast<int>(in.size()),
                                       addresses.data(), ndims.data(), types.data(), &list);
    return std::make_shared<CallbackObject>(callbacks_.op_type(), list);
  }

 private:
  size_t total() const { return arguments.size() + outputs.size() + states.size(); }

  std::vector<std::string> names(int place, const char* what) const {
    char** list = nullptr;
    callbacks_.run<CustomOpListFunc>(place, what, &list);
    std::vector<std::string> result;
    for (; list && *list; ++list) result.emplace_back(*list);
    return result;
  }

  // The entries of the backward pass are numbered: head gradients, inputs, outputs.
  bool reads_head_gradients() const {
    std::vector<int> heads, in, out;
    int number = 0;
    for (size_t i = 0; i < outputs.size(); ++i) heads.push_back(number++);
    for (size_t i = 0; i < arguments.size(); ++i) in.push_back(number++);
    for (size_t i = 0; i < outputs.size(); ++i) out.push_back(number++);
    int count = 0;
    int* needed = nullptr;
    callbacks_.run<CustomOpBwdDepFunc>(
        kCustomOpPropDeclareBackwardDependency, "declaration of dependencies",
        static_cast<const int*>(heads.data()), static_cast<const int*>(in.data()),
        static_cast<const int*>(out.data()), &count, &needed);
    return std::any_of(needed, needed + count,
                       [&](int entry) { return entry < static_cast<int>(heads.size()); });
  }

  UserCallbacks callbacks_;
};

struct CustomOperators {
  std::mutex mutex;
  std::map<std::string, CustomOpPropCreator> creators;
};

CustomOperators& custom_operators() {
  static auto& instance = *new CustomOperators;
  return instance;
}

std::shared_ptr<control::CustomKind> make_callback_kind(const std::string& op_type,
                                                        const Attributes& attributes) {
  CustomOpPropCreator creator = nullptr;
  {
    CustomOperators& operators = custom_operators();
    std::lock_guard lock(operators.mutex);
    const auto found = operators.creators.find(op_type);
    if (found == operators.creators.end()) return nullptr;
    creator = found->second;
  }
  std::vector<const char*> keys, values;
  for (const auto& [key, value] : attributes) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  MXCallbackList list = {};
  GEMEL_CHECK(
      creator(op_type.c_str(), static_cast<int>(keys.size()), keys.data(), values.data(), &list),
      "[Custom] the operator '{}' cannot be made from these parameters", op_type);
  return std::make_shared<CallbackKind>(op_type, list);
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXCustomOpRegister(const char* op_type, CustomOpPropCreator creator) {
  return call(__func__, [&] {
    const std::string name = text_of(op_type, "the operator's type");
    given(creator, "the creator");
    CustomOperators& operators = custom_operators();
    std::lock_guard lock(operators.mutex);
    operators.creators[name] = creator;
    control::add_custom_factory(&make_callback_kind);
  });
}
