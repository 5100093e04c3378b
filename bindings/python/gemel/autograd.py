"""Recording of imperative operations, and their gradients."""
from . import _core

__all__ = ["record", "pause", "train_mode", "predict_mode", "is_recording", "is_training",
           "set_recording", "set_training", "mark_variables", "backward", "grad"]

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


class _Scope:
    """Sets recording and training on entry (None leaves it) and puts them back on exit."""

    __slots__ = ("_recording", "_training", "_outer")

    def __init__(self, recording, training):
        self._recording = recording
        self._training = training
        self._outer = []

    def __enter__(self):
        recording = training = None
        if self._recording is not None:
            recording = _set_recording(self._recording)
        if self._training is not None:
            training = _set_training(self._training)
        self._outer.append((recording, training))

    def __exit__(self, exc_type, exc_value, trace):
        recording, training = self._outer.pop()
        if recording is not None:
            _set_recording(recording)
        if training is not None:
            _set_training(training)


def record(train_mode=True):  # pylint: disable=redefined-outer-name
    """A `with` scope whose operations are recorded for `backward`."""
    return _Scope(True, train_mode)


def pause(train_mode=False):  # pylint: disable=redefined-outer-name
    """A `with` scope whose operations are not recorded."""
    return _Scope(False, train_mode)


def train_mode():
    """A `with` scope in which operators behave as in training; recording is left as it is."""
    return _Scope(None, True)


def predict_mode():
    """A `with` scope in which operators behave as in prediction; recording is left as it is."""
    return _Scope(None, False)


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
        assert len(heads) == len(head_grads), "heads and head_grads must be lists of the same length"
    return heads, head_grads


def backward(heads, head_grads=None, retain_graph=False, train_mode=True):  # pylint: disable=redefined-outer-name
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
