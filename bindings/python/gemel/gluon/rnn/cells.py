"""Recurrent cells: one step of a network that reads a sequence."""
from ... import ndarray as nd
from ..block import Block, HybridBlock
from ..nn import LeakyReLU
from .sequences import format_sequence, initial_states, mask_sequence

__all__ = ["RecurrentCell", "HybridRecurrentCell", "RNNCell", "LSTMCell", "GRUCell"]


def cells_state_info(cells, batch_size):
    """The descriptions of all states of some cells."""
    return [info for cell in cells for info in cell.state_info(batch_size)]


def cells_begin_state(cells, **kwargs):
    """The first states of some cells, in one list."""
    return [state for cell in cells for state in cell.begin_state(**kwargs)]


class RecurrentCell(Block):
    """The base of cells: `output, new_states = cell(input, states)`."""

    def __init__(self, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)
        self._modified = False
        self.reset()

    def __repr__(self):
        return f"{self.__class__.__name__}({getattr(self, '_mapping', '')})"

    def reset(self):
        """Forget the count of steps; to be called before a cell is used for another graph."""
        self._init_counter = -1
        self._counter = -1
        for cell in self._children.values():
            if hasattr(cell, "reset"):
                cell.reset()

    def state_info(self, batch_size=0):
        """Shape and layout of each state, as a list of dictionaries."""
        raise NotImplementedError()

    def _refuse_if_modified(self):
        assert not self._modified, \
            "After applying modifier cells (e.g. ZoneoutCell) the base cell cannot be called " \
            "directly. Call the modifier cell instead."

    def begin_state(self, batch_size=0, func=nd.zeros, **kwargs):
        """The states before the first step.

        Parameters
        ----------
        batch_size : int
            May be 0 (not known) for symbols.
        func : callable
            Makes a state: `mx.nd.zeros`, `mx.sym.zeros`, `mx.sym.var`, ...
        kwargs
            Go to `func`, for example `dtype` or `ctx`.
        """
        self._refuse_if_modified()
        states = []
        for info in self.state_info(batch_size):
            self._init_counter += 1
            states.append(func(name=f"{self._prefix}begin_state_{self._init_counter}",
                               **{**(info or {}), **kwargs}))
        return states

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None,
               valid_length=None):
        """Run the cell over a sequence.

        Parameters
        ----------
        length : int
            Number of steps.
        inputs : NDArray, Symbol or list of them
            A sequence in `layout`, or a list of steps of shape (batch_size, ...).
        begin_state : list, optional
            Zeros by default.
        layout : str
            "NTC" or "TNC".
        merge_outputs : bool, optional
            Whether outputs are one array or a list of steps; by default what is cheaper.
        valid_length : NDArray or Symbol, optional
            How many steps of each sample count, of shape (batch_size,). Outputs behind them are
            zero, states are those after each sample's last step.

        Returns
        -------
        outputs : NDArray, Symbol or list of them
        states : list
        """
        self.reset()
        inputs, axis, F, batch_size = format_sequence(length, inputs, layout, False)
        states = initial_states(self, F, begin_state, inputs, batch_size)
        outputs, all_states = [], []
        for i in range(length):
            output, states = self(inputs[i], states)
            outputs.append(output)
            if valid_length is not None:
                all_states.append(states)
        if valid_length is not None:
            states = [F.SequenceLast(F.stack(*steps, axis=0), valid_length,
                                     use_sequence_length=True, axis=0)
                      for steps in zip(*all_states)]
            outputs = mask_sequence(F, outputs, length, valid_length, axis, True)
        outputs, _, _, _ = format_sequence(length, outputs, layout, merge_outputs)
        return outputs, states

    def _get_activation(self, F, inputs, activation, **kwargs):
        """Apply a name of an activation, a block or a function."""
        if isinstance(activation, str):
            if activation in ("tanh", "relu", "sigmoid", "softsign"):
                return getattr(F, activation)(inputs, **kwargs)
            return F.Activation(inputs, act_type=activation, **kwargs)
        if isinstance(activation, LeakyReLU):
            return F.LeakyReLU(inputs, act_type="leaky", slope=activation._alpha, **kwargs)
        return activation(inputs, **kwargs)

    def forward(self, inputs, states):
        """One step: the output and the list of new states."""
        self._counter += 1
        return super().forward(inputs, states)


class HybridRecurrentCell(RecurrentCell, HybridBlock):
    """The base of cells that can be hybridized."""

    def __init__(self, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)

    def hybrid_forward(self, F, x, *args, **kwargs):
        raise NotImplementedError


class _GatedCell(HybridRecurrentCell):
    """A cell whose gates are all computed by two matrix products.

    Parameters
    ----------
    hidden_size : int
        Width of the output.
    i2h_weight_initializer, h2h_weight_initializer : Initializer or str, optional
        Of the products with the input and with the state.
    i2h_bias_initializer, h2h_bias_initializer : Initializer or str
    input_size : int
        0 to find out at the first call.
    """

    _gates = 1

    def __init__(self, hidden_size, initializers, input_size, prefix, params,
                 projection_size=None, projection_initializer=None):
        super().__init__(prefix=prefix, params=params)
        self._hidden_size = hidden_size
        self._input_size = input_size
        rows = self._gates * hidden_size
        i2h_weight, h2h_weight, i2h_bias, h2h_bias = initializers
        self._add("i2h_weight", (rows, input_size), i2h_weight)
        self._add("h2h_weight", (rows, projection_size or hidden_size), h2h_weight)
        if projection_size:
            self._add("h2r_weight", (projection_size, hidden_size), projection_initializer)
        self._add("i2h_bias", (rows,), i2h_bias)
        self._add("h2h_bias", (rows,), h2h_bias)

    def _add(self, name, shape, init):
        setattr(self, name, self.params.get(name, shape=shape, init=init,
                                            allow_deferred_init=True))

    def _products(self, F, inputs, state, i2h_weight, h2h_weight, i2h_bias, h2h_bias):
        step, rows = f"t{self._counter}_", self._gates * self._hidden_size
        return (F.FullyConnected(inputs, i2h_weight, i2h_bias, num_hidden=rows, name=step + "i2h"),
                F.FullyConnected(state, h2h_weight, h2h_bias, num_hidden=rows, name=step + "h2h"))

    def state_info(self, batch_size=0):
        return [{"shape": (batch_size, self._hidden_size), "__layout__": "NC"}]

    def __repr__(self):
        rows, inputs = self.i2h_weight.shape
        return f"{self.__class__.__name__}({inputs if inputs else None} -> {rows})"


