"""NumPy functions of NDArrays, and Python's conversions."""
import copy
import operator
import pickle

import numpy as np
import pytest

import gemel as mx

nd = mx.nd
VALUES = np.arange(6, dtype=np.float32).reshape(2, 3) + 1


def array():
    return nd.array(VALUES)


@pytest.mark.parametrize("function", [
    lambda x: np.add(x, x), lambda x: np.subtract(x, 1), lambda x: np.power(2, x), lambda x: np.exp(x),
    lambda x: np.abs(-x), lambda x: np.sqrt(x), lambda x: np.maximum(x, 3), lambda x: np.mean(x, axis=0),
    lambda x: np.concatenate([x, x]), lambda x: np.stack((x, x)), lambda x: np.transpose(x), lambda x: np.cumsum(x),
    lambda x: np.add.reduce(x), lambda x: np.where(x > 2, x, 0), lambda x: np.clip(x, 2, 4), lambda x: np.isnan(x),
    lambda x: np.matmul(x, np.transpose(x)), lambda x: np.zeros_like(x), lambda x: np.pad(x, 1)])
def test_functions_give_ndarrays(function):
    found, expected = function(array()), function(VALUES)
    assert isinstance(found, nd.NDArray) and found.shape == expected.shape
    np.testing.assert_allclose(found.asnumpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("function", [np.mean, np.sum, np.max, np.argmax, np.linalg.norm, np.all, np.ndim, np.size])
def test_numbers_stay_numpys(function):
    assert float(function(array())) == pytest.approx(float(function(VALUES)))
    assert not isinstance(function(array()), nd.NDArray)


def test_results_in_parts_and_given_outputs():
    quotient, rest = np.divmod(array(), 4)
    np.testing.assert_array_equal(quotient.asnumpy() * 4 + rest.asnumpy(), VALUES)
    assert [part.shape for part in np.split(array(), 3, axis=1)] == [(2, 1)] * 3
    target = np.zeros((2, 3), np.float32)
    assert np.add(array(), 1, out=target) is target and target[0, 0] == 2
    ours = nd.zeros((3,))
    assert np.mean(array(), axis=0, out=ours) is ours and ours.asnumpy().tolist() == [2.5, 3.5, 4.5]
    assert isinstance(np.atleast_1d(array()), np.ndarray)
    assert np.allclose(array(), VALUES) and np.array_equal(array(), VALUES)


OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.mod, operator.pow, operator.eq,
             operator.lt, operator.ge]


@pytest.mark.parametrize("function", OPERATORS)
def test_a_numpy_array_on_either_side(function):
    other = VALUES[::-1].copy()
    for left, right in ((array(), other), (other, array()), (array(), np.float32(2)), (np.float64(2), array()),
                        (np.int64(2), array())):
        found = function(left, right)
        assert isinstance(found, nd.NDArray) and found.dtype == np.float32
        plain = [value.asnumpy() if isinstance(value, nd.NDArray) else value for value in (left, right)]
        np.testing.assert_allclose(found.asnumpy(), function(*plain), rtol=1e-5)


def test_in_place_into_numpy():
    values = VALUES.copy()
    values += array()
    assert isinstance(values, np.ndarray) and values[0, 0] == 2


def test_a_gradient_through_numpy_functions():
    x = array()
    x.attach_grad()
    with mx.autograd.record():
        loss = np.multiply(np.exp(x), 2)
    loss.backward()
    np.testing.assert_allclose(x.grad.asnumpy(), 2 * np.exp(VALUES), rtol=1e-5)


def test_a_number_takes_the_type_of_the_array():
    x = nd.array([5, 7], dtype="int32")
    for result, expected in ((x + 1.5, [6, 8]), (x * 0.5, [0, 0]), (1.5 - x, [-4, -6]), (x - 0.7, [5, 7])):
        assert result.dtype == np.int32 and result.asnumpy().tolist() == expected


def test_conversions_to_numpy():
    x = array()
    np.testing.assert_array_equal(np.array(x), VALUES)
    assert np.asarray(x, dtype="int32").dtype == np.int32
    assert np.array([x, x]).shape == (2, 2, 3)
    np.asarray(x)[:] = 0
    assert x.asnumpy().sum() == 21
    with pytest.raises(ValueError):
        x.__array__(copy=False)
    assert nd.array([array(), array()]).shape == (2, 2, 3)


def test_conversions_to_python():
    one = nd.array([3], dtype="int32")
    assert int(one) == 3 and float(one) == 3.0 and bool(one) and not nd.zeros((1,))
    assert list(range(one)) == [0, 1, 2] and "abcd"[one] == "d"
    assert array()[0:one] .shape == (2, 3)
    with pytest.raises(TypeError):
        operator.index(nd.array([1.0]))
    with pytest.raises(TypeError):
        operator.index(nd.array([1, 2], dtype="int32"))
    assert [row.shape for row in array()] == [(3,), (3,)] and len(array()) == 2
    assert VALUES[nd.array([1], dtype="int32")].shape == (3,)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "uint16", "bool"])
def test_pickles_and_copies(dtype):
    x = nd.array(VALUES).astype(dtype)
    for same in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x), copy.copy(x), x.copy()):
        assert same.dtype == x.dtype
        np.testing.assert_array_equal(same.asnumpy(), x.asnumpy())
        same[:] = 0
    assert x.asnumpy().any()


def test_broadcast_to():
    assert nd.ones((3,)).broadcast_to((2, 3)).asnumpy().tolist() == [[1] * 3] * 2
    assert nd.ones((2, 1)).broadcast_to((4, 2, 3)).shape == (4, 2, 3)
    for shape in ((4, 3), (3,), (2, 2)):
        with pytest.raises(ValueError):
            nd.ones((2, 3)).broadcast_to(shape)


def test_creation_as_in_the_original():
    assert nd.full((2, 3), [1, 2, 3]).asnumpy().tolist() == [[1, 2, 3]] * 2
    assert nd.full((2,), True).dtype == np.float32
    assert nd.full((2,), nd.array([1, 2])).asnumpy().tolist() == [1, 2]
    for wrong in (lambda: nd.zeros((2,), dtype="foo"), lambda: array().astype("foo"),
                  lambda: nd.maximum(array(), None), lambda: nd.add(array(), "a")):
        with pytest.raises(TypeError):
            wrong()
    for wrong in (lambda: nd.concatenate([]), lambda: array().reshape(),
                  lambda: nd.concatenate([nd.ones((2,)), nd.ones((2,), dtype="int32")])):
        with pytest.raises(AssertionError):
            wrong()
    with pytest.raises(ValueError):
        nd.moveaxis(array(), 5, 0)
    x = nd.zeros((2, 2))
    x._sync_copyfrom([[1, 2], [3, 4]])
    assert x.slice_assign_scalar(9, (0, 0), (1, 1), (1, 1)).asnumpy().tolist() == [[9, 2], [3, 4]]
