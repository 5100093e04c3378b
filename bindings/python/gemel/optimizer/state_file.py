"""Pickles of optimizer states that name MXNet's classes, so that both packages read them.

A pickle names classes by module. Written files name `mxnet.*`; files that name `mxnet.*` are read
with this package's classes, also where no module `mxnet` is installed.
"""
import io
import pickle

from .. import ndarray as nd

_ARRAY = ("mxnet.ndarray.ndarray", "NDArray")
_PACKAGE = __name__.partition(".")[0]


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
            self._write("mxnet" + module[len(_PACKAGE):], name or obj.__qualname__, obj)
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


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) == _ARRAY:
            return nd.NDArray
        if module == "mxnet" or module.startswith("mxnet."):
            module = _PACKAGE + module[len("mxnet"):]
        return super().find_class(module, name)


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
