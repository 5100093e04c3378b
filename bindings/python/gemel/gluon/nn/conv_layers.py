"""Convolutions and poolings in one, two and three dimensions."""
from ..block import HybridBlock
from .activations import Activation

__all__ = ["Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose",
           "MaxPool1D", "MaxPool2D", "MaxPool3D", "AvgPool1D", "AvgPool2D", "AvgPool3D",
           "GlobalMaxPool1D", "GlobalMaxPool2D", "GlobalMaxPool3D", "GlobalAvgPool1D",
           "GlobalAvgPool2D", "GlobalAvgPool3D", "ReflectionPad2D"]


def _tuple(value, count):
    return (value,) * count if isinstance(value, int) else tuple(value)


def _sizes(value, count, what):
    value = _tuple(value, count)
    assert len(value) == count, f"{what} must be a number or a list of {count} ints"
    return value


def _layouts(count):
    space = "DHW"[3 - count:]
    return f"NC{space}", f"N{space}C"


def _check_conv_layout(layout, count):
    # Over one axis, 1.9.1 has channels second only.
    allowed = _layouts(count)[:1 if count == 1 else 2]
    names = " and ".join(f"'{one}'" for one in allowed)
    assert layout in allowed, f"Only supports {names} layout for now"


class _Conv(HybridBlock):
    """The base of convolutions.

    Parameters
    ----------
    channels : int
        Channels of the output.
    kernel_size, strides, padding, dilation : int or tuple of int
    groups : int
    layout : str
        "N", "C" and the axes of the image in the order of the data.
    in_channels : int
        0 to find out at the first call.
    activation : str, optional
    use_bias : bool
    weight_initializer, bias_initializer : Initializer or str
    """

    def __init__(self, channels, kernel_size, strides, padding, dilation, groups, layout,
                 in_channels=0, activation=None, use_bias=True, weight_initializer=None,
                 bias_initializer="zeros", op_name="Convolution", adj=None, prefix=None,
                 params=None):
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            self._channels = channels
            self._in_channels = in_channels
            count = len(kernel_size)
            self._op_name = op_name
            self._kwargs = {"kernel": kernel_size, "stride": _tuple(strides, count),
                            "dilate": _tuple(dilation, count), "pad": _tuple(padding, count),
                            "num_filter": channels, "num_group": groups, "no_bias": not use_bias,
                            "layout": layout}
            if adj is not None:
                self._kwargs["adj"] = adj
            if op_name == "Convolution":
                outer, inner = channels, in_channels // groups
            else:
                outer, inner = in_channels, channels // groups
            sizes = {"N": outer, "C": inner}
            sizes.update(zip("DHW"[3 - count:], kernel_size))
            self.weight = self.params.get("weight", shape=tuple(sizes[axis] for axis in layout),
                                          init=weight_initializer, allow_deferred_init=True)
            if use_bias:
                self.bias = self.params.get("bias", shape=(channels,), init=bias_initializer,
                                            allow_deferred_init=True)
            else:
                self.bias = None
            if activation is not None:
                self.act = Activation(activation, prefix=activation + "_")
            else:
                self.act = None

    def hybrid_forward(self, F, x, weight, bias=None):
        operator = getattr(F, self._op_name)
        if bias is None:
            out = operator(x, weight, name="fwd", **self._kwargs)
        else:
            out = operator(x, weight, bias, name="fwd", **self._kwargs)
        return out if self.act is None else self.act(out)

    def _alias(self):
        return "conv"

    def __repr__(self):
        shape, options = self.weight.shape, self._kwargs
        count = len(options["kernel"])
        text = f"{self.__class__.__name__}({shape[1] if shape[1] else None} -> {shape[0]}, " \
               f"kernel_size={options['kernel']}, stride={options['stride']}"
        if options["pad"] != (0,) * count:
            text += f", padding={options['pad']}"
        if options["dilate"] != (1,) * count:
            text += f", dilation={options['dilate']}"
        if options["num_group"] != 1:
            text += f", groups={options['num_group']}"
        if self.bias is None:
            text += ", bias=False"
        if self.act:
            text += f", {self.act}"
        return text + ")"


