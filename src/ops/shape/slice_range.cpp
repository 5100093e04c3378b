#include "ops/shape/slice_range.h"

#include <algorithm>

namespace gemel {

SliceRange resolve_slice(const Shape& shape, const OptionalAxes& begin, const OptionalAxes& end,
                         const OptionalAxes& step, std::string_view who) {
  const int ndim = shape.ndim(), given = static_cast<int>(begin.size());
  GEMEL_CHECK(begin.size() == end.size(),
              "[{}] expected begin and end of one length, got {} and {}", who, begin.size(),
              end.size());
  GEMEL_CHECK(given <= ndim, "[{}] expected ranges for at most {} axes, got {}", who, ndim, given);
  GEMEL_CHECK(step.empty() || step.size() == begin.size(),
              "[{}] expected as many steps as begins, got {} and {}", who, step.size(),
              begin.size());
  SliceRange range{Shape::filled(ndim, 0), Shape::filled(ndim, 1), shape};
  for (int i = 0; i < given; ++i) {
    const int64_t length = shape[i], s = step.empty() ? 1 : step[i].value_or(1);
    GEMEL_CHECK(s != 0, "[{}] expected a step other than 0 along axis {}", who, i);
    range.step[i] = s;
    if (length < 0) {
      range.size[i] = !begin[i] && !end[i] && s == 1 ? length : -1;
      continue;
    }
    const int64_t low = s > 0 ? 0 : -1, high = s > 0 ? length : length - 1;
    const auto place = [&](std::optional<int64_t> at, int64_t otherwise) {
      return at ? std::clamp(*at < 0 ? *at + length : *at, low, high) : otherwise;
    };
    const int64_t first = place(begin[i], s > 0 ? low : high),
                  last = place(end[i], s > 0 ? high : low);
    range.begin[i] = first;
    const int64_t distance = s > 0 ? last - first : first - last, stride = s > 0 ? s : -s;
    range.size[i] = distance > 0 ? (distance + stride - 1) / stride : 0;
  }
  return range;
}

}  // namespace gemel
