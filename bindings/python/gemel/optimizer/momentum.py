"""Optimizers that follow the gradient, its running sum or its sign."""
from .. import ndarray as nd
from .optimizer import Optimizer, UpdateByOperator, _as_lists, _zeros, register

__all__ = ["NAG", "Signum", "DCASGD", "SGLD"]


@register
class NAG(UpdateByOperator):
    """Nesterov's accelerated gradient.

    `g = clip(rescale_grad * grad) + wd * weight; state = momentum * state + g;
    weight -= lr * (g + momentum * state)`.

    Parameters
    ----------
    momentum : float
    """

    _mixed = {"sgd_update": "mp_sgd_update", "nag_mom_update": "mp_nag_mom_update"}

    def __init__(self, momentum=0.0, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum

    def create_state(self, index, weight):
        return _zeros(weight) if self.momentum != 0.0 else None

    def update_multi_precision(self, index, weight, grad, state):
        self._update_all(*_as_lists(index, weight, grad, state))

    def _operator(self, indices, varying):
        if self.momentum == 0.0:
            return "sgd_update", self._common()
        return "nag_mom_update", {**self._common(), "momentum": self.momentum}


@register
class Signum(UpdateByOperator):
    """Steps of equal size along the sign of the momentum (Bernstein et al., signSGD, 2018).

    Parameters
    ----------
    learning_rate : float
    momentum : float
        Without it, the sign of the gradient counts.
    wd_lh : float
        Decay that is applied to the weight itself (Loshchilov and Hutter, 2017).
    """

    def __init__(self, learning_rate=0.01, momentum=0.9, wd_lh=0.0, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = momentum
        self.wd_lh = wd_lh

    def create_state(self, index, weight):
        return _zeros(weight) if self.momentum != 0.0 else None

    def _operator(self, indices, varying):
        if self.momentum == 0.0:
            return "signsgd_update", self._common()
        return "signum_update", {**self._common(), "momentum": self.momentum, "wd_lh": self.wd_lh}


@register
class DCASGD(Optimizer):
    """Asynchronous descent that corrects late gradients (Zheng et al., 2016).

    Parameters
    ----------
    momentum : float
    lamda : float
        How strongly the change of the weight since the last update is made up for.
    """

    def __init__(self, momentum=0.0, lamda=0.04, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.weight_previous = {}
        self.lamda = lamda

    def create_state(self, index, weight):
        return (_zeros(weight) if self.momentum != 0.0 else None, weight.copy())

    def update(self, index, weight, grad, state):
        rate, decay, grad = self._prepared(index, grad)
        momentum, previous = state
        step = -rate * (grad + decay * weight + self.lamda * grad * grad * (weight - previous))
        if momentum is not None:
            momentum[:] = self.momentum * momentum + step
            step = momentum
        previous[:] = weight
        weight[:] += step


@register
class SGLD(Optimizer):
    """Stochastic gradient Langevin dynamics: descent with noise, so that the weights are samples of
    their posterior (Welling and Teh, 2011)."""

    def create_state(self, index, weight):
        return None

    def update(self, index, weight, grad, state):
        rate, decay, grad = self._prepared(index, grad)
        noise = nd.random.normal(0, rate ** 0.5, shape=weight.shape, dtype=weight.dtype,
                                 ctx=weight.context)
        weight[:] += noise - rate / 2 * (grad + decay * weight)
