#include "ops/nn/convolution/parameters.h"

namespace gemel {

namespace {

// The fields that all of them have, for members of a base of P.
template <typename P, typename T>
Field& field(Fields<P>& f, const char* name, T ConvolutionParameters::*member) {
  return f.field(name, static_cast<T P::*>(member));
}

template <typename P>
void declare_window(Fields<P>& f) {
  using B = ConvolutionParameters;
  field(f, "kernel", &B::kernel).doc("Size of the window: (w,), (h, w) or (d, h, w).");
  field(f, "stride", &B::stride)
      .fallback("[]")
      .doc("Step of the window along each axis; 1 when empty.");
  field(f, "dilate", &B::dilate)
      .fallback("[]")
      .doc("Distance between kernel elements; 1 when empty.");
  field(f, "pad", &B::pad)
      .fallback("[]")
      .doc("Zeros around the larger array, on both sides; 0 when empty.");
}

template <typename P>
void declare_filters(Fields<P>& f, std::string workspace, std::string no_bias, bool one_axis) {
  using B = ConvolutionParameters;
  field(f, "num_filter", &B::num_filter)
      .range(1, 2147483647)
      .doc("Number of output channels.")
      .type = "int (non-negative)";
  field(f, "num_group", &B::num_group)
      .fallback("1")
      .range(1, 2147483647)
      .doc("Groups of channels that are convolved apart.")
      .type = "int (non-negative)";
  field(f, "workspace", &B::workspace)
      .fallback(std::move(workspace))
      .doc("Accepted and ignored: scratch memory is planned from the sizes.")
      .type = "long (non-negative)";
  field(f, "no_bias", &B::no_bias).fallback(std::move(no_bias)).doc("Add no bias.");
  f.choice("cudnn_tune", static_cast<CudnnTune P::*>(&B::cudnn_tune),
           {{"None", CudnnTune::none},
            {"fastest", CudnnTune::fastest},
            {"limited_workspace", CudnnTune::limited_workspace},
            {"off", CudnnTune::off}})
      .fallback("None")
      .doc("Accepted and ignored on CPUs.");
  field(f, "cudnn_off", &B::cudnn_off).fallback("0").doc("Accepted and ignored on CPUs.");
  std::vector<std::pair<std::string, Layout>> layouts = {
      {"None", Layout::none}, {"NCDHW", Layout::ncdhw}, {"NCHW", Layout::nchw}};
  if (one_axis) layouts.emplace_back("NCW", Layout::ncw);
  layouts.insert(layouts.end(), {{"NDHWC", Layout::ndhwc}, {"NHWC", Layout::nhwc}});
  f.choice("layout", static_cast<Layout P::*>(&B::layout), layouts)
      .fallback("None")
      .doc("Order of the axes; channels must come second.");
}

}  // namespace

void ConvolutionParameters::declare(Fields<ConvolutionParameters>& f) {
  declare_window(f);
  declare_filters(f, "1024", "0", true);
}

void ConvolutionV1Parameters::declare(Fields<ConvolutionV1Parameters>& f) {
  declare_window(f);
  declare_filters(f, "1024", "0", false);
}

void DeconvolutionParameters::declare(Fields<DeconvolutionParameters>& f) {
  declare_window(f);
  f.field("adj", &DeconvolutionParameters::adj)
      .fallback("[]")
      .doc("Elements added at the end of each output axis, less than the stride; 0 when empty.");
  f.field("target_shape", &DeconvolutionParameters::target_shape)
      .fallback("[]")
      .doc("Spatial shape of the output; pad and adj then follow from it.");
  declare_filters(f, "512", "1", true);
}

void check_layout(Layout layout, int axes, std::string_view who) {
  GEMEL_CHECK(
      layout != Layout::ndhwc && layout != Layout::nhwc && layout != Layout::nwc,
      "[{}] expected a layout with channels second (NCW, NCHW or NCDHW), got channels last; "
      "transpose the data and the weight first",
      who);
  const int expected = layout == Layout::ncw     ? 1
                       : layout == Layout::nchw  ? 2
                       : layout == Layout::ncdhw ? 3
                                                 : axes;
  GEMEL_CHECK(axes == expected, "[{}] expected a kernel of {} axes for this layout, got {}", who,
              expected, axes);
}

Shape per_axis(const Shape& shape, int axes, int64_t value, std::string_view name,
               std::string_view who) {
  if (shape.ndim() <= 0) return Shape::filled(axes, value);
  GEMEL_CHECK(shape.ndim() == axes, "[{}] expected {} of {} axes as the kernel has, got {}", who,
              name, axes, shape);
  return shape;
}

void check_convolution(const ConvolutionParameters& p, std::string_view who) {
  const int axes = p.kernel.ndim();
  GEMEL_CHECK(axes >= 1 && axes <= 3, "[{}] expected a kernel of 1 to 3 axes, got {}", who,
              p.kernel);
  check_layout(p.layout, axes, who);
  const Shape stride = per_axis(p.stride, axes, 1, "stride", who);
  const Shape dilate = per_axis(p.dilate, axes, 1, "dilate", who);
  const Shape pad = per_axis(p.pad, axes, 0, "pad", who);
  for (int i = 0; i < axes; ++i) {
    GEMEL_CHECK(p.kernel[i] > 0, "[{}] expected a positive kernel size, got {}", who, p.kernel);
    GEMEL_CHECK(stride[i] > 0, "[{}] expected a positive stride, got {}", who, stride);
    GEMEL_CHECK(dilate[i] > 0, "[{}] expected a positive dilate, got {}", who, dilate);
    GEMEL_CHECK(pad[i] >= 0, "[{}] expected pad of at least 0, got {}", who, pad);
  }
  GEMEL_CHECK(p.num_filter % p.num_group == 0,
              "[{}] expected num_filter divisible by num_group, got {} and {}", who, p.num_filter,
              p.num_group);
}

int64_t kernel_span(const ConvolutionParameters& p, int axis) {
  return 1 + (p.kernel[axis] - 1) * (p.dilate.ndim() > 0 ? p.dilate[axis] : 1);
}

kernels::ConvolutionGeometry convolution_geometry(const ConvolutionParameters& p, const Shape& data,
                                                  const Shape& out) {
  kernels::ConvolutionGeometry g;
  g.axes = p.kernel.ndim();
  g.batch = data[0];
  g.groups = p.num_group;
  g.in_channels = data[1];
  g.out_channels = out[1];
  for (int i = 0; i < g.axes; ++i) {
    const int a = 3 - g.axes + i;
    g.in[a] = data[i + 2];
    g.out[a] = out[i + 2];
    g.kernel[a] = p.kernel[i];
    g.stride[a] = p.stride.ndim() > 0 ? p.stride[i] : 1;
    g.dilate[a] = p.dilate.ndim() > 0 ? p.dilate[i] : 1;
    g.pad[a] = p.pad.ndim() > 0 ? p.pad[i] : 0;
  }
  return g;
}

}  // namespace gemel
