// gemel._core: the Python extension over libgemel's C++ classes.
#include "common.h"

NB_MODULE(_core, m) {
  using namespace gemel::python;
  nb::set_leak_warnings(false);  // arrays may live in interpreter-wide caches until exit
  bind_errors(m);
  bind_array(m);
  bind_dlpack(m);
  bind_sparse(m);
  bind_operators(m);
  bind_symbol(m);
  bind_executor(m);
  bind_autograd(m);
  bind_engine(m);
  bind_profiler(m);
  bind_custom(m);
  bind_runtime(m);
  bind_data(m);
  bind_record_io(m);
  bind_kvstore(m);
  bind_image(m);
  bind_cuda(m);
  bind_tune(m);
  bind_mixed_precision(m);
}
