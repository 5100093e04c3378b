"""reshape's codes and the other changes of shape; expectations are 1.9.1's answers."""

import numpy as np
import pytest

import gemel as mx

CODES = [
    ((2, 3, 4), (4, 0, 2), (4, 3, 2)),
    ((2, 3, 4), (0, 0, 4), (2, 3, 4)),
    ((2, 3, 4), (6, 1, -1), (6, 1, 4)),
    ((2, 3, 4), (3, -1, 8), (3, 1, 8)),
    ((2, 3, 4), (-1,), (24,)),
    ((2, 3, 4), (-2,), (2, 3, 4)),
    ((2, 3, 4), (2, -2), (2, 3, 4)),
    ((2, 3, 4), (-2, 1, 1), (2, 3, 4, 1, 1)),
    ((2, 3, 4), (-3, 4), (6, 4)),
    ((2, 3, 4, 5), (-3, -3), (6, 20)),
    ((2, 3, 4), (0, -3), (2, 12)),
    ((2, 3, 4), (-4, 1, 2, -2), (1, 2, 3, 4)),
    ((2, 3, 4), (2, -4, -1, 3, -2), (2, 1, 3, 4)),
    ((2, 3, 5, 5), (0, -1), (2, 75)),
]


@pytest.mark.parametrize("shape, code, expected", CODES)
def test_codes(shape, code, expected):
    source = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    assert mx.nd.array(source).reshape(code).shape == expected
    result = mx.nd.reshape(mx.nd.array(source), shape=code)
    assert result.shape == expected
    assert np.array_equal(result.asnumpy(), source.reshape(expected))


def test_reverse():
    assert mx.nd.zeros((10, 5, 4)).reshape((-1, 0), reverse=True).shape == (50, 4)
    assert mx.nd.zeros((10, 5, 4)).reshape((-1, 0)).shape == (40, 5)


def test_reshape_takes_numbers():
    array = mx.nd.zeros((2, 3))
    assert array.reshape(3, 2).shape == (3, 2)
    assert array.reshape(-1).shape == (6,)
    assert array.reshape(shape=(6, 1)).shape == (6, 1)


def test_reshape_refuses_another_size():
    with pytest.raises((mx.base.MXNetError, ValueError)):
        mx.nd.zeros((2, 3)).reshape((4, 2)).wait_to_read()


def test_transpose_flatten_expand():
    source = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    array = mx.nd.array(source)
    assert np.array_equal(mx.nd.transpose(array).asnumpy(), source.T)
    assert np.array_equal(array.transpose((1, 0, 2)).asnumpy(), source.transpose(1, 0, 2))
    assert np.array_equal(array.flatten().asnumpy(), source.reshape(2, 12))
    assert array.expand_dims(axis=1).shape == (2, 1, 3, 4)
    assert array.expand_dims(-1).shape == (2, 3, 4, 1)


def test_concat_and_split():
    left, right = mx.nd.ones((2, 3)), mx.nd.zeros((2, 1))
    joined = mx.nd.concat(left, right, dim=1)
    assert joined.asnumpy().tolist() == [[1, 1, 1, 0]] * 2
    parts = mx.nd.split(joined, num_outputs=2, axis=1)
    assert isinstance(parts, list) and [part.shape for part in parts] == [(2, 2), (2, 2)]
    squeezed = mx.nd.SliceChannel(joined, num_outputs=4, axis=1, squeeze_axis=True)
    assert squeezed[3].shape == (2,) and squeezed[3].asnumpy().tolist() == [0, 0]


def test_broadcast_to():
    array = mx.nd.array([[1], [2]])
    assert array.broadcast_to((2, 3)).asnumpy().tolist() == [[1, 1, 1], [2, 2, 2]]


def test_np_shape_allows_empty_arrays():
    with mx.util.np_shape(True):
        empty = mx.nd.zeros((0, 3))
        assert empty.shape == (0, 3) and empty.size == 0
        assert (empty + 1).asnumpy().shape == (0, 3)
        scalar = mx.nd.zeros(())
        assert scalar.shape == ()
