// A prepared oneDNN primitive together with the arrays it works on. Arrays whose layout the library
// wants otherwise pass through scratch memory. Safe to run from several threads at once.
#pragma once
#include <optional>
#include <vector>

#include "kernels/onednn/session.h"
#include "op/op_info.h"

namespace gemel::kernels::onednn {

class PreparedPrimitive : public Prepared {
 public:
  // `primitive` was made from `descriptor`, with the scratchpad left to the user.
  PreparedPrimitive(const dnnl::primitive_desc_base& descriptor, dnnl::primitive primitive);

  // Argument `arg` of the primitive is input (or output) `index` of the call, laid out as `user`;
  // the primitive wants it as `wanted`.
  void input(int arg, int index, const dnnl::memory::desc& user, const dnnl::memory::desc& wanted);
  void output(int arg, int index, const dnnl::memory::desc& user, const dnnl::memory::desc& wanted);

  // Output 0, which is there by now, begins with what input `index` holds, laid out as the caller
  // has it, and the primitive adds to it.
  void add_to(int index);

  int64_t workspace() const { return bytes_; }
  bool is_reference() const { return reference_; }  // the library has no fast code for it
  void run(const OpCall& call) const;

 private:
  struct Slot {
    int arg, index;
    bool is_input;
    dnnl::memory::desc user, wanted;
    std::optional<dnnl::reorder> reorder;
    int64_t offset;                 // in the workspace, of the array as wanted
    dnnl::memory::desc scratchpad;  // of the reorder
    int64_t scratchpad_offset;
  };
  void add(int arg, int index, bool is_input, const dnnl::memory::desc& user,
           const dnnl::memory::desc& wanted);
  int64_t reserve(const dnnl::memory::desc& desc);

  dnnl::primitive primitive_;
  bool reference_;
  dnnl::memory::desc scratchpad_;
  int64_t bytes_ = 0;  // before the offset, which counts it up
  int64_t scratchpad_offset_;
  std::vector<Slot> slots_;
  int added_ = -1;  // input that the output begins with
  std::optional<dnnl::reorder> added_reorder_;
};

bool is_reference(const dnnl::primitive_desc_base& descriptor);

// Attributes under which a primitive takes its scratchpad from the caller.
dnnl::primitive_attr user_scratchpad();

}  // namespace gemel::kernels::onednn
