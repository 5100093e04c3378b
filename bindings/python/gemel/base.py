"""Types and small helpers that every other Python module shares.

`MXNetError` is the class of every error that the core raises. Subclasses of it that also derive
from a built-in (`ValueError`, `TypeError`, ...) let a caller catch either.
"""
import builtins
import os as _os

import numpy as _np

__all__ = ["MXNetError", "InternalError", "NotImplementedForSymbol", "NotSupportedForSparseNDArray",
           "string_types", "numeric_types", "integer_types", "register_error", "error_types",
           "classproperty"]

string_types = (str,)
numeric_types = (float, int, _np.generic)
integer_types = (int, _np.int32, _np.int64)


class MXNetError(RuntimeError):
    """An error raised by the core: a bad argument, shape, dtype, file or a failed task."""


class InternalError(MXNetError):
    """A condition inside the core that no input should be able to cause."""


class CancelledError(MXNetError):
    """Work that was given up on request, or what depends on it."""


class NotImplementedForSymbol(MXNetError):
    """An NDArray method was asked of a Symbol, for which it has no meaning.

    Parameters
    ----------
    function : callable
        The method that was called.
    alias : str or None
        The operator spelling of the method.
    args : object
        The arguments, of which the types are shown.
    """

    def __init__(self, function, alias, *args):
        super().__init__()
        self.function = function.__name__
        self.alias = alias
        self.args = [str(type(arg)) for arg in args]

    def __str__(self):
        text = f"Function {self.function}"
        if self.alias:
            text += f" (namely operator \"{self.alias}\")"
        if self.args:
            text += f" with arguments ({','.join(self.args)})"
        return text + " is not implemented for Symbol and only available in NDArray."


class NotSupportedForSparseNDArray(MXNetError):
    """A method that only dense arrays have was asked of a sparse one."""

    def __init__(self, function, alias, *args):
        super().__init__()
        self.function = function.__name__
        self.alias = alias
        self.args = [str(type(arg)) for arg in args]

    def __str__(self):
        text = f"Function {self.function}"
        if self.alias:
            text += f" (namely operator \"{self.alias}\")"
        if self.args:
            text += f" with arguments ({','.join(self.args)})"
        return text + " is not supported for SparseNDArray and only available in NDArray."


def _combined(name):
    builtin = getattr(builtins, name)
    return type(name, (MXNetError, builtin),
                {"__doc__": f"An `MXNetError` that is also a built-in `{name}`.",
                 "__module__": __name__, "__qualname__": f"_{name}"})


_ValueError = _combined("ValueError")
_TypeError = _combined("TypeError")
_IndexError = _combined("IndexError")
_AttributeError = _combined("AttributeError")
_NotImplementedError = _combined("NotImplementedError")
_KeyError = _combined("KeyError")
_OSError = _combined("OSError")
_MemoryError = _combined("MemoryError")

# The kind that an error message starts with ("ValueError: ...") -> the class that is raised.
error_types = {
    "MXNetError": MXNetError,
    "InternalError": InternalError,
    "ValueError": _ValueError,
    "TypeError": _TypeError,
    "IndexError": _IndexError,
    "AttributeError": _AttributeError,
    "NotImplementedError": _NotImplementedError,
    "KeyError": _KeyError,
    "OSError": _OSError,
    "MemoryError": _MemoryError,
    "CancelledError": CancelledError,
}


def register_error(func_name=None, cls=None):
    """Register an exception class for the error kind that a message may start with.

    Usable as `register_error("Kind", cls)`, as `@register_error` or as `@register_error("Kind")`.
    """
    if isinstance(func_name, type):
        error_types[func_name.__name__] = func_name
        return func_name

    def _register(klass):
        error_types[func_name or klass.__name__] = klass
        return klass

    return _register(cls) if cls is not None else _register


def c2pyerror(message):
    """Turn the text of a core error into an exception (not raised) of the class it names."""
    kind, colon, rest = message.partition(":")
    if colon and kind in error_types:
        return error_types[kind](rest.strip())
    return MXNetError(message)


class _NullType:
    """The marker for "this parameter was not given"; false in a condition."""

    def __repr__(self):
        return "_Null"

    def __bool__(self):
        return False


_Null = _NullType()


class classproperty:  # pylint: disable=invalid-name
    """A read-only property of a class (not of its instances)."""

    def __init__(self, getter):
        self._getter = getter

    def __get__(self, instance, owner):
        return self._getter(owner)


def data_dir_default():
    """The folder for models and data sets of a user who has not chosen one."""
    return _os.path.join(_os.path.expanduser("~"), ".mxnet")


def data_dir():
    """The folder for models and data sets: `MXNET_HOME`, the setting `home`, or `data_dir_default()`."""
    from . import _core

    return _os.getenv("MXNET_HOME") or _core.get_setting("home") or data_dir_default()


def py_str(value):
    """Decode a byte string as UTF-8; a `str` is returned as it is."""
    return value.decode("utf-8") if isinstance(value, bytes) else value
