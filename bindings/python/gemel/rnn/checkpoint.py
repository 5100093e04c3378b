"""Checkpoints in which the weights of cells stand gate by gate."""
import warnings

from .. import symbol
from ..model import load_checkpoint, save_checkpoint
from .cells import BaseRNNCell

__all__ = ["rnn_unroll", "save_rnn_checkpoint", "load_rnn_checkpoint", "do_rnn_checkpoint"]


def rnn_unroll(cell, length, inputs=None, begin_state=None, input_prefix="", layout="NTC"):
    """Deprecated: `cell.unroll`; without inputs, variables `{input_prefix}t{i}_data` are made."""
    warnings.warn("rnn_unroll is deprecated. Please call cell.unroll directly.", stacklevel=2)
    if inputs is None:
        inputs = [symbol.var(f"{input_prefix}t{i}_data") for i in range(length)]
    return cell.unroll(length, inputs, begin_state, layout)


def _cells(cells):
    return [cells] if isinstance(cells, BaseRNNCell) else cells


def save_rnn_checkpoint(cells, prefix, epoch, symbol, arg_params, aux_params):
    """`mx.model.save_checkpoint` with the weights of a cell (or of several) unpacked."""
    for cell in _cells(cells):
        arg_params = cell.unpack_weights(arg_params)
    save_checkpoint(prefix, epoch, symbol, arg_params, aux_params)


def load_rnn_checkpoint(cells, prefix, epoch):
    """Symbol, arguments and auxiliary states of `save_rnn_checkpoint`, packed again."""
    loaded, arguments, auxiliary = load_checkpoint(prefix, epoch)
    for cell in _cells(cells):
        arguments = cell.pack_weights(arguments)
    return loaded, arguments, auxiliary


def do_rnn_checkpoint(cells, prefix, period=1):
    """A callback that saves such a checkpoint after every `period` epochs."""
    period = int(max(1, period))

    def save(epoch, sym=None, arguments=None, auxiliary=None):
        if (epoch + 1) % period == 0:
            save_rnn_checkpoint(cells, prefix, epoch + 1, sym, arguments, auxiliary)
    return save
