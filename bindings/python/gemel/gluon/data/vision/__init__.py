"""Sets of images, and what is done to images before they are learnt from."""
from .datasets import CIFAR10, CIFAR100, MNIST, FashionMNIST  # noqa: F401
from .image_files import ImageFolderDataset, ImageRecordDataset  # noqa: F401
from . import datasets, images, transforms  # noqa: F401

__all__ = ["MNIST", "FashionMNIST", "CIFAR10", "CIFAR100", "ImageRecordDataset",
           "ImageFolderDataset", "transforms"]
