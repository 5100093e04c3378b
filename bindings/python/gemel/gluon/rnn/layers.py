"""Recurrent layers: whole sequences through the operator `RNN`."""
import re

from ... import ndarray as nd
from ... import symbol
from ...ndarray import NDArray
from ..block import HybridBlock
from .cells import GRUCell, LSTMCell, RNNCell
from .containers import BidirectionalCell, DropoutCell, HybridSequentialRNNCell
from .sequences import TENSORS

__all__ = ["RNN", "LSTM", "GRU"]

_GATES = {"rnn_relu": 1, "rnn_tanh": 1, "lstm": 4, "gru": 3}


class _RNNLayer(HybridBlock):
    """The base of recurrent layers.

    Called with a sequence, a layer returns the outputs of its last layer of cells; called with a
    sequence and states, also the list of new states.

    Parameters
    ----------
    hidden_size : int
        Width of the output (of one direction).
    num_layers : int
    layout : str
        "TNC" or "NTC", of input and output.
    dropout : float
        Between the layers.
    bidirectional : bool
        Whether there are cells that read from the end; their outputs come second.
    input_size : int
        0 to find out at the first call.
    i2h_weight_initializer, h2h_weight_initializer : Initializer or str, optional
    i2h_bias_initializer, h2h_bias_initializer : Initializer or str
    dtype : str
    """

    def __init__(self, hidden_size, num_layers, layout, dropout, bidirectional, input_size,
                 i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer,
                 h2h_bias_initializer, mode, projection_size=None, h2r_weight_initializer=None,
                 lstm_state_clip_min=None, lstm_state_clip_max=None, lstm_state_clip_nan=False,
                 dtype="float32", use_sequence_length=False, **kwargs):
        super().__init__(**kwargs)
        assert layout in ("TNC", "NTC"), \
            f"Invalid layout {layout}; must be one of ['TNC' or 'NTC']"
        self._hidden_size = hidden_size
        self._projection_size = projection_size if projection_size else None
        self._num_layers = num_layers
        self._mode = mode
        self._layout = layout
        self._dropout = dropout
        self._dir = 2 if bidirectional else 1
        self._input_size = input_size
        self._clip = {"lstm_state_clip_min": lstm_state_clip_min,
                      "lstm_state_clip_max": lstm_state_clip_max,
                      "lstm_state_clip_nan": lstm_state_clip_nan}
        self._dtype = dtype
        self._use_sequence_length = use_sequence_length
        self._skip_states = None
        self._gates = _GATES[mode]
        rows = self._gates * hidden_size
        state_width, width = self._projection_size or hidden_size, input_size
        for i in range(num_layers):
            for direction in "lr"[:self._dir]:
                shapes = [("i2h_weight", (rows, width), i2h_weight_initializer),
                          ("h2h_weight", (rows, state_width), h2h_weight_initializer),
                          ("i2h_bias", (rows,), i2h_bias_initializer),
                          ("h2h_bias", (rows,), h2h_bias_initializer)]
                if self._projection_size:
                    shapes.append(("h2r_weight", (self._projection_size, hidden_size),
                                   h2r_weight_initializer))
                for name, shape, init in shapes:
                    name = f"{direction}{i}_{name}"
                    setattr(self, name, self.params.get(name, shape=shape, init=init, dtype=dtype,
                                                        allow_deferred_init=True))
            width = state_width * self._dir

    def __repr__(self):
        rows, width = self.l0_i2h_weight.shape
        text = f"{self.__class__.__name__}({width if width else None} -> {rows // self._gates}, " \
               f"{self._layout}"
        if self._num_layers != 1:
            text += f", num_layers={self._num_layers}"
        if self._dropout != 0:
            text += f", dropout={self._dropout}"
        if self._dir == 2:
            text += ", bidirectional"
        return text + ")"

    def _collect_params_with_prefix(self, prefix=""):
        # Files name a layer's parameters as if they belonged to cells.
        if prefix:
            prefix += "."
        result = {}
        for name, value in self._reg_params.items():
            direction, layer, rest = re.match(r"(l|r)(\d+)_(.*)", name).groups()
            cell = f"{direction}_cell." if self._dir == 2 else ""
            result[f"{prefix}_unfused.{layer}.{cell}{rest}"] = value
        return result

    def state_info(self, batch_size=0):
        """Shape, layout and dtype of each state, as a list of dictionaries."""
        raise NotImplementedError

    def _state(self, batch_size, width):
        return {"shape": (self._num_layers * self._dir, batch_size, width), "__layout__": "LNC",
                "dtype": self._dtype}

    def cast(self, dtype):
        super().cast(dtype)
        self._dtype = dtype

    def begin_state(self, batch_size=0, func=nd.zeros, **kwargs):
        """The states before the first step, made by `func`; `kwargs` go to it."""
        return [func(name=f"{self.prefix}h0_{i}", **{**info, **kwargs})
                for i, info in enumerate(self.state_info(batch_size))]

    def _unfuse(self):
        """Cells that compute the same with the same parameters."""
        make = {"rnn_relu": lambda **kw: RNNCell(self._hidden_size, activation="relu", **kw),
                "rnn_tanh": lambda **kw: RNNCell(self._hidden_size, activation="tanh", **kw),
                "lstm": lambda **kw: LSTMCell(self._hidden_size, **kw),
                "gru": lambda **kw: GRUCell(self._hidden_size, **kw)}[self._mode]
        assert not self._projection_size, "_unfuse does not support projection layer yet!"
        stack = HybridSequentialRNNCell(prefix=self.prefix, params=self.params)
        with stack.name_scope():
            width = self._input_size
            for i in range(self._num_layers):
                cells = [make(prefix=f"{direction}{i}_", input_size=width)
                         for direction in "lr"[:self._dir]]
                stack.add(BidirectionalCell(*cells) if self._dir == 2 else cells[0])
                if self._dropout > 0 and i != self._num_layers - 1:
                    stack.add(DropoutCell(self._dropout))
                width = self._hidden_size * self._dir
        return stack

    def __call__(self, inputs, states=None, sequence_length=None, **kwargs):
        # A graph returns states or does not: one of the other kind is traced anew.
        if self._skip_states not in (None, states is None):
            self._clear_cached_op()
        self._skip_states = states is None
        if states is None:
            if isinstance(inputs, NDArray):
                states = self.begin_state(inputs.shape[self._layout.find("N")],
                                          ctx=inputs.context, dtype=inputs.dtype)
            else:
                states = self.begin_state(0, func=symbol.zeros)
        if isinstance(states, TENSORS):
            states = [states]
        if sequence_length is not None:
            return super().__call__(inputs, states, sequence_length)
        return super().__call__(inputs, states)

    def infer_shape(self, inputs, *args):
        assert inputs.ndim == 3, "Input data should be rank-3 tensor of dim [sequence length, " \
            "batch size, input size]"
        for direction in "lr"[:self._dir]:
            getattr(self, f"{direction}0_i2h_weight").shape = \
                (self._gates * self._hidden_size, inputs.shape[2])
        self._input_size = inputs.shape[2]

    def hybrid_forward(self, F, inputs, states, sequence_length=None, **kwargs):
        if F is nd:
            batch_size = inputs.shape[self._layout.find("N")]
            for state, info in zip(states, self.state_info(batch_size)):
                if state.shape != info["shape"]:
                    raise ValueError(f"Invalid recurrent state shape. Expecting {info['shape']}, "
                                     f"got {state.shape}.")
        if self._layout == "NTC":
            inputs = F.swapaxes(inputs, dim1=0, dim2=1)
        parts = [F.reshape(kwargs[f"{direction}{i}_{group}_{kind}"], shape=-1)
                 for kind in ("weight", "bias") for i in range(self._num_layers)
                 for direction in "lr"[:self._dir]
                 for group in ("i2h", "h2h", "h2r")
                 if f"{direction}{i}_{group}_{kind}" in kwargs]
        arguments = [inputs, F._internal._rnn_param_concat(*parts, dim=0), *states]
        if self._use_sequence_length:
            arguments.append(sequence_length)
        outputs = F.RNN(*arguments, use_sequence_length=self._use_sequence_length,
                        state_size=self._hidden_size, projection_size=self._projection_size,
                        num_layers=self._num_layers, bidirectional=self._dir == 2,
                        p=self._dropout, state_outputs=True, mode=self._mode, **self._clip)
        output, new_states = outputs[0], list(outputs[1:1 + len(states)])
        if self._layout == "NTC":
            output = F.swapaxes(output, dim1=0, dim2=1)
        return output if self._skip_states else (output, new_states)


