"""Blocks: networks as Python objects that own parameters and other blocks."""
import re
import threading
import warnings
from collections import OrderedDict

from .. import autograd, initializer
from .. import ndarray as nd
from .. import symbol
from ..base import MXNetError
from ..name import NameManager, Prefix
from ..ndarray import NDArray
from ..symbol import Symbol
from . import parameter as parameter_module
from .cached_graph import CachedGraph, flatten, regroup
from .parameter import DeferredInitializationError, Parameter, ParameterDict
from .utils import HookHandle

__all__ = ["Block", "HybridBlock", "SymbolBlock"]


class _Current(threading.local):
    scope = None


_current = _Current()


class _BlockScope:
    """Names of what is made inside a block: each gets the block's prefix and a count."""

    def __init__(self, block):
        self._block = block
        self._counter = {}
        self._outer = []

    @staticmethod
    def create(prefix, params, hint):
        """The prefix and the parameter dictionary of a new block."""
        scope = _current.scope
        if scope is None:
            if prefix is None:
                prefix = NameManager.current.get(None, hint) + "_"
            params = ParameterDict(prefix) if params is None \
                else ParameterDict(params.prefix, params)
            return prefix, params
        if prefix is None:
            count = scope._counter.get(hint, 0)
            scope._counter[hint] = count + 1
            prefix = f"{hint}{count}_"
        if params is None:
            parent = scope._block.params
            params = ParameterDict(parent.prefix + prefix, parent._shared)
        else:
            params = ParameterDict(params.prefix, params)
        return scope._block.prefix + prefix, params

    def __enter__(self):
        if self._block._empty_prefix:
            return self
        names = Prefix(self._block.prefix)
        names.__enter__()
        self._outer.append((_current.scope, names))
        _current.scope = self
        return self

    def __exit__(self, exc_type, exc_value, trace):
        if self._block._empty_prefix:
            return
        _current.scope, names = self._outer.pop()
        names.__exit__(exc_type, exc_value, trace)


