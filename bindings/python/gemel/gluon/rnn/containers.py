"""Cells made of other cells."""
from ... import ndarray as nd
from ..block import HybridBlock
from .cells import (HybridRecurrentCell, RecurrentCell, cells_begin_state, cells_state_info)
from .sequences import (TENSORS, format_sequence, initial_states, mask_sequence,
                        reverse_sequences)

__all__ = ["SequentialRNNCell", "HybridSequentialRNNCell", "DropoutCell", "ModifierCell",
           "ZoneoutCell", "ResidualCell", "BidirectionalCell"]


class _Stack:
    """What both kinds of stack share."""

    def __repr__(self):
        lines = "\n".join(f"({i}): " + repr(cell).replace("\n", "\n  ")
                          for i, cell in self._children.items())
        return f"{self.__class__.__name__}(\n{lines}\n)"

    def add(self, cell):
        """Put a cell on top."""
        self.register_child(cell)

    def state_info(self, batch_size=0):
        return cells_state_info(self._children.values(), batch_size)

    def begin_state(self, **kwargs):
        self._refuse_if_modified()
        return cells_begin_state(self._children.values(), **kwargs)

    def _step(self, inputs, states):
        assert not any(isinstance(cell, BidirectionalCell) for cell in self._children.values())
        new_states, place = [], 0
        for cell in self._children.values():
            count = len(cell.state_info())
            inputs, own = cell(inputs, states[place:place + count])
            place += count
            new_states += own
        return inputs, new_states

    def __call__(self, inputs, states):
        self._counter += 1
        return self._step(inputs, states)

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None,
               valid_length=None):
        self.reset()
        inputs, _, F, batch_size = format_sequence(length, inputs, layout, None)
        begin_state = initial_states(self, F, begin_state, inputs, batch_size)
        cells, place, new_states = list(self._children.values()), 0, []
        for i, cell in enumerate(cells):
            count = len(cell.state_info())
            inputs, states = cell.unroll(
                length, inputs=inputs, begin_state=begin_state[place:place + count], layout=layout,
                merge_outputs=None if i < len(cells) - 1 else merge_outputs,
                valid_length=valid_length)
            place += count
            new_states += states
        return inputs, new_states

    def __getitem__(self, i):
        return self._children[str(i)]

    def __len__(self):
        return len(self._children)


class SequentialRNNCell(_Stack, RecurrentCell):
    """Cells on top of each other."""

    def __init__(self, prefix=None, params=None):
        RecurrentCell.__init__(self, prefix=prefix, params=params)

    def hybrid_forward(self, *args, **kwargs):
        """Not there: a stack calls its cells."""
        raise NotImplementedError


class HybridSequentialRNNCell(_Stack, HybridRecurrentCell):
    """Cells on top of each other, which can be hybridized."""

    def __init__(self, prefix=None, params=None):
        HybridRecurrentCell.__init__(self, prefix=prefix, params=params)

    def __call__(self, inputs, states):
        self._counter += 1
        return HybridBlock.__call__(self, inputs, states)

    def hybrid_forward(self, F, inputs, states):
        return self._step(inputs, states)


class DropoutCell(HybridRecurrentCell):
    """Dropout on the input, without a state.

    Parameters
    ----------
    rate : float
    axes : tuple of int
        Axes along which one decision holds.
    """

    def __init__(self, rate, axes=(), prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)
        assert isinstance(rate, (int, float)), "rate must be a number"
        self._rate = rate
        self._axes = axes

    def __repr__(self):
        return f"{self.__class__.__name__}(rate={self._rate}, axes={self._axes})"

    def state_info(self, batch_size=0):
        return []

    def _alias(self):
        return "dropout"

    def hybrid_forward(self, F, inputs, states):
        if self._rate > 0:
            inputs = F.Dropout(inputs, p=self._rate, axes=self._axes,
                               name=f"t{self._counter}_fwd")
        return inputs, states

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None,
               valid_length=None):
        self.reset()
        inputs, _, F, _ = format_sequence(length, inputs, layout, merge_outputs)
        if isinstance(inputs, TENSORS):
            return self.hybrid_forward(F, inputs, begin_state if begin_state else [])
        return super().unroll(length, inputs, begin_state=begin_state, layout=layout,
                              merge_outputs=merge_outputs, valid_length=None)


class ModifierCell(HybridRecurrentCell):
    """The base of cells that change what another cell does; that one keeps its parameters but
    can no longer be called by itself."""

    def __init__(self, base_cell):
        base_cell._refuse_if_modified()
        base_cell._modified = True
        super().__init__(prefix=base_cell.prefix + self._alias(), params=None)
        self.base_cell = base_cell

    @property
    def params(self):
        """The parameters of the cell below."""
        return self.base_cell.params

    def state_info(self, batch_size=0):
        return self.base_cell.state_info(batch_size)

    def begin_state(self, func=nd.zeros, **kwargs):
        self._refuse_if_modified()
        self.base_cell._modified = False
        try:
            return self.base_cell.begin_state(func=func, **kwargs)
        finally:
            self.base_cell._modified = True

    def hybrid_forward(self, F, inputs, states):
        raise NotImplementedError

    def __repr__(self):
        return f"{self.__class__.__name__}({self.base_cell!r})"


