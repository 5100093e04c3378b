"""Recurrent cells that build symbols.

Each is called with an input and states for one step, or unrolled over a sequence. Parameters belong
to the cell: calling it again shares them. `unpack_weights` and `pack_weights` turn the arrays of
parameters into one array for each gate, and back.
"""
import warnings

from .. import initializer, ndarray, symbol

__all__ = ["RNNParams", "BaseRNNCell", "RNNCell", "LSTMCell", "GRUCell", "FusedRNNCell",
           "SequentialRNNCell", "BidirectionalCell", "DropoutCell", "ModifierCell", "ZoneoutCell",
           "ResidualCell"]


class RNNParams:
    """Variables by name, each made once, under a prefix."""

    def __init__(self, prefix=""):
        self._prefix = prefix
        self._params = {}

    def get(self, name, **kwargs):
        """The variable `prefix + name`; `kwargs` go to `symbol.var` when it is made."""
        name = self._prefix + name
        if name not in self._params:
            self._params[name] = symbol.var(name, **kwargs)
        return self._params[name]


def _steps(length, inputs, layout, merge):
    """The inputs as one symbol (`merge` true), as a list (false), or as they are (None)."""
    assert inputs is not None, "unroll(inputs=None) has been deprecated. Please create input " \
        "variables outside unroll."
    axis = layout.find("T")
    if isinstance(inputs, symbol.Symbol):
        if merge is False:
            assert len(inputs.list_outputs()) == 1, "unroll doesn't allow grouped symbol as input"
            inputs = list(symbol.split(inputs, axis=axis, num_outputs=length, squeeze_axis=1))
    else:
        assert length is None or len(inputs) == length, \
            f"expected {length} steps, got {len(inputs)}"
        if merge is True:
            inputs = symbol.concat(*[symbol.expand_dims(one, axis=axis) for one in inputs],
                                   dim=axis)
    return inputs, axis


class BaseRNNCell:
    """The base of cells.

    Parameters
    ----------
    prefix : str
        What the names of variables start with.
    params : RNNParams, optional
        Variables to share.
    """

    def __init__(self, prefix="", params=None):
        self._own_params = params is None
        self._prefix = prefix
        self._params = RNNParams(prefix) if params is None else params
        self._modified = False
        self.reset()

    def reset(self):
        """Forget the count of steps, before another graph is built."""
        self._init_counter = -1
        self._counter = -1
        for cell in getattr(self, "_cells", ()):
            cell.reset()

    def __call__(self, inputs, states):
        """One step: the output and the list of new states."""
        raise NotImplementedError()

    @property
    def params(self):
        """The variables; who asks shares them."""
        self._own_params = False
        return self._params

    @property
    def state_info(self):
        """Shape (0 for the batch) and layout of each state."""
        raise NotImplementedError()

    @property
    def state_shape(self):
        """The shapes of the states."""
        return [info["shape"] for info in self.state_info]

    @property
    def _gate_names(self):
        return ()

    def _refuse_if_modified(self):
        assert not self._modified, \
            "After applying modifier cells (e.g. DropoutCell) the base cell cannot be called " \
            "directly. Call the modifier cell instead."

    def begin_state(self, func=symbol.zeros, **kwargs):
        """The states before the first step, made by `func`; `kwargs` go to it."""
        self._refuse_if_modified()
        states = []
        for info in self.state_info:
            self._init_counter += 1
            name = f"{self._prefix}begin_state_{self._init_counter}"
            own = dict(info or {})
            # A variable finds its shape in the graph.
            if func is symbol.var:
                own.pop("shape", None)
            states.append(func(name=name, **{**own, **kwargs}))
        return states

    def unpack_weights(self, args):
        """A copy of a dictionary of arrays with one array for each gate."""
        args = dict(args)
        if not self._gate_names:
            return args
        size = self._num_hidden
        for group in ("i2h", "h2h"):
            weight = args.pop(f"{self._prefix}{group}_weight")
            bias = args.pop(f"{self._prefix}{group}_bias")
            for i, gate in enumerate(self._gate_names):
                rows = slice(i * size, (i + 1) * size)
                args[f"{self._prefix}{group}{gate}_weight"] = weight[rows].copy()
                args[f"{self._prefix}{group}{gate}_bias"] = bias[rows].copy()
        return args

    def pack_weights(self, args):
        """Undo `unpack_weights`."""
        args = dict(args)
        if not self._gate_names:
            return args
        for group in ("i2h", "h2h"):
            for kind in ("weight", "bias"):
                parts = [args.pop(f"{self._prefix}{group}{gate}_{kind}")
                         for gate in self._gate_names]
                args[f"{self._prefix}{group}_{kind}"] = ndarray.concatenate(parts)
        return args

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None):
        """The cell over a sequence.

        Parameters
        ----------
        length : int
        inputs : Symbol or list of Symbol
            A sequence in `layout`, or its steps.
        begin_state : list of Symbol, optional
            Zeros by default.
        layout : str
            "NTC" or "TNC".
        merge_outputs : bool, optional
            Whether outputs are one symbol.

        Returns
        -------
        outputs : Symbol or list of Symbol
        states : list of Symbol
        """
        self.reset()
        inputs, _ = _steps(length, inputs, layout, False)
        states = self.begin_state() if begin_state is None else begin_state
        outputs = []
        for i in range(length):
            output, states = self(inputs[i], states)
            outputs.append(output)
        return _steps(length, outputs, layout, merge_outputs)[0], states

    def _get_activation(self, inputs, activation, **kwargs):
        if isinstance(activation, str):
            return symbol.Activation(inputs, act_type=activation, **kwargs)
        return activation(inputs, **kwargs)


