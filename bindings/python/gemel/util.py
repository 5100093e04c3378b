"""Small helpers, and the NumPy-semantics switches of a thread."""
import functools
import os
import threading

__all__ = ["is_np_shape", "is_np_array", "set_np_shape", "np_shape", "np_array", "set_np",
           "reset_np", "use_np_shape", "use_np_array", "use_np", "getenv", "setenv", "makedirs",
           "set_module", "get_gpu_count", "replace_file"]


class _Flags(threading.local):
    shape = False
    array = False


_flags = _Flags()


def is_np_shape():
    """Whether 0 in a shape means an empty dimension in this thread (else: unknown)."""
    return _flags.shape


def is_np_array():
    """Whether blocks and iterators make `mx.np` arrays in this thread."""
    return _flags.array


def set_np_shape(active):
    """Set the thread's shape semantics; returns what it was."""
    previous, _flags.shape = _flags.shape, bool(active)
    from . import _core
    forward = getattr(_core, "set_np_shape", None)
    if forward is not None:
        forward(bool(active))
    return previous


class _Scope:
    def __init__(self, setter, active):
        self._setter = setter
        self._active = active
        self._previous = None

    def __enter__(self):
        self._previous = self._setter(self._active)

    def __exit__(self, exc_type, exc_value, trace):
        self._setter(self._previous)


def _set_np_array(active):
    previous, _flags.array = _flags.array, bool(active)
    return previous


def np_shape(active=True):
    """A `with` scope of NumPy shape semantics."""
    return _Scope(set_np_shape, active)


def np_array(active=True):
    """A `with` scope of NumPy array semantics."""
    return _Scope(_set_np_array, active)


def set_np(shape=True, array=True):
    """Switch NumPy semantics on; arrays without shapes raise `ValueError`."""
    if not shape and array:
        raise ValueError("NumPy Shape semantics is required in using NumPy array semantics.")
    set_np_shape(shape)
    _set_np_array(array)


def reset_np():
    """Switch NumPy semantics off."""
    set_np(shape=False, array=False)


def _wrap(scope):
    def decorate(func):
        if isinstance(func, type):
            for name, member in list(vars(func).items()):
                if callable(member) and (name == "__init__" or not name.startswith("__")):
                    setattr(func, name, decorate(member))
            return func

        @functools.wraps(func)
        def inside(*args, **kwargs):
            with scope(True):
                return func(*args, **kwargs)
        return inside
    return decorate


use_np_shape = _wrap(np_shape)
use_np_array = _wrap(np_array)


def use_np(func):
    """Run a function, or every method of a class, under NumPy semantics."""
    return use_np_shape(use_np_array(func))


def getenv(name):
    """The value of an environment variable of this process, or None."""
    return os.environ.get(name)


def setenv(name, value):
    """Set an environment variable of this process; None removes it."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def makedirs(path):
    """Make a folder and its parents; nothing happens where it exists."""
    os.makedirs(os.path.expanduser(path), exist_ok=True)


def set_module(module):
    """A decorator that sets `__module__`."""
    def decorate(obj):
        if module is not None:
            obj.__module__ = module
        return obj
    return decorate


def get_gpu_count():
    """How many GPUs can be used."""
    from .context import num_gpus
    return num_gpus()


def replace_file(source, target):
    """Move a file over another, atomically on one file system."""
    os.replace(source, target)
