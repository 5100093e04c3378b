"""Input data in one form: a list of named arrays."""
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
        names = [default_name] if len(data) == 1 else \
            [f"_{i}_{default_name}" for i in range(len(data))]
        items = list(zip(names, data))
    elif isinstance(data, dict):
        items = sorted(data.items(), key=lambda item: item[0])
    else:
        raise TypeError("Input must be NDArray, numpy.ndarray, h5py.Dataset "
                        "a list of them or dict with them as values")
    result = []
    for name, value in items:
        if not isinstance(value, nd.NDArray):
            try:
                value = nd.array(np.asarray(value, dtype=np.float32))
            except (TypeError, ValueError):
                raise TypeError(f"Invalid type '{type(value)}' for {name}, "
                                "should be NDArray, numpy.ndarray or h5py.Dataset") from None
        result.append((name, value))
    return result