class _GatedCell(BaseRNNCell):
    def __init__(self, num_hidden, prefix, params, bias_init=None):
        super().__init__(prefix=prefix, params=params)
        self._num_hidden = num_hidden
        self._iW = self.params.get("i2h_weight")
        self._iB = self.params.get("i2h_bias", init=bias_init)
        self._hW = self.params.get("h2h_weight")
        self._hB = self.params.get("h2h_bias")

    @property
    def state_info(self):
        return [{"shape": (0, self._num_hidden), "__layout__": "NC"}]

    def _products(self, inputs, state, name):
        rows = self._num_hidden * len(self._gate_names)
        return (symbol.FullyConnected(inputs, self._iW, self._iB, num_hidden=rows,
                                      name=name + "i2h"),
                symbol.FullyConnected(state, self._hW, self._hB, num_hidden=rows,
                                      name=name + "h2h"))


class RNNCell(_GatedCell):
    """`h' = activation(W_i2h x + b_i2h + W_h2h h + b_h2h)`."""

    def __init__(self, num_hidden, activation="tanh", prefix="rnn_", params=None):
        super().__init__(num_hidden, prefix, params)
        self._activation = activation

    @property
    def _gate_names(self):
        return ("",)

    def __call__(self, inputs, states):
        self._counter += 1
        name = f"{self._prefix}t{self._counter}_"
        i2h, h2h = self._products(inputs, states[0], name)
        output = self._get_activation(i2h + h2h, self._activation, name=name + "out")
        return output, [output]


class LSTMCell(_GatedCell):
    """Long short-term memory; states are output and memory.

    Parameters
    ----------
    num_hidden : int
    forget_bias : float
        First value of the forget gate's bias.
    """

    def __init__(self, num_hidden, prefix="lstm_", params=None, forget_bias=1.0):
        super().__init__(num_hidden, prefix, params,
                         initializer.LSTMBias(forget_bias=forget_bias))

    @property
    def state_info(self):
        return super().state_info * 2

    @property
    def _gate_names(self):
        return ["_i", "_f", "_c", "_o"]

    def __call__(self, inputs, states):
        self._counter += 1
        name = f"{self._prefix}t{self._counter}_"
        i2h, h2h = self._products(inputs, states[0], name)
        gates = symbol.SliceChannel(i2h + h2h, num_outputs=4, name=name + "slice")
        input_gate = symbol.Activation(gates[0], act_type="sigmoid", name=name + "i")
        forget_gate = symbol.Activation(gates[1], act_type="sigmoid", name=name + "f")
        update = symbol.Activation(gates[2], act_type="tanh", name=name + "c")
        output_gate = symbol.Activation(gates[3], act_type="sigmoid", name=name + "o")
        memory = symbol.elemwise_add(forget_gate * states[1], input_gate * update,
                                     name=name + "state")
        output = symbol.elemwise_mul(output_gate, symbol.Activation(memory, act_type="tanh"),
                                     name=name + "out")
        return output, [output, memory]