def _make_conv(count, layout):
    ones, zeros = (1,) * count if count > 1 else 1, (0,) * count if count > 1 else 0

    class Conv(_Conv):
        def __init__(self, channels, kernel_size, strides=ones, padding=zeros, dilation=ones,
                     groups=1, layout=layout, activation=None, use_bias=True,
                     weight_initializer=None, bias_initializer="zeros", in_channels=0, **kwargs):
            _check_conv_layout(layout, count)
            kernel_size = _sizes(kernel_size, count, "kernel_size")
            super().__init__(channels, kernel_size, strides, padding, dilation, groups, layout,
                             in_channels, activation, use_bias, weight_initializer,
                             bias_initializer, **kwargs)

    return _named(Conv, f"Conv{count}D", f"A convolution over {count} axes; see `_Conv`.")


def _make_conv_transpose(count, layout):
    ones, zeros = (1,) * count if count > 1 else 1, (0,) * count if count > 1 else 0

    class ConvTranspose(_Conv):
        def __init__(self, channels, kernel_size, strides=ones, padding=zeros,
                     output_padding=zeros, dilation=ones, groups=1, layout=layout,
                     activation=None, use_bias=True, weight_initializer=None,
                     bias_initializer="zeros", in_channels=0, **kwargs):
            _check_conv_layout(layout, count)
            kernel_size = _sizes(kernel_size, count, "kernel_size")
            super().__init__(channels, kernel_size, strides, padding, dilation, groups, layout,
                             in_channels, activation, use_bias, weight_initializer,
                             bias_initializer, op_name="Deconvolution",
                             adj=_tuple(output_padding, count), **kwargs)
            self.outpad = _tuple(output_padding, count)

    return _named(ConvTranspose, f"Conv{count}DTranspose",
                  f"A transposed convolution over {count} axes; see `_Conv`.")


def _named(klass, name, doc):
    klass.__name__ = klass.__qualname__ = name
    klass.__doc__ = doc
    klass.__module__ = __name__
    return klass


Conv1D = _make_conv(1, "NCW")
Conv2D = _make_conv(2, "NCHW")
Conv3D = _make_conv(3, "NCDHW")
Conv1DTranspose = _make_conv_transpose(1, "NCW")
Conv2DTranspose = _make_conv_transpose(2, "NCHW")
Conv3DTranspose = _make_conv_transpose(3, "NCDHW")


class ReflectionPad2D(HybridBlock):
    """Pads images (N, C, H, W) with their reflection at each edge.

    Parameters
    ----------
    padding : int or tuple of int
        One width for all edges, or eight numbers as of the operator `pad`.
    """

    def __init__(self, padding=0, **kwargs):
        super().__init__(**kwargs)
        if isinstance(padding, int):
            padding = (0, 0, 0, 0, padding, padding, padding, padding)
        assert len(padding) == 8
        self._padding = padding

    def hybrid_forward(self, F, x):
        return F.pad(x, mode="reflect", pad_width=self._padding)


