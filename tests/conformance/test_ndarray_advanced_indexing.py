"""Random keys, read and written, agree with NumPy; so do the gradients through them."""
import numpy as np
import pytest

import gemel as mx

SHAPE = (4, 3, 5)
VALUES = np.arange(60, dtype=np.float32).reshape(SHAPE)


def random_slice(rng, size):
    bounds = [None, *range(-size - 1, size + 2)]
    step = rng.choice([None, 1, 2, -1, -2, 3])
    return slice(bounds[rng.integers(len(bounds))], bounds[rng.integers(len(bounds))],
                 None if step is None else int(step))


def random_key(rng):
    """A key and the same key with NDArrays made of its arrays."""
    block = [(), (2,), (3,), (2, 1), (2, 3)][rng.integers(5)]
    key, other, axis = [], [], 0
    kinds = rng.choice(["slice", "int", "array", "list", "mask", "none", "ellipsis"], size=rng.integers(1, 5))
    for kind in kinds:
        if kind == "none":
            part = given = None
        elif kind == "ellipsis":
            if Ellipsis in [p for p in key if not isinstance(p, np.ndarray)]:
                continue
            part = given = Ellipsis
        elif axis == len(SHAPE) or Ellipsis in [p for p in key if not isinstance(p, np.ndarray)]:
            continue
        elif kind == "slice":
            part = given = random_slice(rng, SHAPE[axis])
        elif kind == "int":
            part = given = int(rng.integers(-SHAPE[axis], SHAPE[axis]))
        elif kind == "mask":
            part = np.zeros(SHAPE[axis], bool)
            part[rng.integers(SHAPE[axis])] = True  # one place: broadcasts with any block
            given = mx.nd.array(part, dtype="bool") if rng.integers(2) else part
        else:
            part = rng.integers(-SHAPE[axis], SHAPE[axis], size=block)
            given = part.tolist() if kind == "list" and block else mx.nd.array(part, dtype="int64") if block else part
        key.append(part)
        other.append(given)
        axis += part is not None and part is not Ellipsis
    return tuple(key), tuple(other)


KEYS = [random_key(np.random.default_rng(seed)) for seed in range(300)]


def shape_of(result):
    return result.shape or (1,)


@pytest.mark.parametrize("part", range(10))
def test_reading(part):
    for key, given in KEYS[part::10]:
        expected = VALUES[key]
        found = mx.nd.array(VALUES)[given]
        assert found.shape == shape_of(expected), key
        np.testing.assert_array_equal(found.asnumpy().ravel(), expected.ravel(), str(key))


@pytest.mark.parametrize("part", range(10))
def test_writing(part):
    for number, (key, given) in enumerate(KEYS[part::10]):
        selected = VALUES[key]
        value = -1 - np.arange(selected.size, dtype=np.float32).reshape(selected.shape)
        if number % 3 == 1 and selected.ndim:
            value = value[..., :1]
        elif number % 3 == 2:
            value = -7.5
        expected, array = VALUES.copy(), mx.nd.array(VALUES)
        expected[key] = value
        array[given] = mx.nd.array(value) if isinstance(value, np.ndarray) and number % 2 else value
        if not has_duplicates(key):
            np.testing.assert_array_equal(array.asnumpy(), expected, str(key))
        else:  # of several writes to one place any may stay
            np.testing.assert_array_equal(array.asnumpy() < 0, expected < 0, str(key))


def has_duplicates(key):
    places = np.arange(VALUES.size).reshape(SHAPE)[key].ravel()
    return len(np.unique(places)) != len(places)


