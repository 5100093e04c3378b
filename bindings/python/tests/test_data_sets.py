"""Functions of mx.test_utils that fetch data sets."""
import bz2
import gzip
import shutil
import struct
import zipfile

import gemel as mx
import numpy as np
import pytest
from gemel import test_utils

COUNTS = {"train": 4, "t10k": 2}


def idx(array):
    """The bytes of an IDX file."""
    return struct.pack(f">{1 + array.ndim}I", 0x800 | array.ndim, *array.shape) + array.astype("u1").tobytes()


def mnist():
    """Name -> content of the four files, small."""
    files = {}
    for part, count in COUNTS.items():
        files[part + "-images-idx3-ubyte"] = idx(np.arange(count * 784).reshape(count, 28, 28) % 256)
        files[part + "-labels-idx1-ubyte"] = idx(np.arange(count))
    return files


@pytest.fixture(name="here", autouse=True)
def _here(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def test_download_keeps_what_is_there(here):
    source = here.parent / "words.txt"
    source.write_text("first")
    assert test_utils.download(source.as_uri()) == "words.txt"
    source.write_text("second")
    assert test_utils.download(source.as_uri(), fname="words.txt") == "words.txt"
    assert (here / "words.txt").read_text() == "first"
    assert test_utils.download(source.as_uri(), fname="w.txt", dirname="a/b", overwrite=True) == "a/b/w.txt"
    assert (here / "a/b/w.txt").read_text() == "second"
    with pytest.raises(OSError):
        test_utils.download((here / "missing").as_uri(), fname="m", retries=0)


def test_archives_are_extracted_once(here):
    with zipfile.ZipFile(here.parent / "x.zip", "w") as archive:
        archive.writestr("inner.txt", "hello")
    for _ in range(2):
        test_utils.get_zip_data("folder", (here.parent / "x.zip").as_uri(), "x.zip")
    assert (here / "folder/inner.txt").read_text() == "hello"
    (here.parent / "n.bz2").write_bytes(bz2.compress(b"numbers"))
    for _ in range(2):
        test_utils.get_bz2_data("folder", "n", (here.parent / "n.bz2").as_uri(), "n.bz2")
    assert (here / "folder/n").read_bytes() == b"numbers" and not (here / "folder/n.bz2").exists()


def test_mnist_as_arrays(here):
    for name, content in mnist().items():
        (here / (name + ".gz")).write_bytes(gzip.compress(content))
    found = test_utils.get_mnist()
    assert {name: (array.dtype.name, array.shape) for name, array in found.items()} == {
        "train_data": ("float32", (4, 1, 28, 28)), "train_label": ("int8", (4,)),
        "test_data": ("float32", (2, 1, 28, 28)), "test_label": ("int8", (2,))}
    assert found["train_data"].sum() == pytest.approx(1543.906, rel=1e-5)  # as 1.9.1 gives
    assert found["train_label"].tolist() == [0, 1, 2, 3]


def test_mnist_is_fetched_once_and_iterated(here, monkeypatch):
    with zipfile.ZipFile(here.parent / "mnist.zip", "w") as archive:
        for name, content in mnist().items():
            archive.writestr(name, content)
    fetched = []

    def fetch(url, path, **_):
        fetched.append(url)
        shutil.copy(here.parent / "mnist.zip", path)
    monkeypatch.setattr(mx.gluon.utils, "download", fetch)
    for shape in ((784,), (1, 28, 28)):
        train, validation = test_utils.get_mnist_iterator(2, shape)
        assert next(train).data[0].shape == next(validation).data[0].shape == (2, *shape)
    assert fetched == ["http://data.mxnet.io/mxnet/data/mnist.zip"]
    parts = [test_utils.get_mnist_iterator(1, (784,), num_parts=2, part_index=part)[0] for part in range(2)]
    assert sorted(batch.label[0].asscalar() for part in parts for batch in part) == [0, 1, 2, 3]


def test_other_sets_are_fetched_from_where_they_were(here, monkeypatch):
    fetched = []

    def fetch(url, path, **_):
        fetched.append((url, path))
        with zipfile.ZipFile(path, "w") as archive:
            for name in ("train.rec", "test.rec", "train.lst", "test.lst"):
                archive.writestr("cifar/" + name, "")
    monkeypatch.setattr(mx.gluon.utils, "download", fetch)
    test_utils.get_cifar10()
    test_utils.get_cifar10()
    test_utils.get_mnist_pkl()
    assert fetched == [("http://data.mxnet.io/mxnet/data/cifar10.zip", "data/cifar10.zip"),
                       ("http://deeplearning.net/data/mnist/mnist.pkl.gz", "data/mnist.pkl.gz")]
    assert (here / "data/cifar/train.rec").exists()
