"""Recurrent networks: cells that make one step, and layers that run whole sequences."""
from .cells import (GRUCell, HybridRecurrentCell, LSTMCell, RecurrentCell, RNNCell)  # noqa: F401
from .containers import (BidirectionalCell, DropoutCell, HybridSequentialRNNCell,  # noqa: F401
                         ModifierCell, ResidualCell, SequentialRNNCell, ZoneoutCell)
from .layers import GRU, LSTM, RNN  # noqa: F401
from . import cells, containers, layers, rnn_cell, rnn_layer, sequences  # noqa: F401
