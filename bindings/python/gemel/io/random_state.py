"""The states of Python's and NumPy's generators, from which iterators draw, as plain values."""
import random

import numpy as np

__all__ = ["get", "set_"]


def get():
    """Both states, as values that JSON can hold."""
    version, words, following = random.getstate()
    kind, keys, position, has_normal, normal = np.random.get_state()
    return {"python": [version, list(words), following],
            "numpy": [kind, keys.tolist(), position, has_normal, normal]}


def set_(state):
    """Go back to a state that `get` gave."""
    version, words, following = state["python"]
    random.setstate((version, tuple(words), following))
    kind, keys, position, has_normal, normal = state["numpy"]
    np.random.set_state((kind, np.array(keys, np.uint32), position, has_normal, normal))
