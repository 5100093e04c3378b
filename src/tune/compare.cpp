#include "tune/compare.h"

#include <algorithm>

namespace gemel::tune {
namespace {

// What has to be gained before another choice than the default is worth making.
constexpr double worthwhile = 0.98;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

Comparison compare(Trial& first, Trial& second, const Patience& patience) {
  std::vector<double> a, b;
  double spent = 0;
  int wins = 0;
  for (int pair = 0; pair < patience.most && (pair < patience.least || spent < patience.seconds);
       ++pair) {
    // Who begins changes: what a run leaves in the caches helps neither side more often.
    if (pair % 2) b.push_back(second.run());
    a.push_back(first.run());
    if (pair % 2 == 0) b.push_back(second.run());
    spent += a.back() + b.back();
    wins += b.back() < a.back();
    if (pair >= 1 && *std::min_element(b.begin(), b.end()) > 1.5 * median(a)) break;  // hopeless
  }
  Comparison result{median(a), median(b), false};
  const double least_a = *std::min_element(a.begin(), a.end());
  const double least_b = *std::min_element(b.begin(), b.end());
  result.second_is_faster = result.second < worthwhile * result.first &&
                            least_b < worthwhile * least_a &&
                            4 * wins >= 3 * static_cast<int>(a.size());
  return result;
}

}  // namespace gemel::tune