class ZoneoutCell(ModifierCell):
    """Keeps elements of outputs and states as they were, at random (Krueger et al., 2016).

    Parameters
    ----------
    base_cell : RecurrentCell
    zoneout_outputs, zoneout_states : float
        The share that is kept.
    """

    def __init__(self, base_cell, zoneout_outputs=0., zoneout_states=0.):
        assert not isinstance(base_cell, BidirectionalCell), \
            "BidirectionalCell doesn't support zoneout since it doesn't support step. Please add " \
            "ZoneoutCell to the cells underneath instead."
        assert not (isinstance(base_cell, SequentialRNNCell) and
                    any(isinstance(cell, BidirectionalCell)
                        for cell in base_cell._children.values())), \
            "Bidirectional SequentialRNNCell doesn't support zoneout. Please add ZoneoutCell to " \
            "the cells underneath instead."
        super().__init__(base_cell)
        self.zoneout_outputs = zoneout_outputs
        self.zoneout_states = zoneout_states
        self._prev_output = None

    def __repr__(self):
        return f"{self.__class__.__name__}(p_out={self.zoneout_outputs}, " \
               f"p_state={self.zoneout_states}, {self.base_cell!r})"

    def _alias(self):
        return "zoneout"

    def reset(self):
        super().reset()
        self._prev_output = None

    def hybrid_forward(self, F, inputs, states):
        output, new_states = self.base_cell(inputs, states)

        def keep(share, new, old):
            if share == 0.:
                return new
            # While training, dropout's zeros are the elements that stay as they were.
            return F.where(F.Dropout(F.ones_like(new), p=share), new, old)

        previous = self._prev_output
        if previous is None:
            previous = F.zeros_like(output)
        output = keep(self.zoneout_outputs, output, previous)
        new_states = [keep(self.zoneout_states, new, old)
                      for new, old in zip(new_states, states)]
        self._prev_output = output
        return output, new_states


class ResidualCell(ModifierCell):
    """Adds the input to another cell's output (Wu et al., 2016); both have the same width."""

    def __init__(self, base_cell):
        super().__init__(base_cell)

    def hybrid_forward(self, F, inputs, states):
        output, states = self.base_cell(inputs, states)
        return F.elemwise_add(output, inputs, name=f"t{self._counter}_fwd"), states

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None,
               valid_length=None):
        self.reset()
        self.base_cell._modified = False
        try:
            outputs, states = self.base_cell.unroll(length, inputs=inputs, begin_state=begin_state,
                                                    layout=layout, merge_outputs=merge_outputs,
                                                    valid_length=valid_length)
        finally:
            self.base_cell._modified = True
        merged = isinstance(outputs, TENSORS) if merge_outputs is None else merge_outputs
        inputs, axis, F, _ = format_sequence(length, inputs, layout, merged)
        if valid_length is not None:
            inputs = mask_sequence(F, inputs, length, valid_length, axis, merged)
        if merged:
            return F.elemwise_add(outputs, inputs), states
        return [F.elemwise_add(output, one) for output, one in zip(outputs, inputs)], states


class BidirectionalCell(HybridRecurrentCell):
    """Two cells that read a sequence from both ends; their outputs are joined along the last axis.

    Parameters
    ----------
    l_cell, r_cell : RecurrentCell
        Read from the beginning and from the end.
    output_prefix : str
        Put before the names of outputs.
    """

    def __init__(self, l_cell, r_cell, output_prefix="bi_"):
        super().__init__(prefix="", params=None)
        self.register_child(l_cell, "l_cell")
        self.register_child(r_cell, "r_cell")
        self._output_prefix = output_prefix

    def __call__(self, inputs, states):
        raise NotImplementedError("Bidirectional cannot be stepped. Please use unroll")

    def __repr__(self):
        return f"{self.__class__.__name__}(forward={self._children['l_cell']!r}, " \
               f"backward={self._children['r_cell']!r})"

    def state_info(self, batch_size=0):
        return cells_state_info(self._children.values(), batch_size)

    def begin_state(self, **kwargs):
        self._refuse_if_modified()
        return cells_begin_state(self._children.values(), **kwargs)

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None,
               valid_length=None):
        self.reset()
        inputs, axis, F, batch_size = format_sequence(length, inputs, layout, False)
        backward_inputs = reverse_sequences(inputs, valid_length)
        states = initial_states(self, F, begin_state, inputs, batch_size)
        l_cell, r_cell = self._children["l_cell"], self._children["r_cell"]
        count = len(l_cell.state_info(batch_size))
        l_outputs, l_states = l_cell.unroll(
            length, inputs=inputs, begin_state=states[:count], layout=layout,
            merge_outputs=merge_outputs, valid_length=valid_length)
        r_outputs, r_states = r_cell.unroll(
            length, inputs=backward_inputs, begin_state=states[count:], layout=layout,
            merge_outputs=False, valid_length=valid_length)
        r_outputs = reverse_sequences(r_outputs, valid_length)
        if merge_outputs is None:
            merge_outputs = isinstance(l_outputs, TENSORS)
        l_outputs, _, F, _ = format_sequence(length, l_outputs, layout, merge_outputs)
        r_outputs, _, _, _ = format_sequence(length, r_outputs, layout, merge_outputs)
        if merge_outputs:
            outputs = F.concat(l_outputs, r_outputs, dim=2, name=f"{self._output_prefix}out")
        else:
            outputs = [F.concat(one, other, dim=1, name=f"{self._output_prefix}t{i}")
                       for i, (one, other) in enumerate(zip(l_outputs, r_outputs))]
        if valid_length is not None:
            outputs = mask_sequence(F, outputs, length, valid_length, axis, merge_outputs)
        return outputs, l_states + r_states