class GRUCell(_GatedCell):
    """Gated recurrent unit, in cuDNN's variant."""

    def __init__(self, num_hidden, prefix="gru_", params=None):
        super().__init__(num_hidden, prefix, params)

    @property
    def _gate_names(self):
        return ["_r", "_z", "_o"]

    def __call__(self, inputs, states):
        self._counter += 1
        name = f"{self._prefix}t{self._counter}_"
        i2h, h2h = self._products(inputs, states[0], name + "_")
        i2h_r, i2h_z, i2h = symbol.SliceChannel(i2h, num_outputs=3, name=name + "_i2h_slice")
        h2h_r, h2h_z, h2h = symbol.SliceChannel(h2h, num_outputs=3, name=name + "_h2h_slice")
        reset = symbol.Activation(i2h_r + h2h_r, act_type="sigmoid", name=name + "_r_act")
        update = symbol.Activation(i2h_z + h2h_z, act_type="sigmoid", name=name + "_z_act")
        new = symbol.Activation(i2h + reset * h2h, act_type="tanh", name=name + "_h_act")
        output = symbol.elemwise_add((1. - update) * new, update * states[0], name=name + "out")
        return output, [output]


class FusedRNNCell(BaseRNNCell):
    """Layers of cells in one operator; their parameters are one array.

    Parameters
    ----------
    num_hidden, num_layers : int
    mode : str
        "rnn_relu", "rnn_tanh", "lstm" or "gru".
    bidirectional : bool
    dropout : float
        Between the layers.
    get_next_state : bool
        Whether `unroll` returns states.
    forget_bias : float
    """

    def __init__(self, num_hidden, num_layers=1, mode="lstm", bidirectional=False, dropout=0.,
                 get_next_state=False, forget_bias=1.0, prefix=None, params=None):
        super().__init__(prefix=f"{mode}_" if prefix is None else prefix, params=params)
        self._num_hidden = num_hidden
        self._num_layers = num_layers
        self._mode = mode
        self._bidirectional = bidirectional
        self._dropout = dropout
        self._get_next_state = get_next_state
        self._forget_bias = forget_bias
        self._directions = ["l", "r"] if bidirectional else ["l"]
        self._parameter = self.params.get("parameters", init=initializer.FusedRNN(
            None, num_hidden, num_layers, mode, bidirectional, forget_bias))

    @property
    def state_info(self):
        shape = (len(self._directions) * self._num_layers, 0, self._num_hidden)
        return [{"shape": shape, "__layout__": "LNC"} for _ in range(1 + (self._mode == "lstm"))]

    @property
    def _gate_names(self):
        return {"rnn_relu": [""], "rnn_tanh": [""], "lstm": ["_i", "_f", "_c", "_o"],
                "gru": ["_r", "_z", "_o"]}[self._mode]

    @property
    def _num_gates(self):
        return len(self._gate_names)

    def _parts(self, input_size):
        """Names and shapes of all gates' arrays in the order of the one array."""
        size, both = self._num_hidden, len(self._directions)
        for kind in ("weight", "bias"):
            for layer in range(self._num_layers):
                width = input_size if layer == 0 else size * both
                for direction in self._directions:
                    for group, columns in (("i2h", width), ("h2h", size)):
                        for gate in self._gate_names:
                            yield (f"{self._prefix}{direction}{layer}_{group}{gate}_{kind}",
                                   (size, columns) if kind == "weight" else (size,))

    def _input_size(self, count):
        both, size, gates = len(self._directions), self._num_hidden, self._num_gates
        others = (self._num_layers - 1) * (size * both + size + 2)
        return count // both // size // gates - others - size - 2

    def unpack_weights(self, args):
        args = dict(args)
        values = args.pop(self._parameter.name)
        place = 0
        for name, shape in self._parts(self._input_size(values.size)):
            count = shape[0] * (shape[1] if len(shape) > 1 else 1)
            args[name] = values[place:place + count].reshape(shape).copy()
            place += count
        return args

    def pack_weights(self, args):
        args = dict(args)
        first = args[f"{self._prefix}l0_i2h{self._gate_names[0]}_weight"]
        parts = [args.pop(name).reshape((-1,)) for name, _ in self._parts(first.shape[1])]
        args[self._parameter.name] = ndarray.concatenate(parts)
        return args

    def __call__(self, inputs, states):
        raise NotImplementedError("FusedRNNCell cannot be stepped. Please use unroll")

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None):
        self.reset()
        inputs, axis = _steps(length, inputs, layout, True)
        if axis == 1:
            warnings.warn("NTC layout detected. Consider using TNC for FusedRNNCell for faster "
                          "speed", stacklevel=2)
            inputs = symbol.swapaxes(inputs, dim1=0, dim2=1)
        else:
            assert axis == 0, f"Unsupported layout {layout}"
        states = self.begin_state() if begin_state is None else begin_state
        rnn = symbol.RNN(inputs, self._parameter, *states, state_size=self._num_hidden,
                         num_layers=self._num_layers, bidirectional=self._bidirectional,
                         p=self._dropout, state_outputs=self._get_next_state, mode=self._mode,
                         name=self._prefix + "rnn")
        outputs = rnn[0] if self._get_next_state else rnn
        new_states = [rnn[1 + i] for i in range(len(states))] if self._get_next_state else []
        if axis == 1:
            outputs = symbol.swapaxes(outputs, dim1=0, dim2=1)
        return _steps(length, outputs, layout, merge_outputs)[0], new_states

    def unfuse(self):
        """Cells of the same kind, for which `unpack_weights` gives the arrays."""
        make = {"rnn_relu": lambda prefix: RNNCell(self._num_hidden, "relu", prefix),
                "rnn_tanh": lambda prefix: RNNCell(self._num_hidden, "tanh", prefix),
                "lstm": lambda prefix: LSTMCell(self._num_hidden, prefix),
                "gru": lambda prefix: GRUCell(self._num_hidden, prefix)}[self._mode]
        stack = SequentialRNNCell()
        for i in range(self._num_layers):
            if self._bidirectional:
                stack.add(BidirectionalCell(make(f"{self._prefix}l{i}_"),
                                            make(f"{self._prefix}r{i}_"),
                                            output_prefix=f"{self._prefix}bi_l{i}_"))
            else:
                stack.add(make(f"{self._prefix}l{i}_"))
            if self._dropout > 0 and i != self._num_layers - 1:
                stack.add(DropoutCell(self._dropout, prefix=f"{self._prefix}_dropout{i}_"))
        return stack


