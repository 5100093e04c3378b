"""Recurrent cells beyond `gluon.rnn`."""
from .cells import LSTMPCell, VariationalDropoutCell  # noqa: F401
from .conv_cells import (Conv1DGRUCell, Conv1DLSTMCell, Conv1DRNNCell, Conv2DGRUCell,  # noqa: F401
                         Conv2DLSTMCell, Conv2DRNNCell, Conv3DGRUCell, Conv3DLSTMCell,
                         Conv3DRNNCell)
from . import cells, conv_cells  # noqa: F401

__all__ = conv_cells.__all__ + cells.__all__
