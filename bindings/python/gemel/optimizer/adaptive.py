"""Optimizers that scale every element's step by the history of its gradient."""
from .. import ndarray as nd
from .optimizer import Optimizer, UpdateByOperator, _zeros, register

__all__ = ["AdaGrad", "AdaDelta", "Adamax", "Nadam", "RMSProp", "Ftrl", "FTML"]


@register
class AdaGrad(Optimizer):
    """Steps divided by the root of the sum of squared gradients (Duchi et al., 2011).

    Parameters
    ----------
    eps : float
        Added to the root's argument.
    """

    def __init__(self, eps=1e-7, **kwargs):
        super().__init__(**kwargs)
        self.float_stable_eps = eps

    def create_state(self, index, weight):
        return _zeros(weight)

    def update(self, index, weight, grad, state):
        rate, decay, grad = self._prepared(index, grad)
        state[:] += grad * grad
        weight[:] -= rate * (grad / nd.sqrt(state + self.float_stable_eps) + decay * weight)


@register
class AdaDelta(Optimizer):
    """Steps whose size follows from earlier steps; the learning rate has no effect (Zeiler, 2012).

    Parameters
    ----------
    rho : float
        Decay of the two running means.
    epsilon : float
        Added under the roots.
    """

    def __init__(self, rho=0.90, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.rho = rho
        self.epsilon = epsilon

    def create_state(self, index, weight):
        return _zeros(weight), _zeros(weight)

    def update(self, index, weight, grad, state):
        _, decay, grad = self._prepared(index, grad)
        squares, steps = state
        squares[:] = self.rho * squares + (1. - self.rho) * grad * grad
        step = nd.sqrt(steps + self.epsilon) / nd.sqrt(squares + self.epsilon) * grad
        steps[:] = self.rho * steps + (1. - self.rho) * step * step
        weight[:] -= step + decay * weight


@register
class Adamax(Optimizer):
    """Adam with the largest gradient instead of the root of a mean (Kingma and Ba, 2014).

    Parameters
    ----------
    learning_rate, beta1, beta2 : float
    """

    def __init__(self, learning_rate=0.002, beta1=0.9, beta2=0.999, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta1 = beta1
        self.beta2 = beta2

    def create_state(self, index, weight):
        return _zeros(weight), _zeros(weight)

    def update(self, index, weight, grad, state):
        rate, grad = self._with_decay(index, weight, grad)
        rate /= 1. - self.beta1 ** self._index_update_count[index]
        mean, largest = state
        mean[:] = self.beta1 * mean + (1. - self.beta1) * grad
        largest[:] = nd.maximum(self.beta2 * largest, nd.abs(grad))
        # An element that never had a gradient has a mean of zero: its step is zero, not nan.
        weight[:] -= rate * mean / nd.maximum(largest, 1e-7)


@register
class Nadam(Optimizer):
    """Adam with Nesterov's momentum (Dozat, 2016).

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon : float
        As for `Adam`.
    schedule_decay : float
        How fast the momentum grows to `beta1`.
    """

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8,
                 schedule_decay=0.004, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.schedule_decay = schedule_decay
        self.m_schedule = 1.

    def create_state(self, index, weight):
        return _zeros(weight), _zeros(weight)

    def _momentum(self, count):
        return self.beta1 * (1. - 0.5 * 0.96 ** (count * self.schedule_decay))

    def update(self, index, weight, grad, state):
        rate, grad = self._with_decay(index, weight, grad)
        count = self._index_update_count[index]
        now, then = self._momentum(count), self._momentum(count + 1)
        self.m_schedule *= now
        mean, variance = state
        mean[:] = self.beta1 * mean + (1. - self.beta1) * grad
        variance[:] = self.beta2 * variance + (1. - self.beta2) * grad * grad
        ahead = (1. - now) / (1. - self.m_schedule) * grad + \
            then / (1. - self.m_schedule * then) * mean
        unbiased = variance / (1. - self.beta2 ** count)
        weight[:] -= rate * ahead / (nd.sqrt(unbiased) + self.epsilon)


@register
class RMSProp(UpdateByOperator):
    """Steps divided by the root of the running mean of squared gradients (Tieleman and Hinton, 2012).

    Parameters
    ----------
    learning_rate : float
    gamma1 : float
        Decay of the running means.
    gamma2 : float
        Momentum, where `centered`.
    epsilon : float
        Added under the root.
    centered : bool
        Subtract the squared mean of the gradient (Graves, 2013).
    clip_weights : float, optional
        Bound of each element of the weight.
    """

    def __init__(self, learning_rate=0.001, gamma1=0.9, gamma2=0.9, epsilon=1e-8, centered=False,
                 clip_weights=None, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.gamma1 = gamma1
        self.gamma2 = gamma2
        self.centered = centered
        self.epsilon = epsilon
        self.clip_weights = clip_weights

    def create_state(self, index, weight):
        return tuple(_zeros(weight) for _ in range(3 if self.centered else 1))

    def _operator(self, indices, varying):
        common = {**self._common(), "gamma1": self.gamma1, "epsilon": self.epsilon}
        if self.clip_weights:
            common["clip_weights"] = self.clip_weights
        if self.centered:
            common["gamma2"] = self.gamma2
        name = "rmspropalex_update" if self.centered else "rmsprop_update"
        return name, common


@register
class Ftrl(UpdateByOperator):
    """Follow the regularised leader, which gives sparse weights (McMahan et al., 2013).

    Parameters
    ----------
    lamda1 : float
        Weight of the L1 norm.
    learning_rate, beta : float
        The step of an element is `learning_rate / (beta + root of its squared gradients)`.
    """

    def __init__(self, lamda1=0.01, learning_rate=0.1, beta=1, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.lamda1 = lamda1
        self.beta = beta

    def create_state(self, index, weight):
        return _zeros(weight), _zeros(weight)

    def _operator(self, indices, varying):
        common = {**self._common(), "lamda1": self.lamda1, "beta": self.beta}
        return "ftrl_update", common


@register
class FTML(UpdateByOperator):
    """Follow the moving leader (Zheng and Kwok, 2017).

    Parameters
    ----------
    beta1, beta2, epsilon : float
    """

    def __init__(self, beta1=0.6, beta2=0.999, epsilon=1e-8, **kwargs):
        super().__init__(**kwargs)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def create_state(self, index, weight):
        return tuple(_zeros(weight) for _ in range(3))

    def _operator(self, indices, varying):
        common = {**self._common(), "beta1": self.beta1, "beta2": self.beta2,
                  "epsilon": self.epsilon}
        if "clip_gradient" in common:
            common["clip_grad"] = common.pop("clip_gradient")
        varying["t"] = [self._index_update_count[index] for index in indices]
        return "ftml_update", common