class _OfCells(BaseRNNCell):
    """A cell that has others below it."""

    @property
    def state_info(self):
        return [info for cell in self._cells for info in cell.state_info]

    def begin_state(self, **kwargs):
        self._refuse_if_modified()
        return [state for cell in self._cells for state in cell.begin_state(**kwargs)]

    def unpack_weights(self, args):
        for cell in self._cells:
            args = cell.unpack_weights(args)
        return args

    def pack_weights(self, args):
        for cell in self._cells:
            args = cell.pack_weights(args)
        return args


class SequentialRNNCell(_OfCells):
    """Cells on top of each other."""

    def __init__(self, params=None):
        super().__init__(prefix="", params=params)
        self._override_cell_params = params is not None
        self._cells = []

    def add(self, cell):
        """Put a cell on top."""
        self._cells.append(cell)
        if self._override_cell_params:
            assert cell._own_params, \
                "Either specify params for SequentialRNNCell or child cells, not both."
            cell.params._params.update(self.params._params)
        self.params._params.update(cell.params._params)

    def __call__(self, inputs, states):
        self._counter += 1
        new_states, place = [], 0
        for cell in self._cells:
            assert not isinstance(cell, BidirectionalCell)
            count = len(cell.state_info)
            inputs, own = cell(inputs, states[place:place + count])
            place += count
            new_states.extend(own)
        return inputs, new_states

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None):
        self.reset()
        if begin_state is None:
            begin_state = self.begin_state()
        new_states, place = [], 0
        for i, cell in enumerate(self._cells):
            count = len(cell.state_info)
            inputs, states = cell.unroll(
                length, inputs, begin_state[place:place + count], layout,
                None if i < len(self._cells) - 1 else merge_outputs)
            place += count
            new_states.extend(states)
        return inputs, new_states


class DropoutCell(BaseRNNCell):
    """Dropout on the input, without a state."""

    def __init__(self, dropout, prefix="dropout_", params=None):
        super().__init__(prefix, params)
        assert isinstance(dropout, (int, float)), "dropout probability must be a number"
        self.dropout = dropout

    @property
    def state_info(self):
        return []

    def __call__(self, inputs, states):
        if self.dropout > 0:
            inputs = symbol.Dropout(inputs, p=self.dropout)
        return inputs, states

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None):
        self.reset()
        inputs, _ = _steps(length, inputs, layout, merge_outputs)
        if isinstance(inputs, symbol.Symbol):
            return self(inputs, [])
        return super().unroll(length, inputs, begin_state, layout, merge_outputs)


class ModifierCell(BaseRNNCell):
    """The base of cells that change what another cell does; that one keeps its parameters, but is
    no longer called by itself."""

    def __init__(self, base_cell):
        super().__init__()
        base_cell._modified = True
        self.base_cell = base_cell

    @property
    def params(self):
        self._own_params = False
        return self.base_cell.params

    @property
    def state_info(self):
        return self.base_cell.state_info

    def begin_state(self, init_sym=symbol.zeros, **kwargs):
        self._refuse_if_modified()
        self.base_cell._modified = False
        try:
            return self.base_cell.begin_state(func=kwargs.pop("func", init_sym), **kwargs)
        finally:
            self.base_cell._modified = True

    def unpack_weights(self, args):
        return self.base_cell.unpack_weights(args)

    def pack_weights(self, args):
        return self.base_cell.pack_weights(args)

    def __call__(self, inputs, states):
        raise NotImplementedError


