// Shape and type contexts, and the rules that many operators share.
#include "op/op_info.h"
#include "op/registry.h"

namespace gemel {
namespace {

std::string input_label(const OpInfo& op, const Parameters& parameters, int i) {
  const std::vector<std::string> names = op.input_names(parameters);
  return i < static_cast<int>(names.size()) ? names[static_cast<size_t>(i)]
                                            : fmt::format("input {}", i);
}

std::string output_label(const OpInfo& op, const Parameters& parameters, int i) {
  const std::vector<std::string> names = op.output_names(parameters);
  return i < static_cast<int>(names.size()) ? names[static_cast<size_t>(i)]
                                            : fmt::format("output {}", i);
}

bool merge_type(DType& target, DType source) {
  if (source == DType::none) return true;
  if (target == DType::none) target = source;
  return target == source;
}

}  // namespace

void ShapeContext::set_in(int i, const Shape& shape) {
  Shape& target = in[static_cast<size_t>(i)];
  if (!merge_shape(target, shape))
    fail(ErrorKind::Input, "[{}] {}: expected shape {}, got {}", op.name(),
         input_label(op, parameters, i), shape, target);
}

void ShapeContext::set_out(int i, const Shape& shape) {
  Shape& target = out[static_cast<size_t>(i)];
  if (!merge_shape(target, shape))
    fail(ErrorKind::Input, "[{}] {}: expected shape {}, got {}", op.name(),
         output_label(op, parameters, i), shape, target);
}

void TypeContext::set_in(int i, DType dtype) {
  DType& target = in[static_cast<size_t>(i)];
  if (!merge_type(target, dtype))
    fail(ErrorKind::Type, "[{}] {}: expected dtype {}, got {}", op.name(),
         input_label(op, parameters, i), name_of(dtype), name_of(target));
}

void TypeContext::set_out(int i, DType dtype) {
  DType& target = out[static_cast<size_t>(i)];
  if (!merge_type(target, dtype))
    fail(ErrorKind::Type, "[{}] {}: expected dtype {}, got {}", op.name(),
         output_label(op, parameters, i), name_of(dtype), name_of(target));
}

void same_shape(ShapeContext& context) {
  // What is known about any of them holds for all; collected first so that errors name the odd one.
  Shape shape = Shape::unknown();
  for (size_t i = 0; i < context.in.size(); ++i) {
    context.set_in(static_cast<int>(i), shape);
    merge_shape(shape, context.in[i]);
  }
  for (size_t i = 0; i < context.out.size(); ++i) {
    context.set_out(static_cast<int>(i), shape);
    merge_shape(shape, context.out[i]);
  }
  for (size_t i = 0; i < context.in.size(); ++i) context.set_in(static_cast<int>(i), shape);
  for (size_t i = 0; i < context.out.size(); ++i) context.set_out(static_cast<int>(i), shape);
}

void same_type(TypeContext& context) {
  DType dtype = DType::none;
  for (size_t i = 0; i < context.in.size(); ++i) {
    context.set_in(static_cast<int>(i), dtype);
    if (dtype == DType::none) dtype = context.in[i];
  }
  for (size_t i = 0; i < context.out.size(); ++i) {
    context.set_out(static_cast<int>(i), dtype);
    if (dtype == DType::none) dtype = context.out[i];
  }
  for (size_t i = 0; i < context.in.size(); ++i) context.set_in(static_cast<int>(i), dtype);
  for (size_t i = 0; i < context.out.size(); ++i) context.set_out(static_cast<int>(i), dtype);
}

Shape broadcast_shape(const Shape& a, const Shape& b, std::string_view who) {
  if (a.ndim() < 0 || b.ndim() < 0) return Shape::unknown();
  const int ndim = std::max(a.ndim(), b.ndim());
  Shape result = Shape::filled(ndim, 1);
  for (int i = 0; i < ndim; ++i) {
    const int from_a = i - (ndim - a.ndim()), from_b = i - (ndim - b.ndim());
    const int64_t x = from_a < 0 ? 1 : a[from_a], y = from_b < 0 ? 1 : b[from_b];
    if (x == y || y == 1)
      result[i] = x;
    else if (x == 1)
      result[i] = y;
    else if (x < 0 || y < 0)
      result[i] = x < 0 ? y : x;  // the known one is not 1, so it decides
    else
      fail(ErrorKind::Input,
           "[{}] expected shapes that broadcast together (equal axes, or 1), got {} and {}", who, a,
           b);
  }
  return result;
}

}  // namespace gemel
