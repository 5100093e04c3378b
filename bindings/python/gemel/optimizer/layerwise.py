"""Optimizers for large batches: the step of a layer is scaled as a whole."""
import logging
import math

import numpy

from .. import ndarray as nd
from .optimizer import Optimizer, UpdateByOperator, _as_lists, _zeros, aggregation_size, register

__all__ = ["LAMB", "LARS", "LBSGD"]


@register
class LAMB(Optimizer):
    """Adam's direction, as long as the layer's weight (You et al., 2019).

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon : float
        As for `Adam`.
    lower_bound, upper_bound : float, optional
        Bounds of the norm of the weight.
    bias_correction : bool
        Undo the bias of means that start at zero.
    """

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-6,
                 lower_bound=None, upper_bound=None, bias_correction=True, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.lower_bound = lower_bound
        self.upper_bound = upper_bound
        self.bias_correction = bias_correction
        self.aggregate_num = aggregation_size(45, most=45)

    def create_state(self, index, weight):
        return _zeros(weight), _zeros(weight)

    def _update_lists(self, indices, weights, grads, states, copies=None):
        self._update_count(indices)
        bounds = {key: value for key, value in (("lower_bound", self.lower_bound),
                                                ("upper_bound", self.upper_bound)) if value}
        groups = zip(weights, grads, *zip(*states), *([copies] if copies else []))
        step = nd._internal._multi_mp_lamb_update if copies else nd._internal._multi_lamb_update
        step(*(array for group in groups for array in group), out=list(weights),
             learning_rates=self._get_lrs(indices), wds=self._get_wds(indices),
             step_count=[self._index_update_count[index] for index in indices],
             num_tensors=len(weights), beta1=self.beta1, beta2=self.beta2, epsilon=self.epsilon,
             bias_correction=self.bias_correction, **self._common(), **bounds)

    def update(self, index, weight, grad, state):
        self._update_lists(*_as_lists(index, weight, grad, state))

    def update_multi_precision(self, index, weight, grad, state):
        lists = _as_lists(index, weight, grad, state)
        if self.multi_precision and lists[1][0].dtype == numpy.float16:
            self._update_lists(*lists[:3], *zip(*lists[3]))
        else:
            self._update_lists(*lists)


