"""Executor: a symbol bound to arrays."""
import math

from . import _core
from .base import MXNetError
from .context import Context
from .ndarray import NDArray

__all__ = ["Executor", "MemoryPlan"]


def _requests(grad_req, names):
    if isinstance(grad_req, str):
        return [grad_req] * len(names)
    if isinstance(grad_req, dict):
        return [grad_req.get(name, "null") for name in names]
    grad_req = list(grad_req)
    if len(grad_req) != len(names):
        raise ValueError(f"[bind] expected {len(names)} gradient requests, got {len(grad_req)}")
    return grad_req


def _listed(arrays, names, what, optional):
    if arrays is None:
        return [None] * len(names)
    if not isinstance(arrays, (list, tuple, dict)):
        raise TypeError("Only accept list of NDArrays or dict of str to NDArray")
    if isinstance(arrays, dict):
        if not optional:
            missing = [name for name in names if name not in arrays]
            if missing:
                raise ValueError(f"key `{missing[0]}` is missing in `{what}`")
        return [arrays.get(name) for name in names]
    arrays = list(arrays)
    if len(arrays) != len(names):
        raise ValueError(f"Length of {what} does not match the number of arguments: "
                         f"expected {len(names)}, got {len(arrays)}")
    return arrays


def _groups(groups):
    """Contexts by the names of groups, checked."""
    for name, context in (groups or {}).items():
        if not isinstance(context, Context):
            raise TypeError(f"[bind] group2ctx: expected a Context for group '{name}', got {context!r}")
    return groups or {}


def _core_of(executor):
    if executor is not None and not isinstance(executor, Executor):
        raise TypeError(f"[bind] shared_exec: expected an Executor, got {type(executor).__name__}")
    return None if executor is None else executor._core


class MemoryPlan(dict):
    """What `Executor.memory_plan` returns: bytes of internal arrays per planning mode."""

    def __init__(self, executor):
        super().__init__(executor._core.memory_plan())
        self._executor = executor

    def fit(self, budget):
        """`Executor.fit_memory`; then holds the new plan's bytes. Returns itself."""
        self._executor.fit_memory(budget)
        self.update(self._executor._core.memory_plan())
        return self


