"""The base of optimizers and the registry that makes one from its name."""
import logging
import os
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


class UpdateByOperator(Optimizer):
    """The base of optimizers whose step is one operator: any number of weights are one task.

    `update` takes one parameter, or a list of each argument; the bits are those of one after the
    other.
    """

    # By name, the operator's form for half weights with a float32 copy, which is its last input.
    _mixed = {}

    # Whether a step may take all parameters at once, and not only `aggregate_num` of them.
    _joins = True

    def _varying(self, indices, weights, grads):
        """Parameters of the operator with a value for each index; the updates are counted."""
        return {"lr": self._get_lrs(indices), "wd": self._get_wds(indices)}

    def _operator(self, indices, varying):
        """The operator's name, and its other parameters; may change `varying`. The operator's inputs
        are weight, gradient and states."""
        raise NotImplementedError()

    def _update_each(self, indices, weights, grads, states, copies=None):
        self._update_count(indices)
        varying = self._varying(indices, weights, grads)
        name, common = self._operator(indices, varying)
        columns = [weights, grads]
        if states[0] is not None:
            columns += zip(*states) if isinstance(states[0], (tuple, list)) else [states]
        if copies is not None:
            name = self._mixed[name]
            columns.append(copies)
        operator = getattr(nd, name)
        columns = [list(column) for column in columns]
        if operator.update_each(columns, varying, common):
            return
        for arrays, *values in zip(zip(*columns), *varying.values()):
            operator(*arrays, out=arrays[0], **dict(zip(varying, values)), **common)

    def update(self, index, weight, grad, state):
        self._update_each(*_as_lists(index, weight, grad, state))

    def _update_all(self, indices, weights, grads, states):
        """Lists of parameters of any dtypes, with states of `create_state_multi_precision`."""
        if not self.multi_precision:
            self._update_each(indices, weights, grads, states)
            return
        half, plain = [], []
        for item in zip(indices, weights, grads, states):
            (half if item[1].dtype == numpy.float16 else plain).append(item)
        if plain:
            self._update_each(*map(list, zip(*plain)))
        if half and self._mixed:
            indices, weights, grads, states = zip(*half)
            self._update_each(indices, weights, grads, *zip(*states))
        else:
            for item in half:
                super().update_multi_precision(*item)


@register
class SGD(UpdateByOperator):
    """Stochastic gradient descent, with momentum.

    `g = clip(rescale_grad * grad) + wd * weight`; without momentum `weight -= lr * g`, with it
    `state = momentum * state - lr * g; weight += state`.

    Parameters
    ----------
    momentum : float
    lazy_update : bool
        Concerns only sparse gradients: update only the rows that have one.
    """

    _mixed = {"sgd_update": "mp_sgd_update", "sgd_mom_update": "mp_sgd_mom_update"}

    def __init__(self, momentum=0.0, lazy_update=True, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.lazy_update = lazy_update
        self.aggregate_num = aggregation_size()

    def create_state(self, index, weight):
        if self.momentum == 0.0:
            return None
        return _zeros(weight)

    def update_multi_precision(self, index, weight, grad, state):
        self._update_all(*_as_lists(index, weight, grad, state))

    def _operator(self, indices, varying):
        common = self._common()
        if not self.lazy_update:
            common["lazy_update"] = False
        if self.momentum == 0.0:
            return "sgd_update", common
        return "sgd_mom_update", {**common, "momentum": self.momentum}


@register
class ccSGD(SGD):  # pylint: disable=invalid-name
    """A former name of `SGD`."""


@register
class Adam(UpdateByOperator):
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

    def _operator(self, indices, varying):
        common = {**self._common(), "beta1": self.beta1, "beta2": self.beta2,
                  "epsilon": self.epsilon}
        if not self.lazy_update:
            common["lazy_update"] = False
        # The means start at zero; this undoes their bias.
        counts = [self._index_update_count[index] for index in indices]
        factor = {t: (1. - self.beta2 ** t) ** 0.5 / (1. - self.beta1 ** t) for t in set(counts)}
        varying["lr"] = [rate * factor[t] for rate, t in zip(varying["lr"], counts)]
        return "adam_update", common


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


def aggregation_size(default=4, most=None):
    """How many parameters are handed to `update` at once: MXNET_OPTIMIZER_AGGREGATION_SIZE."""
    size = int(os.environ.get("MXNET_OPTIMIZER_AGGREGATION_SIZE", default))
    return size if most is None else max(1, min(most, size))


def _joins(optimizer):
    """Whether all parameters may be updated at once: no user's class or object has a way of its
    own."""
    if not isinstance(optimizer, UpdateByOperator) or not optimizer._joins:
        return False
    package = __name__.rpartition(".")[0]
    methods = (optimizer.update, optimizer.update_multi_precision)
    return all(getattr(method, "__module__", "").startswith(package) for method in methods)


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
        self._update(index, weight, grad, [states[i] for i in index])

    def _update(self, *lists):
        optimizer = self.optimizer
        if _joins(optimizer):
            optimizer._update_all(*lists)
        elif not self.aggregate_updates or optimizer.aggregate_num <= 0:
            for item in zip(*lists):
                optimizer.update_multi_precision(*item)
        else:
            by_dtype = {}
            for item in zip(*lists):
                by_dtype.setdefault(str(item[1].dtype), []).append(item)
            size = optimizer.aggregate_num
            for items in by_dtype.values():
                for begin in range(0, len(items), size):
                    index, weight, grad, state = zip(*items[begin:begin + size])
                    optimizer.update_multi_precision(index, weight, grad, list(state))

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
