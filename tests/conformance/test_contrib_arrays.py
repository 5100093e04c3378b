"""Small operators of `mx.nd.contrib`, with the results of 1.9.1."""

import numpy as np
import pytest

import gemel as mx

A = np.arange(12, dtype="float32").reshape(3, 4)
contrib = mx.nd.contrib


def recorded(function, *values):
    """The result and the gradients of its sum times 2."""
    arrays = [mx.nd.array(value) for value in values]
    for array in arrays:
        array.attach_grad()
    with mx.autograd.record():
        y = function(*arrays)
        loss = (y * 2).sum()
    loss.backward()
    return y.asnumpy(), [array.grad.asnumpy() for array in arrays]


@pytest.mark.parametrize("mask", [[0, 1, 1], [1, 0, 0], [1, 1, 1]])
def test_boolean_mask(mask):
    y, (gradient, _) = recorded(contrib.boolean_mask, A, np.array(mask, "float32"))
    kept = np.array(mask, bool)
    assert np.array_equal(y, A[kept])
    assert np.array_equal(gradient, 2 * kept[:, None] * np.ones_like(A))


def test_boolean_mask_of_nothing():
    assert contrib.boolean_mask(mx.nd.array(A), mx.nd.zeros(3)).shape == (0, 4)


def test_index_copy():
    y, (old, _, new) = recorded(contrib.index_copy, A, np.array([2.0, 0]), np.ones((2, 4)))
    assert y.tolist() == [[1] * 4, [4, 5, 6, 7], [1] * 4]
    assert old.tolist() == [[0] * 4, [2] * 4, [0] * 4]
    assert new.tolist() == [[2] * 4] * 2
    with pytest.raises(mx.base.MXNetError, match="index"):
        contrib.index_copy(mx.nd.array(A), mx.nd.array([3]), mx.nd.ones((1, 4))).asnumpy()


def test_index_array():
    found = contrib.index_array(mx.nd.ones((2, 2)))
    assert found.asnumpy().tolist() == [[[0, 0], [0, 1]], [[1, 0], [1, 1]]]
    assert found.dtype == np.int64
    assert contrib.index_array(mx.nd.ones((2, 3)), axes=(1,)).asnumpy()[0].tolist() == [[0], [1], [2]]


def test_arange_like():
    a = mx.nd.array(A)
    assert contrib.arange_like(a, start=1).asnumpy()[2].tolist() == [9, 10, 11, 12]
    assert contrib.arange_like(a, axis=1, repeat=2).asnumpy().tolist() == [0, 0, 1, 1]
    assert contrib.arange_like(a, axis=-1, step=2).asnumpy().tolist() == [0, 2, 4, 6]


def test_allclose():
    a = mx.nd.array(A)
    assert contrib.allclose(a, a).asscalar() == 1
    assert contrib.allclose(a, a + 1, rtol=0).asscalar() == 0
    nan = mx.nd.array([np.nan])
    assert contrib.allclose(nan, nan).asscalar() == 1
    assert contrib.allclose(nan, nan, equal_nan=False).asscalar() == 0


@pytest.mark.parametrize(
    "function, expected, slope",
    [
        (contrib.round_ste, np.round(A / 3), 1),
        (contrib.sign_ste, np.sign(A), 1),
        (lambda x: contrib.gradientmultiplier(x, scalar=-0.5), A / 3, -0.5),
        (contrib.div_sqrt_dim, A / 6, 0.5),
    ],
)
def test_chosen_gradients(function, expected, slope):
    y, (gradient,) = recorded(function, A / 3)
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient, np.full_like(A, 2 * slope), rtol=1e-6)