class Executor:
    """Runs a bound graph. Made by `Symbol.simple_bind` and `Symbol.bind`.

    `forward`, `backward` and `forward_backward` return at once; reading an output waits.
    """

    __slots__ = ("_core", "_symbol", "_ctx", "_arg_names", "_aux_names", "arg_arrays", "grad_arrays",
                 "aux_arrays", "outputs", "arg_dict", "grad_dict", "aux_dict", "_output_dict",
                 "forward_backward", "_monitor", "_grad_req", "_groups", "__weakref__")

    def __init__(self, core, symbol, ctx, grad_req, groups=None):
        self._core = core
        self._symbol = symbol
        self._ctx = ctx
        self._grad_req = grad_req
        self._groups = groups or {}
        self._arg_names = symbol.list_arguments()
        self._aux_names = symbol.list_auxiliary_states()
        self.arg_arrays = core._arguments()
        self.grad_arrays = core._gradients()
        self.aux_arrays = core._auxiliary_states()
        self.outputs = core._outputs()
        self.arg_dict = dict(zip(self._arg_names, self.arg_arrays))
        self.grad_dict = dict(zip(self._arg_names, self.grad_arrays))
        self.aux_dict = dict(zip(self._aux_names, self.aux_arrays))
        self._output_dict = dict(zip(symbol.list_outputs(), self.outputs))
        self.forward_backward = core.forward_backward
        self._monitor = None

    @classmethod
    def _simple_bind(cls, symbol, ctx, grad_req, types, shapes, groups=None, shared_names=None,
                     shared=None, buffer=None):
        if shared_names is not None and not isinstance(shared_names, list):
            raise ValueError("shared_arg_names in simple_bind must be a list or None")
        if buffer is not None and not isinstance(buffer, dict):
            raise ValueError("shared_buffer in simple_bind must be dict or None")
        requests = _requests(grad_req, symbol.list_arguments())
        core = _core.simple_bind(symbol, ctx, shapes, types, requests, _groups(groups),
                                 shared_names or [], _core_of(shared), buffer)
        return cls(core, symbol, ctx, grad_req, groups)

    @classmethod
    def _bind(cls, symbol, ctx, args, args_grad, grad_req, aux_states, groups=None, shared=None):
        if not isinstance(ctx, Context):
            raise TypeError("Context type error")
        names = symbol.list_arguments()
        core = _core.bind(symbol, ctx, _listed(args, names, "args", False),
                          _listed(args_grad, names, "args_grad", True), _requests(grad_req, names),
                          _listed(aux_states, symbol.list_auxiliary_states(), "aux_states", False),
                          _groups(groups), _core_of(shared))
        return cls(core, symbol, ctx, grad_req, groups)

    @property
    def output_dict(self):
        """Outputs by name."""
        return self._output_dict

    def forward(self, is_train=False, **kwargs):
        """Compute the outputs, after copying `kwargs` (arrays by argument name) into the arguments."""
        for name, value in kwargs.items():
            target = self.arg_dict.get(name)
            if target is None:
                raise TypeError(f"Unknown argument {name}")
            if tuple(value.shape) != target.shape:
                raise ValueError(f"Shape not match! Argument {name}, need: {target.shape}, "
                                 f"received: {tuple(value.shape)}")
            if isinstance(value, NDArray):
                value.copyto(target)
            else:
                target[:] = value
        self._core._forward(is_train)
        if self._monitor is not None:
            self._report()
        return self.outputs

    def set_monitor_callback(self, callback, monitor_all=False):
        """Call `callback(name, array)` for every operator's outputs, after each forward pass.

        The arrays are those of the pass itself. With `monitor_all` the inputs of every operator are
        reported, too (`fc_data`, `fc_weight`). After a backward pass follows what each operator
        passed on to its inputs (`fc_backward_output1`: to its second one), as far as arguments
        asked for it. A `callback` of None ends it.
        """
        self._monitor = None if callback is None else (callback, monitor_all)
        self._core._set_monitored(callback is not None)
        self.forward_backward = self._core.forward_backward if callback is None else self._monitored_step

    def _monitored_step(self):
        self.forward(is_train=True)
        self.backward()

    def _report(self):
        callback, monitor_all = self._monitor
        for name, array in self._core._monitored(monitor_all):
            callback(name, array)

    def backward(self, out_grads=None, is_train=True):
        """Compute the gradients after `forward`: of training, or of what inference computes.

        `out_grads` are the gradients of the outputs; loss outputs need none, others default to ones.
        """
        if isinstance(out_grads, dict):
            out_grads = [out_grads[name] for name in self._symbol.list_outputs()]
        self._core._backward(out_grads)
        if self._monitor is not None:
            for name, array in self._core._monitored_gradients():
                self._monitor[0](name, array)

    def copy_params_from(self, arg_params, aux_params=None, allow_extra_params=False):
        """Copy arrays by name into the arguments and auxiliary states (converted to their dtype)."""
        for given, own, kind, shown in ((arg_params, self.arg_dict, "arguments", '"{}"'.format),
                                        (aux_params or {}, self.aux_dict, "auxiliary states", str)):
            for name, array in given.items():
                if name in own:
                    array.astype(own[name].dtype, copy=False).copyto(own[name])
                elif not allow_extra_params:
                    raise ValueError(f"Find name {shown(name)} that is not in the {kind}")

    def memory_plan(self):
        """Bytes of internal arrays per planning mode, before anything runs.

        Returns
        -------
        MemoryPlan
            A dict of "naive", "inplace", "coshare" and "both", with a method `fit(budget)`.
        """
        return MemoryPlan(self)

    def fit_memory(self, budget):
        """Plan anew so that training (inference, where no gradient is asked) takes no more than `budget`.

        What the backward pass has to compute again for that, convolutions and matrix products
        included, is chosen with the least work. Gradients keep their bits, random operators draw the
        same numbers, and moving averages move once. (Chen et al., "Training Deep Nets with Sublinear
        Memory Cost", 2016, is the idea; here a budget is given and the work follows.) Inference runs
        chains of layers in slices of the batch.

        Parameters
        ----------
        budget : int or str
            Bytes, or text such as "1GB" or "800 MiB", for all internal arrays and the workspace of
            kernels; arguments, gradients, auxiliary states and outputs are apart.

        Returns
        -------
        float
            What is computed again, as a share of the work of a forward pass.

        Raises
        ------
        MXNetError
            If no plan fits; the message tells the least that one takes. The executor is unchanged.
        """
        return self._core.fit_memory(budget)

    def memory_of_width(self, width):
        """What running several chains of steps at once would take, and could win.

        Parameters
        ----------
        width : int
            How many chains of dependencies run at once; only arrays of one chain share memory.

        Returns
        -------
        (int, float)
            Bytes of internal arrays, and the share of all bytes touched that lies on the longest
            chain, the orderings among steps that the sharing demands included: 0.5 means that steps
            at once could take half the time. (A plan's steps run in order, which is a width of 1;
            kernels share the cores.)
        """
        return self._core.memory_of_width(width)

    def memory_timeline(self, mode="both"):
        """[(step, live bytes)] over the plan's steps, in one mode."""
        return self._core.memory_timeline(mode)

    def tune(self, budget=60, *, training=None, allow=(), record=None, progress=None,
             data=None):
        """Find the fastest way to run this graph here, and run it so from now on.

        The search alternates each candidate with the best so far; whatever is not faster beyond the
        noise is not taken. The result is kept in the record (see `gemel.tuning`), from which later
        bindings of the same graph and shapes take it. The arrays of this executor are not written.

        Parameters
        ----------
        budget : float
            Seconds for the search.
        training : bool
            Whether forward and backward count, or the forward pass of inference; by default, whether
            any argument wants a gradient.
        allow : sequence of str
            What else than speed may change: "memory" (take more of it), "precision" (fpmath
            "high"), "fast" (fpmath "fast"), "batch" (measure other batch sizes, too; the report says
            which gives most samples a second, this executor keeps its own).
        record : str
            The file to write; by default the one that the setting `record` names.
        progress : callable
            Called after each comparison with a dict: what, seconds, before, taken, problem.
        data : sequence of str
            For "batch": the arguments whose first axis is the batch; by default those named like
            data or labels.

        Returns
        -------
        gemel.tuning.Report
        """
        from . import tuning
        return tuning.tune(self, budget, training=training, allow=allow, record=record,
                           progress=progress, data=data)

    def debug_str(self):
        """The plan's steps with their kernels, and its memory."""
        return self._core.debug_str()

    def get_optimized_symbol(self):
        """The symbol that runs; there are no backends that would change it."""
        return self._symbol

    def reshape(self, partial_shaping=False, allow_up_sizing=False, **kwargs):
        """A new executor for other input shapes, which shares memory with this one.

        Parameters
        ----------
        partial_shaping : bool
            Whether arrays that `kwargs` does not name may change their shape; an error otherwise.
        allow_up_sizing : bool
            Whether an array may become larger, in memory of its own; an error otherwise.
        kwargs : tuple of int
            The new shapes of inputs, by name.
        """
        from . import ndarray as nd
        shapes, _, aux_shapes = self._symbol.infer_shape(**kwargs)
        if shapes is None:
            raise ValueError("Insufficient argument shapes provided.")

        def resized(array, shape):
            if array is None or shape == array.shape:
                return array
            if math.prod(shape) <= array.size:
                return array.reshape(-1)[:math.prod(shape)].reshape(shape)
            if not allow_up_sizing:
                raise MXNetError(f"[reshape] the new shape {shape} of an array is larger than the old one "
                                 f"{array.shape}; set allow_up_sizing=True to get new memory")
            return nd.zeros(shape, array.ctx, array.dtype)

        def check(kind, name, shape, array):
            if shape != array.shape and not (partial_shaping or name in kwargs):
                raise MXNetError(f"Shape of unspecified array {kind}:{name} changed. This can cause the new "
                                 "executor to not share parameters with the old one. Please check for error "
                                 "in the network. If this is intended, set partial_shaping=True to suppress "
                                 "this warning.")
        args, grads, aux = [], [], []
        for name, shape, array, grad in zip(self._arg_names, shapes, self.arg_arrays, self.grad_arrays):
            check("arg", name, shape, array)
            args.append(resized(array, shape))
            grads.append(resized(grad, shape))
        for name, shape, array in zip(self._aux_names, aux_shapes, self.aux_arrays):
            check("aux", name, shape, array)
            aux.append(resized(array, shape))
        core = _core.bind(self._symbol, self._ctx, args, grads, self._core._requests(), aux,
                          self._groups, self._core)
        other = Executor(core, self._symbol, self._ctx, self._grad_req, self._groups)
        if self._monitor is not None:
            other.set_monitor_callback(*self._monitor)
        return other