@pytest.mark.parametrize("part", range(4))
def test_gradients(part):
    for key, given in KEYS[part::12]:
        expected = np.zeros_like(VALUES)
        weight = 1 + np.arange(VALUES[key].size, dtype=np.float32).reshape(VALUES[key].shape)
        np.add.at(expected, key, weight)
        array = mx.nd.array(VALUES)
        array.attach_grad()
        with mx.autograd.record():
            total = (array[given] * mx.nd.array(weight)).sum() if weight.size else array[given].sum()
        total.backward()
        np.testing.assert_array_equal(array.grad.asnumpy(), expected, str(key))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "float32", "float64", "uint16"])
def test_an_index_of_any_type(dtype):
    array = mx.nd.array(VALUES)
    index = mx.nd.array([2, 0], dtype=dtype)
    np.testing.assert_array_equal(array[index].asnumpy(), VALUES[[2, 0]])
    np.testing.assert_array_equal(array[:, index].asnumpy(), VALUES[:, [2, 0]])
    np.testing.assert_array_equal(array[index, 1].asnumpy(), VALUES[[2, 0], 1])


def test_a_mask_of_the_whole_array():
    array, expected = mx.nd.array(VALUES), VALUES.copy()
    np.testing.assert_array_equal(array[VALUES > 40].asnumpy(), VALUES[VALUES > 40])
    array[mx.nd.array(VALUES > 40, dtype="bool")] = 0
    expected[VALUES > 40] = 0
    np.testing.assert_array_equal(array.asnumpy(), expected)


def test_an_advanced_selection_is_a_copy():
    array = mx.nd.array(VALUES)
    part = array[[0, 1]]
    part[:] = -1
    np.testing.assert_array_equal(array.asnumpy(), VALUES)


def test_an_index_array_outside_reaches_the_reader():
    array = mx.nd.array(VALUES)
    with pytest.raises(IndexError):
        array[mx.nd.array([4])].asnumpy()
    with pytest.raises(IndexError):
        array[mx.nd.array([0, -5]), 0].asnumpy()
    np.testing.assert_array_equal(array[mx.nd.array([-1])].asnumpy(), VALUES[[-1]])


@pytest.mark.parametrize("key, error", [
    ((0, 0, 0, 0), IndexError), ((Ellipsis, Ellipsis), IndexError), ((4,), IndexError), ([4], IndexError),
    (([0, 1], [0, 1, 2]), ValueError), (np.zeros(3, bool), IndexError), ("a", ValueError), (1.5, ValueError),
    (slice(0, 2, 0), ValueError), ([0, slice(None)], TypeError), ([[0, 1], [2]], TypeError)], ids=str)
def test_errors(key, error):
    array = mx.nd.array(VALUES)
    with pytest.raises(error):
        array[key]
    with pytest.raises(error):
        array[key] = 1
    np.testing.assert_array_equal(array.asnumpy(), VALUES)


@pytest.mark.parametrize("key", [0, (slice(None), [0, 1]), (slice(None), slice(None), slice(None, None, -1))], ids=str)
@pytest.mark.parametrize("value, error", [
    ("text", TypeError), (1j, TypeError), (np.ones(7), ValueError), (mx.nd.ones((2, 7, 5)), ValueError)])
def test_values_that_do_not_fit(key, value, error):
    array = mx.nd.array(VALUES)
    with pytest.raises(error):
        array[key] = value
    np.testing.assert_array_equal(array.asnumpy(), VALUES)


def test_large_integers_are_exact():
    array = mx.nd.zeros((2, 3), dtype="int64")
    array[0] = 2**53 + 1
    array[:, [2]] = 2**62 + 1
    assert array.asnumpy().tolist() == [[2**53 + 1] * 2 + [2**62 + 1], [0, 0, 2**62 + 1]]


def test_no_writing_while_recording():
    variable, plain = mx.nd.array(VALUES), mx.nd.array(VALUES)
    variable.attach_grad()
    with mx.autograd.record():
        for array, value in ((variable, 1), (plain, variable[0])):
            with pytest.raises(mx.MXNetError, match="recording"):
                array[0] = value
        plain[1] = 0
    assert plain.asnumpy()[1].sum() == 0
