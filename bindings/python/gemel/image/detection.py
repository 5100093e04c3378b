"""Batches of images with the boxes of the objects on them."""
import logging

import numpy as np

from .. import ndarray as nd
from ..base import MXNetError
from .augmenters import ForceResizeAug
from .detection_augmenters import *  # noqa: F401,F403
from . import detection_augmenters
from .detection_augmenters import CreateDetAugmenter, DetBorrowAug
from .image import draw_rectangle
from .iterator import ImageIter

__all__ = [*detection_augmenters.__all__, "ImageDetIter"]


class ImageDetIter(ImageIter):
    """Batches of images and labels (batch, objects, numbers of an object).

    The label of a record or of a list is flat: the length of its header (2 or more), the numbers of
    an object (5 or more), whatever else the header holds, then the objects: class, left, top, right,
    bottom (parts of the width and height), and so on. In a batch the headers are left out and rows of
    -1 stand for objects that are missing.

    Parameters
    ----------
    batch_size, data_shape, path_imgrec, path_imglist, path_root, path_imgidx, shuffle, part_index,
    num_parts, imglist, data_name, label_name, last_batch_handle
        As of `ImageIter`.
    aug_list : list of DetAugmenter
        By default what `CreateDetAugmenter` makes of the other keyword arguments.

    Attributes
    ----------
    label_shape : tuple of int
        (objects, numbers of an object): the largest of all records, which are read for it.
    """

    def __init__(self, batch_size, data_shape, path_imgrec=None, path_imglist=None, path_root=None,
                 path_imgidx=None, shuffle=False, part_index=0, num_parts=1, aug_list=None,
                 imglist=None, data_name="data", label_name="label", last_batch_handle="pad",
                 **kwargs):
        super().__init__(batch_size=batch_size, data_shape=data_shape, path_imgrec=path_imgrec,
                         path_imglist=path_imglist, path_root=path_root, path_imgidx=path_imgidx,
                         shuffle=shuffle, part_index=part_index, num_parts=num_parts, aug_list=[],
                         imglist=imglist, data_name=data_name, label_name=label_name,
                         last_batch_handle=last_batch_handle)
        self.auglist = CreateDetAugmenter(data_shape, **kwargs) if aug_list is None else aug_list
        self._set_label_shape(self._estimate_label_shape())

    def _set_label_shape(self, shape):
        self.label_shape = shape
        self.provide_label = [(self.provide_label[0][0], (self.batch_size, *shape))]

    def _check_valid_label(self, label):
        """Raise RuntimeError unless there are rows of 5 or more with a box that has an area."""
        if len(label.shape) != 2 or label.shape[1] < 5:
            raise RuntimeError(f"Label with shape (1+, 5+) required, {label} received.")
        if not np.any((label[:, 0] >= 0) & (label[:, 3] > label[:, 1])
                      & (label[:, 4] > label[:, 2])):
            raise RuntimeError("Invalid label occurs.")

    def _estimate_label_shape(self):
        """The largest number of objects, and of numbers of an object."""
        largest = (0, 0)
        self.reset()
        try:
            while True:
                largest = np.maximum(largest, self._parse_label(self.next_sample()[0]).shape)
        except StopIteration:
            self.reset()
        return tuple(int(one) for one in largest)

    def _parse_label(self, label):
        """The objects in a flat label as an array (objects, numbers of an object); rows without an
        area are left out. RuntimeError where the label is none, or has no object."""
        if isinstance(label, nd.NDArray):
            label = label.asnumpy()
        raw = np.asarray(label).ravel()
        if raw.size < 7:
            raise RuntimeError(f"Label shape is invalid: {raw.shape}")
        header, width = int(raw[0]), int(raw[1])
        if header < 2 or width < 5 or (raw.size - header) % width != 0:
            raise RuntimeError(f"Label shape {raw.shape} inconsistent with annotation width {width}.")
        objects = raw[header:].reshape(-1, width)
        objects = objects[(objects[:, 3] > objects[:, 1]) & (objects[:, 4] > objects[:, 2])]
        if not len(objects):
            raise RuntimeError("Encounter sample with no valid label.")
        return objects

    def reshape(self, data_shape=None, label_shape=None):
        """Give batches another form: images another size, labels more rows of objects.

        `ValueError` where the labels would lose objects or their numbers.
        """
        if data_shape is not None:
            self.check_data_shape(data_shape)
            self._resize_to(tuple(data_shape))
            name = self.provide_data[0][0]
            self.provide_data = [(name, (self.batch_size, *data_shape))]
            self.data_shape = tuple(data_shape)
        if label_shape is not None:
            self.check_label_shape(label_shape)
            self._set_label_shape(tuple(label_shape))

    def _resize_to(self, data_shape):
        """Augmenters that made images of the size so far make such of the new one."""
        old = (self.data_shape[2], self.data_shape[1])
        for i, one in enumerate(self.auglist):
            inner = getattr(one, "augmenter", None)
            if isinstance(inner, ForceResizeAug) and tuple(inner.size) == old:
                self.auglist[i] = DetBorrowAug(
                    ForceResizeAug((data_shape[2], data_shape[1]), inner.interp))

    def check_label_shape(self, label_shape):
        """Raise ValueError for a form of labels that the present ones do not fit into."""
        if len(label_shape) != 2:
            raise ValueError("label_shape should have length 2")
        if label_shape[0] < self.label_shape[0]:
            raise ValueError(f"Attempts to reduce label count from {self.label_shape[0]} to "
                             f"{label_shape[0]}, not allowed.")
        if label_shape[1] != self.label_shape[1]:
            raise ValueError("label_shape object width inconsistent: "
                             f"{self.label_shape[1]} vs {label_shape[1]}.")

    def sync_label_shape(self, it, verbose=False):
        """Give this iterator and another the same form of labels, with rows enough for both;
        returns the other."""
        assert isinstance(it, ImageDetIter), "Synchronize with invalid iterator."
        assert self.label_shape[1] == it.label_shape[1], "object width mismatch."
        shape = (max(self.label_shape[0], it.label_shape[0]), self.label_shape[1])
        for one, name in ((self, "self"), (it, "it")):
            if verbose and one.label_shape != shape:
                logging.info("Resized %s.label_shape from %s to %s", name, one.label_shape, shape)
            one.reshape(None, shape)
        return it

    def augmentation_transform(self, data, label):  # pylint: disable=arguments-differ
        """(image, label) after all augmenters."""
        for augmenter in self.auglist:
            data, label = augmenter(data, label)
        return data, label

    def _one(self):
        image, label = self._changed()
        rows = np.full(self.label_shape, -1, np.float32)
        count = min(len(label), self.label_shape[0])
        rows[:count, :label.shape[1]] = label[:count]
        return self.postprocess_data(image), rows

    def _changed(self):
        """(image, label) of the next record that has both."""
        while True:
            label, content = self.next_sample()
            image = self.imdecode(content)
            try:
                self.check_valid_image([image])
                image, label = self.augmentation_transform(image, self._parse_label(label))
                self._check_valid_label(label)
            except RuntimeError as error:
                logging.debug("Invalid image, skipping:  %s", error)
                continue
            return image, label

    def draw_next(self, color=None, thickness=2, mean=None, std=None, clip=True, waitKey=None,
                  window_name="draw_next", id2labels=None):
        """Yields the images that are left, with their boxes drawn, as uint8 arrays (height, width, 3)
        with blue first.

        Parameters
        ----------
        color : tuple of int
            Red, green and blue of the boxes; by default at random for each.
        thickness : int
        mean, std : True or numpy.ndarray of 3
            What normalisation has to be undone; True stands for ImageNet's numbers.
        clip : bool
            Whether to keep pixels within 0 to 255 first.
        waitKey, window_name
            Show each image in OpenCV's window of that name for so many milliseconds.
        id2labels : dict
            Names of the classes, written beside the boxes where OpenCV is installed.
        """
        if mean is True:
            mean = np.array([123.68, 116.28, 103.53])
        elif mean is not None:
            assert isinstance(mean, np.ndarray) and mean.shape[0] in (1, 3)
        if std is True:
            std = np.array([58.395, 57.12, 57.375])
        elif std is not None:
            assert isinstance(std, np.ndarray) and std.shape[0] in (1, 3)
        while True:
            try:
                image, label = self._changed()
            except StopIteration:
                return
            image = image.asnumpy().astype(np.float64)
            image = image * (1 if std is None else std) + (0 if mean is None else mean)
            image = (np.clip(image, 0, 255) if clip else image).astype(np.uint8)
            yield self._drawn(image, label, color, thickness, waitKey, window_name, id2labels)

    def _drawn(self, image, label, color, thickness, wait, window, names):
        cv2 = _opencv(wait is not None) if wait is not None or names else None
        height, width = image.shape[:2]
        for row in label:
            left, top = int(float(row[1]) * width), int(float(row[2]) * height)
            right, bottom = int(float(row[3]) * width), int(float(row[4]) * height)
            paint = np.random.rand(3) * 255 if not color else color
            draw_rectangle(image, left, top, right, bottom, paint, thickness)
            if cv2 is not None and names is not None and int(row[0]) in names:
                image = np.ascontiguousarray(image)
                cv2.putText(image, str(names[int(row[0])]), (left + 5, top + 20),
                            cv2.FONT_HERSHEY_SIMPLEX, 0.5, [float(one) for one in paint])
        image = np.ascontiguousarray(image[:, :, ::-1])
        if wait is not None:
            cv2.imshow(window, image)
            cv2.waitKey(wait)
        return image


def _opencv(needed):
    try:
        import cv2
        return cv2
    except ImportError:
        if needed:
            raise MXNetError("[draw_next] waitKey: windows need the package opencv-python") from None
        return None
