"""Memory shared with other libraries by DLPack, and with NumPy."""
import gc

import numpy as np
import pytest

import gemel as mx

nd = mx.nd
DTYPES = ["float32", "float64", "float16", "uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
          "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_sees_our_memory_and_we_see_numpys(dtype):
    array = nd.array([[1, 0, 1], [0, 1, 1]], dtype=dtype)
    seen = np.from_dlpack(array)
    assert seen.dtype == np.dtype(dtype) and seen.shape == (2, 3)
    seen[0, 0] = 0
    assert array.asnumpy()[0, 0] == 0
    values = np.ones((2, 3), dtype)
    borrowed = nd.from_dlpack(values)
    assert borrowed.dtype == np.dtype(dtype).type
    borrowed[:] = 0
    borrowed.wait_to_read()
    assert not values.any()


def test_capsules_of_both_versions():
    array = nd.ones((2,))
    assert '"dltensor"' in repr(array.__dlpack__()) and '"dltensor"' in repr(array.__dlpack__(max_version=(0, 8)))
    assert '"dltensor_versioned"' in repr(array.__dlpack__(max_version=(1, 2)))
    for capsule in (array.__dlpack__(), array.__dlpack__(max_version=(1, 0)), array.to_dlpack_for_read(),
                    array.to_dlpack_for_write(), nd.to_dlpack_for_read(array), nd.to_dlpack_for_write(array)):
        shared = nd.from_dlpack(capsule)
        shared += 1
        shared.wait_to_read()
        with pytest.raises(AssertionError, match="once"):
            nd.from_dlpack(capsule)
    assert array.asnumpy().tolist() == [7, 7]


def test_device_stream_and_copy():
    array = nd.ones((2,))
    assert array.__dlpack_device__() == (1, 0)
    with pytest.raises(ValueError):
        array.__dlpack__(stream=1)
    with pytest.raises(BufferError):
        array.__dlpack__(dl_device=(2, 0))
    np.from_dlpack(array, copy=True)[:] = 5
    assert array.asnumpy().tolist() == [1, 1]
    values = np.zeros(2)
    nd.from_dlpack(values, copy=True)[:] = 1
    nd.waitall()
    assert values.tolist() == [0, 0]


def test_what_cannot_be_shared_is_copied():
    values = np.arange(6, dtype="float32").reshape(2, 3)
    read_only = values.copy()
    read_only.flags.writeable = False
    for source in (values.T, values[:, ::2], values[::-1], read_only):
        array = nd.from_dlpack(source)
        np.testing.assert_array_equal(array.asnumpy(), source)
        array[:] = 0
        nd.waitall()
        with pytest.raises(ValueError):
            nd.from_dlpack(source, copy=False)
    assert values.sum() == 15 and read_only.sum() == 15
    assert nd.from_dlpack(values, copy=False).shape == (2, 3)


def test_the_other_side_keeps_memory_alive():
    seen = np.from_dlpack(nd.arange(1000))
    junk = [nd.full((1000,), i) for i in range(8)]
    assert seen.sum() == 499500 and len(junk) == 8
    values = np.arange(1000, dtype="float32")
    row = nd.from_dlpack(values).reshape((10, 100))[3]
    del values
    gc.collect()
    assert row.asnumpy().tolist() == list(range(300, 400))


def test_an_export_waits_for_the_tasks():
    a = nd.ones((300, 300))
    for _ in range(5):
        a = nd.dot(a, nd.ones((300, 300))) / 300
    np.testing.assert_allclose(np.from_dlpack(a), 1, rtol=1e-5)


def test_errors():
    with pytest.raises(TypeError):
        nd.from_dlpack(np.ones(2, "complex64"))
    for nothing in (3, None, "capsule"):
        with pytest.raises(AssertionError):
            nd.from_dlpack(nothing)
    with pytest.raises(TypeError):
        nd.to_dlpack_for_read(np.ones(2))


def test_from_numpy():
    values = np.ones((2, 3), "float32")
    array = nd.from_numpy(values)
    assert not values.flags.writeable
    array[:] = 4
    array.wait_to_read()
    assert values.sum() == 24
    copied = np.ones(3)
    assert nd.from_numpy(copied, zero_copy=False).dtype == np.float64
    assert copied.flags.writeable
    with pytest.raises(ValueError, match="c-contiguous"):
        nd.from_numpy(np.ones((2, 3))[:, ::2])
    with pytest.raises(ValueError, match="not supported"):
        nd.from_numpy(np.ones(2, "complex64"))


def test_numpy_memory_lives_as_long_as_the_array():
    arrays = [nd.from_numpy(np.full(1000, i, "float32")) for i in range(20)]
    gc.collect()
    for i, array in enumerate(arrays):
        array += 1
        assert array[999].asscalar() == i + 1


def test_torch():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    tensor = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    array = nd.from_dlpack(tensor)
    array *= 2
    array.wait_to_read()
    assert tensor.tolist() == [[0, 2, 4], [6, 8, 10]]
    back = torch.from_dlpack(array)
    back += 1
    assert array.asnumpy().tolist() == [[1, 3, 5], [7, 9, 11]]
    assert torch.utils.dlpack.from_dlpack(array.to_dlpack_for_write()).shape == (2, 3)
    assert nd.from_dlpack(torch.utils.dlpack.to_dlpack(tensor.t())).asnumpy().tolist() == tensor.t().tolist()
    brain = nd.from_dlpack(torch.ones(3, dtype=torch.bfloat16))
    assert brain.dtype == "bfloat16" and torch.from_dlpack(brain).dtype == torch.bfloat16
