"""The Symbol class: a graph named by its outputs, and functions that make symbols."""
import warnings

from .. import _core
from .._core import Symbol
from ..attribute import AttrScope
from ..base import MXNetError, NotImplementedForSymbol
from ..name import NameManager

__all__ = ["Symbol", "Variable", "var", "Group", "load", "load_json"]

Symbol.__module__ = __name__
Symbol.__doc__ = __doc__


def _name_and_attributes(name, hint, attributes):
    """What the name manager and the attribute scope of this thread say; called by every operator."""
    return NameManager.current.get(name, hint), AttrScope.current.get(attributes)


def _method(function):
    setattr(Symbol, function.__name__, function)
    return function


_cache = {}
_BACKENDS = ("MKLDNN", "MKLDNN_QUANTIZE")


def _operator(name):
    function = _cache.get(name)
    if function is None:
        function = _cache[name] = _core.operator_function(name, True)
    return function


def _binary(plain, scalar, reversed_scalar=None):
    reversed_scalar = reversed_scalar or scalar

    def forward(self, other):
        if isinstance(other, Symbol):
            return _operator(plain)(self, other)
        if isinstance(other, (int, float)) or hasattr(other, "__float__"):
            return _operator(scalar)(self, scalar=other)
        raise TypeError(f"type {type(other)} not supported")

    def backward(self, other):
        return _operator(reversed_scalar)(self, scalar=other)

    return forward, backward


Symbol.__add__, Symbol.__radd__ = _binary("_Plus", "_PlusScalar")
Symbol.__sub__, Symbol.__rsub__ = _binary("_Minus", "_MinusScalar", "_RMinusScalar")
Symbol.__mul__, Symbol.__rmul__ = _binary("_Mul", "_MulScalar")
Symbol.__truediv__, Symbol.__rtruediv__ = _binary("_Div", "_DivScalar", "_RDivScalar")
Symbol.__mod__, Symbol.__rmod__ = _binary("_Mod", "_ModScalar", "_RModScalar")
Symbol.__pow__, Symbol.__rpow__ = _binary("_Power", "_PowerScalar", "_rpower_scalar")
Symbol.__div__, Symbol.__rdiv__ = Symbol.__truediv__, Symbol.__rtruediv__
Symbol.__eq__ = _binary("_equal", "_equal_scalar")[0]
Symbol.__ne__ = _binary("_not_equal", "_not_equal_scalar")[0]
Symbol.__gt__ = _binary("_greater", "_greater_scalar")[0]
Symbol.__ge__ = _binary("_greater_equal", "_greater_equal_scalar")[0]
Symbol.__lt__ = _binary("_lesser", "_lesser_scalar")[0]
Symbol.__le__ = _binary("_lesser_equal", "_lesser_equal_scalar")[0]
Symbol.__neg__ = lambda self: self * -1.0
Symbol.__abs__ = lambda self: _operator("abs")(self)
Symbol.__hash__ = object.__hash__
Symbol.name = property(lambda self: self._name or None,
                       doc="The name of the only output's node; None for a group.")
Symbol.handle = property(lambda self: self)


def _refuse(name, what):
    def method(self, *args):
        raise NotImplementedForSymbol(method, what, *args)
    method.__name__ = name
    setattr(Symbol, name, method)


_refuse("__bool__", "bool")
_refuse("__nonzero__", "bool")
for _name, _sign in (("add", "+="), ("sub", "-="), ("mul", "*="), ("div", "/="), ("truediv", "/="),
                     ("mod", "%=")):
    _refuse(f"__i{_name}__", _sign)


def _representation(self):
    if self.name is None:
        return f"<{type(self).__name__} group [{', '.join(s.name for s in self)}]>"
    return f"<{type(self).__name__} {self.name}>"


def _iterate(self):
    return (self[i] for i in range(len(self)))


def _item(self, index):
    if isinstance(index, str):
        names = self.list_outputs()
        if names.count(index) > 1:
            raise ValueError(f"There are multiple outputs with name \"{index}\"")
        if index not in names:
            raise ValueError(f"Cannot find output that matches name \"{index}\"")
        return self._at(names.index(index))
    if isinstance(index, slice):
        return Group([self._at(i) for i in range(*index.indices(len(self)))])
    if not isinstance(index, int):
        raise TypeError("Symbol only support integer index to fetch i-th output")
    if not -len(self) <= index < len(self):
        raise IndexError(f"Index: {index} is outside of the range for the list of outputs ({len(self)}).")
    return self._at(index % len(self))


def _call(self, *args, **kwargs):
    name = kwargs.pop("name", None)
    if args and kwargs:
        raise TypeError("compose only accept input Symbols either as positional or keyword arguments, not both")
    for symbol in (*args, *kwargs.values()):
        if not isinstance(symbol, Symbol):
            raise TypeError("Compose expect `Symbol` as arguments")
    return self._compose_symbol(name or "", list(args), kwargs)


