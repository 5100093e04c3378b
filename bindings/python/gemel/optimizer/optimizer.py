"""The base of optimizers and the registry that makes one from its name."""
import logging
import warnings

import numpy

from .. import ndarray as nd

__all__ = ["Optimizer", "SGD", "Adam", "Test", "ccSGD", "Updater", "get_updater", "create",
           "register"]


class Optimizer:
    """The base of all optimizers.

    A parameter is known by an index (an integer, or its name). Its learning rate is `lr` times its
    `lr_mult`, its weight decay is `wd` times its `wd_mult`; multipliers come from the Gluon
    parameter, from the attributes of the symbol's variables, or from `set_lr_mult` and
    `set_wd_mult`. Parameters whose names do not end in "_weight" or "_gamma" have no decay.

    Parameters
    ----------
    rescale_grad : float
        Every gradient is multiplied by this first.
    param_idx2name : dict of int to str, optional
        The names of the indices.
    wd : float
        Weight decay.
    clip_gradient : float, optional
        Bound of each element of the rescaled gradient.
    learning_rate : float, optional
        0.01 where neither this nor a scheduler is given.
    lr_scheduler : LRScheduler, optional
    sym : Symbol, optional
        Its variables' `__lr_mult__` and `__wd_mult__` are used.
    begin_num_update : int
        The number of updates to start from.
    multi_precision : bool
        Keep a float32 copy of half-precision weights.
    param_dict : dict, optional
        Gluon parameters by index.
    """

    opt_registry = {}

    def __init__(self, rescale_grad=1., param_idx2name=None, wd=0., clip_gradient=None,
                 learning_rate=None, lr_scheduler=None, sym=None, begin_num_update=0,
                 multi_precision=False, param_dict=None):
        self.rescale_grad = rescale_grad
        self.lr_scheduler = lr_scheduler
        if lr_scheduler is None and learning_rate is None:
            learning_rate = 0.01
        self.lr = learning_rate
        if lr_scheduler is not None and learning_rate is not None:
            if lr_scheduler.base_lr != learning_rate:
                print(UserWarning("learning rate from ``lr_scheduler`` has been "
                                  "overwritten by ``learning_rate`` in optimizer."))
                lr_scheduler.base_lr = learning_rate
        self.wd = wd
        self.lr_mult = {}
        self.wd_mult = {}
        self.begin_num_update = begin_num_update
        self.num_update = begin_num_update
        self._all_index_update_counts = {0: {}}
        self._index_update_count = self._all_index_update_counts[0]
        self.clip_gradient = clip_gradient
        self.multi_precision = multi_precision
        self.aggregate_num = 0
        if param_idx2name is None:
            param_idx2name = {}
        assert isinstance(param_idx2name, dict), \
            "param_idx2name should be a dict of param indexes to names."
        self.idx2name = param_idx2name.copy()
        self.sym_info = (sym.attr_dict(), sym.list_arguments()) if sym is not None else ()
        self.param_dict = param_dict if param_dict else {}
        self.allow_np_array = False
        self.set_lr_mult({})
        self.set_wd_mult({})

    @staticmethod
    def register(klass):
        """Register an optimizer class under its own name in lower case (a decorator)."""
        assert isinstance(klass, type)
        name = klass.__name__.lower()
        if name in Optimizer.opt_registry:
            warnings.warn(f"WARNING: New optimizer {klass.__module__}.{klass.__name__} is "
                          f"overriding existing optimizer {name}")
        Optimizer.opt_registry[name] = klass
        return klass

    @staticmethod
    def create_optimizer(name, **kwargs):
        """Make an optimizer from its name in any case; an unknown one raises `ValueError`."""
        klass = Optimizer.opt_registry.get(name.lower())
        if klass is None:
            raise ValueError(f"Cannot find optimizer {name}")
        return klass(**kwargs)

    @property
    def learning_rate(self):
        """The rate now: the scheduler's, where there is one, before multipliers."""
        return self.lr_scheduler(self.num_update) if self.lr_scheduler is not None else self.lr

    def create_state(self, index, weight):
        """What the optimizer remembers of a parameter: None, an NDArray or a tuple of them."""

    def create_state_multi_precision(self, index, weight):
        """Like `create_state`; with `multi_precision` and float16, `(state, float32 weight)`."""
        if self.multi_precision and weight.dtype == numpy.float16:
            copy = weight.astype(numpy.float32)
            return self.create_state(index, copy), copy
        if weight.dtype == numpy.float16 and not self.multi_precision:
            warnings.warn("Accumulating with float16 in optimizer can lead to poor accuracy or "
                          "slow convergence. Consider using multi_precision=True option of the "
                          f"{type(self).__name__} optimizer")
        return self.create_state(index, weight)

    def update(self, index, weight, grad, state):
        """Change `weight` and `state` in place by `grad`."""
        raise NotImplementedError()

    def update_multi_precision(self, index, weight, grad, state):
        """Like `update`, for a state of `create_state_multi_precision`."""
        if self.multi_precision and weight.dtype == numpy.float16:
            inner, copy = state
            self.update(index, copy, grad.astype(numpy.float32), inner)
            copy.astype(weight.dtype).copyto(weight)
        else:
            self.update(index, weight, grad, state)

    def update_many(self, indices, weights, grads, states):
        """Update several parameters, in one loop."""
        for index, weight, grad, state in zip(indices, weights, grads, states):
            self.update_multi_precision(index, weight, grad, state)

    def set_learning_rate(self, lr):
        """Set the learning rate; with a scheduler this raises `UserWarning`."""
        if self.lr_scheduler is not None:
            raise UserWarning("LRScheduler of the optimizer has already been defined. Note that "
                              "set_learning_rate can mutate the value of the learning rate of the "
                              "optimizer only when the LRScheduler of the optimizer is undefined.")
        self.lr = lr

    def set_lr_scale(self, args_lrscale):
        """Not supported any more; use `set_lr_mult`."""
        raise DeprecationWarning("Use set_lr_mult instead.")

    def _attribute_multipliers(self, key):
        if not self.sym_info:
            return {}
        attributes, arguments = self.sym_info
        return {name: float(attributes[name][key]) for name in arguments
                if key in attributes.get(name, ())}

    def set_lr_mult(self, args_lr_mult):
        """Set multipliers of the learning rate, by name or index; the rest come from the symbol."""
        self.lr_mult = self._attribute_multipliers("__lr_mult__")
        self.lr_mult.update(args_lr_mult)

    def set_wd_mult(self, args_wd_mult):
        """Set multipliers of the decay, by name or index; see the class for the defaults."""
        self.wd_mult = {name: 0.0 for name in self.idx2name.values()
                        if not name.endswith(("_weight", "_gamma"))}
        self.wd_mult.update(self._attribute_multipliers("__wd_mult__"))
        self.wd_mult.update(args_wd_mult)

    def _set_current_context(self, device_id):
        """Count updates for this device from now on."""
        self._index_update_count = self._all_index_update_counts.setdefault(device_id, {})

    def _update_count(self, index):
        counts = self._index_update_count
        for i in index if isinstance(index, (list, tuple)) else (index,):
            count = counts.get(i, self.begin_num_update) + 1
            counts[i] = count
            if count > self.num_update:
                self.num_update = count

    def _multiplier(self, index, table, attribute):
        if index in self.param_dict:
            return getattr(self.param_dict[index], attribute)
        if index in table:
            return table[index]
        if index in self.idx2name:
            return table.get(self.idx2name[index], 1.0)
        return 1.0

    def _get_lrs(self, indices):
        """Learning rates of parameters, with their multipliers."""
        rate = self.lr_scheduler(self.num_update) if self.lr_scheduler is not None else self.lr
        return [rate * self._multiplier(index, self.lr_mult, "lr_mult") for index in indices]

    def _get_lr(self, index):
        return self._get_lrs([index])[0]

    def _get_wds(self, indices):
        """Weight decays of parameters, with their multipliers."""
        return [self.wd * self._multiplier(index, self.wd_mult, "wd_mult") for index in indices]

    def _get_wd(self, index):
        return self._get_wds([index])[0]

    def _common(self):
        """The keyword arguments that all parameters of one update share."""
        common = {"rescale_grad": self.rescale_grad}
        if self.clip_gradient:
            common["clip_gradient"] = self.clip_gradient
        return common

    def _begin(self, index):
        """Count an update; the keyword arguments of an update operator."""
        self._update_count(index)
        return {"lr": self._get_lr(index), "wd": self._get_wd(index), **self._common()}

    def _prepared(self, index, grad):
        """Count an update; `(rate, decay, gradient)` with the gradient rescaled and clipped."""
        self._update_count(index)
        grad = grad * self.rescale_grad
        if self.clip_gradient is not None:
            grad = nd.clip(grad, -self.clip_gradient, self.clip_gradient)
        return self._get_lr(index), self._get_wd(index), grad

    def _with_decay(self, index, weight, grad):
        """Count an update; `(rate, gradient)` with the gradient rescaled, the decay added to it,
        and then clipped."""
        self._update_count(index)
        grad = grad * self.rescale_grad + self._get_wd(index) * weight
        if self.clip_gradient is not None:
            grad = nd.clip(grad, -self.clip_gradient, self.clip_gradient)
        return self._get_lr(index), grad

    def __getstate__(self):
        state = self.__dict__.copy()
        # The parameters hold arrays, which are saved elsewhere.
        state.pop("param_dict", None)
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.__dict__.setdefault("param_dict", {})


