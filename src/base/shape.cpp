#include "base/shape.h"

namespace gemel {

std::string to_string(const Shape& shape) {
  if (shape.ndim() < 0) return "None";
  std::string text = "(";
  for (int i = 0; i < shape.ndim(); ++i) {
    if (i) text += ",";
    text += std::to_string(shape[i]);
  }
  if (shape.ndim() == 1) text += ",";
  return text + ")";
}

bool merge_shape(Shape& target, const Shape& source) {
  if (source.ndim() < 0) return true;
  if (target.ndim() < 0) {
    target = source;
    return true;
  }
  if (target.ndim() != source.ndim()) return false;
  for (int i = 0; i < target.ndim(); ++i) {
    if (target[i] < 0)
      target[i] = source[i];
    else if (source[i] >= 0 && source[i] != target[i])
      return false;
  }
  return true;
}

}  // namespace gemel