class Block:
    """The base of all networks and layers.

    Blocks and parameters that are assigned to attributes become children and parameters of the
    block. A subclass offers `forward`.

    Parameters
    ----------
    prefix : str, optional
        What the names of parameters start with; made from the class name by default.
    params : ParameterDict, optional
        Parameters to share.
    """

    def __init__(self, prefix=None, params=None):
        self._empty_prefix = prefix == ""
        self._prefix, self._params = _BlockScope.create(prefix, params, self._alias())
        self._name = self._prefix[:-1] if self._prefix.endswith("_") else self._prefix
        self._scope = _BlockScope(self)
        self._children = OrderedDict()
        self._reg_params = {}
        self._forward_hooks = OrderedDict()
        self._forward_pre_hooks = OrderedDict()

    def __repr__(self):
        lines = [f"  ({key}): " + repr(value).replace("\n", "\n  ")
                 for key, value in self.__dict__.items() if isinstance(value, Block)]
        content = "\n".join(lines)
        return f"{self.__class__.__name__}(\n{content}\n)"

    def __setattr__(self, name, value):
        existing = self.__dict__.get(name)
        if isinstance(existing, (Parameter, Block)) and not isinstance(value, type(existing)):
            raise TypeError(f"Changing attribute type for {name} from {type(existing)} to "
                            f"{type(value)}is not allowed.")
        if isinstance(value, Block):
            self.register_child(value, name)
        elif isinstance(value, Parameter):
            assert name not in self._reg_params, \
                f"Overriding Parameter attribute {name} is not allowed. If you want to share " \
                "parameters between blocks, please set 'params' at Block construction instead."
            self._reg_params[name] = value
        object.__setattr__(self, name, value)

    def _alias(self):
        return self.__class__.__name__.lower()

    @property
    def prefix(self):
        """What the names of the parameters start with."""
        return self._prefix

    @property
    def name(self):
        """The prefix without its last underscore."""
        return self._name

    @property
    def params(self):
        """The block's own parameters, without the children's."""
        return self._params

    def name_scope(self):
        """A `with` scope; blocks and parameters made in it get this block's prefix."""
        return self._scope

    def register_child(self, block, name=None):
        """Add a child block; the name is its number by default."""
        self._children[str(len(self._children)) if name is None else name] = block

    def register_forward_pre_hook(self, hook):
        """Call `hook(block, inputs)` before every `forward`; returns a handle to detach it."""
        handle = HookHandle()
        handle.attach(self._forward_pre_hooks, hook)
        return handle

    def register_forward_hook(self, hook):
        """Call `hook(block, inputs, outputs)` after every `forward`; returns a handle."""
        handle = HookHandle()
        handle.attach(self._forward_hooks, hook)
        return handle

    def register_op_hook(self, callback, monitor_all=False):
        """Call `callback(name, operator, array)` for every operator's output in the hybridized
        blocks below; names are bytes.

        Parameters
        ----------
        callback : callable
        monitor_all : bool
            Also for every operator's inputs.
        """
        for child in self._children.values():
            child.register_op_hook(callback, monitor_all)

    def apply(self, fn):
        """Call `fn` with every child, depth first, and then with the block itself."""
        for child in self._children.values():
            child.apply(fn)
        fn(self)
        return self

    def _check_container_with_block(self):
        def holds_unknown(value):
            if isinstance(value, (list, tuple)):
                return any(holds_unknown(one) for one in value)
            if isinstance(value, dict):
                return any(holds_unknown(one) for one in value.values())
            return isinstance(value, Block) and \
                not any(value is child for child in self._children.values())
        for name, value in self.__dict__.items():
            if isinstance(value, (list, tuple, dict)) and not name.startswith("_") \
                    and holds_unknown(value):
                warnings.warn(
                    f'"{self.__class__.__name__}.{name}" is an unregistered container with '
                    "Blocks. Note that Blocks inside the list, tuple or dict will not be "
                    "registered automatically. Make sure to register them using register_child() "
                    "or switching to nn.Sequential/nn.HybridSequential instead. ", stacklevel=3)

    def collect_params(self, select=None):
        """All parameters of the block and its children, by name.

        Parameters
        ----------
        select : str, optional
            A regular expression that names must match.
        """
        self._check_container_with_block()
        result = ParameterDict(self._params.prefix)
        if select is None:
            result.update(self.params)
        else:
            pattern = re.compile(select)
            result.update({name: value for name, value in self.params.items()
                           if pattern.match(name)})
        for child in self._children.values():
            result.update(child.collect_params(select=select))
        return result

    def _collect_params_with_prefix(self, prefix=""):
        if prefix:
            prefix += "."
        result = {prefix + name: value for name, value in self._reg_params.items()}
        for name, child in self._children.items():
            result.update(child._collect_params_with_prefix(prefix + name))
        return result

    def initialize(self, init=initializer.Uniform(), ctx=None, verbose=False, force_reinit=False):
        """Initialise all parameters; see `ParameterDict.initialize`."""
        self.collect_params().initialize(init, ctx, verbose, force_reinit)

    def hybridize(self, active=True, **kwargs):
        """Run the hybrid blocks among the children as graphs (or no longer)."""
        for child in self._children.values():
            child.hybridize(active, **kwargs)

    def cast(self, dtype):
        """Change the dtype of all parameters."""
        for child in self._children.values():
            child.cast(dtype)
        for parameter in self.params.values():
            parameter.cast(dtype)

    def save_parameters(self, filename, deduplicate=False):
        """Write all parameters by their place in the block ("0.weight").

        Parameters
        ----------
        filename : str
        deduplicate : bool
            Write a shared parameter only once.
        """
        params = self._collect_params_with_prefix()
        if deduplicate:
            params = {name: value for value, name in
                      {value: name for name, value in params.items()}.items()}
        nd.save(filename, {name: value._reduce() for name, value in params.items()})

    def load_parameters(self, filename, ctx=None, allow_missing=False, ignore_extra=False,
                        cast_dtype=False, dtype_source="current"):
        """Read what `save_parameters`, `export` or `ParameterDict.save` wrote.

        Parameters
        ----------
        filename : str
        ctx : Context or list of Context, optional
        allow_missing, ignore_extra : bool
            Whether parameters may lack in the file, and the file may have others.
        cast_dtype : bool
            Whether dtypes may differ; `dtype_source` ("current" or "saved") then chooses.
        """
        loaded = nd.load(filename)
        params = self._collect_params_with_prefix()
        if not loaded and not params:
            return
        if not isinstance(loaded, dict):
            raise ValueError(f"[load_parameters] expected a file of named arrays, got {filename} "
                             "with a list: it was not written by save_parameters")
        if not any("." in name for name in loaded):
            # Full names: written by ParameterDict.save or by export.
            self.collect_params().load_dict(loaded, ctx, allow_missing, ignore_extra, self.prefix
                                            if not any(name in self.collect_params() for name in
                                                       map(_bare_name, loaded)) else "",
                                            filename, cast_dtype, dtype_source)
            return
        if not allow_missing:
            by_value = {}
            for name, value in params.items():
                by_value.setdefault(value, []).append(name)
            for name, value in params.items():
                assert any(one in loaded for one in by_value[value]), \
                    f"Parameter '{name}' is missing in file '{filename}', which contains " \
                    f"parameters: {parameter_module._brief(loaded)}. Set allow_missing=True to " \
                    "ignore missing parameters."
        for name, value in loaded.items():
            if name not in params:
                if not ignore_extra:
                    raise ValueError(
                        f"Parameter '{name}' loaded from file '{filename}' is not present in "
                        "ParameterDict, which contains parameters "
                        f"{parameter_module._brief(params)}. Set ignore_extra=True to ignore. ")
                continue
            params[name]._load_init(value, ctx, cast_dtype, dtype_source)

    def save(self, prefix):
        """Write `prefix-model.json` (the tree of blocks) and `prefix-model.params`.

        The program that calls `load` makes the same blocks in the same order.
        """
        from .saved_model import save_model
        save_model(self, prefix)

    def load(self, prefix):
        """Read what `save` wrote into a block that was made in the same way."""
        from .saved_model import load_model
        load_model(self, prefix)

    def save_params(self, filename):
        """Deprecated; write full names without the block's prefix."""
        warnings.warn("save_params is deprecated. Please use save_parameters. Note that if you "
                      "want load from SymbolBlock later, please use export instead.")
        self.collect_params().save(filename, strip_prefix=self.prefix)

    def load_params(self, filename, ctx=None, allow_missing=False, ignore_extra=False):
        """Deprecated; see `load_parameters`."""
        warnings.warn("load_params is deprecated. Please use load_parameters.")
        self.load_parameters(filename, ctx, allow_missing, ignore_extra)

    def __call__(self, *args):
        for hook in self._forward_pre_hooks.values():
            hook(self, args)
        out = self.forward(*args)
        for hook in self._forward_hooks.values():
            hook(self, args, out)
        return out

    def forward(self, *args):
        """Compute the outputs; a subclass offers this."""
        raise NotImplementedError

    def summary(self, *inputs):
        """Print a table of the layers: output shapes and numbers of parameters.

        Parameters
        ----------
        inputs : NDArray
            Inputs to run the block on; it must not be hybridized.
        """
        from .summary import print_block_summary
        print_block_summary(self, inputs)


