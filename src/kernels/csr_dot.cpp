#include "kernels/csr_dot.h"

#include <cstring>
#include <vector>

#include "kernels/parallel.h"

namespace gemel::kernels {
namespace {

template <typename T>
void add_scaled(compute_type<T>* to, const T* row, T factor, int64_t n) {
  const auto scale = static_cast<compute_type<T>>(factor);
  for (int64_t i = 0; i < n; ++i) to[i] += scale * static_cast<compute_type<T>>(row[i]);
}

}  // namespace

void csr_dot(const Tensor& data, const Tensor& indices, const Tensor& indptr, const Tensor& right,
             bool transpose, const Tensor& out) {
  const int64_t rows = indptr.size() - 1, n = right.shape[1];
  const auto* column = indices.data<const int64_t>();
  const auto* begin = indptr.data<const int64_t>();
  dispatch_floating(out.dtype, "dot", [&]<typename T>(Type<T>) {
    using C = compute_type<T>;
    const T *value = data.data<const T>(), *from = right.data<const T>();
    T* to = out.data<T>();
    if (!transpose) {
      parallel_for(rows, 1 + n * (1 + indices.size() / std::max<int64_t>(rows, 1)), [&](int64_t r) {
        std::vector<C> total(static_cast<size_t>(n), C(0));
        for (int64_t k = begin[r]; k < begin[r + 1]; ++k)
          add_scaled(total.data(), from + column[k] * n, value[k], n);
        for (int64_t i = 0; i < n; ++i)
          to[r * n + i] = static_cast<T>(total[static_cast<size_t>(i)]);
      });
      return;
    }
    std::vector<C> total(static_cast<size_t>(out.size()), C(0));
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t k = begin[r]; k < begin[r + 1]; ++k)
        add_scaled(total.data() + column[k] * n, from + r * n, value[k], n);
    for (int64_t i = 0; i < out.size(); ++i) to[i] = static_cast<T>(total[static_cast<size_t>(i)]);
  });
}

}  // namespace gemel::kernels
