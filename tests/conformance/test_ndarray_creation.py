"""NDArray creation and types, as 1.9.1 has them."""

import numpy as np
import pytest

import gemel as mx

DTYPES = ["float16", "float32", "float64", "int8", "uint8", "int32", "int64"]


def test_default_type_is_float32():
    assert mx.nd.array([1, 2]).dtype == np.float32
    assert mx.nd.array([True, False]).dtype == np.float32
    assert mx.nd.array([1.5], dtype=None).dtype == np.float32
    assert mx.nd.zeros((2,)).dtype == np.float32


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float64"])
def test_numpy_sources_become_float32(dtype):
    source = np.arange(3, dtype=dtype)
    assert mx.nd.array(source).dtype == np.float32
    assert mx.nd.array(source, dtype=source.dtype).dtype == source.dtype


def test_source_ndarray_is_copied():
    source = mx.nd.array([1, 2, 3], dtype="int64")
    copy = mx.nd.array(source)
    copy[:] = 0
    assert copy.dtype == np.int64
    assert source.asnumpy().tolist() == [1, 2, 3]


@pytest.mark.parametrize("dtype", DTYPES)
def test_zeros_ones_full(dtype):
    assert mx.nd.zeros((2, 3), dtype=dtype).asnumpy().tolist() == [[0] * 3] * 2
    assert mx.nd.ones((2, 3), dtype=dtype).asnumpy().tolist() == [[1] * 3] * 2
    full = mx.nd.full((2,), 7, dtype=dtype)
    assert full.asnumpy().tolist() == [7, 7]
    assert full.dtype == np.dtype(dtype).type


def test_zeros_takes_a_number_as_shape():
    assert mx.nd.zeros(3).shape == (3,)
    assert mx.nd.empty(3).shape == (3,)


def test_arange():
    assert mx.nd.arange(4).asnumpy().tolist() == [0, 1, 2, 3]
    assert mx.nd.arange(1, 4).asnumpy().tolist() == [1, 2, 3]
    assert mx.nd.arange(0, 1, 0.25).asnumpy().tolist() == [0, 0.25, 0.5, 0.75]
    assert mx.nd.arange(0, 2, repeat=2).asnumpy().tolist() == [0, 0, 1, 1]
    assert mx.nd.arange(5, 0, -2, dtype="int32").asnumpy().tolist() == [5, 3, 1]


def test_like():
    source = mx.nd.array([[1, 2], [3, 4]], dtype="int32")
    assert mx.nd.zeros_like(source).dtype == np.int32
    assert mx.nd.ones_like(source).asnumpy().tolist() == [[1, 1], [1, 1]]
    assert source.zeros_like().asnumpy().sum() == 0


def test_properties():
    array = mx.nd.zeros((2, 3, 4), dtype="float16")
    assert (array.shape, array.size, array.ndim) == ((2, 3, 4), 24, 3)
    assert len(array) == 2
    assert array.context == mx.cpu(0) and array.ctx == mx.cpu(0)
    assert array.stype == "default"
    assert array.T.shape == (4, 3, 2)


def test_astype():
    array = mx.nd.array([-1.7, 0.2, 2.9])
    assert array.astype("int32").asnumpy().tolist() == [-1, 0, 2]
    assert array.astype(np.float64).dtype == np.float64
    same = array.astype("float32", copy=False)
    assert same is array
    assert array.astype("float32") is not array


def test_copyto():
    source = mx.nd.array([1, 2, 3])
    target = mx.nd.zeros((3,), dtype="float64")
    assert source.copyto(target) is target
    assert target.dtype == np.float64 and target.asnumpy().tolist() == [1, 2, 3]
    fresh = source.copyto(mx.cpu())
    fresh[:] = 9
    assert source.asnumpy().tolist() == [1, 2, 3]


def test_as_in_context_is_the_same_array():
    array = mx.nd.ones((2,))
    assert array.as_in_context(mx.cpu(0)) is array
    assert array.copy() is not array


def test_scalars():
    assert mx.nd.array([3.5]).asscalar() == 3.5
    assert isinstance(mx.nd.array([3], dtype="int32").asscalar(), np.int32)
    assert bool(mx.nd.array([1])) is True and bool(mx.nd.array([0])) is False
    assert [10, 20, 30][mx.nd.array([1], dtype="int32").asscalar()] == 20


def test_float_and_int():
    """1.9.1 has neither."""
    assert float(mx.nd.array([2.5])) == 2.5 and int(mx.nd.array([2.5])) == 2


def test_repr():
    assert repr(mx.nd.array([1, 2])) == "\n[1. 2.]\n<NDArray 2 @cpu(0)>"
    assert repr(mx.nd.zeros((1, 2))) == "\n[[0. 0.]]\n<NDArray 1x2 @cpu(0)>"


def test_iteration_gives_rows():
    rows = [row.asnumpy().tolist() for row in mx.nd.array([[1, 2], [3, 4]])]
    assert rows == [[1, 2], [3, 4]]


def test_pickle():
    import pickle

    array = mx.nd.array([[1, 2], [3, 4]], dtype="int32")
    back = pickle.loads(pickle.dumps(array))
    assert back.dtype == np.int32 and back.asnumpy().tolist() == [[1, 2], [3, 4]]


def test_bfloat16_and_bool():
    wide = mx.nd.array([1.0, 3.0]).astype("bfloat16").astype("float32")
    assert wide.asnumpy().tolist() == [1, 3]
    flags = mx.nd.array([0, 1, 2]).astype("bool")
    assert flags.dtype == np.bool_ and flags.asnumpy().tolist() == [False, True, True]