class ZoneoutCell(ModifierCell):
    """Keeps elements of outputs and states as they were, at random (Krueger et al., 2016)."""

    def __init__(self, base_cell, zoneout_outputs=0., zoneout_states=0.):
        assert not isinstance(base_cell, FusedRNNCell), \
            "FusedRNNCell doesn't support zoneout. Please unfuse first."
        assert not isinstance(base_cell, BidirectionalCell), \
            "BidirectionalCell doesn't support zoneout since it doesn't support step. Please add " \
            "ZoneoutCell to the cells underneath instead."
        super().__init__(base_cell)
        self.zoneout_outputs = zoneout_outputs
        self.zoneout_states = zoneout_states
        self.prev_output = None

    def reset(self):
        super().reset()
        self.prev_output = None

    def __call__(self, inputs, states):
        output, new_states = self.base_cell(inputs, states)

        def keep(share, new, old):
            if not share:
                return new
            return symbol.where(symbol.Dropout(symbol.ones_like(new), p=share), new, old)

        previous = self.prev_output if self.prev_output is not None else symbol.zeros((0, 0))
        output = keep(self.zoneout_outputs, output, previous)
        new_states = [keep(self.zoneout_states, new, old)
                      for new, old in zip(new_states, states)]
        self.prev_output = output
        return output, new_states


class ResidualCell(ModifierCell):
    """Adds the input to another cell's output."""

    def __init__(self, base_cell):
        super().__init__(base_cell)

    def __call__(self, inputs, states):
        output, states = self.base_cell(inputs, states)
        return symbol.elemwise_add(output, inputs, name=f"{output.name}_plus_residual"), states

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None):
        self.reset()
        self.base_cell._modified = False
        try:
            outputs, states = self.base_cell.unroll(length, inputs, begin_state, layout,
                                                    merge_outputs)
        finally:
            self.base_cell._modified = True
        merged = isinstance(outputs, symbol.Symbol)
        inputs, _ = _steps(length, inputs, layout, merged)
        if merged:
            return symbol.elemwise_add(outputs, inputs,
                                       name=f"{outputs.name}_plus_residual"), states
        return [symbol.elemwise_add(output, one, name=f"{output.name}_plus_residual")
                for output, one in zip(outputs, inputs)], states


class BidirectionalCell(_OfCells):
    """Two cells that read a sequence from both ends; their outputs are joined."""

    def __init__(self, l_cell, r_cell, params=None, output_prefix="bi_"):
        super().__init__("", params=params)
        self._output_prefix = output_prefix
        self._override_cell_params = params is not None
        if self._override_cell_params:
            assert l_cell._own_params and r_cell._own_params, \
                "Either specify params for BidirectionalCell or child cells, not both."
            l_cell.params._params.update(self.params._params)
            r_cell.params._params.update(self.params._params)
        self.params._params.update(l_cell.params._params)
        self.params._params.update(r_cell.params._params)
        self._cells = [l_cell, r_cell]

    def __call__(self, inputs, states):
        raise NotImplementedError("Bidirectional cannot be stepped. Please use unroll")

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None):
        self.reset()
        inputs, _ = _steps(length, inputs, layout, False)
        if begin_state is None:
            begin_state = self.begin_state()
        l_cell, r_cell = self._cells
        count = len(l_cell.state_info)
        l_outputs, l_states = l_cell.unroll(length, inputs, begin_state[:count], layout,
                                            merge_outputs)
        r_outputs, r_states = r_cell.unroll(length, list(reversed(inputs)), begin_state[count:],
                                            layout, merge_outputs)
        if merge_outputs is None:
            merge_outputs = isinstance(l_outputs, symbol.Symbol) and \
                isinstance(r_outputs, symbol.Symbol)
            l_outputs, _ = _steps(None, l_outputs, layout, merge_outputs)
            r_outputs, _ = _steps(None, r_outputs, layout, merge_outputs)
        if merge_outputs:
            r_outputs = symbol.reverse(r_outputs, axis=layout.find("T"))
            outputs = symbol.concat(l_outputs, r_outputs, dim=2,
                                    name=f"{self._output_prefix}out")
        else:
            outputs = [symbol.concat(one, other, dim=1, name=f"{self._output_prefix}t{i}")
                       for i, (one, other) in enumerate(zip(l_outputs, reversed(r_outputs)))]
        return outputs, [l_states, r_states]
