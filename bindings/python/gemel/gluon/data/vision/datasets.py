"""Well-known sets of small images, read from their own files.

A file that is not in `root` is fetched from `MXNET_GLUON_REPO` (a URL, also of a folder: file://...).
"""
import os
import struct

import numpy as np

from .... import _core
from .... import ndarray as nd
from ....base import data_dir
from ...utils import download
from ..dataset import Dataset

__all__ = ["MNIST", "FashionMNIST", "CIFAR10", "CIFAR100"]

_REPOSITORY = "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/"


def _folder(name):
    return os.path.join(data_dir(), "datasets", name)


class _Downloaded(Dataset):
    """A set in memory: images uint8 (H, W, C), labels int32.

    Parameters
    ----------
    root : str
        Folder of the files.
    train : bool
        The part for training or the one for testing.
    transform : callable, optional
        Gets image and label of a sample, returns the sample.
    """

    _namespace = ""

    def __init__(self, root, train, transform):
        self._root = os.path.expanduser(root)
        self._train = train
        self._transform = transform
        os.makedirs(self._root, exist_ok=True)
        images, labels = self._read()
        self._data = nd.array(images, dtype="uint8")
        self._label = labels.astype("int32")

    def _file(self, name):
        path = os.path.join(self._root, name)
        if os.path.exists(path):
            return path
        base = os.environ.get("MXNET_GLUON_REPO") or _core.get_setting("gluon_repo") or _REPOSITORY
        url = f"{base.rstrip('/')}/gluon/dataset/{self._namespace}/{name}"
        return download(url, path=path, retries=1)

    def __getitem__(self, idx):
        if self._transform is not None:
            return self._transform(self._data[idx], self._label[idx])
        return self._data[idx], self._label[idx]

    def __len__(self):
        return len(self._label)


def _read_idx(path):
    """An array of bytes from LeCun's idx format, packed or not; `ValueError` for another file."""
    import gzip
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as stream:
        content = stream.read()
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(f"[datasets] {path} is no idx file of bytes")
    count = content[3]
    shape = struct.unpack_from(f">{count}I", content, 4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * count)
    if values.size != np.prod(shape):
        raise ValueError(f"[datasets] {path} should hold {shape}, but has {values.size} values")
    return values.reshape(shape)


class MNIST(_Downloaded):
    __doc__ = "Handwritten digits, (28, 28, 1).\n" + _Downloaded.__doc__.split("\n", 1)[1]

    _namespace = "mnist"

    def __init__(self, root=_folder("mnist"), train=True, transform=None):
        super().__init__(root, train, transform)

    def _one(self, name):
        plain = os.path.join(self._root, name)
        return _read_idx(plain if os.path.exists(plain) else self._file(name + ".gz"))

    def _read(self):
        part = "train" if self._train else "t10k"
        images = self._one(f"{part}-images-idx3-ubyte")
        return images[..., None], self._one(f"{part}-labels-idx1-ubyte")


class FashionMNIST(MNIST):
    __doc__ = "Clothes, (28, 28, 1).\n" + _Downloaded.__doc__.split("\n", 1)[1]

    _namespace = "fashion-mnist"

    def __init__(self, root=_folder("fashion-mnist"), train=True, transform=None):
        super().__init__(root, train, transform)


class CIFAR10(_Downloaded):
    __doc__ = "Things and animals of ten classes, (32, 32, 3).\n" + \
        _Downloaded.__doc__.split("\n", 1)[1]

    _namespace = "cifar10"
    _archive = "cifar-10-binary.tar.gz"
    _label_bytes = 1
    _label_byte = 0

    def __init__(self, root=_folder("cifar10"), train=True, transform=None):
        super().__init__(root, train, transform)

    def _files(self):
        return [f"data_batch_{i}.bin" for i in range(1, 6)] if self._train else ["test_batch.bin"]

    def _read(self):
        paths = [os.path.join(self._root, name) for name in self._files()]
        if not all(os.path.exists(path) for path in paths):
            import tarfile
            with tarfile.open(self._file(self._archive)) as archive:
                for member in archive.getmembers():
                    if member.isfile() and os.path.basename(member.name) in self._files():
                        member.name = os.path.basename(member.name)
                        archive.extract(member, self._root)
        row = self._label_bytes + 3072
        parts = []
        for path in paths:
            values = np.fromfile(path, np.uint8)
            if values.size % row:
                raise ValueError(f"[datasets] {path} does not consist of rows of {row} bytes")
            parts.append(values.reshape(-1, row))
        rows = np.concatenate(parts)
        images = rows[:, self._label_bytes:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return images, rows[:, self._label_byte]


class CIFAR100(CIFAR10):
    __doc__ = "Things and animals of 100 classes (`fine_label`) in 20 groups, (32, 32, 3).\n" + \
        _Downloaded.__doc__.split("\n", 1)[1]

    _namespace = "cifar100"
    _archive = "cifar-100-binary.tar.gz"
    _label_bytes = 2

    def __init__(self, root=_folder("cifar100"), fine_label=False, train=True, transform=None):
        self._label_byte = int(fine_label)
        super().__init__(root, train, transform)

    def _files(self):
        return ["train.bin"] if self._train else ["test.bin"]
