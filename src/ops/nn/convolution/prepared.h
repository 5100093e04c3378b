// Convolution for inference: `_prepared_convolution` takes its weight as
// `_prepare_convolution_weight` left it, and adds a bias and a residual and applies relu as it
// writes. The pass fuse_convolution makes both; neither is part of any API.
//
//   _prepare_convolution_weight(weight) -> what the algorithm wants, as one axis of floats
//   _prepared_convolution(data, weight[, bias][, residual]) -> out
//
// Both have the same parameters: the convolution's (`no_bias` says whether there is a bias), and
// what follows here. Arrays are (batch, channel, height, width)
// or, where `blocked_in` or `blocked_out` say so, blocked (op/blocked_form.h); a residual is laid
// out as the result.
#pragma once
#include <memory>
#include <string_view>

#include "kernels/onednn/convolution.h"
#include "ops/nn/convolution/parameters.h"

namespace gemel {

enum class ConvolutionAlgorithm { winograd, library };

struct PreparedConvolutionParameters : ConvolutionParameters {
  ConvolutionAlgorithm algorithm = ConvolutionAlgorithm::library;
  // Of library; made for the sizes of one call.
  std::shared_ptr<const kernels::onednn::WeightLayout> weight_layout;
  bool rounded = false;   // of library: products of bfloat16
  bool residual = false;  // the last input, of the result's shape, is added to it
  bool relu = false;      // last
  bool blocked_in = false, blocked_out = false;
  int64_t channels = 0;  // of data
  static void declare(Fields<PreparedConvolutionParameters>&) {}
};

// What computes a float32 convolution of these shapes best when its weight is prepared; null where
// preparing gains nothing. `preferred`: an implementation of Convolution; null if it has no such
// form.
std::shared_ptr<const PreparedConvolutionParameters> prepared_convolution(
    const ConvolutionParameters& p, const Shape& data, const Shape& out,
    std::string_view preferred = {});

}  // namespace gemel
