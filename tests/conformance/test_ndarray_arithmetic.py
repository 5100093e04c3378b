"""Operators of NDArray: arithmetic, comparison, broadcasting, types."""

import operator

import numpy as np
import pytest

import gemel as mx

LEFT = np.array([[1.5, -2, 3], [4, 0.25, -6]], dtype=np.float32)
RIGHT = np.array([[2, 3, -1], [0.5, 4, 6]], dtype=np.float32)
BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.mod]
COMPARE = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


def name_of(function):
    return function.__name__


@pytest.mark.parametrize("function", BINARY, ids=name_of)
def test_arrays(function):
    result = function(mx.nd.array(LEFT), mx.nd.array(RIGHT))
    np.testing.assert_allclose(result.asnumpy(), function(LEFT, RIGHT), rtol=1e-6)


@pytest.mark.parametrize("function", BINARY, ids=name_of)
def test_numbers(function):
    np.testing.assert_allclose(
        function(mx.nd.array(LEFT), 2.5).asnumpy(), function(LEFT, np.float32(2.5)), rtol=1e-6
    )
    np.testing.assert_allclose(
        function(2.5, mx.nd.array(LEFT)).asnumpy(), function(np.float32(2.5), LEFT), rtol=1e-6
    )


def test_power_and_signs():
    positive = mx.nd.array(np.abs(LEFT))
    np.testing.assert_allclose((positive**2).asnumpy(), LEFT**2, rtol=1e-6)
    np.testing.assert_allclose((2**positive).asnumpy(), 2 ** np.abs(LEFT), rtol=1e-6)
    np.testing.assert_allclose(
        (positive ** mx.nd.array(RIGHT)).asnumpy(), np.abs(LEFT) ** RIGHT, rtol=1e-5
    )
    assert np.array_equal((-mx.nd.array(LEFT)).asnumpy(), -LEFT)
    assert np.array_equal(abs(mx.nd.array(LEFT)).asnumpy(), abs(LEFT))


@pytest.mark.parametrize("function", COMPARE, ids=name_of)
def test_comparison_gives_numbers_of_the_inputs_type(function):
    left = mx.nd.array([1, 2, 3], dtype="int32")
    result = function(left, mx.nd.array([3, 2, 1], dtype="int32"))
    assert result.dtype == np.int32
    expected = function(np.array([1, 2, 3]), np.array([3, 2, 1])).astype(int)
    assert result.asnumpy().tolist() == expected.tolist()
    assert (
        function(left, 2).asnumpy().tolist()
        == function(np.array([1, 2, 3]), 2).astype(int).tolist()
    )


@pytest.mark.parametrize(
    "shapes", [((2, 3), (1, 3)), ((2, 1), (2, 3)), ((2, 1, 4), (1, 3, 1)), ((3,), (1,))]
)
@pytest.mark.parametrize("function", BINARY[:4], ids=name_of)
def test_broadcasting(function, shapes):
    numbers = np.random.RandomState(3)
    left, right = (numbers.uniform(1, 2, shape).astype(np.float32) for shape in shapes)
    result = function(mx.nd.array(left), mx.nd.array(right))
    np.testing.assert_allclose(result.asnumpy(), function(left, right), rtol=1e-6)


@pytest.mark.parametrize("shapes", [((2, 3), (3, 2)), ((2, 3), (4,)), ((2,), (3,))])
def test_shapes_that_do_not_fit(shapes):
    left, right = (mx.nd.ones(shape) for shape in shapes)
    with pytest.raises((mx.base.MXNetError, ValueError)):
        (left + right).wait_to_read()


def test_integer_division_of_integers():
    left = mx.nd.array([7, -7, 8], dtype="int32")
    assert (left + 1).dtype == np.int32
    assert (left * 2).asnumpy().tolist() == [14, -14, 16]


def test_mod_has_the_sign_of_the_divisor():
    left, right = mx.nd.array([5, -5, 5, -5]), mx.nd.array([3, 3, -3, -3])
    assert (left % right).asnumpy().tolist() == [2, 1, -1, -2]


def test_functions_take_numbers_too():
    array = mx.nd.array([1, 4])
    assert mx.nd.maximum(array, 2).asnumpy().tolist() == [2, 4]
    assert mx.nd.minimum(2, array).asnumpy().tolist() == [1, 2]
    assert mx.nd.add(array, 1).asnumpy().tolist() == [2, 5]
    assert mx.nd.power(2, array).asnumpy().tolist() == [2, 16]
    assert mx.nd.equal(array, 4).asnumpy().tolist() == [0, 1]


def test_methods():
    array = mx.nd.array([[1, 2], [3, 4]])
    assert array.sum().asscalar() == 10
    assert array.sum(axis=0).asnumpy().tolist() == [4, 6]
    assert array.mean(axis=1, keepdims=True).shape == (2, 1)
    assert array.max().asscalar() == 4 and array.min().asscalar() == 1
    assert array.argmax(axis=1).asnumpy().tolist() == [1, 1]
    assert array.clip(2, 3).asnumpy().tolist() == [[2, 2], [3, 3]]
    assert array.norm().asscalar() == pytest.approx(np.sqrt(30), rel=1e-6)
    assert mx.nd.dot(array, array).asnumpy().tolist() == [[7, 10], [15, 22]]


def test_in_place_refuses_to_grow():
    array = mx.nd.ones((1, 3))
    with pytest.raises((mx.base.MXNetError, ValueError)):
        array += mx.nd.ones((2, 3))
        array.wait_to_read()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("size", [1, 40])
def test_nan_differs_from_everything(dtype, size):
    nan = mx.nd.array([float("nan")] * size, dtype=dtype)
    one = mx.nd.ones(size, dtype=dtype)
    for differs in (nan != nan, nan != one, nan != 1, one != nan):
        assert differs.asnumpy().tolist() == [1] * size
    for same in (nan == nan, nan == one, nan < one, nan >= one):
        assert same.asnumpy().tolist() == [0] * size
