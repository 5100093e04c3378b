// The storage type that a user may ask of a product's result. Only dense results exist here.
#pragma once
#include <string_view>

#include "array/sparse.h"
#include "op/op_info.h"

namespace gemel {

template <typename P>
Field& declare_forward_stype(Fields<P>& f, StorageType P::*member) {
  return f
      .choice("forward_stype", member,
              {{"None", StorageType::undefined},
               {"csr", StorageType::csr},
               {"default", StorageType::dense},
               {"row_sparse", StorageType::row_sparse}})
      .fallback("None")
      .doc("Storage type of the result; dense results only.");
}

inline void check_forward_stype(StorageType type, std::string_view who) {
  GEMEL_CHECK(type == StorageType::undefined || type == StorageType::dense,
              "[{}] expected forward_stype 'default', got '{}'; sparse results are not supported",
              who, type == StorageType::csr ? "csr" : "row_sparse");
}

}  // namespace gemel
