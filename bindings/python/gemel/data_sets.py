"""Fetching data sets into the current folder, as functions of `mx.test_utils`. What is there is not fetched again."""
import bz2
import gzip
import os
import shutil
import struct
import zipfile

import numpy as np

__all__ = ["download", "get_bz2_data", "get_cifar10", "get_mnist", "get_mnist_iterator", "get_mnist_pkl",
           "get_mnist_ubyte", "get_zip_data"]

_MNIST = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]


def download(url, fname=None, dirname=None, overwrite=False, retries=5):
    """Fetch a file.

    Parameters
    ----------
    url : str
        `http://`, `https://` or `file://`.
    fname : str, optional
        The name of the file; by default the last part of the URL.
    dirname : str, optional
        Its folder, which is made; by default that of `fname`.
    overwrite : bool
        Fetch a file that is there, too.
    retries : int
        How often a transfer that fails is tried again.

    Returns
    -------
    str
        The path of the file. Raises `OSError` if it cannot be fetched.
    """
    from .gluon import utils
    path = url.split("/")[-1] if fname is None else fname
    if dirname is not None:
        path = os.path.join(dirname, path)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    if overwrite or not os.path.exists(path):
        utils.download(url, path=path, overwrite=True, retries=retries)
    return path


def _missing(folder, names):
    return not all(os.path.exists(os.path.join(folder, name)) for name in names)


def get_zip_data(data_dir, url, data_origin_name):
    """Fetch a zip archive into a folder, unless it is there, and extract it."""
    archive = os.path.join(data_dir, data_origin_name)
    if not os.path.exists(archive):
        download(url, dirname=data_dir, overwrite=False)
        with zipfile.ZipFile(archive) as files:
            files.extractall(data_dir)


def get_bz2_data(data_dir, data_name, url, data_origin_name):
    """Fetch a bz2 file into a folder and extract it as `data_name`, unless that is there."""
    path, packed = os.path.join(data_dir, data_name), os.path.join(data_dir, data_origin_name)
    if os.path.exists(path):
        return
    download(url, fname=packed, dirname=None, overwrite=False)
    with bz2.BZ2File(packed) as source, open(path, "wb") as target:
        shutil.copyfileobj(source, target)
    os.remove(packed)


def get_mnist():
    """MNIST as a dict of NumPy arrays: `train_data` and `test_data` (N, 1, 28, 28) float32 from 0 to 1,
    `train_label` and `test_label` (N,) int8."""
    def numbers(name):
        with gzip.open(download("http://data.mxnet.io/data/mnist/" + name + ".gz")) as file:
            content = file.read()
        axes = content[3]
        shape = struct.unpack(f">{axes}I", content[4:4 + 4 * axes])
        return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)

    def images(name):
        found = numbers(name)
        return found.reshape(found.shape[0], 1, 28, 28).astype(np.float32) / 255

    train_data, train_label, test_data, test_label = _MNIST
    return {"train_label": numbers(train_label).astype(np.int8), "train_data": images(train_data),
            "test_label": numbers(test_label).astype(np.int8), "test_data": images(test_data)}


def get_mnist_pkl():
    """Fetch `data/mnist.pkl.gz`."""
    download("http://deeplearning.net/data/mnist/mnist.pkl.gz", dirname="data")


def _get_unpacked(folder, names, url):
    """Fetch an archive into `data` and extract it there, if one of the files in `folder` is missing."""
    os.makedirs("data", exist_ok=True)
    if _missing(folder, names):
        with zipfile.ZipFile(download(url, dirname="data")) as files:
            files.extractall("data")


def get_mnist_ubyte():
    """Fetch the four files of MNIST, extracted, into `data`."""
    _get_unpacked("data", _MNIST, "http://data.mxnet.io/mxnet/data/mnist.zip")


def get_cifar10():
    """Fetch CIFAR-10 as record files into `data/cifar`."""
    _get_unpacked("data/cifar", ["train.rec", "test.rec", "train.lst", "test.lst"],
                  "http://data.mxnet.io/mxnet/data/cifar10.zip")


def get_mnist_iterator(batch_size, input_shape, num_parts=1, part_index=0):
    """(training iterator, validation iterator) over MNIST, fetched into `data`; `input_shape` is (784,) or (1, 28, 28)."""
    from . import io
    get_mnist_ubyte()

    def iterator(part):
        return io.MNISTIter(image=f"data/{part}-images-idx3-ubyte", label=f"data/{part}-labels-idx1-ubyte",
                            batch_size=batch_size, shuffle=True, flat=len(input_shape) == 1,
                            num_parts=num_parts, part_index=part_index)
    return iterator("train"), iterator("t10k")
