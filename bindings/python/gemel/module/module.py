"""A symbol with its parameters and optimizer."""
import logging
import warnings

from .. import _core
from .. import kvstore as kvstore_module
from .. import ndarray as nd
from .. import optimizer as opt
from ..context import Context, cpu
from ..initializer import InitDesc, Uniform
from ..io import DataDesc
from ..model import load_checkpoint, save_checkpoint, write_atomically
from .base_module import BaseModule
from .executor_group import ExecutorGroup

__all__ = ["Module"]

_PARAMETER_ENDINGS = ("_weight", "_bias", "_gamma", "_beta")


def _check_names(symbol, names, kind, must_exist):
    arguments = symbol.list_arguments()
    for name in names:
        if name in arguments:
            continue
        candidates = [one for one in arguments if not one.endswith(_PARAMETER_ENDINGS)]
        listed = "\n\t".join(candidates)
        message = (f"\033[91mYou created Module with Module(..., {kind}_names={names}) but input "
                   f"with name '{name}' is not found in symbol.list_arguments(). Did you mean "
                   f"one of:\n\t{listed}\033[0m")
        if must_exist:
            raise ValueError(message)
        warnings.warn(message)


def _descriptions(shapes, names, kind):
    """`DataDesc`s from descriptions or pairs; other names than `names` raise `ValueError`."""
    result = [item if isinstance(item, DataDesc) else DataDesc(*item) for item in shapes or ()]
    given = [item.name for item in result]
    if sorted(names) != sorted(given):
        message = (f"Data provided by {kind}_shapes don't match names specified by "
                   f"{kind}_names ({result} vs. {names})")
        if kind == "data":
            raise ValueError(message)
        warnings.warn(message)
    return result


def _groups_of_contexts(groups, count):
    """For each of `count` contexts, {group: Context}."""
    if groups is None:
        return [None] * count
    if isinstance(groups, (list, tuple)):
        if len(groups) != count:
            raise ValueError(f"[Module] group2ctxs: expected a dict for each of {count} contexts, "
                             f"got {len(groups)}")
        return list(groups)
    each = [{} for _ in range(count)]
    for name, contexts in groups.items():
        contexts = [contexts] if isinstance(contexts, Context) else list(contexts)
        if len(contexts) not in (1, count):
            raise ValueError(f"[Module] group2ctxs: expected 1 or {count} contexts for group '{name}', "
                             f"got {len(contexts)}")
        for i in range(count):
            each[i][name] = contexts[i % len(contexts)]
    return each


