"""Blocks and data helpers that 1.9.1 has outside the main packages."""
from . import data, nn, rnn  # noqa: F401
