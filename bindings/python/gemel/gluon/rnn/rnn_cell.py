"""The cells under the name of their module in MXNet."""
from .cells import GRUCell, HybridRecurrentCell, LSTMCell, RecurrentCell, RNNCell
from .containers import (BidirectionalCell, DropoutCell, HybridSequentialRNNCell, ModifierCell, ResidualCell,
                         SequentialRNNCell, ZoneoutCell)

__all__ = ["RecurrentCell", "HybridRecurrentCell", "RNNCell", "LSTMCell", "GRUCell", "SequentialRNNCell",
           "HybridSequentialRNNCell", "DropoutCell", "ModifierCell", "ZoneoutCell", "ResidualCell",
           "BidirectionalCell"]