register = Optimizer.register
create = Optimizer.create_optimizer


def _zeros(weight):
    """A state like a weight."""
    return nd.zeros(weight.shape, ctx=weight.context, dtype=weight.dtype)


def _as_lists(index, *values):
    if isinstance(index, (list, tuple)):
        return (index, *values)
    return ([index], *[[value] for value in values])


@register
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum.

    `g = clip(rescale_grad * grad) + wd * weight`; without momentum `weight -= lr * g`, with it
    `state = momentum * state - lr * g; weight += state`.

    Parameters
    ----------
    momentum : float
    lazy_update : bool
        Concerns only sparse gradients: update only the rows that have one.
    """

    def __init__(self, momentum=0.0, lazy_update=True, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.lazy_update = lazy_update
        # MXNet reads this from a pickled optimizer; here all updates are issued in one loop.
        self.aggregate_num = 4

    def create_state(self, index, weight):
        if self.momentum == 0.0:
            return None
        return _zeros(weight)

    def update(self, index, weight, grad, state):
        indices, weights, grads, states = _as_lists(index, weight, grad, state)
        self._update_count(indices)
        common = self._common()
        rates, decays = self._get_lrs(indices), self._get_wds(indices)
        if not self.lazy_update:
            common["lazy_update"] = False
        if self.momentum == 0.0:
            step = nd.sgd_update
            for rate, decay, weight, grad in zip(rates, decays, weights, grads):
                step(weight, grad, out=weight, lr=rate, wd=decay, **common)
            return
        common["momentum"] = self.momentum
        step = nd.sgd_mom_update
        for rate, decay, weight, grad, state in zip(rates, decays, weights, grads, states):
            step(weight, grad, state, out=weight, lr=rate, wd=decay, **common)

    def update_multi_precision(self, index, weight, grad, state):
        if not self.multi_precision:
            self.update(index, weight, grad, state)
            return
        for item in zip(*_as_lists(index, weight, grad, state)):
            super().update_multi_precision(*item)

    def update_many(self, indices, weights, grads, states):
        self.update_multi_precision(indices, weights, grads, states)


@register
class ccSGD(SGD):  # pylint: disable=invalid-name
    """A former name of `SGD`."""


@register
class Adam(Optimizer):
    """Adam: steps scaled by running means of the gradient and of its square.

    Parameters
    ----------
    learning_rate : float
    beta1, beta2 : float
        Decay of the two means.
    epsilon : float
        Added to the root of the second mean.
    lazy_update : bool
        Concerns only sparse gradients.
    """

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8,
                 lazy_update=True, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.lazy_update = lazy_update

    def create_state(self, index, weight):
        return _zeros(weight), _zeros(weight)

    def update(self, index, weight, grad, state):
        self.update_many(*_as_lists(index, weight, grad, state), direct=True)

    def update_many(self, indices, weights, grads, states, direct=False):
        if self.multi_precision and not direct:
            super().update_many(indices, weights, grads, states)
            return
        self._update_count(indices)
        common = self._common()
        common.update(beta1=self.beta1, beta2=self.beta2, epsilon=self.epsilon)
        if not self.lazy_update:
            common["lazy_update"] = False
        rates, decays = self._get_lrs(indices), self._get_wds(indices)
        counts, step = self._index_update_count, nd.adam_update
        for i, index in enumerate(indices):
            count = counts[index]
            # The means start at zero; this undoes their bias.
            rate = rates[i] * (1. - self.beta2 ** count) ** 0.5 / (1. - self.beta1 ** count)
            weight = weights[i]
            mean, variance = states[i]
            step(weight, grads[i], mean, variance, out=weight, lr=rate, wd=decays[i], **common)


@register
class Test(Optimizer):
    """Adds `rescale_grad * grad` to the weight, and copies the weight into the state."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def create_state(self, index, weight):
        return nd.zeros(weight.shape, ctx=weight.context)

    def update(self, index, weight, grad, state):
        weight[:] += grad * self.rescale_grad
        state[:] = weight