def _documented(text):
    return text + _RNNLayer.__doc__[_RNNLayer.__doc__.index("\n"):]


class RNN(_RNNLayer):
    __doc__ = _documented("Layers of Elman cells with `activation` \"relu\" or \"tanh\".")

    def __init__(self, hidden_size, num_layers=1, activation="relu", layout="TNC", dropout=0,
                 bidirectional=False, i2h_weight_initializer=None, h2h_weight_initializer=None,
                 i2h_bias_initializer="zeros", h2h_bias_initializer="zeros", input_size=0,
                 dtype="float32", **kwargs):
        super().__init__(hidden_size, num_layers, layout, dropout, bidirectional, input_size,
                         i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer,
                         h2h_bias_initializer, "rnn_" + activation, dtype=dtype, **kwargs)

    def state_info(self, batch_size=0):
        return [self._state(batch_size, self._hidden_size)]


class LSTM(_RNNLayer):
    __doc__ = _documented("Layers of LSTM cells, with a projection of the output and a range for "
                          "the memory as options.")

    def __init__(self, hidden_size, num_layers=1, layout="TNC", dropout=0, bidirectional=False,
                 input_size=0, i2h_weight_initializer=None, h2h_weight_initializer=None,
                 i2h_bias_initializer="zeros", h2h_bias_initializer="zeros", projection_size=None,
                 h2r_weight_initializer=None, state_clip_min=None, state_clip_max=None,
                 state_clip_nan=False, dtype="float32", **kwargs):
        super().__init__(hidden_size, num_layers, layout, dropout, bidirectional, input_size,
                         i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer,
                         h2h_bias_initializer, "lstm", projection_size, h2r_weight_initializer,
                         state_clip_min, state_clip_max, state_clip_nan, dtype, **kwargs)

    def state_info(self, batch_size=0):
        return [self._state(batch_size, self._projection_size or self._hidden_size),
                self._state(batch_size, self._hidden_size)]


class GRU(_RNNLayer):
    __doc__ = _documented("Layers of GRU cells.")

    def __init__(self, hidden_size, num_layers=1, layout="TNC", dropout=0, bidirectional=False,
                 input_size=0, i2h_weight_initializer=None, h2h_weight_initializer=None,
                 i2h_bias_initializer="zeros", h2h_bias_initializer="zeros", dtype="float32",
                 **kwargs):
        super().__init__(hidden_size, num_layers, layout, dropout, bidirectional, input_size,
                         i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer,
                         h2h_bias_initializer, "gru", dtype=dtype, **kwargs)

    def state_info(self, batch_size=0):
        return [self._state(batch_size, self._hidden_size)]
