"""Blocks and data helpers that 1.9.1 has outside the main packages."""
from . import data, estimator, nn, rnn  # noqa: F401
