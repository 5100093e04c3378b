"""Parts of MXNet's interface that stand beside its core."""
import importlib as _importlib

_MODULES = ("amp", "autograd", "io", "tensorboard", "text")


def __getattr__(name):
    if name in _MODULES:
        return _importlib.import_module("." + name, __name__)
    if name in ("nd", "ndarray", "sym", "symbol"):
        parent = _importlib.import_module(__name__.rpartition(".")[0])
        return getattr(parent, name).contrib
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
