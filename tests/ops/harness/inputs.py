"""Deterministic input arrays for one sample of one operator, the same on every machine.

The numbers come from MT19937 (numpy's frozen RandomState), seeded by the CRC of "operator/sample/use".
A value is uniform in the sample's range; integer types get its floor, cut to what the type holds."""

import zlib

import numpy as np

FLOATS = ("float16", "bfloat16", "float32", "float64")
INTEGERS = ("int8", "uint8", "int32", "int64", "bool")
DTYPES = FLOATS + INTEGERS


def generator(operator, sample, use):
    return np.random.RandomState(zlib.crc32(f"{operator}/{sample}/{use}".encode()))


def range_of(sample, index):
    ranges = sample.get("ranges") or []
    return tuple(ranges[index]) if index < len(ranges) else (sample["low"], sample["high"])


def draw(operator, index, sample, shapes, use="input"):
    """float64 arrays for all inputs of a sample; `shapes` may be a variant of the sample's own."""
    numbers = generator(operator, index, use)
    arrays = []
    for position, shape in enumerate(shapes):
        low, high = range_of(sample, position)
        arrays.append(numbers.uniform(low, high, tuple(shape)))
    return arrays


def convert(array, dtype):
    """The float64 array as numpy sees it in `dtype`; bfloat16 comes as float32 cut to 8 bits."""
    if dtype == "bfloat16":
        bits = np.ascontiguousarray(array, dtype=np.float32).view(np.uint32)
        return (bits & np.uint32(0xFFFF0000)).view(np.float32)
    if dtype in INTEGERS:
        whole = np.floor(array)
        if dtype == "bool":
            return whole != 0
        low = np.iinfo(dtype).min
        return np.maximum(whole, low).astype(dtype)
    return np.asarray(array, dtype=dtype)
