"""Seeding, and samplers under their short names."""
from . import _core
from .ndarray.samplers import (exponential, gamma, generalized_negative_binomial, multinomial,
                               negative_binomial, normal, poisson, randint, randn, shuffle, uniform)

__all__ = ["seed", "exponential", "gamma", "generalized_negative_binomial", "multinomial",
           "negative_binomial", "normal", "poisson", "randint", "randn", "shuffle", "uniform"]


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

