"""Parameters of blocks: arrays with a gradient, on one device or several."""
import warnings
from collections import OrderedDict

import numpy as np

from .. import autograd, initializer
from .. import ndarray as nd
from .. import symbol
from ..base import MXNetError
from ..context import Context, cpu, current_context
from .utils import shape_is_known

__all__ = ["DeferredInitializationError", "Parameter", "Constant", "ParameterDict"]


class DeferredInitializationError(MXNetError):
    """A parameter was asked for before its shape is known."""


# Counts every change of which arrays any parameter consists of; lists of such arrays that were
# made under the same count are still right.
generation = [0]


def _changed():
    generation[0] += 1


def _as_contexts(ctx):
    if ctx is None:
        return [current_context()]
    return [ctx] if isinstance(ctx, Context) else list(ctx)


class Parameter:
    """A named array that training changes.

    Parameters
    ----------
    name : str
    grad_req : str
        "write", "add" or "null" (no gradient).
    shape : int or tuple of int, optional
        0 stands for a dimension that is not known yet.
    dtype : str or type
    lr_mult, wd_mult : float
        Multipliers of learning rate and weight decay.
    init : Initializer or str, optional
        Its own initializer.
    allow_deferred_init : bool
        Whether `initialize` may be called before the shape is known.
    differentiable : bool
        If not, `grad_req` is "null".
    """

    def __init__(self, name, grad_req="write", shape=None, dtype=np.float32, lr_mult=1.0,
                 wd_mult=1.0, init=None, allow_deferred_init=False, differentiable=True,
                 stype="default", grad_stype="default"):
        self._var = None
        self._data = None
        self._grad = None
        self._ctx_list = None
        self._trainer = None
        self._deferred_init = ()
        self._differentiable = differentiable
        self._allow_deferred_init = allow_deferred_init
        self._grad_req = None
        self._shape = (shape,) if isinstance(shape, int) else \
            tuple(shape) if shape is not None else None
        self.name = name
        self._dtype = dtype
        self.lr_mult = lr_mult
        self.wd_mult = wd_mult
        self.grad_req = grad_req
        self.init = init
        for one, what in ((stype, "stype"), (grad_stype, "grad_stype")):
            assert one in ("default", "row_sparse", "csr"), \
                f"{what} for Parameter '{name}' must be one of 'default', 'row_sparse', or " \
                f"'csr', but got '{one}'"
        self._stype = stype
        self._grad_stype = grad_stype

    def __repr__(self):
        return f"Parameter {self.name} (shape={self.shape}, dtype={self.dtype})"

    @property
    def grad_req(self):
        """What happens to the gradient: "write", "add" or "null"."""
        return self._grad_req

    @grad_req.setter
    def grad_req(self, request):
        assert request in ("write", "add", "null"), \
            f"grad_req must be one of 'write', 'add', or 'null', but got '{request}'"
        if not self._differentiable:
            request = "null"
        if self._grad_req == request:
            return
        self._grad_req = request
        if request == "null" and self._grad is not None:
            self._grad = None
            self._data = [one.detach() for one in self._data]
            _changed()
        elif self._data is not None:
            self._init_grad()

    @property
    def dtype(self):
        """The dtype, as it was given."""
        return self._dtype

    @dtype.setter
    def dtype(self, dtype):
        self.cast(dtype)

    @property
    def shape(self):
        """The shape; 0 where it is not known yet, None if nothing is."""
        return self._shape

    @shape.setter
    def shape(self, new_shape):
        if self._shape is None:
            self._shape = tuple(new_shape)
            return
        assert len(self._shape) == len(new_shape) and \
            all(old in (0, -1, new) for old, new in zip(self._shape, new_shape)), \
            f"Expected shape {new_shape} is incompatible with given shape {self._shape}."
        self._shape = tuple(new_shape)

    def _set_trainer(self, trainer):
        self._trainer = trainer

    # ---- arrays ----------------------------------------------------------------------------

    def _check_and_get(self, arrays, ctx):
        if arrays is not None:
            if ctx is list:
                return arrays
            if ctx is None:
                if len(arrays) == 1:
                    return arrays[0]
                ctx = current_context()
            for array, own in zip(arrays, self._ctx_list):
                if own == ctx:
                    return array
            raise RuntimeError(f"Parameter '{self.name}' was not initialized on context {ctx}. "
                               f"It was only initialized on {self._ctx_list}.")
        if self._deferred_init:
            raise DeferredInitializationError(
                f"Parameter '{self.name}' has not been initialized yet because initialization was "
                "deferred. Actual initialization happens during the first forward pass. Please "
                "pass one batch of data through the network before accessing Parameters. You can "
                "also avoid deferred initialization by specifying in_units, num_features, etc., "
                "for network layers.")
        raise RuntimeError(
            f"Parameter '{self.name}' has not been initialized. Note that you should initialize "
            "parameters and create Trainer with Block.collect_params() instead of Block.params "
            "because the later does not include Parameters of nested child Blocks")

    def data(self, ctx=None):
        """The array on a device (on the only one by default).

        `RuntimeError` before `initialize`, `DeferredInitializationError` before the shape is known.
        """
        data = self._data
        if self._stype != "default":
            raise RuntimeError(f"Cannot return a copy of Parameter '{self.name}' on ctx {ctx} via "
                               f"data() because its storage type is {self._stype}. Please use "
                               "row_sparse_data() instead.")
        if data is not None and ctx is None and len(data) == 1:
            return data[0]
        return self._check_and_get(data, ctx)

    def _check_has_trainer(self):
        if self._trainer is None:
            raise RuntimeError(f"Cannot get row_sparse data for Parameter '{self.name}' when no "
                               "Trainer is created with it.")

    def row_sparse_data(self, row_id):
        """The rows `row_id` of a row_sparse parameter, on the device of `row_id`.

        `RuntimeError` for a parameter of another storage type.
        """
        if self._stype != "row_sparse":
            raise RuntimeError(f"Cannot return a copy of Parameter {self.name} via "
                               "row_sparse_data() because its storage type is "
                               f"{self._stype}. Please use data() instead.")
        self._check_has_trainer()
        return self._rows(self._check_and_get(self._data, row_id.context), row_id)

    def list_row_sparse_data(self, row_id):
        """The rows `row_id` on all devices."""
        if self._stype != "row_sparse":
            raise RuntimeError(f"Cannot return copies of Parameter '{self.name}' on all contexts "
                               "via list_row_sparse_data() because its storage type is "
                               f"{self._stype}. Please use data() instead.")
        self._check_has_trainer()
        return [self._rows(one, row_id) for one in self._check_and_get(self._data, list)]

    @staticmethod
    def _rows(array, row_id):
        """A view of an array, so that gradients find their way to it."""
        return nd.sparse.RowSparseNDArray._of_dense(
            array, nd.sparse.unique_rows(row_id, array.context))

    def list_data(self):
        """The arrays on all devices."""
        if self._stype != "default":
            raise RuntimeError(f"Cannot return copies of Parameter '{self.name}' on all contexts "
                               f"via list_data() because its storage type is {self._stype}. Please "
                               "use row_sparse_data() instead.")
        return self._arrays()

    def _arrays(self):
        """The dense arrays on all devices, whatever the storage type."""
        return self._check_and_get(self._data, list)

    def _check_grad(self):
        if self._data is not None and self._grad is None:
            raise RuntimeError(f"Cannot get gradient array for Parameter '{self.name}' "
                               "because grad_req='null'")

    def grad(self, ctx=None):
        """The gradient on a device; `RuntimeError` where `grad_req` is "null"."""
        self._check_grad()
        return self._as_stored(self._check_and_get(self._grad, ctx))

    def list_grad(self):
        """The gradients on all devices."""
        self._check_grad()
        return [self._as_stored(one) for one in self._check_and_get(self._grad, list)]

    def _as_stored(self, gradient):
        if self._grad_stype != "row_sparse":
            return gradient
        return nd.sparse.RowSparseNDArray._of_dense(gradient)

    def list_ctx(self):
        """The devices."""
        if self._data is None:
            if self._deferred_init:
                return self._deferred_init[1]
            raise RuntimeError(f"Parameter '{self.name}' has not been initialized")
        return self._ctx_list

    def zero_grad(self):
        """Set the gradients to zero; nothing happens without gradients."""
        for one in self._grad or ():
            one[:] = 0

    def var(self):
        """The symbol variable that stands for this parameter."""
        if self._var is None:
            self._var = symbol.var(self.name, shape=self.shape, dtype=self.dtype,
                                   lr_mult=self.lr_mult, wd_mult=self.wd_mult, init=self.init,
                                   stype=self._stype)
        return self._var

    # ---- values ----------------------------------------------------------------------------

    def initialize(self, init=None, ctx=None, default_init=initializer.Uniform(),
                   force_reinit=False):
        """Give the parameter its first value, or note how to, where the shape is not known.

        Parameters
        ----------
        init : Initializer or str, optional
            Goes before the parameter's own.
        ctx : Context or list of Context, optional
            The devices; the current one by default.
        default_init : Initializer
            Used where neither `init` nor an own one is there.
        force_reinit : bool
            Initialise again; otherwise a second call only warns.
        """
        if self._data is not None and not force_reinit:
            warnings.warn(f"Parameter '{self.name}' is already initialized, ignoring. Set "
                          "force_reinit=True to re-initialize.", stacklevel=2)
            return
        self._data = self._grad = None
        _changed()
        if init is None:
            init = default_init if self.init is None else self.init
        contexts = _as_contexts(ctx)
        if isinstance(init, str):
            init = initializer.create(init)
        if not shape_is_known(self.shape):
            if self._allow_deferred_init:
                self._deferred_init = (init, contexts, default_init, None)
                return
            raise ValueError(f"Cannot initialize Parameter '{self.name}' because it has invalid "
                             f"shape: {self.shape}.")
        self._deferred_init = (init, contexts, default_init, None)
        self._finish_deferred_init()

    def _finish_deferred_init(self):
        if not self._deferred_init:
            return
        init, contexts, default_init, data = self._deferred_init
        self._deferred_init = ()
        assert shape_is_known(self.shape), \
            f"Cannot initialize Parameter '{self.name}' because it has invalid shape: " \
            f"{self.shape}. Please specify in_units, in_channels, etc for `Block`s."
        with autograd.pause():
            if data is None:
                data = nd.zeros(self.shape, dtype=self.dtype, ctx=cpu())
                initializer.create(default_init)(
                    initializer.InitDesc(self.name, {"__init__": init}), data)
            self._init_impl(data, contexts)

    def _init_impl(self, data, contexts):
        self._ctx_list = list(contexts)
        self._data = [data.copyto(one) for one in self._ctx_list]
        _changed()
        self._init_grad()

    def _init_grad(self):
        if self.grad_req == "null":
            self._grad = None
            return
        self._grad = [nd.zeros(one.shape, dtype=one.dtype, ctx=ctx)
                      for one, ctx in zip(self._data, self._ctx_list)]
        _changed()
        autograd.mark_variables(self._data, self._grad, self.grad_req)

    def _reduce(self):
        """The mean of the arrays over devices, on the CPU."""
        data = self._arrays()
        if len(data) == 1:
            return data[0].copyto(cpu())
        total = data[0].copyto(cpu())
        for other in data[1:]:
            total += other.as_in_context(cpu())
        return total / len(data)

    def set_data(self, data):
        """Set the value on all devices; another shape is an `AssertionError`."""
        self.shape = data.shape
        if self._data is None:
            assert self._deferred_init, f"Parameter '{self.name}' has not been initialized"
            self._deferred_init = self._deferred_init[:3] + (data,)
            return
        if self._trainer is not None and self._trainer._kv_initialized \
                and self._trainer._update_on_kvstore:
            if self not in self._trainer._params_to_init:
                self._trainer._reset_kvstore()
        with autograd.pause():
            for one in self._data:
                one[:] = data

    def _load_init(self, data, ctx, cast_dtype=False, dtype_source="current"):
        """Take a value from a file, and its shape where the own is not known."""
        assert dtype_source in ("current", "saved")
        if self.shape:
            fits = len(self.shape) == len(data.shape) and \
                all(own in (0, -1, new) for own, new in zip(self.shape, data.shape))
            assert fits, f"Failed loading Parameter '{self.name}' from saved params: shape " \
                f"incompatible expected {self.shape} vs saved {data.shape}"
            self._shape = tuple(data.shape)
        else:
            self._shape = tuple(data.shape)
        if self.dtype is not None and np.dtype(self.dtype) != np.dtype(data.dtype):
            assert cast_dtype, \
                f"Failed loading Parameter '{self.name}' from saved params: dtype incompatible " \
                f"expected {np.dtype(self.dtype)} vs saved {np.dtype(data.dtype)}. Set " \
                "cast_dtype=True to cast the dtype of saved params."
            if dtype_source == "current":
                data = data.astype(self.dtype)
            else:
                self._dtype = data.dtype
        contexts = None if ctx is None else _as_contexts(ctx)
        if self._data is None:
            if self._deferred_init:
                own = self._deferred_init[1]
                assert contexts is None or set(contexts) == set(own), \
                    f"Failed to load Parameter '{self.name}' on {contexts} because it was " \
                    f"previous initialized on {own}."
                contexts = own
            self._init_impl(data, contexts or [cpu()])
        else:
            assert contexts is None or set(contexts) == set(self.list_ctx()), \
                f"Failed to load Parameter '{self.name}' on {contexts} because it was previous " \
                f"initialized on {self.list_ctx()}."
            if self._data[0].dtype != data.dtype:
                self._init_impl(data, self._ctx_list)
            else:
                self.set_data(data)
        self._deferred_init = ()

    def reset_ctx(self, ctx):
        """Move to other devices; `ValueError` before `initialize`."""
        contexts = _as_contexts(ctx)
        if self._data is not None:
            data = self._reduce()
            with autograd.pause():
                self._init_impl(data, contexts)
        elif self._deferred_init:
            init, _, default_init, data = self._deferred_init
            self._deferred_init = (init, contexts, default_init, data)
        else:
            raise ValueError(f"Cannot reset context for Parameter '{self.name}' because it has "
                             "not been initialized.")

    def cast(self, dtype):
        """Change the dtype of value and gradient."""
        self._dtype = dtype
        self._var = None
        if self._data is None:
            return
        with autograd.pause():
            self._data = [one.astype(dtype) for one in self._data]
            _changed()
            self._init_grad()

    def __getstate__(self):
        state = self.__dict__.copy()
        state["_trainer"] = None
        state["_var"] = None
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        if self._data is not None and self._grad is not None:
            autograd.mark_variables(self._data, self._grad, self.grad_req)
        _changed()


