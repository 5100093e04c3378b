// The storage type that a user may ask of a product's result. Only dense results exist here.
#pragma once
#include <string_view>

#include "op/op_info.h"

namespace gemel {

enum class StorageType { none, csr, dense, row_sparse };

template <typename P>
Field& declare_forward_stype(Fields<P>& f, StorageType P::*member) {
  return f
      .choice("forward_stype", member,
              {{"None", StorageType::none},
               {"csr", StorageType::csr},
               {"default", StorageType::dense},
               {"row_sparse", StorageType::row_sparse}})
      .fallback("None")
      .doc("Storage type of the result; dense results only.");
}

inline void check_forward_stype(StorageType type, std::string_view who) {
  GEMEL_CHECK(type == StorageType::none || type == StorageType::dense,
              "[{}] expected forward_stype 'default', got '{}'; sparse results are not supported",
              who, type == StorageType::csr ? "csr" : "row_sparse");
}

}  // namespace gemel
