"""Pickles of optimizer states that name MXNet's classes, so that both packages read them.

A pickle names classes by module. Written files name `mxnet.*`; files that name `mxnet.*` are read
with this package's classes, also where no module `mxnet` is installed.

Reading runs no code that a file names: it makes arrays, numbers, containers, optimizers and
schedules (this package's and those that the program registered or derived), nothing else.
"""
import io
import pickle

import numpy

from .. import ndarray as nd
from ..base import MXNetError

_ARRAY = ("mxnet.ndarray.ndarray", "NDArray")
_PACKAGE = __name__.partition(".")[0]
_OPTIMIZERS = __name__.rpartition(".")[0] + "."


class _Pickler(pickle._Pickler):  # pylint: disable=protected-access
    # The C pickler offers no way to write a class under another name. The arrays' bytes are
    # written in one piece each, so this one costs little.
    dispatch = pickle._Pickler.dispatch.copy()

    def save_global(self, obj, name=None):
        if obj is nd.NDArray:
            self._write(*_ARRAY, obj)
            return
        module = getattr(obj, "__module__", None) or ""
        if module == _PACKAGE or module.startswith(_PACKAGE + "."):
            if module.startswith(_OPTIMIZERS) and module != _OPTIMIZERS + "contrib":
                module = _OPTIMIZERS + "optimizer"  # where MXNet has all of them
            self._write("mxnet" + module[len(_PACKAGE):], name or obj.__qualname__, obj)
            return
        if module.startswith("numpy._core."):
            # NumPy 2's name of a module that every NumPy knows as numpy.core.
            self._write("numpy.core." + module[len("numpy._core."):], name or obj.__qualname__, obj)
            return
        super().save_global(obj, name)

    def save_type(self, obj):
        if obj in (type(None), type(NotImplemented), type(...)):
            super().save_type(obj)
        else:
            self.save_global(obj)

    dispatch[type] = save_type

    def _write(self, module, name, obj):
        self.write(pickle.GLOBAL + module.encode() + b"\n" + name.encode() + b"\n")
        self.memoize(obj)


# What plain values are made of, as Python and NumPy pickle them.
_PLAIN = {("builtins", name) for name in ("bytearray", "bytes", "complex", "frozenset", "object", "set")}
_PLAIN |= {("_codecs", "encode"), ("copyreg", "_reconstructor"), ("collections", "OrderedDict"),
           ("collections", "defaultdict"), ("numpy", "dtype"), ("numpy", "ndarray")}
_PLAIN |= {(f"numpy.{core}.multiarray", name) for core in ("core", "_core")
           for name in ("scalar", "_reconstruct")}
_PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}


def _derived(base):
    yield base
    for klass in base.__subclasses__():
        yield from _derived(klass)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) == _ARRAY:
            return nd.NDArray
        module = _PYTHON_2.get(module, module)
        if (module, name) in _PLAIN:
            if module.startswith("numpy.core.") and hasattr(numpy, "_core"):
                module = module.replace(".core.", "._core.")
            return super().find_class(module, name)
        if module == "mxnet" or module.startswith("mxnet."):
            module = _PACKAGE + module[len("mxnet"):]
        from .. import lr_scheduler
        from . import optimizer
        for base in (nd.NDArray, optimizer.Optimizer, lr_scheduler.LRScheduler):
            for klass in _derived(base):
                if (klass.__module__, klass.__qualname__) == (module, name) or (
                        module == _OPTIMIZERS + "optimizer" and klass.__qualname__ == name
                        and klass.__module__.startswith(_OPTIMIZERS)):
                    return klass
        raise MXNetError(f"[load states] the file asks for {module}.{name}: expected only arrays, numbers, "
                         "optimizers and schedules; import the module that defines the class first")


def dumps(value):
    """The pickle of `value`, naming `mxnet.*` classes."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=3).dump(value)
    return buffer.getvalue()


def load(file):
    """Read the next pickle of a binary file, which may name `mxnet.*` or this package's classes."""
    return _Unpickler(file).load()


def loads(data):
    """The same from bytes."""
    return load(io.BytesIO(data))
