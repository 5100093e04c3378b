// Special functions that the C++ library lacks or leaves open at the edges, in double.
#pragma once
#include <cmath>
#include <limits>

namespace gemel::simd {

double log_gamma(double x);          // log |gamma(x)|, thread-safe, +inf at the poles
double gamma_function(double x);     // NaN at the negative poles
double digamma_function(double x);   // derivative of log gamma
double trigamma_function(double x);  // derivative of digamma
double inverse_erf(double x);        // NaN outside [-1, 1]

}  // namespace gemel::simd