class Module(BaseModule):
    """Trains a symbol.

    Parameters
    ----------
    symbol : Symbol
    data_names, label_names : tuple or list of str, or None
        The inputs; unknown data names raise `ValueError`, unknown label names warn.
    logger : logging module or Logger
    context : Context or list of Context
        The devices; a batch is divided among them.
    work_load_list : list of number, optional
        The share of a batch that each context gets; equal ones by default.
    fixed_param_names : list of str, optional
        Parameters that are not trained.
    state_names : list of str, optional
        Inputs that are set by `set_states`.
    group2ctxs : dict of str to Context or list of Context, or list of dict, optional
        Where the nodes of each `ctx_group` run, for all contexts or for each of them.
    compression_params : dict, optional
        Compression for the store.
    """

    def __init__(self, symbol, data_names=("data",), label_names=("softmax_label",),
                 logger=logging, context=cpu(), work_load_list=None, fixed_param_names=None,
                 state_names=None, group2ctxs=None, compression_params=None):
        super().__init__(logger=logger)
        self._context = [context] if isinstance(context, Context) else list(context)
        self._work_loads = [1] * len(self._context) if work_load_list is None else list(work_load_list)
        assert len(self._work_loads) == len(self._context), "expected a work load for each context"
        self._symbol = symbol
        self._data_names = list(data_names) if data_names is not None else []
        self._label_names = list(label_names) if label_names is not None else []
        self._state_names = list(state_names) if state_names is not None else []
        self._fixed_param_names = list(fixed_param_names) if fixed_param_names is not None else []
        self._group2ctxs = _groups_of_contexts(group2ctxs, len(self._context))
        self._compression_params = compression_params
        _check_names(symbol, self._data_names, "data", True)
        _check_names(symbol, self._label_names, "label", False)
        _check_names(symbol, self._state_names, "state", True)
        _check_names(symbol, self._fixed_param_names, "fixed_param", True)
        inputs = set(self._data_names + self._label_names + self._state_names)
        self._param_names = [name for name in symbol.list_arguments() if name not in inputs]
        self._aux_names = symbol.list_auxiliary_states()
        self._output_names = symbol.list_outputs()
        self._arg_params = None
        self._aux_params = None
        self._params_dirty = False
        self._optimizer = None
        self._kvstore = None
        self._update_on_kvstore = None
        self._updater = None
        self._preload_opt_states = None
        self._update_lists = None
        self._reset_bind()

    def _reset_bind(self):
        self.binded = False
        self._exec_group = None
        self._data_shapes = None
        self._label_shapes = None
        self._input_shapes = None

    @staticmethod
    def load(prefix, epoch, load_optimizer_states=False, **kwargs):
        """Make a module from a checkpoint; `kwargs` as for the constructor."""
        symbol, arg_params, aux_params = load_checkpoint(prefix, epoch)
        module = Module(symbol=symbol, **kwargs)
        module._arg_params, module._aux_params = arg_params, aux_params
        module.params_initialized = True
        if load_optimizer_states:
            module._preload_opt_states = f"{prefix}-{epoch:04d}.states"
        return module

    def save_checkpoint(self, prefix, epoch, save_optimizer_states=False, remove_amp_cast=True):
        """Write `prefix-symbol.json`, `prefix-NNNN.params` and, if asked, `prefix-NNNN.states`."""
        path = f"{prefix}-{epoch:04d}.params"
        save_checkpoint(prefix, epoch, self._symbol, *self.get_params())
        logging.info('Saved checkpoint to "%s"', path)
        if save_optimizer_states:
            path = f"{prefix}-{epoch:04d}.states"
            self.save_optimizer_states(path)
            logging.info('Saved optimizer state to "%s"', path)

    # ---- descriptions ----------------------------------------------------------------------

    @property
    def data_names(self):
        return self._data_names

    @property
    def label_names(self):
        """Names of the labels."""
        return self._label_names

    @property
    def output_names(self):
        return self._output_names

    @property
    def data_shapes(self):
        assert self.binded
        return self._data_shapes

    @property
    def label_shapes(self):
        assert self.binded
        return self._label_shapes or None

    @property
    def output_shapes(self):
        assert self.binded
        shapes = {item.name: item.shape for item in
                  self._exec_group.data_shapes + self._exec_group.label_shapes
                  if item.name in self._symbol.list_arguments()}
        return list(zip(self._output_names, self._symbol.infer_shape(**shapes)[1]))

    # ---- binding ---------------------------------------------------------------------------

    def bind(self, data_shapes, label_shapes=None, for_training=True, inputs_need_grad=False,
             force_rebind=False, shared_module=None, grad_req="write"):
        """Make the executors.

        Parameters
        ----------
        data_shapes, label_shapes : list of DataDesc or of (name, shape)
        for_training : bool
            Whether `backward` will be called.
        inputs_need_grad : bool
            Whether gradients of the data are wanted.
        force_rebind : bool
            Bind again; otherwise a bound module only warns.
        shared_module : Module, optional
            A bound module to share parameters and memory with.
        grad_req : str, list or dict
            "write", "add" or "null", for all parameters, for each argument, or by name.
        """
        if force_rebind:
            self._reset_bind()
        if self.binded:
            self.logger.warning("Already bound, ignoring bind()")
            return
        if not for_training:
            assert not inputs_need_grad
        self._data_shapes = _descriptions(data_shapes, self._data_names, "data")
        self._label_shapes = _descriptions(label_shapes, self._label_names, "label") \
            if label_shapes is not None or self._label_names else []
        requests = self._requests(for_training, inputs_need_grad, grad_req)
        shared = None
        if shared_module is not None:
            assert shared_module.binded and shared_module.params_initialized
            shared = shared_module._exec_group
        self._exec_group = ExecutorGroup(
            self._symbol, self._context, self._data_shapes, self._label_shapes,
            self._param_names, self._state_names, requests, shared, self._group2ctxs,
            self._work_loads)
        self.for_training = for_training
        self.inputs_need_grad = inputs_need_grad
        self.binded = True
        self._bound()
        if shared_module is not None:
            self.params_initialized = True
            self._arg_params = shared_module._arg_params
            self._aux_params = shared_module._aux_params
            shared_module._sync_params_from_devices()
        if self.params_initialized:
            self._exec_group.set_params(self._arg_params, self._aux_params, allow_extra=True)
        if shared_module is not None and shared_module.optimizer_initialized:
            self.borrow_optimizer(shared_module)

    def _requests(self, for_training, inputs_need_grad, grad_req):
        arguments = self._symbol.list_arguments()
        if isinstance(grad_req, (list, tuple)):
            grad_req = dict(zip(arguments, grad_req))
        requests = {}
        for name in arguments:
            if not for_training:
                requests[name] = "null"
            elif name in self._data_names:
                requests[name] = "write" if inputs_need_grad else "null"
            elif name not in self._param_names or name in self._fixed_param_names:
                requests[name] = "null"
            else:
                requests[name] = grad_req if isinstance(grad_req, str) else "write"
        if isinstance(grad_req, dict) and for_training:
            requests.update(grad_req)
        return requests

    def _bound(self):
        """What depends on the executors that are bound now."""
        self._update_lists = None
        self._input_shapes = [item.shape for item in self._data_shapes]
        execs = self._exec_group.execs
        self._fused = getattr(execs[0], "forward_backward", None) if len(execs) == 1 else None

    def reshape(self, data_shapes, label_shapes=None):
        """Bind to other input shapes; parameters and optimizer stay."""
        assert self.binded
        self._data_shapes = _descriptions(data_shapes, self._data_names, "data")
        self._label_shapes = _descriptions(label_shapes, self._label_names, "label") \
            if label_shapes is not None else []
        self._exec_group.reshape(self._data_shapes, self._label_shapes)
        self._bound()

    # ---- parameters ------------------------------------------------------------------------

    def get_params(self):
        assert self.binded and self.params_initialized
        if self._params_dirty:
            self._sync_params_from_devices()
        return self._arg_params, self._aux_params

    def _sync_params_from_devices(self):
        self._exec_group.get_params(self._arg_params, self._aux_params)
        self._params_dirty = False

    def init_params(self, initializer=Uniform(0.01), arg_params=None, aux_params=None,
                    allow_missing=False, force_init=False, allow_extra=False):
        """Give the parameters their first values.

        Parameters
        ----------
        initializer : Initializer or None
            For parameters without a given value.
        arg_params, aux_params : dict of str to NDArray, optional
            Given values. With a dictionary, a name that it lacks raises `RuntimeError` unless
            `allow_missing`.
        force_init : bool
            Initialise again.
        allow_extra : bool
            Ignore names that the symbol lacks; otherwise they raise `ValueError`.
        """
        if self.params_initialized and not force_init:
            warnings.warn("Parameters already initialized and force_init=False. "
                          "init_params call ignored.", stacklevel=2)
            return
        assert self.binded, "call bind before initializing the parameters"
        group = self._exec_group
        if self._arg_params is None:
            self._arg_params = {name: nd.zeros(arrays[0].shape, dtype=arrays[0].dtype)
                                for name, arrays in zip(group.param_names, group.param_arrays)}
        if self._aux_params is None:
            self._aux_params = {name: nd.zeros(arrays[0].shape, dtype=arrays[0].dtype)
                                for name, arrays in zip(group.aux_names, group.aux_arrays)}
        attributes = self._symbol.attr_dict()
        for given, target in ((arg_params, self._arg_params), (aux_params, self._aux_params)):
            if given is not None and not allow_extra:
                extra = sorted(set(given) - set(target))
                if extra:
                    raise ValueError(f"Find name \"{extra[0]}\" that is not in the arguments")
            for name, array in sorted(target.items()):
                value = given.get(name) if given is not None else None
                if value is not None:
                    if value is not array:
                        if value.shape != array.shape:
                            raise ValueError(f"[Module] expected shape {array.shape} for "
                                             f"parameter {name}, got {value.shape}")
                        value.astype(array.dtype).copyto(array)
                elif given is not None and not allow_missing:
                    raise RuntimeError(f"{name} is not presented")
                elif initializer is not None:
                    initializer(InitDesc(name, attributes.get(name)), array)
        self.params_initialized = True
        self._params_dirty = False
        group.set_params(self._arg_params, self._aux_params, allow_extra=True)

    def set_params(self, arg_params, aux_params, allow_missing=False, force_init=True,
                   allow_extra=False):
        if not allow_missing:
            self.init_params(initializer=None, arg_params=arg_params, aux_params=aux_params,
                             allow_missing=allow_missing, force_init=force_init,
                             allow_extra=allow_extra)
            return
        if self.params_initialized and not force_init:
            warnings.warn("Parameters already initialized and force_init=False. "
                          "set_params call ignored.", stacklevel=2)
            return
        self._exec_group.set_params(arg_params, aux_params or {}, allow_extra=allow_extra)
        # The arrays on the devices are ahead of the copies now.
        self._params_dirty = True
        self.params_initialized = True

    # ---- optimizer -------------------------------------------------------------------------

    def init_optimizer(self, kvstore="local", optimizer="sgd",
                       optimizer_params=(("learning_rate", 0.01),), force_init=False):
        """Make the optimizer, which rescales gradients by one over the batch size.

        Parameters
        ----------
        kvstore : str, KVStore or None
            Not used with a single device.
        optimizer : str or Optimizer
        optimizer_params : dict or tuple of pairs
        force_init : bool
            Make it again; otherwise a module that has one only warns.
        """
        assert self.binded and self.params_initialized
        if self.optimizer_initialized and not force_init:
            self.logger.warning("optimizer already initialized, ignoring...")
            return
        if self._params_dirty:
            self._sync_params_from_devices()
        store, on_store = kvstore_module._as_store(kvstore, len(self._context), self._arg_params)
        batch_size = self._exec_group.batch_size
        if store is not None and "dist" in store.type and "_sync" in store.type:
            batch_size *= store.num_workers
        rescale_grad = 1.0 / batch_size
        devices = len(self._context)
        if on_store or devices == 1:
            names = dict(enumerate(self._param_names))
        else:
            names = {i * devices + k: name for i, name in enumerate(self._param_names)
                     for k in range(devices)}
        if isinstance(optimizer, str):
            arguments = dict(optimizer_params)
            arguments.setdefault("rescale_grad", rescale_grad)
            optimizer = opt.create(optimizer, sym=self._symbol, param_idx2name=names, **arguments)
        else:
            assert isinstance(optimizer, opt.Optimizer)
            if optimizer.rescale_grad != rescale_grad:
                warnings.warn("Optimizer created manually outside Module but rescale_grad is not "
                              f"normalized to 1.0/batch_size/num_workers "
                              f"({optimizer.rescale_grad} vs. {rescale_grad}). Is this intended?",
                              stacklevel=2)
            if not optimizer.idx2name:
                optimizer.idx2name = names.copy()
        self._optimizer = optimizer
        self._kvstore = store
        self._update_on_kvstore = on_store
        self._updater = None
        if store is not None:
            if self._compression_params:
                store.set_gradient_compression(self._compression_params)
            if on_store:
                store.set_optimizer(optimizer)
            for name, arrays in zip(self._param_names, self._exec_group.param_arrays):
                store.init(name, self._arg_params[name])
                if on_store:
                    store.pull(name, arrays)
        if not on_store:
            self._updater = opt.get_updater(optimizer)
        self.optimizer_initialized = True
        self._update_lists = None
        if self._preload_opt_states is not None:
            self.load_optimizer_states(self._preload_opt_states)
            self._preload_opt_states = None

    def borrow_optimizer(self, shared_module):
        """Use another module's optimizer."""
        assert shared_module.optimizer_initialized
        self._optimizer = shared_module._optimizer
        self._kvstore = shared_module._kvstore
        self._update_on_kvstore = shared_module._update_on_kvstore
        self._updater = shared_module._updater
        self.optimizer_initialized = True
        self._update_lists = None

    def save_optimizer_states(self, fname):
        """Write the optimizer's states into a file."""
        assert self.optimizer_initialized
        if self._update_on_kvstore:
            self._kvstore.save_optimizer_states(fname)
        else:
            write_atomically(fname, self._updater.get_states())

    def load_optimizer_states(self, fname):
        """Read the optimizer's states from a file."""
        assert self.optimizer_initialized
        if self._update_on_kvstore:
            self._kvstore.load_optimizer_states(fname)
        else:
            with open(fname, "rb") as stream:
                self._updater.set_states(stream.read())

    # ---- computation -----------------------------------------------------------------------

    def _load_batch(self, data_batch):
        data = data_batch.data
        group = self._exec_group
        for array, shape in zip(data, self._input_shapes):
            if array.shape != shape:
                self._reshape_for(data_batch)
                break
        group.load_data(data)
        if data_batch.label is not None and group.label_names:
            group.load_label(data_batch.label)

    def _reshape_for(self, data_batch):
        descriptions = data_batch.provide_data or [
            DataDesc(item.name, array.shape, item.dtype, item.layout)
            for item, array in zip(self._data_shapes, data_batch.data)]
        labels = None
        if data_batch.provide_label:
            labels = data_batch.provide_label
        elif data_batch.label:
            labels = [DataDesc(item.name, array.shape, item.dtype, item.layout)
                      for item, array in zip(self._label_shapes, data_batch.label)]
        elif self._label_shapes:
            size = data_batch.data[0].shape[0]
            labels = [DataDesc(item.name, (size,) + tuple(item.shape[1:]), item.dtype, item.layout)
                      for item in self._label_shapes]
        self.reshape(descriptions, labels)

    def forward(self, data_batch, is_train=None):
        """Compute the outputs; a batch of other shapes than the bound ones rebinds first."""
        assert self.binded and self.params_initialized
        self._load_batch(data_batch)
        self._exec_group.forward(self.for_training if is_train is None else is_train)

    def backward(self, out_grads=None):
        """Compute the gradients.

        Parameters
        ----------
        out_grads : NDArray or list of NDArray, optional
            Gradients of the outputs; not needed where the outputs are losses.
        """
        assert self.binded and self.params_initialized
        assert self.for_training, "re-bind with for_training=True to run backward"
        self._params_dirty = True
        self._exec_group.backward(out_grads)

    def forward_backward(self, data_batch):
        kind = type(self)
        if self._fused_allowed(kind):
            assert self.binded and self.params_initialized
            assert self.for_training, "re-bind with for_training=True to run backward"
            self._load_batch(data_batch)
            self._params_dirty = True
            self._fused()
        else:
            self.forward(data_batch, is_train=True)
            self.backward()

    def _fused_allowed(self, kind):
        return self.binded and self._fused is not None and kind.forward is Module.forward \
            and kind.backward is Module.backward

    def update(self):
        """Change the parameters by the gradients of the last `backward`."""
        assert self.binded and self.params_initialized and self.optimizer_initialized
        self._params_dirty = True
        if self._kvstore is None and len(self._context) == 1:
            lists = self._update_lists
            if lists is None:
                group = self._exec_group
                rows = [(i, grads[0], arrays[0]) for i, (grads, arrays) in
                        enumerate(zip(group.grad_arrays, group.param_arrays))
                        if grads[0] is not None]
                lists = self._update_lists = tuple(list(column) for column in zip(*rows)) \
                    if rows else ([], [], [])
            if lists[0]:
                self._updater(*lists)
            return
        self._update_through_store()

    def _update_through_store(self):
        group, devices = self._exec_group, len(self._context)
        for i, name in enumerate(self._param_names):
            grads, arrays = group.grad_arrays[i], group.param_arrays[i]
            if grads[0] is None:
                continue
            if self._kvstore is not None:
                self._kvstore.push(name, grads, priority=-i)
                self._kvstore.pull(name, arrays if self._update_on_kvstore else grads,
                                   priority=-i)
            if not self._update_on_kvstore:
                for k in range(devices):
                    self._updater(i * devices + k, grads[k], arrays[k])

    def get_outputs(self, merge_multi_context=True):
        """The outputs of the last `forward`: a list of arrays, or, without merging, of lists
        with an array for each device."""
        assert self.binded and self.params_initialized
        return self._exec_group.get_outputs(merge_multi_context)

    def get_input_grads(self, merge_multi_context=True):
        """Gradients of the data; needs `inputs_need_grad` at `bind`."""
        assert self.binded and self.params_initialized and self.inputs_need_grad
        return self._exec_group.get_input_grads(merge_multi_context)

    def get_states(self, merge_multi_context=True):
        assert self.binded and self.params_initialized
        arrays = self._exec_group.state_arrays
        return [ExecutorGroup._merge(copies) for copies in arrays] if merge_multi_context \
            else arrays

    def set_states(self, states=None, value=None):
        """Set the state inputs from arrays (as `get_states` gives them) or to one number."""
        assert self.binded and self.params_initialized
        assert (states is None) != (value is None)
        for i, copies in enumerate(self._exec_group.state_arrays):
            for k, target in enumerate(copies):
                if states is None:
                    target[:] = value
                else:
                    source = states[i][k] if isinstance(states[i], (list, tuple)) else states[i]
                    source.copyto(target)

    def update_metric(self, eval_metric, labels, pre_sliced=False):
        self._exec_group.update_metric(eval_metric, labels, pre_sliced)

    def tune(self, budget=60, **options):
        """Find the fastest way to run the bound network here: `Executor.tune`, for all devices.

        With `for_training` forward and backward count, else the forward pass. Takes what
        `Executor.tune` takes and returns its report.
        """
        assert self.binded
        first, *others = self._exec_group.execs
        options.setdefault("training", self.for_training)
        report = first.tune(budget, **options)
        for executor in others:
            _core.copy_choices(first._core, executor._core, report.training)
        return report

    def install_monitor(self, mon):
        assert self.binded
        self._exec_group.install_monitor(mon)
        self._bound()  # a monitored executor has another forward_backward

    def prepare(self, data_batch, sparse_row_id_fn=None):
        assert self.binded
        super().prepare(data_batch, sparse_row_id_fn)
