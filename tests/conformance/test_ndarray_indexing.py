"""Basic and advanced indexing of NDArray against the same expression in numpy."""

import numpy as np
import pytest

import gemel as mx

VALUES = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
BASIC = {
    "number": 1,
    "negative": -1,
    "slice": slice(1, 3),
    "open": slice(None, 2),
    "step": slice(0, 3, 2),
    "reversed": slice(None, None, -1),
    "reversed-part": slice(2, 0, -1),
    "reversed-step": (slice(None), slice(None, None, -2)),
    "ellipsis": (Ellipsis, 2),
    "ellipsis-front": (0, Ellipsis),
    "mixed": (1, slice(1, 3), slice(None, None, 2)),
    "two-numbers": (2, 3),
    "inner": (slice(None), slice(1, 3), slice(2, 5)),
    "newaxis": (None, 1),
    "newaxis-inside": (slice(None), None, 0),
    "negative-bounds": (slice(-2, None), slice(None, -1)),
    "far-bounds": (slice(0, 99),),
}


@pytest.mark.parametrize("key", BASIC.values(), ids=BASIC.keys())
def test_get(key):
    found = mx.nd.array(VALUES)[key]
    assert found.shape == VALUES[key].shape
    assert np.array_equal(found.asnumpy(), VALUES[key])


@pytest.mark.parametrize("name", [n for n in BASIC if not n.startswith("newaxis")])
def test_set_number(name):
    array, expected = mx.nd.array(VALUES), VALUES.copy()
    array[BASIC[name]] = -3
    expected[BASIC[name]] = -3
    assert np.array_equal(array.asnumpy(), expected)


@pytest.mark.parametrize("name", [n for n in BASIC if not n.startswith("newaxis")])
@pytest.mark.parametrize("source", ["ndarray", "numpy"])
def test_set_array(name, source):
    array, expected = mx.nd.array(VALUES), VALUES.copy()
    values = (
        np.arange(expected[BASIC[name]].size, dtype=np.float32).reshape(expected[BASIC[name]].shape)
        + 100
    )
    array[BASIC[name]] = mx.nd.array(values) if source == "ndarray" else values
    expected[BASIC[name]] = values
    assert np.array_equal(array.asnumpy(), expected)


def test_set_broadcasts():
    array, expected = mx.nd.array(VALUES), VALUES.copy()
    row = np.array([1, 2, 3, 4, 5], dtype=np.float32)
    array[:, 1] = mx.nd.array(row)
    expected[:, 1] = row
    array[0] = [[1], [2], [3], [4]]
    expected[0] = [[1], [2], [3], [4]]
    assert np.array_equal(array.asnumpy(), expected)


def test_set_converts_the_type():
    array = mx.nd.zeros((3,), dtype="int32")
    array[:] = mx.nd.array([1.9, -1.9, 2.0])
    assert array.asnumpy().tolist() == [1, -1, 2]


def test_full_number_index_gives_one_element():
    element = mx.nd.array(VALUES)[1, 2, 3]
    assert element.shape == (1,)
    assert element.asscalar() == VALUES[1, 2, 3]


def test_lists_and_arrays_as_index():
    array = mx.nd.array(VALUES)
    assert np.array_equal(array[[2, 0]].asnumpy(), VALUES[[2, 0]])
    index = mx.nd.array([1, 1, 0], dtype="int32")
    assert np.array_equal(array[index].asnumpy(), VALUES[[1, 1, 0]])
    rows, columns = [0, 2], [1, 3]
    assert np.array_equal(array[rows, columns].asnumpy(), VALUES[rows, columns])


def test_set_with_a_list():
    array, expected = mx.nd.array(VALUES), VALUES.copy()
    array[[0, 2]] = -1
    expected[[0, 2]] = -1
    assert np.array_equal(array.asnumpy(), expected)


@pytest.mark.parametrize("value", [7.5, [1, 2, 3, 4, 5], "array", "row"])
def test_set_with_arrays(value):
    given = {"array": VALUES[:2, 0] + 100, "row": VALUES[0, 0] - 100}.get(str(value), value)
    array, expected = mx.nd.array(VALUES), VALUES.copy()
    array[[0, -1], mx.nd.array([1, 3])] = mx.nd.array(given) if isinstance(value, str) else given
    expected[[0, -1], [1, 3]] = given
    assert np.array_equal(array.asnumpy(), expected)


@pytest.mark.parametrize("key", [np.array([True, False, True]), ([0, 1], 2), ([[0], [2]], [1, 3, 0])])
def test_arrays_that_broadcast_as_index(key):
    assert np.array_equal(mx.nd.array(VALUES)[key].asnumpy(), VALUES[key])


@pytest.mark.parametrize("key", [[0, 3], ([0, 1], [0, -5]), np.array([-4])])
def test_arrays_outside(key):
    array = mx.nd.array(VALUES)
    with pytest.raises(IndexError, match="out of bounds"):
        array[key]
    with pytest.raises(IndexError, match="out of bounds"):
        array[key] = 1
    assert np.array_equal(array.asnumpy(), VALUES)


@pytest.mark.parametrize("key", [3, -4, (0, 4), (0, 0, -6)])
def test_outside(key):
    with pytest.raises(IndexError):
        mx.nd.array(VALUES)[key]


def test_too_many_indices():
    with pytest.raises((IndexError, ValueError)):
        mx.nd.array(VALUES)[0, 0, 0, 0]


def test_slice_methods():
    array = mx.nd.array(VALUES)
    assert np.array_equal(array.slice_axis(axis=1, begin=1, end=3).asnumpy(), VALUES[:, 1:3])
    assert np.array_equal(array.slice(begin=(0, 1), end=(2, 3)).asnumpy(), VALUES[0:2, 1:3])
    assert np.array_equal(array.take(mx.nd.array([2, 0])).asnumpy(), VALUES[[2, 0]])
    backwards = mx.nd.slice(array, begin=(None, 3), end=(None, 0), step=(None, -2))
    assert np.array_equal(backwards.asnumpy(), VALUES[:, 3:0:-2])