def _bare_name(name):
    return name[4:] if name.startswith(("arg:", "aux:")) else name


class HybridBlock(Block):
    """A block that can be run as it is written or, after `hybridize`, as a graph.

    A subclass offers `hybrid_forward(F, x, ..., **params)`, where `F` is `mx.nd` or `mx.sym`. The
    graph is traced once, at the first call; shapes may differ from call to call.
    """

    def __init__(self, prefix=None, params=None):
        self._cached = None
        self._graph = None
        self._active = False
        self._flags = {}
        self._hook = None
        super().__init__(prefix=prefix, params=params)

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if isinstance(value, (HybridBlock, Parameter)):
            self._clear_cached_op()

    def register_child(self, block, name=None):
        if not isinstance(block, HybridBlock):
            raise ValueError(
                f"Children of HybridBlock must also be HybridBlock, but {block} has type "
                f"{type(block)}. If you are using Sequential, please try HybridSequential "
                "instead.")
        super().register_child(block, name)
        self._clear_cached_op()

    def _clear_cached_op(self):
        self._cached = None
        self._graph = None

    def hybridize(self, active=True, backend=None, clear=True, static_alloc=False,
                  static_shape=False, inline_limit=2, forward_bulk_size=None,
                  backward_bulk_size=None, **kwargs):
        """Run as a graph from now on (or no longer).

        Parameters
        ----------
        active : bool
        static_alloc, static_shape : bool
            Keep the graph's memory between calls.
        """
        self._active = active
        self._flags = {"static_alloc": str(bool(static_alloc)),
                       "static_shape": str(bool(static_shape)),
                       "inline_limit": str(inline_limit)}
        if forward_bulk_size is not None:
            self._flags["forward_bulk_size"] = str(forward_bulk_size)
        if backward_bulk_size is not None:
            self._flags["backward_bulk_size"] = str(backward_bulk_size)
        if clear or not active:
            self._clear_cached_op()
        if active and (self._forward_hooks or self._forward_pre_hooks):
            warnings.warn(f'"{self}" is being hybridized while still having forward hook/pre-hook. '
                          f'If "{self}" is a child of HybridBlock, the hooks will not take effect.',
                          stacklevel=2)
        super().hybridize(active, static_alloc=static_alloc, static_shape=static_shape,
                          inline_limit=inline_limit, forward_bulk_size=forward_bulk_size,
                          backward_bulk_size=backward_bulk_size)

    def cast(self, dtype):
        self._clear_cached_op()
        super().cast(dtype)

    # ---- tracing ---------------------------------------------------------------------------

    def _get_graph(self, *args):
        """`(inputs, output, in_format, out_format)`: the block traced with symbols."""
        if self._graph is None:
            flat, in_format = flatten(args, "input")
            names = ["data"] if sum(one is not None for one in flat) == 1 and len(flat) == 1 \
                else [f"data{i}" for i in range(len(flat))]
            inputs = [symbol.var(name) for name in names]
            given = [None if one is None else variable for one, variable in zip(flat, inputs)]
            grouped, _ = regroup(given, in_format)
            params = {name: one.var() for name, one in self._reg_params.items()}
            with self.name_scope():
                out = self.hybrid_forward(symbol, *grouped, **params)
            flat_out, out_format = flatten(out, "output")
            output = flat_out[0] if len(flat_out) == 1 else symbol.Group(flat_out)
            present = [variable for one, variable in zip(flat, inputs) if one is not None]
            self._graph = (present, output, in_format, out_format)
        return self._graph

    @property
    def _cached_graph(self):
        """`(inputs, output)` of the trace; empty before it."""
        return self._graph[:2] if self._graph is not None else ()

    def _build_cache(self, *args):
        if self._flags.get("static_shape") == "True" and self._flags["static_alloc"] != "True":
            raise MXNetError("[hybridize] static_alloc must be True when static_shape is True")
        inputs, output, in_format, out_format = self._get_graph(*args)
        params = {one.name: one for one in self.collect_params().values()}
        for name in output.list_inputs():
            if name not in params and name not in {one.name for one in inputs}:
                raise ValueError(f"Unknown input to HybridBlock: {name}")
        # Inputs that are None have a place in the format, but none among the graph's inputs.
        flat, _ = flatten(args, "input")
        places = [one for one in flat if one is not None]
        if len(places) != len(flat):
            by_number = iter(inputs)
            inputs = [next(by_number) if one is not None else symbol.var(f"_none{i}")
                      for i, one in enumerate(flat)]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._cached = CachedGraph(inputs, output, self._flags, params, in_format,
                                            out_format, self._hook)
            return
        self._cached = CachedGraph(inputs, output, self._flags, params, in_format, out_format,
                                    self._hook)

    def infer_shape(self, *args):
        """Work out the parameters' shapes from inputs."""
        self._infer_attrs("infer_shape", args, lambda one: one.shape, "shape")

    def infer_type(self, *args):
        """Work out the parameters' dtypes from inputs."""
        self._infer_attrs("infer_type", args, lambda one: one.dtype, "dtype")

    def _infer_attrs(self, method, args, attribute, target):
        inputs, output, _, _ = self._get_graph(*args)
        flat = [one for one in flatten(args, "input")[0] if one is not None]
        known = {variable.name: attribute(one) for variable, one in zip(inputs, flat)
                 if variable.name in output.list_arguments()}
        arguments, _, auxiliary = getattr(output, method)(**known)
        if arguments is None:
            raise ValueError(f"Cannot decide {target} for the parameters of {self.name}; "
                             "consider specifying in_units, in_channels, etc.")
        found = dict(zip(output.list_arguments(), arguments))
        found.update(zip(output.list_auxiliary_states(), auxiliary))
        for one in self.collect_params().values():
            if one.name in found:
                setattr(one, target, found[one.name])

    def _deferred_infer_shape(self, *args):
        try:
            self.infer_shape(*args)
        except Exception as error:
            raise ValueError("Deferred initialization failed because shape cannot be inferred. "
                             f"{error}") from error
        for one in self.collect_params().values():
            one._finish_deferred_init()

    # ---- running ---------------------------------------------------------------------------

    def __call__(self, *args):
        cached = self._cached
        if cached is not None and args and isinstance(args[0], NDArray) and not self._forward_hooks \
                and not self._forward_pre_hooks:
            return cached(args)
        return super().__call__(*args)

    def _call_cached_op(self, *args):
        if self._cached is None:
            self._build_cache(*args)
        try:
            return self._cached(args)
        except DeferredInitializationError:
            self._deferred_infer_shape(*args)
            return self._cached(args)

    def tune(self, *args, budget=60, training=False, **options):
        """Hybridize the block and find the fastest way to run it here for arguments like these.

        Takes what `Executor.tune` takes and returns its report. Calls with the same shapes are then
        run as the record says; `training`: those under `autograd.record()`.
        """
        if not self._active:
            self.hybridize()
        with autograd.pause():
            self(*args)  # finishes deferred initialisation
        inputs, output, _, _ = self._get_graph(*args)
        flat = [one for one in flatten(args, "input")[0] if one is not None]
        ctx = flat[0].context
        params = {one.name: one for one in self.collect_params().values()}
        arrays = {variable.name: one for variable, one in zip(inputs, flat)}
        gradients = {}
        for name in output.list_inputs():
            if name not in arrays:
                arrays[name] = params[name].data(ctx)
                if training and params[name].grad_req != "null":
                    gradients[name] = arrays[name].zeros_like()
        executor = output.bind(
            ctx, {name: arrays[name] for name in output.list_arguments()}, gradients,
            {name: "write" for name in gradients},
            {name: arrays[name] for name in output.list_auxiliary_states()})
        report = executor.tune(budget, training=training, **options)
        self._clear_cached_op()
        return report

    def forward(self, x, *args):
        """Compute the outputs, from arrays or from symbols."""
        if isinstance(x, Symbol):
            params = {name: one.var() for name, one in self._reg_params.items()}
            with self.name_scope():
                return self.hybrid_forward(symbol, x, *args, **params)
        if not isinstance(x, NDArray) and \
                not any(isinstance(one, (NDArray, Symbol)) for one in _leaves((x, *args))):
            raise ValueError("In HybridBlock, there must be one NDArray or one Symbol in the "
                             "input. Please check the type of the args.\n")
        if self._active:
            return self._call_cached_op(x, *args)
        if any(isinstance(one, Symbol) for one in _leaves((x, *args))):
            params = {name: one.var() for name, one in self._reg_params.items()}
            with self.name_scope():
                return self.hybrid_forward(symbol, x, *args, **params)
        ctx = next(one for one in _leaves((x, *args)) if isinstance(one, NDArray)).context
        try:
            params = {name: one.data(ctx) for name, one in self._reg_params.items()}
        except DeferredInitializationError:
            self._deferred_infer_shape(x, *args)
            params = {name: one.data(ctx) for name, one in self._reg_params.items()}
        return self.hybrid_forward(nd, x, *args, **params)

    def hybrid_forward(self, F, x, *args, **kwargs):
        """Compute the outputs with the operators of `F` (`mx.nd` or `mx.sym`)."""
        raise NotImplementedError

    # ---- files -----------------------------------------------------------------------------

    def export(self, path, epoch=0, remove_amp_cast=True):
        """Write `path-symbol.json` and `path-NNNN.params` (names `arg:...` and `aux:...`).

        The block must be hybridized and have been run.
        """
        if self._graph is None:
            raise RuntimeError("Please first call block.hybridize() and then run forward with "
                               "this block at least once before calling export.")
        output = self._graph[1]
        output.save(f"{path}-symbol.json")
        arguments = set(output.list_arguments())
        auxiliary = set(output.list_auxiliary_states())
        values = {}
        for name, one in self.collect_params().items():
            if name in arguments:
                values[f"arg:{name}"] = one._reduce()
            elif name in auxiliary:
                values[f"aux:{name}"] = one._reduce()
            else:
                warnings.warn(f'Parameter "{name}" is not found in the graph.', stacklevel=2)
        nd.save(f"{path}-{epoch:04d}.params", values)

    def register_op_hook(self, callback, monitor_all=False):
        self._hook = (callback, monitor_all)
        super().register_op_hook(callback, monitor_all)
        self._cached = None

    def optimize_for(self, x, *args, backend=None, clear=False, static_alloc=False,
                     static_shape=False, inline_limit=2, forward_bulk_size=None,
                     backward_bulk_size=None, **kwargs):
        """Hybridize and trace for these inputs, without running; `export` may follow.

        Parameters
        ----------
        x, args : NDArray
        backend : str
            Has to be given, as in 1.9.1; the graph is the same for every name.
        clear : bool
            Forget an earlier trace.
        """
        if backend is None:
            raise ValueError('Must specify "backend" to optimize_for')
        self.hybridize(True, backend, clear, static_alloc, static_shape, inline_limit,
                       forward_bulk_size, backward_bulk_size, **kwargs)
        self._get_graph(x, *args)[1].optimize_for(backend)  # warns of an unknown name
        self._deferred_infer_shape(x, *args)
        self._build_cache(x, *args)