Symbol.__repr__ = _representation
Symbol.__iter__ = _iterate
Symbol.__getitem__ = _item
Symbol.__call__ = _call
Symbol.__copy__ = lambda self: self._copy()
Symbol.__deepcopy__ = lambda self, memo: self._copy()
Symbol.__reduce__ = lambda self: (load_json, (self.tojson(),))


@_method
def list_attr(self, recursive=False):
    """The attributes of the output node, as a dict of texts."""
    if recursive:
        raise DeprecationWarning("Symbol.list_attr with recursive=True has been deprecated. Please use attr_dict instead.")
    return self._list_attr()


@_method
def _set_attr(self, **kwargs):
    for key, value in kwargs.items():
        if not isinstance(value, str):
            raise ValueError("Set Attr only accepts string values")
        self._set_attr_text(key, value)


def _known(symbol, args, kwargs, who):
    if args and kwargs:
        raise ValueError("Can only specify known argument shapes either by positional or kwargs way.")
    if args:
        kwargs = {name: value for name, value in zip(symbol.list_arguments(), args) if value is not None}
    return kwargs


def _unfinished(symbol, result, what):
    missing = [name for name, value in zip(symbol.list_arguments(), result[0]) if value is None or 0 in value]
    if missing:
        warnings.warn(f"Cannot decide {what} for the following arguments (0s in shape means unknown "
                      f"dimensions). Consider providing them as input:\n\t{', '.join(missing[:10])}", stacklevel=3)


@_method
def infer_shape(self, *args, **kwargs):
    """Shapes of arguments, outputs and auxiliary states from some arguments' shapes.

    Inference runs forward and backward. Three lists of tuples; (None, None, None) and a warning when
    the known shapes do not determine all others; `MXNetError` when they contradict each other.
    """
    known = _known(self, args, kwargs, "infer_shape")
    result = self._infer_shape(known, False)
    if result[1] is None:
        _unfinished(self, self._infer_shape(known, True), "shape")
        return None, None, None
    return result


@_method
def infer_shape_partial(self, *args, **kwargs):
    """Like `infer_shape`, but returns what is known: None for a shape, 0 for an axis that is not."""
    shapes = self._infer_shape(_known(self, args, kwargs, "infer_shape_partial"), True)
    return tuple([() if shape is None else shape for shape in part] for part in shapes)


@_method
def infer_type(self, *args, **kwargs):
    """Types of arguments, outputs and auxiliary states, as NumPy types, from some arguments' types."""
    return self._infer_type(_known(self, args, kwargs, "infer_type"), False)


@_method
def infer_type_partial(self, *args, **kwargs):
    """Like `infer_type`, but returns what is known; None for the rest."""
    return self._infer_type(_known(self, args, kwargs, "infer_type_partial"), True)


_to_json = Symbol.tojson


@_method
def tojson(self, remove_amp_cast=True):
    """The graph as JSON text, in MXNet's form; `remove_amp_cast` leaves out casts that AMP added."""
    return _to_json(self._without_amp_cast() if remove_amp_cast else self)


@_method
def save(self, fname, remove_amp_cast=True):
    """Write the JSON text to a file; an older file stays until the new one is complete."""
    import os
    text = self.tojson(remove_amp_cast=remove_amp_cast)
    fname = str(fname)
    path = fname[7:] if fname.startswith("file://") else fname
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise MXNetError(f"[save] cannot write {path}: {error.strerror}") from error


@_method
def debug_str(self):
    """A listing of the graph, a line a node."""
    return self._debug_str()


@_method
def simple_bind(self, ctx, grad_req="write", type_dict=None, stype_dict=None, group2ctx=None,
                shared_arg_names=None, shared_exec=None, shared_buffer=None, **kwargs):
    """An Executor whose arrays are made here, from the shapes of some inputs (`data=(32, 784)`).

    Parameters
    ----------
    ctx : Context
    grad_req : str, list or dict
        One request ("write", "add", "null"), a list beside `list_arguments()`, or by name.
    type_dict : dict, optional
        Types of inputs by name.
    stype_dict : dict, optional
        Ignored: arguments are dense.
    group2ctx : dict of str to Context, optional
        Where the nodes of each `ctx_group` run, and their arguments lie.
    shared_arg_names : list of str, optional
        Arguments that are taken, with their gradients, from `shared_exec`.
    shared_exec : Executor, optional
        Whose auxiliary states, and memory for internal values, this one uses, too.
    shared_buffer : dict of str to NDArray, optional
        Other arguments "NAME" and gradients "grad of NAME" use the arrays here, as far as they are
        large enough; what is made anew is put here for the next executor.
    """
    from ..executor import Executor
    return Executor._simple_bind(self, ctx, grad_req, type_dict or {}, kwargs, group2ctx,
                                 shared_arg_names, shared_exec, shared_buffer)


