"""The layers under the name of their module in MXNet."""
from .layers import GRU, LSTM, RNN

__all__ = ["RNN", "LSTM", "GRU"]
