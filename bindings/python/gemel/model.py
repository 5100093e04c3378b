"""Checkpoints: a symbol and its parameters in files."""
import os
import tempfile
from collections import namedtuple

__all__ = ["BatchEndParam", "save_checkpoint", "load_checkpoint", "load_params"]

BatchEndParam = namedtuple("BatchEndParams", ["epoch", "nbatch", "eval_metric", "locals"])
BatchEndParam.__doc__ = "What a batch-end callback is given."


def write_atomically(path, data):
    """Write bytes into a file that is replaced as a whole: on an error the old one stays."""
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=os.path.basename(path) + ".")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def save_checkpoint(prefix, epoch, symbol, arg_params, aux_params, remove_amp_cast=True):
    """Write `prefix-symbol.json` (unless `symbol` is None) and `prefix-NNNN.params`.

    Parameters
    ----------
    prefix : str
    epoch : int
        The number NNNN.
    symbol : Symbol or None
    arg_params, aux_params : dict of str to NDArray
        Saved as `arg:<name>` and `aux:<name>`.
    """
    from . import ndarray as nd
    if symbol is not None:
        symbol.save(f"{prefix}-symbol.json")
    values = {f"arg:{name}": value.as_in_context(_cpu()) for name, value in arg_params.items()}
    values.update({f"aux:{name}": value.as_in_context(_cpu())
                   for name, value in aux_params.items()})
    nd.save(f"{prefix}-{epoch:04d}.params", values)


def _cpu():
    from .context import cpu
    return cpu()


def load_params(prefix, epoch):
    """Read `prefix-NNNN.params`; returns the dictionaries `(arg_params, aux_params)`."""
    from . import ndarray as nd
    arg_params, aux_params = {}, {}
    values = nd.load(f"{prefix}-{epoch:04d}.params")
    if not values:
        import logging
        logging.warning("Params file '%s' is empty", f"{prefix}-{epoch:04d}.params")
        return arg_params, aux_params
    for key, value in values.items():
        kind, _, name = key.partition(":")
        if kind == "arg":
            arg_params[name] = value
        elif kind == "aux":
            aux_params[name] = value
    return arg_params, aux_params


def load_checkpoint(prefix, epoch):
    """Read what `save_checkpoint` wrote; returns `(symbol, arg_params, aux_params)`."""
    from . import symbol as sym
    symbol = sym.load(f"{prefix}-symbol.json")
    return (symbol, *load_params(prefix, epoch))


def __getattr__(name):
    # FeedForward stands on Module, which needs this file.
    if name == "FeedForward":
        from .feed_forward import FeedForward
        return FeedForward
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
