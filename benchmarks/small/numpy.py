"""Calls on small arrays."""
import numpy as np

VERSION = np.__version__


def _add():
    a, b = np.ones(10, np.float32), np.ones(10, np.float32)

    def repeat(count):
        for _ in range(count):
            a + b  # pylint: disable=pointless-statement
    return repeat


def _add_in_place():
    a, b = np.ones(10, np.float32), np.ones(10, np.float32)

    def repeat(count):
        nonlocal a
        for _ in range(count):
            a += b
    return repeat


def _dot():
    a, b = np.ones((8, 8), np.float32), np.ones((8, 8), np.float32)

    def repeat(count):
        for _ in range(count):
            np.dot(a, b)
    return repeat


CASES = {"a + b": _add, "a + b, waited for": _add, "a += b": _add_in_place, "dot 8x8": _dot}
