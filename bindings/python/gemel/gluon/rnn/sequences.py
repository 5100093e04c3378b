"""Sequences as one array or as a list of steps, and sequences of different lengths."""
from ... import ndarray as nd
from ... import symbol
from ...ndarray import NDArray
from ...symbol import Symbol

TENSORS = (NDArray, Symbol)


def namespace(inputs):
    """`mx.sym` or `mx.nd`, whichever `inputs` (an array, a symbol or a list of them) belongs to."""
    first = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
    return symbol if isinstance(first, Symbol) else nd


def format_sequence(length, inputs, layout, merge, in_layout=None):
    """`inputs` as one array (`merge` true), as a list of steps (false), or as they are (None).

    Returns the sequence, the time axis, the operators' namespace and the batch size (0 where it
    is not known).
    """
    assert inputs is not None, "unroll(inputs=None) has been deprecated. Please create input " \
        "variables outside unroll."
    axis, batch_axis = layout.find("T"), layout.find("N")
    assert axis >= 0 and batch_axis >= 0, f"expected a layout with N and T, got {layout}"
    in_axis = axis if in_layout is None else in_layout.find("T")
    F = namespace(inputs)
    batch_size = 0
    if isinstance(inputs, TENSORS):
        if F is nd:
            batch_size = inputs.shape[batch_axis]
            assert length is None or length == inputs.shape[in_axis], \
                f"expected a sequence of {length} steps along axis {in_axis}, got {inputs.shape}"
        if merge is False:
            count = inputs.shape[in_axis] if F is nd else length
            inputs = F.split(inputs, axis=in_axis, num_outputs=count, squeeze_axis=1)
            inputs = [inputs] if isinstance(inputs, NDArray) else list(inputs)
    else:
        assert length is None or len(inputs) == length, \
            f"expected {length} steps, got {len(inputs)}"
        if F is nd:
            # A step has no time axis.
            batch_size = inputs[0].shape[batch_axis - (batch_axis > axis)]
        if merge is True:
            inputs = F.stack(*inputs, axis=axis)
            in_axis = axis
    if isinstance(inputs, TENSORS) and axis != in_axis:
        inputs = F.swapaxes(inputs, dim1=axis, dim2=in_axis)
    return inputs, axis, F, batch_size


def mask_sequence(F, data, length, valid_length, time_axis, merge):
    """The steps behind each sample's end as zeros; one array, or (not `merge`) a list of steps."""
    if not isinstance(data, TENSORS):
        data = F.stack(*data, axis=time_axis)
    outputs = F.SequenceMask(data, valid_length, use_sequence_length=True, axis=time_axis)
    if not merge:
        outputs = F.split(outputs, num_outputs=length, axis=time_axis, squeeze_axis=True)
        outputs = [outputs] if isinstance(outputs, NDArray) else list(outputs)
    return outputs


def reverse_sequences(sequences, valid_length):
    """A list of steps from its end; of samples that are shorter, the part that counts."""
    if valid_length is None:
        return list(reversed(sequences))
    F = namespace(sequences)
    reversed_steps = F.SequenceReverse(F.stack(*sequences, axis=0), valid_length,
                                       use_sequence_length=True)
    if len(sequences) == 1:
        return [reversed_steps[0] if F is nd else F.squeeze(reversed_steps, axis=0)]
    return list(F.split(reversed_steps, axis=0, num_outputs=len(sequences), squeeze_axis=True))


def initial_states(cell, F, begin_state, inputs, batch_size):
    """The given states, or zeros on the device of the inputs."""
    if begin_state is not None:
        return begin_state
    if F is nd:
        first = inputs if isinstance(inputs, NDArray) else inputs[0]
        with first.context:
            return cell.begin_state(func=F.zeros, batch_size=batch_size)
    return cell.begin_state(func=F.zeros, batch_size=batch_size)
