"""mx.nd.save and load: the bytes of 1.9.1, and damaged files refused."""

import struct

import numpy as np
import pytest

import gemel as mx


def test_dictionary(tmp_path):
    path = str(tmp_path / "a.params")
    stored = {"arg:w": mx.nd.array([[1, 2], [3, 4]]), "aux:m": mx.nd.arange(3, dtype="int32")}
    mx.nd.save(path, stored)
    loaded = mx.nd.load(path)
    assert sorted(loaded) == ["arg:w", "aux:m"]
    assert loaded["arg:w"].asnumpy().tolist() == [[1, 2], [3, 4]]
    assert loaded["aux:m"].dtype == np.int32


def test_list_and_single(tmp_path):
    path = str(tmp_path / "a.nd")
    mx.nd.save(path, [mx.nd.ones((2,)), mx.nd.zeros((1, 3), dtype="float64")])
    loaded = mx.nd.load(path)
    assert [array.shape for array in loaded] == [(2,), (1, 3)]
    assert loaded[1].dtype == np.float64
    mx.nd.save(path, mx.nd.ones((4,)))
    assert len(mx.nd.load(path)) == 1


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "uint8", "int32", "int64"]
)
def test_every_type(tmp_path, dtype):
    path = str(tmp_path / "t.nd")
    source = mx.nd.array([0, 1, 100], dtype=dtype)
    mx.nd.save(path, [source])
    (back,) = mx.nd.load(path)
    assert back.dtype == source.dtype and back.asnumpy().tolist() == [0, 1, 100]


# What 1.9.1 writes for {"w": array([[1, 2, 3]])}.
BYTES = bytes.fromhex(
    "120100000000000000000000000000000100000000000000c9fa93f9000000000200000001000000"
    "0000000003000000000000000100000000000000000000000000803f000000400000404001000000"
    "00000000010000000000000077"
)


def test_bytes_are_those_of_1_9_1(tmp_path):
    path = tmp_path / "w.params"
    mx.nd.save(str(path), {"w": mx.nd.array([[1, 2, 3]])})
    assert path.read_bytes() == BYTES
    path.write_bytes(BYTES)
    assert mx.nd.load(str(path))["w"].asnumpy().tolist() == [[1, 2, 3]]


def test_views_are_saved_as_they_look(tmp_path):
    path = str(tmp_path / "v.nd")
    mx.nd.save(path, [mx.nd.arange(10)[3:5]])
    assert mx.nd.load(path)[0].asnumpy().tolist() == [3, 4]


@pytest.mark.parametrize("size", sorted({0, 4, 8, 20, 24, 40, 60, len(BYTES) - 1}))
def test_truncated(tmp_path, size):
    path = tmp_path / "cut.params"
    path.write_bytes(BYTES[:size])
    with pytest.raises(mx.base.MXNetError):
        mx.nd.load(str(path))


def test_lying_sizes(tmp_path):
    """A header that promises far more than the file holds is refused without a huge allocation."""
    path = tmp_path / "lie.params"
    for offset in (16, 32, 36):
        damaged = bytearray(BYTES)
        damaged[offset : offset + 4] = struct.pack("<I", 0x7FFFFFFF)
        path.write_bytes(bytes(damaged))
        with pytest.raises(mx.base.MXNetError):
            mx.nd.load(str(path))


def test_missing_file(tmp_path):
    with pytest.raises((mx.base.MXNetError, OSError)) as caught:
        mx.nd.load(str(tmp_path / "nothing.params"))
    assert "nothing.params" in str(caught.value)


def test_full_disk(tmp_path):
    """A save that the system cuts off raises, and leaves the previous file and the array as they were."""
    import resource
    import signal

    path = tmp_path / "checkpoint.params"
    mx.nd.save(str(path), {"w": mx.nd.array([[1, 2, 3]])})
    large = mx.nd.ones((256, 1024))
    large.wait_to_read()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, limits[1]))
    try:
        with pytest.raises((mx.base.MXNetError, OSError)):
            mx.nd.save(str(path), {"w": large})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == BYTES
    assert [entry.name for entry in tmp_path.iterdir()] == ["checkpoint.params"]
    assert large.sum().asscalar() == 256 * 1024
    mx.nd.save(str(path), {"w": large})
    assert mx.nd.load(str(path))["w"].shape == (256, 1024)