@_method
def bind(self, ctx, args, args_grad=None, grad_req="write", aux_states=None, group2ctx=None, shared_exec=None):
    """An Executor over the caller's arrays: lists in listing order, or dicts by name.

    `group2ctx` says where the nodes of each `ctx_group` run; the memory of `shared_exec` serves for
    internal values.
    """
    from ..executor import Executor
    return Executor._bind(self, ctx, args, args_grad, grad_req, aux_states, group2ctx, shared_exec)


@_method
def eval(self, ctx=None, **kwargs):
    """The outputs for the given arrays, as a list."""
    from ..context import current_context
    return self.bind(ctx or current_context(), kwargs, grad_req="null").forward()


@_method
def memory_plan(self, **shapes):
    """Bytes of internal arrays in every planning mode, for shapes of inputs (`data=(32, 784)`).

    Nothing is bound: {"naive", "inplace", "coshare", "both"} of the forward pass.
    """
    return _core.symbol_memory_plan(self, shapes)


@_method
def gradient(self, wrt):
    """Not supported, as in MXNet, where it names what to use instead; always an `MXNetError`."""
    raise MXNetError("[gradient] a Symbol has no gradient of its own: bind it and call backward() on the "
                     f"executor, with gradients of {list(wrt)}")


@_method
def optimize_for(self, backend, args=None, aux=None, ctx=None, shape_dict=None, type_dict=None,
                 stype_dict=None, skip_infer=False, **kwargs):
    """This symbol: what a backend would do in MXNet, every executor does here by itself.

    Warns of a name that is not a backend of 1.9.1.
    """
    if not isinstance(backend, str):
        raise TypeError(f"[optimize_for] expected the name of a backend, got {type(backend).__name__}")
    if backend not in _BACKENDS:
        warnings.warn(f"Error optimizing for backend '{backend}' cannot be found", stacklevel=2)
    return self._copy()


@_method
def get_backend_symbol(self, backend):
    """This symbol; `MXNetError` for a name that is not a backend of 1.9.1. See `optimize_for`."""
    if backend not in _BACKENDS:
        raise MXNetError(f"[get_backend_symbol] expected one of {', '.join(_BACKENDS)}, got {backend!r}: "
                         "no backend has this name")
    return self._copy()


@_method
def as_nd_ndarray(self):
    """This symbol."""
    return self


@_method
def reshape(self, *args, **kwargs):
    """`Reshape` of this symbol; the shape as in `NDArray.reshape`."""
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = tuple(args[0])
    if args:
        kwargs["shape"] = args
    return _operator("reshape")(self, **kwargs)


@_method
def astype(self, dtype):
    """`Cast` of this symbol."""
    return _operator("cast")(self, dtype=dtype)


def _not_for_symbols(name):
    def method(self, *args, **kwargs):
        raise NotImplementedForSymbol(method, name, *args)
    method.__name__ = name
    return method


for _name in ("wait_to_read", "asnumpy", "asscalar", "copy", "as_in_context", "detach", "backward"):
    setattr(Symbol, _name, _not_for_symbols(_name))


_STORAGE_TYPES = ("default", "row_sparse", "csr")  # a name's place is its number in files


def var(name, attr=None, shape=None, lr_mult=None, wd_mult=None, dtype=None, init=None, stype=None,
        **kwargs):
    """A variable: an input of the graph, with hints for inference, optimizers and initialisers."""
    if not isinstance(name, str):
        raise TypeError("Expect a string for variable `name`")
    attributes = dict(AttrScope.current.get(attr))
    if shape is not None:
        attributes["__shape__"] = str(tuple(shape))
    if lr_mult is not None:
        attributes["__lr_mult__"] = str(lr_mult)
    if wd_mult is not None:
        attributes["__wd_mult__"] = str(wd_mult)
    if dtype is not None:
        attributes["__dtype__"] = str(_core.dtype_flag(dtype))
    if init is not None:
        attributes["__init__"] = init if isinstance(init, str) else init.dumps()
    if stype is not None:
        if stype not in _STORAGE_TYPES:
            raise ValueError(f"[var] expected a storage type of {', '.join(_STORAGE_TYPES)}, got '{stype}'")
        attributes["__storage_type__"] = str(_STORAGE_TYPES.index(stype))
    for key, value in kwargs.items():
        if not (key.startswith("__") and key.endswith("__")):
            raise ValueError(f"Attribute name={key} is not supported. Additional attributes must start and end "
                             "with double underscores, e.g, __yourattr__")
        attributes[key] = str(value)
    return Symbol._variable(name, attributes)


