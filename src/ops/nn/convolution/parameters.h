// Parameters and sizes of Convolution, shared by its implementations and its gradients.
#pragma once
#include "kernels/conv/geometry.h"
#include "op/op_info.h"

namespace gemel {

enum class CudnnTune { none, fastest, limited_workspace, off };
enum class Layout { none, ncdhw, nchw, ncw, ndhwc, nhwc, nwc };

struct ConvolutionParameters : Parameters {
  Shape kernel, stride, dilate, pad;
  int num_filter, num_group;
  int64_t workspace;
  bool no_bias;
  CudnnTune cudnn_tune;
  bool cudnn_off;
  Layout layout;
  static void declare(Fields<ConvolutionParameters>& f);
};

// Convolution_v1 knows one layout less.
struct ConvolutionV1Parameters : ConvolutionParameters {
  static void declare(Fields<ConvolutionV1Parameters>& f);
};

struct DeconvolutionParameters : ConvolutionParameters {
  Shape adj, target_shape;
  static void declare(Fields<DeconvolutionParameters>& f);
};

// Refuses layouts whose channels come last and those with another number of axes than `axes`.
void check_layout(Layout layout, int axes, std::string_view who);
// `shape` (or `value` for every axis when it is empty), one entry for each of `axes`.
Shape per_axis(const Shape& shape, int axes, int64_t value, std::string_view name,
               std::string_view who);
// Throws unless kernel, stride, dilate, pad and groups make sense together.
void check_convolution(const ConvolutionParameters& p, std::string_view who);

// Elements that a window of the dilated kernel spans along an axis.
int64_t kernel_span(const ConvolutionParameters& p, int axis);

// The sizes for known shapes of data and output.
kernels::ConvolutionGeometry convolution_geometry(const ConvolutionParameters& p, const Shape& data,
                                                  const Shape& out);

// What an implementation asks for the sizes of a call: operators have their arrays in other places.
using ConvolutionGeometryOf = kernels::ConvolutionGeometry (*)(const OpCall&);

}  // namespace gemel
