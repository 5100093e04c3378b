"""The rows of the workload `arrays`: each operation on an array that stays in the cache and on one that does not."""
import functools

import numpy as np

SIZES = ("256 KB", "40 MB")
SHAPES = {"matrix": ((64, 1024), (3200, 3200)), "rows": ((64, 1024), (10000, 1024)),
          "images": ((4, 64, 16, 16), (50, 64, 56, 56)), "table": ((1024, 64), (160000, 64)),
          "vector": ((65536,), (10000000,))}
OPERATIONS = {
    **{f"{name}, {where}": "matrix" for name in ("sum", "mean", "max", "argmax")
       for where in ("axis 0", "axis 1", "all")},
    "transpose": "matrix", "transpose (0, 2, 3, 1)": "images",
    "take rows": "matrix", "take elements": "vector", "embedding": "table",
    "sort": "matrix", "argsort": "matrix", "topk 10": "matrix",
    "softmax": "rows", "log_softmax": "rows", "LayerNorm": "rows",
    "BatchNorm (N, C), inference": "rows", "BatchNorm (N, C, H, W), inference": "images",
    "softmax, forward and backward": "rows", "LayerNorm, forward and backward": "rows"}


@functools.lru_cache(maxsize=None)
def values(shape, seed=0):
    """Normal float32 numbers, the same on every side."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


@functools.lru_cache(maxsize=None)
def positions(count):
    """As many random positions of an axis of `count` as it has."""
    return np.random.default_rng(1).integers(0, count, count)


def cases(builders, convert, wait):
    """CASES of a side: `builders[operation](x)` gives a function that computes the result from x = convert(array).

    Large results are waited for one by one, so that they do not queue up; of small ones the last is.
    """
    convert = functools.lru_cache(maxsize=None)(convert)

    def make(build, shape, each):
        def setup():
            compute = build(convert(shape))

            def repeat(count):
                for _ in range(count):
                    result = compute()
                    if each:
                        wait(result)
                wait(result)
            return repeat
        return setup

    return {f"{operation}, {size}": make(builders[operation], SHAPES[kind][index], index > 0)
            for operation, kind in OPERATIONS.items() if operation in builders
            for index, size in enumerate(SIZES)}