Variable = var


def Group(symbols):
    """One symbol with the outputs of several."""
    symbols = list(symbols)
    if not symbols or any(not isinstance(symbol, Symbol) for symbol in symbols):
        raise TypeError("Expected a list of symbols as input")
    return Symbol._group(symbols)


def load(fname):
    """Read a `-symbol.json` file, also one at `http://`, `https://` or `s3://`."""
    if not isinstance(fname, str):
        raise TypeError("fname need to be string")
    path = fname[7:] if fname.startswith("file://") else fname
    try:
        if "://" in path:
            return load_json(_core.read_file(path).decode())
        with open(path, encoding="utf-8") as file:
            return load_json(file.read())
    except MXNetError:
        raise
    except OSError as error:
        raise MXNetError(f"[load] cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MXNetError(f"[load] {path} is not a symbol file: {error}") from error


def load_json(json_str):
    """Read a symbol from its JSON text."""
    if not isinstance(json_str, str):
        raise TypeError("fname required to be string")
    return _core.symbol_from_json(json_str)


def _created(name):
    def function(shape, dtype=None, **kwargs):
        return _operator(name)(shape=(shape,) if isinstance(shape, int) else shape,
                               dtype="float32" if dtype is None else dtype, **kwargs)
    function.__name__ = function.__qualname__ = name.strip("_")
    return function


zeros = _created("_zeros")
ones = _created("_ones")


def full(shape, val, dtype=None, **kwargs):
    """A symbol of one value."""
    return _operator("_full")(shape=(shape,) if isinstance(shape, int) else shape, value=float(val),
                              dtype="float32" if dtype is None else dtype, **kwargs)


def arange(start, stop=None, step=1.0, repeat=1, infer_range=False, name=None, dtype=None):
    """Evenly spaced values from [start, stop)."""
    if stop is None:
        start, stop = 0, start
    return _operator("_arange")(start=start, stop=stop, step=step, repeat=repeat, infer_range=infer_range,
                                name=name, dtype="float32" if dtype is None else dtype)


def eye(N, M=0, k=0, dtype=None, **kwargs):
    """Ones on the k-th diagonal of an (N, M) matrix (N, N by default), zeros elsewhere."""
    return _operator("_eye")(N=N, M=M, k=k, dtype="float32" if dtype is None else dtype, **kwargs)


def linspace(start, stop, num, endpoint=True, name=None, dtype=None):
    """`num` evenly spaced values of [start, stop], or of [start, stop) without `endpoint`."""
    return _operator("_linspace")(start=start, stop=stop, num=num, endpoint=endpoint, name=name,
                                  dtype="float32" if dtype is None else dtype)


def histogram(a, bins=10, range=None, **kwargs):
    """Counts of the values of `a` in bins, and the bins' edges; `bins` is a number or a Symbol of edges."""
    if isinstance(bins, Symbol):
        return _operator("_histogram")(a, bins, **kwargs)
    if isinstance(bins, int):
        if range is None:
            raise ValueError("null range is not supported in symbol mode")
        return _operator("_histogram")(a, bin_cnt=bins, range=range, **kwargs)
    raise ValueError("bins argument should be either an integer or an NDArray")


def split_v2(ary, indices_or_sections, axis=0, squeeze_axis=False):
    """Parts of a symbol along an axis: so many equal ones, or those between the given indices."""
    if isinstance(indices_or_sections, int):
        indices, sections = [], indices_or_sections
    elif isinstance(indices_or_sections, (tuple, set, list)):
        indices, sections = [0, *indices_or_sections], 0
    else:
        raise ValueError("indices_or_sections must either int or tuple / list / set of ints")
    return _operator("_split_v2")(ary, indices=indices, axis=axis, squeeze_axis=squeeze_axis, sections=sections)


Symbol.split_v2 = split_v2


def _choose(plain, scalar, reversed_scalar, numbers):
    def function(left, right):
        if isinstance(left, Symbol):
            if isinstance(right, Symbol):
                return _operator(plain)(left, right)
            return _operator(scalar)(left, scalar=right)
        if isinstance(right, Symbol):
            return _operator(reversed_scalar)(right, scalar=left)
        return numbers(left, right)
    return function


pow = power = _choose("_Power", "_PowerScalar", "_RPowerScalar", lambda a, b: a ** b)
maximum = _choose("_Maximum", "_MaximumScalar", "_MaximumScalar", max)
minimum = _choose("_Minimum", "_MinimumScalar", "_MinimumScalar", min)
hypot = _choose("_Hypot", "_HypotScalar", "_HypotScalar", lambda a, b: (a * a + b * b) ** 0.5)