class Constant(Parameter):
    """A value that training does not change.

    Parameters
    ----------
    name : str
    value : array
    """

    def __init__(self, name, value):
        if not isinstance(value, nd.NDArray):
            value = nd.array(value)
        self.value = value

        class Init(initializer.Initializer):  # fills in the value, whatever the name
            def _init_weight(self, _, arr):
                value.copyto(arr)
            _init_default = _init_weight

        super().__init__(name, grad_req="null", shape=value.shape, dtype=value.dtype, init=None)
        self._initializer = Init()

    def initialize(self, init=None, ctx=None, default_init=None, force_reinit=False):
        super().initialize(self._initializer, ctx, self._initializer, force_reinit)

    def __repr__(self):
        return f"Constant {self.name} (shape={self.shape}, dtype={self.dtype})"

    @property
    def grad_req(self):
        """Always "null"."""
        return "null"

    @grad_req.setter
    def grad_req(self, request):
        if request != "null":
            warnings.warn(f'Constant parameter "{self.name}" does not support grad_req other than '
                          f'"null", and new value "{request}" is ignored.')
        self._grad_req = "null"

    def __getstate__(self):
        state = super().__getstate__()
        del state["_initializer"]
        return state


def _brief(names):
    names = [f"'{name}'" for name in names]
    if len(names) > 6:
        names = names[:3] + ["..."] + names[-4:]
    return ", ".join(names)


