"""Recurrent cells whose products are convolutions (Shi et al., 2015)."""
from ...rnn import HybridRecurrentCell

__all__ = ["Conv1DRNNCell", "Conv2DRNNCell", "Conv3DRNNCell", "Conv1DLSTMCell", "Conv2DLSTMCell",
           "Conv3DLSTMCell", "Conv1DGRUCell", "Conv2DGRUCell", "Conv3DGRUCell"]


def _tuple(value, count, what):
    value = (value,) * count if isinstance(value, int) else tuple(value)
    assert len(value) == count, f"{what} must be an int or a tuple of {count}, got {value}"
    return value


class _ConvCell(HybridRecurrentCell):
    """The base of the cells.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample at one step, in `conv_layout` without N.
    hidden_channels : int
        Channels of the output.
    i2h_kernel, h2h_kernel : int or tuple of int
        Kernels on the input and on the state; the latter's sizes are odd, so that the state keeps
        its size.
    i2h_pad, i2h_dilate, h2h_dilate : int or tuple of int
    conv_layout : str
    activation : str or Block
    """

    _gates, _states, _count = 1, 1, 2

    def __init__(self, input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad, i2h_dilate,
                 h2h_dilate, i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer,
                 h2h_bias_initializer, conv_layout, activation, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)
        count = self._count
        self._hidden_channels = hidden_channels
        self._input_shape = input_shape
        self._conv_layout = conv_layout
        self._activation = activation
        h2h_kernel = _tuple(h2h_kernel, count, "h2h_kernel")
        assert all(size % 2 == 1 for size in h2h_kernel), \
            f"Only support odd number, get h2h_kernel= {h2h_kernel}"
        h2h_dilate = _tuple(h2h_dilate, count, "h2h_dilate")
        self._i2h = {"kernel": _tuple(i2h_kernel, count, "i2h_kernel"), "stride": (1,) * count,
                     "pad": _tuple(i2h_pad, count, "i2h_pad"),
                     "dilate": _tuple(i2h_dilate, count, "i2h_dilate")}
        self._h2h = {"kernel": h2h_kernel, "stride": (1,) * count, "dilate": h2h_dilate,
                     "pad": tuple(d * (k - 1) // 2 for d, k in zip(h2h_dilate, h2h_kernel))}
        channel_axis = conv_layout.find("C")
        space = list(input_shape)
        self._in_channels = space.pop(channel_axis - 1)
        space = [size + 2 * pad - dilate * (kernel - 1) for size, pad, dilate, kernel in
                 zip(space, self._i2h["pad"], self._i2h["dilate"], self._i2h["kernel"])]
        self._state_shape = tuple(space[:channel_axis - 1] + [hidden_channels]
                                  + space[channel_axis - 1:])
        rows = hidden_channels * self._gates

        def weight_shape(kernel, channels):
            shape = list(kernel)
            shape.insert(channel_axis - 1, channels)
            return (rows, *shape)

        for name, shape, init in (
                ("i2h_weight", weight_shape(self._i2h["kernel"], self._in_channels),
                 i2h_weight_initializer),
                ("h2h_weight", weight_shape(h2h_kernel, hidden_channels), h2h_weight_initializer),
                ("i2h_bias", (rows,), i2h_bias_initializer),
                ("h2h_bias", (rows,), h2h_bias_initializer)):
            setattr(self, name, self.params.get(name, shape=shape, init=init,
                                                allow_deferred_init=True))

    def __repr__(self):
        shape = self.i2h_weight.shape
        return f"{self.__class__.__name__}({self._in_channels} -> {shape[0]}, " \
               f"{self._activation}, {self._conv_layout})"

    def state_info(self, batch_size=0):
        return [{"shape": (batch_size, *self._state_shape), "__layout__": self._conv_layout}
                for _ in range(self._states)]

    def _products(self, F, inputs, state, i2h_weight, h2h_weight, i2h_bias, h2h_bias):
        step = f"t{self._counter}_"
        shared = {"num_filter": self._hidden_channels * self._gates, "layout": self._conv_layout}
        return (F.Convolution(inputs, i2h_weight, i2h_bias, name=step + "i2h", **self._i2h,
                              **shared),
                F.Convolution(state, h2h_weight, h2h_bias, name=step + "h2h", **self._h2h,
                              **shared))

    def _split(self, F, value, name):
        return F.SliceChannel(value, num_outputs=self._gates, axis=self._conv_layout.find("C"),
                              name=f"t{self._counter}_{name}")


class _ConvRNNCell(_ConvCell):
    def _alias(self):
        return "conv_rnn"

    def hybrid_forward(self, F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias):
        i2h, h2h = self._products(F, inputs, states[0], i2h_weight, h2h_weight, i2h_bias, h2h_bias)
        output = self._get_activation(F, i2h + h2h, self._activation, name=f"t{self._counter}_out")
        return output, [output]


class _ConvLSTMCell(_ConvCell):
    _gates, _states = 4, 2

    def _alias(self):
        return "conv_lstm"

    def hybrid_forward(self, F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias):
        step = f"t{self._counter}_"
        i2h, h2h = self._products(F, inputs, states[0], i2h_weight, h2h_weight, i2h_bias, h2h_bias)
        gates = self._split(F, i2h + h2h, "slice")
        input_gate = F.Activation(gates[0], act_type="sigmoid", name=step + "i")
        forget_gate = F.Activation(gates[1], act_type="sigmoid", name=step + "f")
        update = self._get_activation(F, gates[2], self._activation, name=step + "c")
        output_gate = F.Activation(gates[3], act_type="sigmoid", name=step + "o")
        memory = F.elemwise_add(forget_gate * states[1], input_gate * update, name=step + "state")
        output = F.elemwise_mul(output_gate, self._get_activation(F, memory, self._activation),
                                name=step + "out")
        return output, [output, memory]


class _ConvGRUCell(_ConvCell):
    _gates = 3

    def _alias(self):
        return "conv_gru"

    def hybrid_forward(self, F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias):
        step = f"t{self._counter}_"
        i2h, h2h = self._products(F, inputs, states[0], i2h_weight, h2h_weight, i2h_bias, h2h_bias)
        i2h_reset, i2h_update, i2h_new = self._split(F, i2h, "i2h_slice")
        h2h_reset, h2h_update, h2h_new = self._split(F, h2h, "h2h_slice")
        reset = F.Activation(i2h_reset + h2h_reset, act_type="sigmoid", name=step + "r_act")
        update = F.Activation(i2h_update + h2h_update, act_type="sigmoid", name=step + "z_act")
        new = self._get_activation(F, i2h_new + reset * h2h_new, self._activation,
                                   name=step + "h_act")
        output = F.elemwise_add((1. - update) * new, update * states[0], name=step + "out")
        return output, [output]


def _make(base, count, kind):
    zeros, ones, default_layout = (0,) * count, (1,) * count, "NCDHW"[:2] + "DHW"[3 - count:]

    class Cell(base):
        __doc__ = f"A convolutional {kind} cell over {count} axes." + \
            _ConvCell.__doc__[_ConvCell.__doc__.index("\n"):]
        _count = count

        def __init__(self, input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad=zeros,
                     i2h_dilate=ones, h2h_dilate=ones, i2h_weight_initializer=None,
                     h2h_weight_initializer=None, i2h_bias_initializer="zeros",
                     h2h_bias_initializer="zeros", conv_layout=default_layout, activation="tanh",
                     prefix=None, params=None):
            super().__init__(input_shape, hidden_channels, i2h_kernel, h2h_kernel, i2h_pad,
                             i2h_dilate, h2h_dilate, i2h_weight_initializer,
                             h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer,
                             conv_layout, activation, prefix, params)

    Cell.__name__ = Cell.__qualname__ = f"Conv{count}D{kind}Cell"
    Cell.__module__ = __name__
    return Cell


Conv1DRNNCell, Conv2DRNNCell, Conv3DRNNCell = (_make(_ConvRNNCell, n, "RNN") for n in (1, 2, 3))
Conv1DLSTMCell, Conv2DLSTMCell, Conv3DLSTMCell = (_make(_ConvLSTMCell, n, "LSTM")
                                                  for n in (1, 2, 3))
Conv1DGRUCell, Conv2DGRUCell, Conv3DGRUCell = (_make(_ConvGRUCell, n, "GRU") for n in (1, 2, 3))
