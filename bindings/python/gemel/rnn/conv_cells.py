"""Recurrent cells for symbols whose products are convolutions over images (Shi et al., 2015)."""
import functools

from .. import symbol
from .cells import BaseRNNCell

__all__ = ["BaseConvRNNCell", "ConvRNNCell", "ConvLSTMCell", "ConvGRUCell"]

_LEAKY = functools.partial(symbol.LeakyReLU, act_type="leaky", slope=0.2)


class BaseConvRNNCell(BaseRNNCell):
    """The base of convolutional cells.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of an input in `conv_layout`; the batch size does not matter.
    num_hidden : int
        Channels of a state.
    h2h_kernel, h2h_dilate : tuple of int
        Of the convolution of states; sides of the kernel must be odd, since states keep their size.
    i2h_kernel, i2h_stride, i2h_pad, i2h_dilate : tuple of int
        Of the convolution of inputs.
    i2h_weight_initializer, h2h_weight_initializer : optional
    i2h_bias_initializer, h2h_bias_initializer : optional
    activation : str or function
    prefix : str
    params : RNNParams, optional
    conv_layout : str
        "NCHW" or "NHWC".
    """

    def __init__(self, input_shape, num_hidden, h2h_kernel, h2h_dilate, i2h_kernel, i2h_stride, i2h_pad, i2h_dilate,
                 i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer,
                 activation, prefix="", params=None, conv_layout="NCHW"):
        super().__init__(prefix=prefix, params=params)
        assert all(side % 2 == 1 for side in h2h_kernel), \
            f"Only support odd number, get h2h_kernel= {h2h_kernel}"
        self._num_hidden = num_hidden
        self._layout = conv_layout
        self._activation = activation
        same = tuple(dilate * (side - 1) // 2 for side, dilate in zip(h2h_kernel, h2h_dilate))
        self._i2h = {"kernel": i2h_kernel, "stride": i2h_stride, "pad": i2h_pad, "dilate": i2h_dilate}
        self._h2h = {"kernel": h2h_kernel, "stride": (1, 1), "pad": same, "dilate": h2h_dilate}
        self._iW = self.params.get("i2h_weight", init=i2h_weight_initializer)
        self._hW = self.params.get("h2h_weight", init=h2h_weight_initializer)
        self._iB = self.params.get("i2h_bias", init=i2h_bias_initializer)
        self._hB = self.params.get("h2h_bias", init=h2h_bias_initializer)
        convolved = symbol.Convolution(symbol.var("data"), num_filter=num_hidden, layout=conv_layout, **self._i2h)
        self._state_shape = (0, *convolved.infer_shape(data=input_shape)[1][0][1:])

    @property
    def _num_gates(self):
        return len(self._gate_names)

    @property
    def state_info(self):
        return [{"shape": self._state_shape, "__layout__": self._layout}]

    def _convolved(self, inputs, state, name):
        common = {"num_filter": self._num_hidden * self._num_gates, "layout": self._layout}
        return (symbol.Convolution(inputs, self._iW, self._iB, name=name + "i2h", **common, **self._i2h),
                symbol.Convolution(state, self._hW, self._hB, name=name + "h2h", **common, **self._h2h))

    def __call__(self, inputs, states):
        raise NotImplementedError("BaseConvRNNCell is abstract class for convolutional RNN")


def _with_defaults(prefix):
    """Give a cell the constructor of 1.9.1, whose defaults are the base's arguments."""
    def decorate(cls):
        def __init__(self, input_shape, num_hidden, h2h_kernel=(3, 3), h2h_dilate=(1, 1), i2h_kernel=(3, 3),
                     i2h_stride=(1, 1), i2h_pad=(1, 1), i2h_dilate=(1, 1), i2h_weight_initializer=None,
                     h2h_weight_initializer=None, i2h_bias_initializer="zeros", h2h_bias_initializer="zeros",
                     activation=_LEAKY, prefix=prefix, params=None, conv_layout="NCHW"):
            BaseConvRNNCell.__init__(
                self, input_shape, num_hidden, h2h_kernel, h2h_dilate, i2h_kernel, i2h_stride, i2h_pad, i2h_dilate,
                i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer,
                activation, prefix, params, conv_layout)
        cls.__init__ = __init__
        return cls
    return decorate


@_with_defaults("ConvRNN_")
class ConvRNNCell(BaseConvRNNCell):
    """`h' = activation(conv(x) + conv(h))`; parameters as of `BaseConvRNNCell`."""

    @property
    def _gate_names(self):
        return ("",)

    def __call__(self, inputs, states):
        self._counter += 1
        name = f"{self._prefix}t{self._counter}_"
        i2h, h2h = self._convolved(inputs, states[0], name)
        output = self._get_activation(i2h + h2h, self._activation, name=name + "out")
        return output, [output]


@_with_defaults("ConvLSTM_")
class ConvLSTMCell(BaseConvRNNCell):
    """Long short-term memory with convolutions; states are output and memory."""

    @property
    def state_info(self):
        return super().state_info * 2

    @property
    def _gate_names(self):
        return ["_i", "_f", "_c", "_o"]

    def __call__(self, inputs, states):
        self._counter += 1
        name = f"{self._prefix}t{self._counter}_"
        i2h, h2h = self._convolved(inputs, states[0], name)
        gates = symbol.SliceChannel(i2h + h2h, num_outputs=4, axis=self._layout.find("C"), name=name + "slice")
        input_gate = symbol.Activation(gates[0], act_type="sigmoid", name=name + "i")
        forget_gate = symbol.Activation(gates[1], act_type="sigmoid", name=name + "f")
        update = self._get_activation(gates[2], self._activation, name=name + "c")
        output_gate = symbol.Activation(gates[3], act_type="sigmoid", name=name + "o")
        memory = symbol.elemwise_add(forget_gate * states[1], input_gate * update, name=name + "state")
        output = symbol.elemwise_mul(output_gate, self._get_activation(memory, self._activation), name=name + "out")
        return output, [output, memory]


@_with_defaults("ConvGRU_")
class ConvGRUCell(BaseConvRNNCell):
    """Gated recurrent unit with convolutions."""

    @property
    def _gate_names(self):
        return ["_r", "_z", "_o"]

    def __call__(self, inputs, states):
        self._counter += 1
        name = f"{self._prefix}t{self._counter}_"
        i2h, h2h = self._convolved(inputs, states[0], name)
        axis = {} if self._layout == "NCHW" else {"axis": self._layout.find("C")}  # 1 by default
        i2h_r, i2h_z, i2h_c = symbol.SliceChannel(i2h, num_outputs=3, **axis, name=name + "_i2h_slice")
        h2h_r, h2h_z, h2h_c = symbol.SliceChannel(h2h, num_outputs=3, **axis, name=name + "_h2h_slice")
        reset_gate = symbol.Activation(i2h_r + h2h_r, act_type="sigmoid", name=name + "_r_act")
        update_gate = symbol.Activation(i2h_z + h2h_z, act_type="sigmoid", name=name + "_z_act")
        update = self._get_activation(i2h_c + reset_gate * h2h_c, self._activation, name=name + "_h_act")
        output = symbol.elemwise_add((1. - update_gate) * update, update_gate * states[0], name=name + "out")
        return output, [output]
