"""Seeding, and samplers under their short names."""
from . import _core

__all__ = ["seed"]


def seed(seed_state, ctx="all"):
    """Seed the generators.

    The stream of numbers after equal seeds is equal, whatever the number of threads.

    Parameters
    ----------
    seed_state : int
        The seed; anything else raises `ValueError`.
    ctx : Context or "all"
        Accepted as in MXNet; all devices draw from one seed.
    """
    try:
        seed_state = int(seed_state)
    except (TypeError, ValueError):
        raise ValueError("seed_state must be int") from None
    _core.random_seed(seed_state & 0xFFFFFFFFFFFFFFFF)


def __getattr__(name):
    # The samplers (uniform, normal, ...) live with the arrays; looked up on first use.
    from .ndarray import random as samplers
    return getattr(samplers, name)
