// The sets of element types that parameters offer, spelled and ordered as in 1.9.1's signatures
// (which know int16, uint16, uint32 and uint64 in files only).
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/dtype.h"

namespace gemel {

enum class DTypeSet {
  with_bool,         // all: bfloat16 bool and classic
  numbers,           // the same without bool
  classic,           // float16 float32 float64 and the integers
  sampled,           // None float16 float32 float64
  sampled_integers,  // None int32 int64
  index_results,     // float16 float32 float64 int32 int64 uint8
};

inline std::vector<std::pair<std::string, DType>> dtype_choices(DTypeSet set) {
  using enum DType;
  std::vector<std::pair<std::string, DType>> all;
  switch (set) {
    case DTypeSet::with_bool:
    case DTypeSet::numbers:
      all.emplace_back("bfloat16", bfloat16);
      if (set == DTypeSet::with_bool) all.emplace_back("bool", boolean);
      [[fallthrough]];
    case DTypeSet::classic:
      all.insert(all.end(), {{"float16", float16},
                             {"float32", float32},
                             {"float64", float64},
                             {"int16", int16},
                             {"int32", int32},
                             {"int64", int64},
                             {"int8", int8},
                             {"uint16", uint16},
                             {"uint32", uint32},
                             {"uint64", uint64},
                             {"uint8", uint8}});
      break;
    case DTypeSet::sampled:
      all = {{"None", none}, {"float16", float16}, {"float32", float32}, {"float64", float64}};
      break;
    case DTypeSet::sampled_integers:
      all = {{"None", none}, {"int32", int32}, {"int64", int64}};
      break;
    case DTypeSet::index_results:
      all = {{"float16", float16}, {"float32", float32}, {"float64", float64},
             {"int32", int32},     {"int64", int64},     {"uint8", uint8}};
      break;
  }
  return all;
}

}  // namespace gemel
