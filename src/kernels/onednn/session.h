// What every oneDNN kernel needs: the CPU engine and a stream. Only for files inside this folder
// that are compiled with the library.
#pragma once
#include <dnnl.hpp>

#include "base/dtype.h"
#include "base/shape.h"

namespace gemel::kernels::onednn {

// Whether the setting `onednn` lets kernels be taken.
bool is_enabled();
// One engine for the process; primitives made with it may run on any thread.
const dnnl::engine& cpu_engine();
// This thread's stream. CPU streams run at once.
dnnl::stream& cpu_stream();

inline dnnl::memory::data_type data_type(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return dnnl::memory::data_type::f32;
    case DType::bfloat16:
      return dnnl::memory::data_type::bf16;
    case DType::float16:
      return dnnl::memory::data_type::f16;
    default:
      fail(ErrorKind::Internal, "oneDNN does not serve {}", name_of(dtype));
  }
}

// A row-major array of these sizes.
inline dnnl::memory::desc plain(const dnnl::memory::dims& sizes, DType dtype) {
  dnnl::memory::dims strides(sizes.size());
  int64_t step = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = step;
    step *= sizes[i];
  }
  return {sizes, data_type(dtype), strides};
}
// The same with the layout left to the library.
inline dnnl::memory::desc any_layout(const dnnl::memory::dims& sizes, DType dtype) {
  return {sizes, data_type(dtype), dnnl::memory::format_tag::any};
}

}  // namespace gemel::kernels::onednn