def _leaves(args):
    for one in args:
        if isinstance(one, (list, tuple)):
            yield from _leaves(one)
        else:
            yield one


class SymbolBlock(HybridBlock):
    """A block from a symbol.

    Parameters
    ----------
    outputs : Symbol or list of Symbol
    inputs : Symbol or list of Symbol
        The variables of `outputs` that are data; the others become parameters.
    params : ParameterDict, optional
        Parameters to share.
    """

    @staticmethod
    def imports(symbol_file, input_names, param_file=None, ctx=None, allow_missing=False,
                ignore_extra=False):
        """Make a block from the files of `export` or of a module's checkpoint.

        Parameters
        ----------
        symbol_file : str
        input_names : str or list of str
        param_file : str, optional
            Without it the parameters are to be initialised.
        ctx : Context or list of Context, optional
        """
        output = symbol.load(symbol_file)
        names = [input_names] if isinstance(input_names, str) else input_names
        block = SymbolBlock(output, [symbol.var(name) for name in names])
        if param_file is not None:
            loaded = nd.load(param_file)
            block.collect_params().load_dict(loaded if isinstance(loaded, dict) else {}, ctx,
                                             allow_missing, ignore_extra, "", param_file,
                                             cast_dtype=True, dtype_source="saved")
        return block

    def __init__(self, outputs, inputs, params=None):
        super().__init__(prefix=None, params=None)
        self._prefix = ""
        self._params = ParameterDict("", params)
        inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        for one in inputs:
            assert len(one.list_outputs()) == 1 and one.name in one.list_arguments(), \
                f"Input symbols must be variable, but {one} is an output of operators"
        if isinstance(outputs, (list, tuple)):
            flat, form = flatten(list(outputs), "output")
            output = flat[0] if len(flat) == 1 else symbol.Group(flat)
        else:
            output = outputs
            count = len(output.list_outputs())
            form = 0 if count == 1 else [0] * count
        names = {one.name for one in inputs}
        for name in output.list_arguments():
            if name not in names:
                self.params.get(name, allow_deferred_init=True)
        for name in output.list_auxiliary_states():
            if name not in names:
                self.params.get(name, grad_req="null", allow_deferred_init=True)
        self._graph = (inputs, output, [0] * len(inputs), form)
        self._reg_params = {name: one for name, one in self._params.items()}

    def __repr__(self):
        inputs, output, *_ = self._graph
        return f"{self.__class__.__name__}(\n{output} : {len(inputs)} -> " \
               f"{len(output.list_outputs())}\n)"

    def _clear_cached_op(self):
        self._cached = None  # the graph is what the block consists of

    def _get_graph(self, *args):
        return self._graph

    def _build_cache(self, *args):
        inputs, output, in_format, out_format = self._graph
        params = {one.name: one for one in self.collect_params().values()}
        self._cached = CachedGraph(inputs, output, self._flags, params, in_format, out_format,
                                    self._hook)

    def __call__(self, *args):
        return Block.__call__(self, *args)

    def forward(self, x, *args):
        if isinstance(x, NDArray):
            return self._call_cached_op(x, *args)
        inputs, output, _, form = self._graph
        replaced = {variable.name: given for variable, given in zip(inputs, (x, *args))}
        result = output(**replaced)
        flat = [result] if form == 0 else [result[i] for i in range(len(result.list_outputs()))]
        return flat[0] if form == 0 else regroup(flat, form)[0]

    def hybrid_forward(self, F, x, *args, **kwargs):
        raise NotImplementedError

    def reset_ctx(self, ctx):
        """Move the parameters to other devices."""
        self.collect_params().reset_ctx(ctx)