@register
class LARS(UpdateByOperator):
    """Descent whose rate for a layer follows the ratio of the weight's norm to the gradient's (You,
    Gitman and Ginsburg, 2017).

    Parameters whose names end in "gamma", "beta" or "bias" have the plain rate.

    Parameters
    ----------
    momentum : float
    lazy_update : bool
        Concerns only sparse gradients.
    eta : float
        The rate's share of the ratio.
    eps : float
        Added to the denominator of the ratio.
    momentum_correction : bool
        Scale the momentum when the learning rate changes.
    """

    _mixed = {"sgd_update": "mp_sgd_update", "sgd_mom_update": "mp_sgd_mom_update"}
    # A new rate corrects the momentum of the first `aggregate_num` parameters, as in MXNet.
    _joins = False

    def __init__(self, momentum=0.0, lazy_update=True, eta=0.001, eps=0, momentum_correction=True,
                 **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.momentum_correction = momentum_correction
        self.lazy_update = lazy_update
        self.eta = eta
        self.eps = eps
        self.last_lr = None
        self.cur_lr = None
        self.aggregate_num = aggregation_size()

    def create_state(self, index, weight):
        return _zeros(weight) if self.momentum != 0.0 else None

    def _get_lrs(self, indices):
        rate = self.lr_scheduler(self.num_update) if self.lr_scheduler is not None else self.lr
        if self.cur_lr is not None:
            self.last_lr = self.cur_lr
        self.cur_lr = rate
        if self.last_lr is None:
            self.last_lr = rate
        return super()._get_lrs(indices)

    def _varying(self, indices, weights, grads):
        rates, decays = self._get_lrs(indices), self._get_wds(indices)
        names = [self.idx2name.get(index, str(index)) for index in indices]
        squares = [nd.multi_sum_sq(*arrays, num_arrays=len(arrays)).asnumpy().astype(numpy.float64)
                   for arrays in (weights, grads)]
        norms = [numpy.sqrt(squares[0]), numpy.sqrt(squares[1]) * self.rescale_grad]
        for i, (name, weight, grad) in enumerate(zip(names, *norms)):
            if weight > 0 and grad > 0 and not name.endswith(("gamma", "beta", "bias")):
                rates[i] *= self.eta * weight / (grad + decays[i] * weight + self.eps)
        return {"lr": rates, "wd": decays}

    def _operator(self, indices, varying):
        if self.momentum == 0.0:
            return "sgd_update", self._common()
        momentum = self.momentum
        if self.momentum_correction and self.last_lr:
            momentum *= self.cur_lr / self.last_lr
        return "sgd_mom_update", {**self._common(), "momentum": momentum}

    def update_multi_precision(self, index, weight, grad, state):
        self._update_all(*_as_lists(index, weight, grad, state))



@register
class LBSGD(Optimizer):
    """Descent that adds up the gradients of several batches and warms its rate up (Goyal et al.,
    2017); the strategy "lars" scales the rate layer by layer instead.

    Parameters
    ----------
    momentum : float
    multi_precision : bool
    warmup_strategy : str
        How the rate grows to `batch_scale` times: "linear", "power2", "sqrt" or "lars".
    warmup_epochs : int
    batch_scale : int
        Batches whose gradients make one update.
    updates_per_epoch, begin_epoch, num_epochs : int
    """

    def __init__(self, momentum=0.0, multi_precision=False, warmup_strategy="linear",
                 warmup_epochs=5, batch_scale=1, updates_per_epoch=32, begin_epoch=0,
                 num_epochs=60, **kwargs):
        super().__init__(multi_precision=multi_precision, **kwargs)
        logging.info("Running Large-Batch SGD Algorithm")
        logging.info("(Batch_scale=%f, warmup_epochs=%d, warmup_strategy=%s, updates_per_epoch=%d)",
                     batch_scale, warmup_epochs, warmup_strategy, updates_per_epoch)
        self.momentum = momentum
        self.warmup_strategy = warmup_strategy
        self.warmup_epochs = warmup_epochs
        self.batch_scale = batch_scale
        self.updates_per_epoch = updates_per_epoch
        self.init_updates = begin_epoch * updates_per_epoch
        self.num_epochs = num_epochs
        self._sums = {}  # index -> (sum of gradients, how many)

    def create_state(self, index, weight):
        return _zeros(weight) if self.momentum != 0.0 else None

    def _scale(self, weight, grad, decay):
        if self.warmup_strategy == "lars":
            weight_square = (weight * weight).sum().asscalar()
            grad_square = (grad * grad).sum().asscalar()
            ratio = math.sqrt(weight_square / (grad_square + decay * weight_square + 1e-18))
            return min(max(ratio, 0.01), 100.0)
        updates = self.num_update + self.init_updates
        warm = self.warmup_epochs * self.updates_per_epoch
        if updates >= warm:
            return float(self.batch_scale)
        share = updates / warm if warm > 1 else 0.0
        growth = {"linear": share, "power2": share * share, "sqrt": math.sqrt(share)}
        return 1.0 + (self.batch_scale - 1) * growth.get(self.warmup_strategy, 0.0)

    def update(self, index, weight, grad, state):
        common = self._begin(index)
        if self.batch_scale > 1:
            total, count = self._sums.get(index, (None, 0))
            total = grad.copy() if total is None else total + grad
            if count + 1 < self.batch_scale:
                self._sums[index] = total, count + 1
                return
            self._sums[index] = None, 0
            grad = total / self.batch_scale
        common["lr"] *= self._scale(weight, grad, common["wd"])
        if state is None:
            nd.sgd_update(weight, grad, out=weight, **common)
        else:
            nd.sgd_mom_update(weight, grad, state, out=weight, momentum=self.momentum, **common)
