"""Batches of images from records, lists or files, changed by augmenters."""
import logging
import os
import random

import numpy as np

from .. import io, recordio
from .. import ndarray as nd
from ..base import MXNetError
from ..io import random_state
from . import codec
from .augmenters import CreateAugmenter
from .image import imdecode

__all__ = ["ImageIter"]


class ImageIter(io.DataIter):
    """Batches of images.

    Parameters
    ----------
    batch_size : int
    data_shape : tuple of int
        Channels, height and width of the images in a batch.
    label_width : int
        Labels of an image.
    path_imgrec : str
        File of records; with `path_imgidx` they can be shuffled and shared.
    path_imglist : str
        File with lines of a number, labels and a path, with tabs between them.
    path_root : str
        Folder of the paths.
    path_imgidx : str
    shuffle : bool
        Draw an order for every epoch, with the generator of `random`.
    part_index, num_parts : int
        Which part of the images this iterator reads.
    aug_list : list of Augmenter
        By default what `CreateAugmenter` makes of the other keyword arguments.
    imglist : list
        Lists of labels followed by a path.
    data_name, label_name : str
    dtype : str
    last_batch_handle : str
        What to do with the images at the end that fill no batch: "pad" (fill up from the start),
        "discard", or "roll_over" (begin the next epoch with them).
    """

    def __init__(self, batch_size, data_shape, label_width=1, path_imgrec=None, path_imglist=None,
                 path_root=None, path_imgidx=None, shuffle=False, part_index=0, num_parts=1,
                 aug_list=None, imglist=None, data_name="data", label_name="softmax_label",
                 dtype="float32", last_batch_handle="pad", **kwargs):
        super().__init__()
        assert path_imgrec or path_imglist or isinstance(imglist, list)
        assert dtype in ("int32", "float32", "int64", "float64"), f"{dtype} label not supported"
        if last_batch_handle not in ("pad", "discard", "roll_over"):
            raise ValueError(f"last_batch_handle: expected pad, discard or roll_over, got "
                             f"{last_batch_handle}")
        self.check_data_shape(data_shape)
        self.batch_size, self.data_shape, self.label_width = batch_size, tuple(data_shape), label_width
        self.shuffle, self.dtype, self.path_root = shuffle, dtype, path_root
        self.last_batch_handle = last_batch_handle
        self.imgrec = self.imgidx = self.imglist = self.seq = None
        if path_imgrec and path_imgidx:
            self.imgrec = recordio.MXIndexedRecordIO(path_imgidx, path_imgrec, "r")
            self.imgidx = list(self.imgrec.keys)
        elif path_imgrec:
            self.imgrec = recordio.MXRecordIO(path_imgrec, "r")
        if path_imglist:
            self.imglist = self._read_list(path_imglist)
        elif isinstance(imglist, list):
            self.imglist = {number: (np.array(item[:-1] if np.isscalar(item[0]) else item[0], dtype),
                                     item[-1]) for number, item in enumerate(imglist, 1)}
        self.seq = list(self.imglist) if self.imglist is not None else self.imgidx
        if num_parts > 1:
            assert 0 <= part_index < num_parts
            if self.seq is None:
                raise MXNetError("[ImageIter] num_parts needs path_imgidx or a list")
            count = len(self.seq) // num_parts
            self.seq = self.seq[part_index * count:(part_index + 1) * count]
        if shuffle and self.seq is None:
            raise MXNetError("[ImageIter] shuffle needs path_imgidx or a list")
        self.auglist = CreateAugmenter(data_shape, **kwargs) if aug_list is None else aug_list
        self.provide_data = [(data_name, (batch_size, *self.data_shape))]
        self.provide_label = [(label_name, (batch_size,) if label_width == 1 else
                               (batch_size, label_width))]
        self.cur = 0
        self._rolled = []
        self.num_image = len(self.seq) if self.seq is not None else None
        self.hard_reset()

    def _read_list(self, path):
        images = {}
        for number, line in enumerate(codec.content_of(path).decode().splitlines(), 1):
            parts = line.split("\t")
            if parts == [""]:
                continue
            try:
                images[int(parts[0])] = (np.array(parts[1:-1], dtype=self.dtype), parts[-1])
            except ValueError:
                raise MXNetError(f"{path}, line {number}: expected a number, labels and a path, "
                                 f"got {line!r}") from None
        return images

    def hard_reset(self):
        """Go back to the first image and forget what was left over."""
        if self.seq is not None and self.shuffle:
            random.shuffle(self.seq)
        if self.imgrec is not None:
            self.imgrec.reset()
        self.cur = 0
        self._rolled = []

    def reset(self):
        rolled = self._rolled if self.last_batch_handle == "roll_over" else []
        self.hard_reset()
        self._rolled = rolled

    def state_dict(self):
        """The place in the epoch, its order, what is left over from the one before, and the state of
        the generators that augmenters draw from."""
        offset = self.imgrec.handle.tell() if self.imgrec is not None and self.seq is None else None
        rolled = [(image.asnumpy(), np.asarray(label)) for image, label in self._rolled]
        return {"cur": self.cur, "seq": None if self.seq is None else list(self.seq),
                "offset": offset, "rolled": rolled, "random": random_state.get()}

    def load_state_dict(self, state):
        """Go to a state; the generators of Python and NumPy go to theirs, too."""
        self.cur, self.seq = state["cur"], state["seq"] and list(state["seq"])
        if state["offset"] is not None:
            self.imgrec.handle.seek(state["offset"])
        self._rolled = [(nd.array(image, dtype=image.dtype), label)
                        for image, label in state["rolled"]]
        random_state.set_(state["random"])

    def next_sample(self):
        """(label, bytes of the image) of the next image; StopIteration at the end."""
        if self.seq is None:
            record = self.imgrec.read()
            if record is None:
                raise StopIteration
            header, image = recordio.unpack(record)
            return header.label, image
        if self.cur >= len(self.seq):
            raise StopIteration
        key = self.seq[self.cur]
        self.cur += 1
        if self.imgrec is None:
            label, name = self.imglist[key]
            return label, self.read_image(name)
        header, image = recordio.unpack(self.imgrec.read_idx(key))
        return (header.label if self.imglist is None else self.imglist[key][0]), image

    def _one(self):
        while True:
            label, content = self.next_sample()
            image = self.imdecode(content)
            try:
                self.check_valid_image([image])
            except RuntimeError as error:
                logging.debug("Invalid image, skipping:  %s", error)
                continue
            image = self.augmentation_transform(image)
            return self.postprocess_data(image), label

    def next(self):
        samples, self._rolled = self._rolled, []
        pad = self.batch_size - len(samples) if samples else 0
        try:
            while len(samples) < self.batch_size:
                samples.append(self._one())
        except StopIteration:
            if not samples or self.last_batch_handle == "discard":
                raise StopIteration from None
            if self.last_batch_handle == "roll_over":
                self._rolled = samples
                raise StopIteration from None
            pad = self.batch_size - len(samples)
            self._fill(samples)
        return self._batch(samples, pad)

    def _fill(self, samples):
        """Fill up from the start; the epoch ends here all the same."""
        at = self.cur
        self.cur = 0
        if self.imgrec is not None and self.seq is None:
            self.imgrec.reset()
        while len(samples) < self.batch_size:
            try:
                samples.append(self._one())
            except StopIteration:
                self.cur = 0
                if self.imgrec is not None and self.seq is None:
                    self.imgrec.reset()
        self.cur = at
        if self.imgrec is not None and self.seq is None:
            while self.imgrec.read() is not None:
                pass

    def _batch(self, samples, pad):
        data = nd.stack(*[image for image, _ in samples], axis=0)
        shape = self.provide_label[0][1]
        label = np.array([np.asarray(one, self.dtype).reshape(shape[1:]) for _, one in samples],
                         self.dtype)
        return io.DataBatch([data], [nd.array(label, dtype=self.dtype)], pad)

    def check_data_shape(self, data_shape):
        """Raise ValueError unless it is (3, height, width)."""
        if not len(data_shape) == 3:
            raise ValueError("data_shape should have length 3, with dimensions CxHxW")
        if not data_shape[0] == 3:
            raise ValueError("This iterator expects inputs to have 3 channels.")

    def check_valid_image(self, data):
        """Raise RuntimeError for an image without pixels."""
        if len(data[0].shape) == 0:
            raise RuntimeError("Data shape is wrong")

    def imdecode(self, s):
        """The image in the bytes `s`."""
        return imdecode(s)

    def read_image(self, fname):
        """The bytes of a file below `path_root`."""
        return codec.content_of(os.path.join(self.path_root or "", fname))

    def augmentation_transform(self, data):
        """The image after all augmenters."""
        for augmenter in self.auglist:
            data = augmenter(data)
        return data

    def postprocess_data(self, datum):
        """The image as (channels, height, width)."""
        return nd.transpose(datum, axes=(2, 0, 1))
