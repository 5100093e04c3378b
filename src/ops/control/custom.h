// Operators that a user writes in another language: `Custom`.
//
// Each host language offers a factory of kinds; a kind tells names, shapes and types, and makes
// one object for each binding of a node. The object's forward and backward run on a thread of their
// own, never on an engine worker, so they may push and wait.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "array/ndarray.h"
#include "op/op_info.h"

namespace gemel::control {

class GEMEL_EXPORT CustomObject {
 public:
  virtual ~CustomObject();
  // `states` may be written. Everything is computed when these return.
  virtual void forward(bool training, const std::vector<NDArray>& in,
                       const std::vector<NDArray>& out, const std::vector<NDArray>& states) = 0;
  virtual void backward(const std::vector<NDArray>& out_gradients, const std::vector<NDArray>& in,
                        const std::vector<NDArray>& out, const std::vector<NDArray>& in_gradients,
                        const std::vector<NDArray>& states) = 0;
};

class GEMEL_EXPORT CustomKind {
 public:
  virtual ~CustomKind();
  std::vector<std::string> arguments, outputs, states;
  bool needs_head_gradient = true;
  // Fills what follows from the shapes of the inputs, all of them known.
  virtual void infer_shapes(std::vector<Shape>& in, std::vector<Shape>& out,
                            std::vector<Shape>& states) = 0;
  virtual void infer_types(std::vector<DType>& in, std::vector<DType>& out,
                           std::vector<DType>& states) = 0;
  virtual std::shared_ptr<CustomObject> create(Device device, const std::vector<Shape>& in,
                                               const std::vector<DType>& dtypes) = 0;
};

// Makes the kind of `op_type` with the other attributes of the node; null when this host has none
// of that name.
using CustomFactory = std::shared_ptr<CustomKind> (*)(const std::string& op_type,
                                                      const Attributes& attributes);
// Hosts live side by side (the package, callers of the C ABI): the one that came last is asked
// first. Adding a factory again does nothing.
GEMEL_EXPORT void add_custom_factory(CustomFactory factory);

}  // namespace gemel::control
