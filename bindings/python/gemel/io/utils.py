"""Input data in one form: a list of named arrays."""
from collections import OrderedDict

import numpy as np

from .. import ndarray as nd


def init_data(data, allow_empty, default_name):
    """A list of `(name, NDArray)` from an array, a list of arrays or a dictionary.

    One array is named `default_name`, several `_<i>_<default_name>`; dictionaries are sorted by
    name. NumPy arrays become float32. Anything else raises `TypeError`.
    """
    assert data is not None or allow_empty
    if data is None:
        data = []
    if isinstance(data, (np.ndarray, nd.NDArray)):
        data = [data]
    if isinstance(data, list):
        if not allow_empty:
            assert len(data) > 0
        if len(data) == 1:
            data = OrderedDict([(default_name, data[0])])
        else:
            data = OrderedDict((f"_{i}_{default_name}", one) for i, one in enumerate(data))
    if not isinstance(data, dict):
        raise TypeError("Input must be NDArray, numpy.ndarray, h5py.Dataset "
                        "a list of them or dict with them as values")
    result = []
    for name, value in sorted(data.items()) if not isinstance(data, OrderedDict) \
            else data.items():
        if not isinstance(value, nd.NDArray):
            try:
                value = nd.array(np.asarray(value, dtype=np.float32))
            except (TypeError, ValueError):
                raise TypeError(f"Invalid type '{type(value)}' for {name}, "
                                "should be NDArray, numpy.ndarray or h5py.Dataset") from None
        result.append((name, value))
    return result