class _Pooling(HybridBlock):
    """The base of poolings.

    Parameters
    ----------
    pool_size, strides, padding : int or tuple of int
        `strides` is `pool_size` where it is None.
    ceil_mode : bool
        Round the output size up.
    layout : str
    count_include_pad : bool
        Whether the padding counts in an average.
    """

    def __init__(self, pool_size, strides, padding, ceil_mode, global_pool, pool_type, layout,
                 count_include_pad=None, **kwargs):
        super().__init__(**kwargs)
        count = len(pool_size)
        allowed = _layouts(count)
        assert layout in allowed, \
            f"Only {allowed[0]} and {allowed[1]} layouts are valid for {count}D Pooling"
        strides = pool_size if strides is None else strides
        self._kwargs = {"kernel": pool_size, "stride": _tuple(strides, count),
                        "pad": _tuple(padding, count), "global_pool": global_pool,
                        "pool_type": pool_type, "layout": layout,
                        "pooling_convention": "full" if ceil_mode else "valid"}
        if count_include_pad is not None:
            self._kwargs["count_include_pad"] = count_include_pad

    def _alias(self):
        return "pool"

    def hybrid_forward(self, F, x):
        return F.Pooling(x, name="fwd", **self._kwargs)

    def __repr__(self):
        options = self._kwargs
        return f"{self.__class__.__name__}(size={options['kernel']}, " \
               f"stride={options['stride']}, padding={options['pad']}, " \
               f"ceil_mode={options['pooling_convention'] == 'full'}, " \
               f"global_pool={options['global_pool']}, pool_type={options['pool_type']}, " \
               f"layout={options['layout']})"


def _make_max_pool(count, layout):
    size, own = (2,) * count if count > 1 else 2, layout

    # In three dimensions 1.9.1 has the two last parameters the other way round.
    if count < 3:
        class MaxPool(_Pooling):
            def __init__(self, pool_size=size, strides=None, padding=0, layout=own,
                         ceil_mode=False, **kwargs):
                super().__init__(_sizes(pool_size, count, "pool_size"), strides, padding, ceil_mode, False,
                                 "max", layout, **kwargs)
    else:
        class MaxPool(_Pooling):
            def __init__(self, pool_size=size, strides=None, padding=0, ceil_mode=False,
                         layout=own, **kwargs):
                super().__init__(_sizes(pool_size, count, "pool_size"), strides, padding, ceil_mode, False,
                                 "max", layout, **kwargs)

    return _named(MaxPool, f"MaxPool{count}D", f"The maximum over windows of {count} axes.")


def _make_average_pool(count, layout):
    size, own = (2,) * count if count > 1 else 2, layout

    if count == 1:
        class AvgPool(_Pooling):
            def __init__(self, pool_size=size, strides=None, padding=0, layout=own,
                         ceil_mode=False, count_include_pad=True, **kwargs):
                super().__init__(_sizes(pool_size, count, "pool_size"), strides, padding, ceil_mode, False,
                                 "avg", layout, count_include_pad, **kwargs)
    else:
        class AvgPool(_Pooling):
            def __init__(self, pool_size=size, strides=None, padding=0, ceil_mode=False,
                         layout=own, count_include_pad=True, **kwargs):
                super().__init__(_sizes(pool_size, count, "pool_size"), strides, padding, ceil_mode, False,
                                 "avg", layout, count_include_pad, **kwargs)

    return _named(AvgPool, f"AvgPool{count}D", f"The mean over windows of {count} axes.")


def _make_global_pool(count, layout, kind):
    class GlobalPool(_Pooling):
        def __init__(self, layout=layout, **kwargs):
            super().__init__((1,) * count, None, 0, True, True, kind, layout, **kwargs)

    return _named(GlobalPool, f"Global{kind.capitalize()}Pool{count}D",
                  f"The {'maximum' if kind == 'max' else 'mean'} over all of {count} axes.")


MaxPool1D = _make_max_pool(1, "NCW")
MaxPool2D = _make_max_pool(2, "NCHW")
MaxPool3D = _make_max_pool(3, "NCDHW")
AvgPool1D = _make_average_pool(1, "NCW")
AvgPool2D = _make_average_pool(2, "NCHW")
AvgPool3D = _make_average_pool(3, "NCDHW")
GlobalMaxPool1D = _make_global_pool(1, "NCW", "max")
GlobalMaxPool2D = _make_global_pool(2, "NCHW", "max")
GlobalMaxPool3D = _make_global_pool(3, "NCDHW", "max")
GlobalAvgPool1D = _make_global_pool(1, "NCW", "avg")
GlobalAvgPool2D = _make_global_pool(2, "NCHW", "avg")
GlobalAvgPool3D = _make_global_pool(3, "NCDHW", "avg")
