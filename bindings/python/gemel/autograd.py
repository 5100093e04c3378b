"""Recording of imperative operations, and their gradients."""
from . import _core

__all__ = ["record", "pause", "train_mode", "predict_mode", "is_recording", "is_training",
           "set_recording", "set_training", "mark_variables", "backward", "grad", "get_symbol",
           "Function"]

_set_recording = _core.autograd_set_recording
_set_training = _core.autograd_set_training
is_recording = _core.autograd_is_recording
is_training = _core.autograd_is_training


def set_recording(is_recording):  # pylint: disable=redefined-outer-name
    """Switch recording of this thread on or off; returns what it was."""
    return _set_recording(bool(is_recording))


def set_training(train_mode):  # pylint: disable=redefined-outer-name
    """Switch training mode (Dropout, BatchNorm) of this thread; returns what it was."""
    return _set_training(bool(train_mode))


_Scope = _core.AutogradScope
_scopes = {(recording, training): _Scope(recording, training)
           for recording in (True, False, None) for training in (True, False, None)}
_RECORD = _scopes[True, True]


def record(train_mode=True):  # pylint: disable=redefined-outer-name
    """A `with` scope whose operations are recorded for `backward`."""
    return _RECORD if train_mode is True else _scopes[True, bool(train_mode)]


def pause(train_mode=False):  # pylint: disable=redefined-outer-name
    """A `with` scope whose operations are not recorded."""
    return _scopes[False, bool(train_mode)]


def train_mode():
    """A `with` scope in which operators behave as in training; recording is left as it is."""
    return _scopes[None, True]


def predict_mode():
    """A `with` scope in which operators behave as in prediction; recording is left as it is."""
    return _scopes[None, False]


def _as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def mark_variables(variables, gradients, grad_reqs="write"):
    """Make arrays variables whose gradients are written into the given arrays.

    Parameters
    ----------
    variables : NDArray or list of NDArray
    gradients : NDArray or list of NDArray
        One for each variable, of its shape.
    grad_reqs : str or list of str
        "write", "add" or "null", for all or for each.
    """
    variables, gradients = _as_list(variables), _as_list(gradients)
    if isinstance(grad_reqs, str):
        grad_reqs = [grad_reqs] * len(variables)
    _core.autograd_mark_variables(variables, gradients, list(grad_reqs))


def _parse_heads(heads, head_grads):
    if not isinstance(heads, (list, tuple)):
        heads = [heads]
        if head_grads is not None:
            head_grads = _as_list(head_grads)
    else:
        heads = list(heads)
        if head_grads is not None:
            head_grads = _as_list(head_grads)
    if head_grads is not None:
        assert len(heads) == len(head_grads), \
            "heads and head_grads must be lists of the same length"
    return heads, head_grads


def backward(heads, head_grads=None, retain_graph=False, train_mode=True):
    """Compute the gradients of the heads with respect to all marked variables.

    Parameters
    ----------
    heads : NDArray or list of NDArray
        Outputs that were computed while recording; an error otherwise.
    head_grads : NDArray or list of NDArray, optional
        Gradients of the heads (entries may be None); ones by default.
    retain_graph : bool
        Keep what was recorded, for a second `backward`.
    train_mode : bool
        Whether operators behave as in training.
    """
    heads, head_grads = _parse_heads(heads, head_grads)
    _core.autograd_backward(heads, head_grads, retain_graph, train_mode)


def grad(heads, variables, head_grads=None, retain_graph=None, create_graph=False,
         train_mode=True):  # pylint: disable=redefined-outer-name
    """The gradients of the heads with respect to `variables`, as a list of new arrays.

    `variables` is one array or a list that is not empty. With `create_graph` the gradients are
    recorded and can be differentiated again.
    """
    heads, head_grads = _parse_heads(heads, head_grads)
    variables = _as_list(variables)
    assert variables, "variables cannot be an empty list."
    if retain_graph is None:
        retain_graph = create_graph
    return _core.autograd_grad(heads, variables, head_grads, retain_graph, create_graph,
                               train_mode)


def get_symbol(x):
    """The recorded computation of an array as a Symbol.

    Arrays with `attach_grad()` are the variables var0, var1 ..., other arrays null<n>, calls node_0 ...
    Raises `MXNetError` for an array that was not recorded, or was computed by a `Function`.
    """
    return _core.autograd_symbol(x)


class Function:
    """An operation whose gradient the user writes; a subclass offers `forward` and `backward`.

    `forward(*inputs)` computes the outputs (an NDArray, or a tuple) unrecorded;
    `backward(*output_gradients)` gives the gradients of the inputs. An object is used once.
    """

    def __init__(self):
        self._used = False
        self.saved_tensors = ()

    def save_for_backward(self, *args):
        """Keep arrays for `backward`, as `self.saved_tensors`."""
        self.saved_tensors = args

    def forward(self, *inputs):
        """Compute the outputs."""
        raise NotImplementedError

    def backward(self, *output_grads):
        """Compute the gradients of the inputs."""
        raise NotImplementedError

    def __call__(self, *inputs):
        assert not self._used, "Each Function instance can only be called once. Please create " \
            "another instance."
        self._used = True
        recording = set_recording(False)
        try:
            outputs = self.forward(*inputs)
        finally:
            set_recording(recording)
        if not recording:
            return outputs
        outputs = _as_list(outputs)
        shapes = [(one.shape, one.dtype, one.context) for one in outputs]
        count = len(inputs)

        def backward_of(heads):
            from .ndarray import zeros
            heads = [zeros(shape, dtype=dtype, ctx=ctx) if head is None else head
                     for head, (shape, dtype, ctx) in zip(heads, shapes)]
            was = set_recording(False)
            try:
                gradients = _as_list(self.backward(*heads))
            finally:
                set_recording(was)
            assert len(gradients) == count, \
                f"{type(self).__name__}.backward must return {count} gradients, one for each " \
                f"input; got {len(gradients)}"
            return gradients

        _core.autograd_record_function(type(self).__name__, list(inputs), outputs, backward_of)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)
