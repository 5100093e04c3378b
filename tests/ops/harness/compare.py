"""How close two results have to be, by type."""

import numpy as np

# Relative tolerance and its share of the largest magnitude that is granted absolutely: sums cancel.
TOLERANCE = {
    "float16": (4e-3, 4e-3),
    "bfloat16": (3e-2, 3e-2),
    "float32": (1e-4, 2e-5),
    "float64": (1e-10, 1e-11),
}


def assert_close(actual, expected, dtype, what):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, (
        f"{what}: shape {actual.shape}, expected {expected.shape}"
    )
    if dtype not in TOLERANCE:
        assert np.array_equal(actual, expected), f"{what}:\n{actual}\nexpected\n{expected}"
        return
    relative, absolute = TOLERANCE[dtype]
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.abs(np.asarray(expected, np.float64))
        if dtype == "float16":  # what float64 still holds may be infinite here
            expected = np.asarray(expected, np.float16)
    finite = finite[np.isfinite(finite)]
    scale = max(float(finite.max()), 1e-3) if finite.size else 1.0
    np.testing.assert_allclose(
        np.asarray(actual, np.float64),
        np.asarray(expected, np.float64),
        rtol=relative,
        atol=absolute * scale,
        err_msg=what,
    )
