"""The interface of recording before `mx.autograd`: one state is both recording and training."""
import functools

from .. import autograd
from ..ndarray import NDArray, zeros_like

__all__ = ["set_is_training", "TrainingStateScope", "train_section", "test_section", "mark_variables",
           "backward", "compute_gradient", "grad_and_loss", "grad"]


def set_is_training(is_train):
    """Switch recording and training of this thread; returns what recording was."""
    autograd.set_training(is_train)
    return autograd.set_recording(is_train)


class TrainingStateScope:
    """A `with` scope in which recording and training are switched on or off."""

    def __init__(self, enter_state):
        self._enter_state = enter_state
        self._before = None

    def __enter__(self):
        self._before = autograd.is_recording(), autograd.is_training()
        set_is_training(self._enter_state)

    def __exit__(self, *_):
        autograd.set_recording(self._before[0])
        autograd.set_training(self._before[1])


def train_section():
    """A `with` scope whose operations are recorded."""
    return TrainingStateScope(True)


def test_section():
    """A `with` scope whose operations are not recorded."""
    return TrainingStateScope(False)


def mark_variables(variables, gradients, grad_reqs="write"):
    """Make arrays variables; see `mx.autograd.mark_variables`."""
    autograd.mark_variables(variables, gradients, grad_reqs)


def backward(outputs, out_grads=None, retain_graph=False):
    """The gradients of a list of outputs; `out_grads` may be None or a list with one for each."""
    assert isinstance(outputs, (list, tuple)), "outputs must be a list or tuple of NDArrays"
    autograd.backward(outputs, out_grads, retain_graph)


def compute_gradient(outputs):
    """A former name of `backward`."""
    backward(outputs)


def grad_and_loss(func, argnum=None):
    """A function that returns the gradients of the arguments and the value of `func`.

    Parameters
    ----------
    func : function of NDArrays
    argnum : int or list of int, optional
        Which arguments; all by default.
    """
    @functools.wraps(func)
    def wrapped(*args):
        numbers = range(len(args)) if argnum is None else \
            argnum if isinstance(argnum, list) else [argnum]
        variables = [args[i] for i in numbers]
        for one in variables:
            assert isinstance(one, NDArray), "type of autograd input should NDArray."
        gradients = [zeros_like(one) for one in variables]
        mark_variables(variables, gradients)
        with train_section():
            outputs = func(*args)
        compute_gradient([outputs] if isinstance(outputs, NDArray) else outputs)
        return gradients, outputs
    return wrapped


def grad(func, argnum=None):
    """A function that returns the gradients of the arguments of `func`; as `grad_and_loss`."""
    with_loss = grad_and_loss(func, argnum)

    @functools.wraps(with_loss)
    def wrapped(*args):
        return with_loss(*args)[0]
    return wrapped
