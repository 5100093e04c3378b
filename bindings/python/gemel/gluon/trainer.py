"""Applies an optimizer to the parameters of blocks."""
from .. import kvstore as kvstore_module
from .. import optimizer as opt
from ..model import write_atomically
from . import parameter as parameter_module
from .parameter import Parameter, ParameterDict

__all__ = ["Trainer"]

class Trainer:
    """Changes parameters by their gradients.

    Parameters
    ----------
    params : ParameterDict, dict or list of Parameter
        A dictionary is taken in the order of its names.
    optimizer : str or Optimizer
    optimizer_params : dict, optional
        Arguments of an optimizer given by name.
    kvstore : str, KVStore or None
        Not used with a single device.
    compression_params : dict, optional
    update_on_kvstore : bool, optional
        Whether the store updates; chosen by default.
    """

    def __init__(self, params, optimizer, optimizer_params=None, kvstore="device",
                 compression_params=None, update_on_kvstore=None):
        if isinstance(params, (dict, ParameterDict)):
            params = [params[key] for key in sorted(params.keys())]
        if not isinstance(params, (list, tuple)):
            raise ValueError("First argument must be a list or dict of Parameters, "
                             f"got {type(params)}.")
        self._params = []
        self._param2idx = {}
        for i, one in enumerate(params):
            if not isinstance(one, Parameter):
                raise ValueError("First argument must be a list or dict of Parameters, "
                                 f"got list of {type(one)}.")
            self._param2idx[one.name] = i
            self._params.append(one)
            one._set_trainer(self)
        self._compression_params = compression_params
        self._contexts = None
        optimizer_params = optimizer_params if optimizer_params else {}
        self._init_optimizer(optimizer, optimizer_params)
        self._scale = self._optimizer.rescale_grad
        self._kvstore_params = {"kvstore": kvstore, "update_on_kvstore": update_on_kvstore}
        self._reset_kvstore()

    def _init_optimizer(self, optimizer, optimizer_params):
        by_index = dict(enumerate(self._params))
        if isinstance(optimizer, opt.Optimizer):
            assert not optimizer_params, \
                "optimizer_params must be None if optimizer is an instance of Optimizer " \
                "instead of str"
            self._optimizer = optimizer
            self._optimizer.param_dict = by_index
        else:
            self._optimizer = opt.create(optimizer, param_dict=by_index, **optimizer_params)
        self._updaters = [opt.get_updater(self._optimizer)]

    def _reset_kvstore(self):
        self._kv_initialized = False
        self._kvstore = None
        self._update_on_kvstore = None
        self._params_to_init = list(self._params)
        self._rows = None
        self._rows_generation = -1

    def _check_contexts(self):
        contexts = None
        for one in self._params:
            own = one.list_ctx()
            assert contexts is None or contexts == own, \
                "All Parameters must be initialized on the same set of contexts, but Parameter " \
                f"{one.name} is initialized on {own} while previous Parameters are initialized " \
                f"on {contexts}."
            contexts = own
        return contexts or []

    def _init_kvstore(self):
        contexts = self._contexts = self._check_contexts()
        while len(self._updaters) < len(contexts):
            self._updaters.append(opt.get_updater(self._optimizer))
        wanted = self._kvstore_params["kvstore"]
        on_store = self._kvstore_params["update_on_kvstore"]
        arrays = {one.name: one._arrays()[0] for one in self._params
                  if one._data is not None}
        store, default_on_store = kvstore_module._as_store(wanted, len(contexts), arrays)
        if store is None:
            self._kvstore, self._update_on_kvstore = None, None
        else:
            if self._compression_params:
                store.set_gradient_compression(self._compression_params)
            self._kvstore = store
            self._update_on_kvstore = bool(on_store) if on_store is not None else default_on_store
            if self._update_on_kvstore:
                store.set_optimizer(self._optimizer)
        self._kv_initialized = True

    def _init_params(self):
        waiting = []
        for one in self._params_to_init:
            if one._deferred_init:
                waiting.append(one)
            elif self._kvstore is not None:
                index = self._param2idx[one.name]
                arrays = one._arrays()
                self._kvstore.init(index, arrays[0])
                if self._update_on_kvstore:
                    self._kvstore.pull(index, arrays, priority=-index)
        self._params_to_init = waiting

    def _prepare(self):
        if not self._kv_initialized:
            self._init_kvstore()
        if self._params_to_init:
            self._init_params()

    @property
    def learning_rate(self):
        """The learning rate now."""
        return self._optimizer.learning_rate

    @property
    def optimizer(self):
        """The optimizer."""
        return self._optimizer

    def set_learning_rate(self, lr):
        """Set the learning rate; with a scheduler this raises `UserWarning`."""
        self._optimizer.set_learning_rate(lr)

    def step(self, batch_size, ignore_stale_grad=False):
        """Sum gradients over devices and update; call after `backward`.

        Parameters
        ----------
        batch_size : int
            Gradients are divided by this.
        ignore_stale_grad : bool
            Leave out parameters whose gradient is not new; otherwise they raise `UserWarning`.
        """
        self._prepare()
        self._optimizer.rescale_grad = self._scale / batch_size
        if self._kvstore is not None:
            self._allreduce_grads()
        self._update(ignore_stale_grad)

    def allreduce_grads(self):
        """Sum gradients over devices, to change them before `update`."""
        self._prepare()
        assert not (self._kvstore and self._update_on_kvstore), \
            "allreduce_grads() when parameters are updated on kvstore is not supported. Try " \
            "setting `update_on_kvstore` to False when creating trainer."
        self._allreduce_grads()

    def _allreduce_grads(self):
        if self._kvstore is None:
            return
        for i, one in enumerate(self._params):
            if one.grad_req != "null":
                grads = one.list_grad()
                self._kvstore.push(i, grads, priority=-i)
                if not self._update_on_kvstore:
                    self._kvstore.pull(i, grads, priority=-i)

    def update(self, batch_size, ignore_stale_grad=False):
        """Update without summing over devices; for use after `allreduce_grads`."""
        self._prepare()
        assert not (self._kvstore and self._update_on_kvstore), \
            "update() when parameters are updated on kvstore is not supported. Try setting " \
            "`update_on_kvstore` to False when creating trainer."
        self._optimizer.rescale_grad = self._scale / batch_size
        self._update(ignore_stale_grad)

    def _device_rows(self):
        """For each device the lists of indices, gradients and arrays; made anew only when the
        arrays of some parameter changed."""
        if self._rows is None or self._rows_generation != parameter_module.generation[0]:
            trained = [(i, one) for i, one in enumerate(self._params) if one.grad_req != "null"]
            count = len(self._contexts)
            self._rows = [([i for i, _ in trained], [one.list_grad()[k] for _, one in trained],
                           [one._arrays()[k] for _, one in trained]) for k in range(count)]
            self._rows_generation = parameter_module.generation[0]
        return self._rows

    def _stale(self, index, device):
        one = self._params[index]
        return UserWarning(
            f"Gradient of Parameter `{one.name}` on context {self._contexts[device]} has not been "
            "updated by backward since last `step`. This could mean a bug in your model that "
            "made it only use a subset of the Parameters (Blocks) for this iteration. If you are "
            "intentionally only using a subset, call step with ignore_stale_grad=True to suppress "
            "this warning and skip updating of Parameters with stale gradient")

    def _update(self, ignore_stale_grad=False):
        if self._kvstore is not None and self._update_on_kvstore:
            for i, one in enumerate(self._params):
                if one.grad_req != "null":
                    self._kvstore.pull(i, one._arrays(), priority=-i)
            return
        scaler = getattr(self, "_amp_loss_scaler", None)
        overflow = scaler is not None and scaler.has_overflow(self._params)
        for device, (indices, grads, arrays) in enumerate(self._device_rows()):
            if overflow:  # the step is left out
                for array in arrays:
                    array._fresh_grad = False
                continue
            fresh = [array._fresh_grad for array in arrays]
            if not all(fresh):
                if not ignore_stale_grad:
                    raise self._stale(indices[fresh.index(False)], device)
                kept = [i for i, one in enumerate(fresh) if one]
                indices = [indices[i] for i in kept]
                grads = [grads[i] for i in kept]
                arrays = [arrays[i] for i in kept]
            if indices:
                self._updaters[device](indices, grads, arrays)
            for array in arrays:
                array._fresh_grad = False

    def save_states(self, fname):
        """Write the optimizer with its states into a file."""
        self._prepare()
        if self._update_on_kvstore:
            assert not self._params_to_init, "Cannot save trainer states when some parameters " \
                "are not yet initialized in kvstore."
            self._kvstore.save_optimizer_states(fname, dump_optimizer=True)
        else:
            write_atomically(fname, self._updaters[0].get_states(dump_optimizer=True))

    def load_states(self, fname):
        """Read what `save_states` wrote."""
        self._prepare()
        if self._update_on_kvstore:
            self._kvstore.load_optimizer_states(fname)
            self._optimizer = self._kvstore._updater.optimizer
        else:
            with open(fname, "rb") as stream:
                states = stream.read()
            for updater in self._updaters:
                updater.set_states(states)
                updater.optimizer = self._updaters[0].optimizer
            self._optimizer = self._updaters[0].optimizer
        self._optimizer.param_dict = dict(enumerate(self._params))
