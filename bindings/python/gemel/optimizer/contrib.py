"""Further optimizers."""
from .. import ndarray as nd
from .optimizer import Optimizer, register

__all__ = ["GroupAdaGrad"]


@register
class GroupAdaGrad(Optimizer):
    """AdaGrad with one history for each row of a matrix; for embeddings.

    Parameters
    ----------
    eps : float
        Added to the root's argument.

    Weights have two axes, and there is no weight decay.
    """

    def __init__(self, eps=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.float_stable_eps = eps

    def create_state(self, index, weight):
        assert len(weight.shape) == 2, \
            f"[GroupAdaGrad] expected a weight with two axes, got shape {weight.shape}"
        return nd.zeros((weight.shape[0], 1), ctx=weight.context)

    def update(self, index, weight, grad, state):
        rate, decay, grad = self._prepared(index, grad)
        assert decay == 0, "Weight decay is not supported for GroupAdaGrad"
        state[:] += nd.mean(grad * grad, axis=1, keepdims=True)
        weight[:] -= rate * nd.broadcast_div(grad, nd.sqrt(state + self.float_stable_eps))