class RNNCell(_GatedCell):
    """`h' = activation(W_i2h x + b_i2h + W_h2h h + b_h2h)` (Elman, 1990).""" + \
        _GatedCell.__doc__[_GatedCell.__doc__.index("\n"):]

    def __init__(self, hidden_size, activation="tanh", i2h_weight_initializer=None,
                 h2h_weight_initializer=None, i2h_bias_initializer="zeros",
                 h2h_bias_initializer="zeros", input_size=0, prefix=None, params=None):
        super().__init__(hidden_size, (i2h_weight_initializer, h2h_weight_initializer,
                                       i2h_bias_initializer, h2h_bias_initializer),
                         input_size, prefix, params)
        self._activation = activation

    def _alias(self):
        return "rnn"

    def __repr__(self):
        return f"{super().__repr__()[:-1]}, {self._activation})"

    def hybrid_forward(self, F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias):
        i2h, h2h = self._products(F, inputs, states[0], i2h_weight, h2h_weight, i2h_bias, h2h_bias)
        output = self._get_activation(F, i2h + h2h, self._activation, name=f"t{self._counter}_out")
        return output, [output]


class LSTMCell(_GatedCell):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997); gates are input, forget, update,
    output; states are output and memory.""" + \
        _GatedCell.__doc__[_GatedCell.__doc__.index("\n"):]

    _gates = 4

    def __init__(self, hidden_size, i2h_weight_initializer=None, h2h_weight_initializer=None,
                 i2h_bias_initializer="zeros", h2h_bias_initializer="zeros", input_size=0,
                 prefix=None, params=None, activation="tanh", recurrent_activation="sigmoid"):
        super().__init__(hidden_size, (i2h_weight_initializer, h2h_weight_initializer,
                                       i2h_bias_initializer, h2h_bias_initializer),
                         input_size, prefix, params)
        self._activation = activation
        self._recurrent_activation = recurrent_activation

    def _alias(self):
        return "lstm"

    def state_info(self, batch_size=0):
        return super().state_info(batch_size) * 2

    def hybrid_forward(self, F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias):
        step = f"t{self._counter}_"
        i2h, h2h = self._products(F, inputs, states[0], i2h_weight, h2h_weight, i2h_bias, h2h_bias)
        gates = F.SliceChannel(F.elemwise_add(i2h, h2h, name=step + "plus0"), num_outputs=4,
                               name=step + "slice")
        gate, act = self._recurrent_activation, self._activation
        input_gate = self._get_activation(F, gates[0], gate, name=step + "i")
        forget_gate = self._get_activation(F, gates[1], gate, name=step + "f")
        update = self._get_activation(F, gates[2], act, name=step + "c")
        output_gate = self._get_activation(F, gates[3], gate, name=step + "o")
        memory = F.elemwise_add(F.elemwise_mul(forget_gate, states[1], name=step + "mul0"),
                                F.elemwise_mul(input_gate, update, name=step + "mul1"),
                                name=step + "state")
        output = F.elemwise_mul(output_gate,
                                self._get_activation(F, memory, act, name=step + "activation0"),
                                name=step + "out")
        return output, [output, memory]


class GRUCell(_GatedCell):
    """Gated recurrent unit (Cho et al., 2014), in cuDNN's variant; gates are reset, update, new.
    """ + _GatedCell.__doc__[_GatedCell.__doc__.index("\n"):]

    _gates = 3

    def __init__(self, hidden_size, i2h_weight_initializer=None, h2h_weight_initializer=None,
                 i2h_bias_initializer="zeros", h2h_bias_initializer="zeros", input_size=0,
                 prefix=None, params=None):
        super().__init__(hidden_size, (i2h_weight_initializer, h2h_weight_initializer,
                                       i2h_bias_initializer, h2h_bias_initializer),
                         input_size, prefix, params)

    def _alias(self):
        return "gru"

    def hybrid_forward(self, F, inputs, states, i2h_weight, h2h_weight, i2h_bias, h2h_bias):
        step = f"t{self._counter}_"
        i2h, h2h = self._products(F, inputs, states[0], i2h_weight, h2h_weight, i2h_bias, h2h_bias)
        i2h_reset, i2h_update, i2h_new = F.SliceChannel(i2h, num_outputs=3,
                                                        name=step + "i2h_slice")
        h2h_reset, h2h_update, h2h_new = F.SliceChannel(h2h, num_outputs=3,
                                                        name=step + "h2h_slice")
        reset = F.Activation(i2h_reset + h2h_reset, act_type="sigmoid", name=step + "r_act")
        update = F.Activation(i2h_update + h2h_update, act_type="sigmoid", name=step + "z_act")
        new = F.Activation(i2h_new + reset * h2h_new, act_type="tanh", name=step + "h_act")
        output = F.elemwise_add((1. - update) * new, update * states[0], name=step + "out")
        return output, [output]