class Updater:
    """An optimizer together with the states of its parameters; what a KVStore calls.

    Parameters
    ----------
    optimizer : Optimizer
    """

    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.states = {}
        self.states_synced = {}
        self.aggregate_updates = optimizer.aggregate_num > 0

    def __call__(self, index, grad, weight):
        """Update one parameter, or several where lists are given (note: gradient first)."""
        if not isinstance(index, (list, tuple)):
            index, grad, weight = [index], [grad], [weight]
        states = self.states
        if weight:
            self.optimizer._set_current_context(weight[0].context.device_id)
        for i, one in zip(index, weight):
            if i not in states:
                states[i] = self.optimizer.create_state_multi_precision(i, one)
                self.states_synced[i] = True
            elif not self.states_synced[i]:
                states[i] = self.sync_state_context(states[i], one.context)
                self.states_synced[i] = True
        if len(index) == 1:
            self.optimizer.update_multi_precision(index[0], weight[0], grad[0], states[index[0]])
        else:
            self.optimizer.update_many(index, weight, grad, [states[i] for i in index])

    def sync_state_context(self, state, context):
        """The state (None, an array, or nested tuples or lists of them) on a device."""
        if isinstance(state, nd.NDArray):
            return state.as_in_context(context)
        if isinstance(state, (tuple, list)):
            return type(state)(self.sync_state_context(item, context) for item in state)
        return state

    def set_states(self, states):
        """Take states from the bytes of `get_states`, of this package's or MXNet's."""
        from . import state_file
        states = state_file.loads(states)
        if isinstance(states, tuple) and len(states) == 2:
            self.states, self.optimizer = states
        else:
            self.states = states
        self.states_synced = dict.fromkeys(self.states, False)

    def get_states(self, dump_optimizer=False):
        """The states as bytes (with the optimizer, if asked), in the form MXNet reads too."""
        from . import state_file
        return state_file.dumps((self.states, self.optimizer) if dump_optimizer else self.states)


def get_updater(optimizer):
    """The `Updater` of an optimizer."""
    if not isinstance(optimizer, Optimizer):
        logging.debug("get_updater was given %s, which is no Optimizer", type(optimizer))
    return Updater(optimizer)
