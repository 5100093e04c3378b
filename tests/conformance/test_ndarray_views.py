"""Which arrays share memory."""

import numpy as np

import gemel as mx


def test_leading_slices_share():
    array = mx.nd.zeros((4, 3))
    view = array[1:3]
    view[:] = 5
    assert array.asnumpy()[:, 0].tolist() == [0, 5, 5, 0]
    array[2] = 7
    assert view.asnumpy()[1].tolist() == [7, 7, 7]


def test_row_shares():
    array = mx.nd.zeros((2, 3))
    row = array[1]
    row += 1
    assert array.asnumpy().tolist() == [[0, 0, 0], [1, 1, 1]]


def test_view_of_a_view_shares():
    array = mx.nd.arange(12).reshape((6, 2))
    inner = array[1:5][1:3]
    inner[:] = 0
    assert array.asnumpy().sum(axis=1).tolist() == [1, 5, 0, 0, 17, 21]


def test_reshape_shares():
    array = mx.nd.zeros((2, 3))
    flat = array.reshape((6,))
    flat[4] = 1
    assert array.asnumpy()[1, 1] == 1
    assert array.reshape((-1,)).shape == (6,)


def test_a_view_outlives_its_parent():
    view = mx.nd.arange(10)[2:5]
    junk = [mx.nd.full((10,), i) for i in range(8)]
    assert view.asnumpy().tolist() == [2, 3, 4]
    assert len(junk) == 8


def test_in_place_keeps_the_memory():
    array = mx.nd.ones((3,))
    other = array
    array += 2
    assert other is array and other.asnumpy().tolist() == [3, 3, 3]
    array -= mx.nd.array([1, 2, 3])
    array *= 2
    array /= 4
    assert other.asnumpy().tolist() == [1, 0.5, 0]


def test_operators_make_new_arrays():
    array = mx.nd.ones((3,))
    total = array + 0
    total[:] = 9
    copy = array.copy()
    copy[:] = 8
    assert array.asnumpy().tolist() == [1, 1, 1]


def test_asnumpy_copies():
    array = mx.nd.ones((3,))
    values = array.asnumpy()
    values[:] = 4
    assert array.asnumpy().tolist() == [1, 1, 1]


def test_reads_and_writes_of_a_view_keep_their_order():
    array = mx.nd.zeros((64, 1024))
    for step in range(20):
        array[step % 64] = step
        array += 1
    expected = np.zeros((64, 1024), dtype=np.float32)
    for step in range(20):
        expected[step % 64] = step
        expected += 1
    assert np.array_equal(array.asnumpy(), expected)


def test_out_into_a_view():
    array = mx.nd.zeros((3, 2))
    mx.nd.exp(mx.nd.zeros((2,)), out=array[1])
    assert array.asnumpy().tolist() == [[0, 0], [1, 1], [0, 0]]


def test_swapped_halves():
    array = mx.nd.arange(8)
    low, high = array[:4], array[4:]
    kept = low.copy()
    low[:] = high
    high[:] = kept
    assert array.asnumpy().tolist() == [4, 5, 6, 7, 0, 1, 2, 3]
