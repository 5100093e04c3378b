"""CSVIter and MNISTIter: batches, padding and errors as MXNet 1.9.1 gives them."""
import struct

import gemel as mx
import numpy as np
import pytest


@pytest.fixture
def csv(tmp_path):
    np.savetxt(tmp_path / "x.csv", np.arange(28).reshape(7, 4), delimiter=",")
    np.savetxt(tmp_path / "y.csv", np.arange(7), delimiter=",")
    return {"data_csv": str(tmp_path / "x.csv"), "label_csv": str(tmp_path / "y.csv")}


def epochs(iterator, count):
    result = []
    for _ in range(count):
        result.append([(batch.label[0].asnumpy().tolist(), batch.pad) for batch in iterator])
        iterator.reset()
    return result


def test_csv_round_batch(csv):
    iterator = mx.io.CSVIter(data_shape=(2, 2), batch_size=3, **csv)
    assert iterator.provide_data == [("data", (3, 2, 2))]
    assert iterator.provide_label == [("softmax_label", (3,))]
    assert epochs(iterator, 3) == [
        [([0, 1, 2], 0), ([3, 4, 5], 0), ([6, 0, 1], 2)],
        [([2, 3, 4], 0), ([5, 6, 0], 1)],
        [([1, 2, 3], 0), ([4, 5, 6], 0)]]


def test_csv_without_round_batch(csv):
    iterator = mx.io.CSVIter(data_shape=(4,), batch_size=3, round_batch=False, **csv)
    assert epochs(iterator, 2) == [[([0, 1, 2], 0), ([3, 4, 5], 0), ([6, 4, 5], 2)]] * 2
    batch = iterator.next()
    assert batch.data[0].asnumpy().tolist() == np.arange(12).reshape(3, 4).tolist()
    assert batch.index.tolist() == [0, 1, 2] and batch.index.dtype == np.uint64


def test_csv_fewer_samples_than_a_batch(csv):
    for round_batch in (True, False):
        iterator = mx.io.CSVIter(data_shape=(4,), batch_size=16, round_batch=round_batch, **csv)
        batches = list(iterator)
        assert len(batches) == 1 and batches[0].pad == 9
        assert batches[0].label[0].asnumpy().tolist() == [*range(7), *range(7), 0, 1]


@pytest.mark.parametrize("dtype", ["int32", "int64", "float64", "float16"])
def test_csv_types_names_and_folders(tmp_path, dtype):
    (tmp_path / "b.csv").write_text("5, 6\r\n")
    (tmp_path / "a.csv").write_text("1,2\n\n3,+4\n")
    iterator = mx.io.CSVIter(data_csv=str(tmp_path), data_shape=(2,), batch_size=3, dtype=dtype,
                             data_name="x", label_name="y")
    batch = iterator.next()
    assert np.dtype(batch.data[0].dtype) == dtype
    assert batch.data[0].asnumpy().tolist() == [[1, 2], [3, 4], [5, 6]]
    assert batch.label[0].asnumpy().tolist() == [0, 0, 0]
    assert (iterator.provide_data[0].name, iterator.provide_label[0].name) == ("x", "y")


def test_csv_errors(csv, tmp_path):
    make = mx.io.CSVIter
    with pytest.raises(mx.MXNetError, match="expected 5 numbers.*line 1.*got 4"):
        make(data_shape=(5,), batch_size=3, **csv)
    with pytest.raises(mx.MXNetError, match="nowhere"):
        make(data_csv=str(tmp_path / "nowhere"), data_shape=(4,), batch_size=3)
    with pytest.raises(mx.MXNetError, match="batch_size"):
        make(data_shape=(4,), **csv)
    (tmp_path / "words.csv").write_text("1,2\n3,four\n")
    with pytest.raises(mx.MXNetError, match="line 2.*four"):
        make(data_csv=str(tmp_path / "words.csv"), data_shape=(2,), batch_size=1)
    (tmp_path / "empty.csv").write_text("\n")
    with pytest.raises(mx.MXNetError, match="at least one line"):
        make(data_csv=str(tmp_path / "empty.csv"), data_shape=(2,), batch_size=1)
    with pytest.raises(TypeError):
        make("x.csv")
    with pytest.warns(UserWarning, match="no parameter 'flat'"):
        make(data_shape=(4,), batch_size=3, flat=True, **csv)


def write_mnist(folder, count=10, labels=None, magic=2051):
    pixels = np.arange(count * 30, dtype="uint8")
    (folder / "images").write_bytes(struct.pack(">IIII", magic, count, 6, 5) + pixels.tobytes())
    classes = np.arange(count if labels is None else labels, dtype="uint8")
    (folder / "labels").write_bytes(struct.pack(">II", 2049, len(classes)) + classes.tobytes())
    return {"image": str(folder / "images"), "label": str(folder / "labels"), "silent": True}


def test_mnist(tmp_path):
    files = write_mnist(tmp_path)
    iterator = mx.io.MNISTIter(batch_size=4, shuffle=False, **files)
    assert iterator.provide_data == [("data", (4, 1, 6, 5))]
    assert epochs(iterator, 2) == [[([0, 1, 2, 3], 0), ([4, 5, 6, 7], 0)]] * 2
    first = iterator.next().data[0].asnumpy()
    assert np.array_equal(first.ravel() * 256, np.arange(120))
    flat = mx.io.MNISTIter(batch_size=2, flat=True, num_parts=3, part_index=1, shuffle=False, **files)
    assert flat.provide_data == [("data", (2, 30))]
    assert epochs(flat, 1) == [[([3, 4], 0)]]


def test_mnist_shuffle_keeps_images_with_labels(tmp_path):
    files = write_mnist(tmp_path)
    orders = []
    for seed in (0, 0, 1):
        batch = mx.io.MNISTIter(batch_size=10, seed=seed, **files).next()
        label = batch.label[0].asnumpy()
        first_pixels = batch.data[0].asnumpy()[:, 0, 0, 0] * 256
        assert np.array_equal(first_pixels, label * 30 % 256)
        assert sorted(label) == list(range(10))
        orders.append(label.tolist())
    assert orders[0] == orders[1] != orders[2]


def test_mnist_damaged_files(tmp_path):
    with pytest.raises(mx.MXNetError, match="magic number 2051, got 7"):
        mx.io.MNISTIter(**write_mnist(tmp_path, magic=7))
    with pytest.raises(mx.MXNetError, match="label for each of 10 images, got 9"):
        mx.io.MNISTIter(**write_mnist(tmp_path, labels=9))
    files = write_mnist(tmp_path)
    data = (tmp_path / "images").read_bytes()
    (tmp_path / "images").write_bytes(data[:-1])
    with pytest.raises(mx.MXNetError, match="images"):
        mx.io.MNISTIter(**files)
    (tmp_path / "images").write_bytes(struct.pack(">IIII", 2051, 2**32 - 1, 2**31, 2**31))
    (tmp_path / "labels").write_bytes(struct.pack(">II", 2049, 2**32 - 1))
    with pytest.raises(mx.MXNetError):
        mx.io.MNISTIter(**files)
    with pytest.raises(mx.MXNetError, match="part_index"):
        mx.io.MNISTIter(num_parts=2, part_index=2, **files)


def test_training_from_csv(csv):
    """A batch may be changed or kept: it is a copy."""
    iterator = mx.io.CSVIter(data_shape=(4,), batch_size=7, **csv)
    batch = iterator.next()
    batch.data[0][:] = -1
    iterator.reset()
    assert iterator.next().data[0].asnumpy().min() == 0
