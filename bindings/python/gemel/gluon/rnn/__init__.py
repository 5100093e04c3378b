"""Recurrent networks: cells that make one step, and layers that run whole sequences."""
from .cells import (GRUCell, HybridRecurrentCell, LSTMCell, RecurrentCell, RNNCell)  # noqa: F401
from .containers import (BidirectionalCell, DropoutCell, HybridSequentialRNNCell,  # noqa: F401
                         ModifierCell, ResidualCell, SequentialRNNCell, ZoneoutCell)
from . import cells, containers, sequences  # noqa: F401
