"""Variational dropout, and an LSTM with a projection."""
from ...rnn import BidirectionalCell, ModifierCell, SequentialRNNCell
from ...rnn.cells import _GatedCell
from ...rnn.sequences import TENSORS, format_sequence, initial_states, mask_sequence

__all__ = ["VariationalDropoutCell", "LSTMPCell"]


class VariationalDropoutCell(ModifierCell):
    """Dropout with one decision for all steps (Gal and Ghahramani, 2016); `reset` draws anew.

    Parameters
    ----------
    base_cell : RecurrentCell
    drop_inputs, drop_states, drop_outputs : float
        The shares set to zero; of the states, only the first has dropout.
    """

    def __init__(self, base_cell, drop_inputs=0., drop_states=0., drop_outputs=0.):
        assert not drop_states or not isinstance(base_cell, BidirectionalCell), \
            "BidirectionalCell doesn't support variational state dropout. Please add " \
            "VariationalDropoutCell to the cells underneath instead."
        assert not drop_states or not isinstance(base_cell, SequentialRNNCell) or not any(
            isinstance(cell, BidirectionalCell) for cell in base_cell._children.values()), \
            "Bidirectional SequentialRNNCell doesn't support variational state dropout. Please " \
            "add VariationalDropoutCell to the cells underneath instead."
        super().__init__(base_cell)
        self.drop_inputs = drop_inputs
        self.drop_states = drop_states
        self.drop_outputs = drop_outputs
        self._masks = {}

    def _alias(self):
        return "vardrop"

    def reset(self):
        super().reset()
        self._masks = {}

    def _dropped(self, F, what, share, value):
        if not share:
            return value
        if what not in self._masks:
            self._masks[what] = F.Dropout(F.ones_like(value), p=share)
        return value * self._masks[what]

    def hybrid_forward(self, F, inputs, states):
        states = list(states)
        if states:
            states[0] = self._dropped(F, "states", self.drop_states, states[0])
        inputs = self._dropped(F, "inputs", self.drop_inputs, inputs)
        output, states = self.base_cell(inputs, states)
        return self._dropped(F, "outputs", self.drop_outputs, output), states

    def __repr__(self):
        return f"{self.__class__.__name__}(p_out = {self.drop_outputs}, " \
               f"p_state = {self.drop_states})"

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None,
               valid_length=None):
        if self.drop_states:
            return super().unroll(length, inputs, begin_state, layout, merge_outputs,
                                  valid_length=valid_length)
        # Dropout on whole sequences: the mask is broadcast along the time axis.
        self.reset()
        inputs, axis, F, batch_size = format_sequence(length, inputs, layout, True)
        states = initial_states(self, F, begin_state, inputs, batch_size)
        if self.drop_inputs:
            inputs = F.Dropout(inputs, p=self.drop_inputs, axes=(axis,))
        outputs, states = self.base_cell.unroll(length, inputs, states, layout, merge_outputs=True,
                                                valid_length=valid_length)
        if self.drop_outputs:
            outputs = F.Dropout(outputs, p=self.drop_outputs, axes=(axis,))
        merge = isinstance(outputs, TENSORS) if merge_outputs is None else merge_outputs
        outputs, _, _, _ = format_sequence(length, outputs, layout, merge)
        if valid_length is not None:
            outputs = mask_sequence(F, outputs, length, valid_length, axis, merge)
        return outputs, states


class LSTMPCell(_GatedCell):
    """An LSTM whose output is projected (Sak et al., 2014).

    Parameters
    ----------
    hidden_size : int
        Width of the memory.
    projection_size : int
        Width of the output.
    """

    _gates = 4

    def __init__(self, hidden_size, projection_size, i2h_weight_initializer=None,
                 h2h_weight_initializer=None, h2r_weight_initializer=None,
                 i2h_bias_initializer="zeros", h2h_bias_initializer="zeros", input_size=0,
                 prefix=None, params=None):
        super().__init__(hidden_size, (i2h_weight_initializer, h2h_weight_initializer,
                                       i2h_bias_initializer, h2h_bias_initializer),
                         input_size, prefix, params, projection_size, h2r_weight_initializer)
        self._projection_size = projection_size

    def _alias(self):
        return "lstmp"

    def state_info(self, batch_size=0):
        return [{"shape": (batch_size, width), "__layout__": "NC"}
                for width in (self._projection_size, self._hidden_size)]

    def __repr__(self):
        return f"{super().__repr__()[:-1]} -> {self.h2r_weight.shape[0]})"

    def hybrid_forward(self, F, inputs, states, i2h_weight, h2h_weight, h2r_weight, i2h_bias,
                       h2h_bias):
        step = f"t{self._counter}_"
        i2h, h2h = self._products(F, inputs, states[0], i2h_weight, h2h_weight, i2h_bias, h2h_bias)
        gates = F.SliceChannel(i2h + h2h, num_outputs=4, name=step + "slice")
        input_gate = F.Activation(gates[0], act_type="sigmoid", name=step + "i")
        forget_gate = F.Activation(gates[1], act_type="sigmoid", name=step + "f")
        update = F.Activation(gates[2], act_type="tanh", name=step + "c")
        output_gate = F.Activation(gates[3], act_type="sigmoid", name=step + "o")
        memory = F.elemwise_add(forget_gate * states[1], input_gate * update, name=step + "state")
        hidden = F.elemwise_mul(output_gate, F.Activation(memory, act_type="tanh"),
                                name=step + "hidden")
        output = F.FullyConnected(hidden, h2r_weight, num_hidden=self._projection_size,
                                  no_bias=True, name=step + "out")
        return output, [output, memory]