class ParameterDict:
    """Parameters by name.

    Parameters
    ----------
    prefix : str
        Put before the names that `get` is given.
    shared : ParameterDict, optional
        Where `get` looks for parameters that exist already.
    """

    def __init__(self, prefix="", shared=None):
        self._prefix = prefix
        self._params = OrderedDict()
        self._shared = shared

    def __repr__(self):
        name = self._prefix + " " if self._prefix else ""
        content = "\n".join("  " + repr(value).replace("\n", "\n  ") for value in self.values())
        return f"{name}(\n{content}\n)"

    def __getitem__(self, key):
        return self._params[key]

    def __iter__(self):
        return iter(self._params)

    def __contains__(self, key):
        return key in self._params

    def __len__(self):
        return len(self._params)

    def items(self):
        """Pairs of name and parameter."""
        return self._params.items()

    def keys(self):
        """The names."""
        return self._params.keys()

    def values(self):
        """The parameters."""
        return self._params.values()

    @property
    def prefix(self):
        """What is put before names."""
        return self._prefix

    def _get_impl(self, name):
        if name in self._params:
            return self._params[name]
        if self._shared is not None and name in self._shared._params:
            self._params[name] = self._shared._params[name]
            return self._params[name]
        return None

    def get(self, name, **kwargs):
        """The parameter `prefix + name`, made with `kwargs` where it does not exist.

        For one that exists, `kwargs` that differ from it are an `AssertionError`; unknown
        dimensions of its shape are filled in.
        """
        name = self.prefix + name
        parameter = self._get_impl(name)
        if parameter is None:
            parameter = self._params[name] = Parameter(name, **kwargs)
            return parameter
        for key, value in kwargs.items():
            current = getattr(parameter, key, None)
            if current is None:
                setattr(parameter, key, value)
                continue
            if key == "shape" and value is not None:
                value = (value,) if isinstance(value, int) else tuple(value)
                if len(value) == len(current):
                    merged = [old if new in (0, -1) else new if old in (0, -1) or old == new
                              else None for new, old in zip(value, current)]
                    if None not in merged:
                        parameter._shape = tuple(merged)
                        continue
            elif key == "dtype" and np.dtype(value) == np.dtype(current):
                continue
            assert value is None or value == current, \
                f"Cannot retrieve Parameter '{name}' because desired attribute does not match " \
                f"with stored for attribute '{key}': desired '{value}' vs stored '{current}'."
        return parameter

    def get_constant(self, name, value=None):
        """The constant `prefix + name`, made from `value` where it does not exist."""
        name = self.prefix + name
        parameter = self._get_impl(name)
        if parameter is None:
            if value is None:
                raise KeyError(f"No constant named '{name}'. Please specify value if you want to "
                               "create a new constant.")
            parameter = self._params[name] = Constant(name, value)
        elif value is not None:
            assert isinstance(parameter, Constant), \
                f"Parameter '{name}' already exists but it is not a constant."
            given = value.asnumpy() if isinstance(value, nd.NDArray) else np.asarray(value)
            assert parameter.shape == given.shape and \
                (parameter.value.asnumpy() == given).all(), \
                f"Constant '{name}' already exists but it's value doesn't match new value"
        return parameter

    def update(self, other):
        """Take in all parameters of another dictionary; different ones of one name are an error."""
        for name, parameter in other.items():
            if name in self._params:
                assert self._params[name] is parameter, \
                    "Cannot update self with other because they have different Parameters with " \
                    f"the same name '{name}'"
            else:
                self._params[name] = parameter

    def initialize(self, init=initializer.Uniform(), ctx=None, verbose=False, force_reinit=False):
        """Initialise all; `init` serves those without an own initializer."""
        if verbose:
            init.set_verbosity(verbose=verbose)
        for parameter in self.values():
            parameter.initialize(None, ctx, init, force_reinit=force_reinit)

    def zero_grad(self):
        """Set all gradients to zero."""
        for parameter in self.values():
            parameter.zero_grad()

    def reset_ctx(self, ctx):
        """Move all to other devices."""
        for parameter in self.values():
            parameter.reset_ctx(ctx)

    def list_ctx(self):
        """All devices of the parameters."""
        contexts = []
        for parameter in self.values():
            contexts += [ctx for ctx in parameter.list_ctx() if ctx not in contexts]
        return contexts

    def setattr(self, name, value):
        """Set an attribute of all, e.g. `grad_req`."""
        for parameter in self.values():
            setattr(parameter, name, value)

    def save(self, filename, strip_prefix=""):
        """Write all into a file, by name without `strip_prefix` (which all must have)."""
        values = {}
        for parameter in self.values():
            if not parameter.name.startswith(strip_prefix):
                raise ValueError(f"Prefix '{strip_prefix}' is to be striped before saving, but "
                                 f"Parameter's name '{parameter.name}' does not start with it. "
                                 "If you are using Block.save_parameters, this may be due to your "
                                 "Block sharing parameters from other Blocks or you forgot to use "
                                 "'with name_scope()' when creating child blocks.")
            values[parameter.name[len(strip_prefix):]] = parameter._reduce()
        nd.save(filename, values)

    def load(self, filename, ctx=None, allow_missing=False, ignore_extra=False,
             restore_prefix="", cast_dtype=False, dtype_source="current"):
        """Read values from a file; `restore_prefix` is put before the names there."""
        loaded = nd.load(filename)
        self.load_dict(loaded if isinstance(loaded, dict) else {}, ctx, allow_missing,
                       ignore_extra, restore_prefix, filename, cast_dtype, dtype_source)

    def load_dict(self, param_dict, ctx=None, allow_missing=False, ignore_extra=False,
                  restore_prefix="", filename=None, cast_dtype=False, dtype_source="current"):
        """Take values from a dictionary; names that it lacks, or that are not here, are an
        `AssertionError` unless allowed."""
        if restore_prefix:
            for name in self.keys():
                assert name.startswith(restore_prefix), \
                    f"restore_prefix is '{restore_prefix}' but Parameters name '{name}' does " \
                    "not start with it"
        source = f"file: {filename}" if filename else "param_dict"
        values = {restore_prefix + (name[4:] if name.startswith(("arg:", "aux:")) else name): value
                  for name, value in param_dict.items()}
        if not allow_missing:
            for name in self.keys():
                assert name in values, \
                    f"Parameter '{name}' is missing in {source}, which contains parameters: " \
                    f"{_brief(values)}. Please make sure source and target networks have the " \
                    "same prefix."
        for name, value in values.items():
            if name not in self._params:
                assert ignore_extra, \
                    f"Parameter '{name}' loaded from {source} is not present in " \
                    f"ParameterDict, which contains parameters {_brief(self.keys())}. Set " \
                    "ignore_extra=True to ignore."
                continue
            self._params[name]._load_init(value, ctx, cast_dtype, dtype_source)
