"""Records in RecordIO files (`.rec`), with or without an index (`.idx`), and images in records."""
import os
import struct
from collections import namedtuple
from os import getpid

import numpy as np

from . import _core
from .base import MXNetError

__all__ = ["MXRecordIO", "MXIndexedRecordIO", "IRHeader", "pack", "unpack", "pack_img",
           "unpack_img"]


class MXRecordIO:
    """Reads or writes records one after another.

    A file that is written appears, or replaces the one before, when it is closed. It may be pickled:
    a reader opens the file again and begins at its start.

    Parameters
    ----------
    uri : str
        Path of the file, plain or `file://`; a reader also takes `http://`, `https://` and `s3://`.
    flag : str
        "r" to read, "w" to write. Anything else raises `ValueError`.
    skip_damaged : bool
        Whether a reader goes on behind a damaged place (`damaged` counts them) instead of raising
        an `MXNetError` that names the position.
    """

    def __init__(self, uri, flag, skip_damaged=False):
        self.uri = os.fspath(uri)
        self.flag = flag
        self.skip_damaged = skip_damaged
        self.handle = None
        self.pid = None
        self.is_open = False
        self._file = None
        self.open()

    def open(self):
        """Open the file."""
        if self.flag == "w":
            self.handle = _core.RecordWriter(self.uri)
            self.writable = True
        elif self.flag == "r":
            self._file = self._file_now()
            self.handle = _core.RecordReader(self.uri, self.skip_damaged)
            self.writable = False
        else:
            raise ValueError(f"Invalid flag {self.flag}")
        self.pid = getpid()
        self.is_open = True

    def __del__(self):
        if getattr(self, "is_open", False):
            self.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __getstate__(self):
        is_open = self.is_open
        if self.writable:
            self.close()  # its file must be whole before another process sees it
        state = dict(self.__dict__, is_open=is_open)
        del state["handle"]
        return state

    def __setstate__(self, state):
        self.__dict__ = dict(state)
        is_open = self.is_open
        self.is_open = False
        self.handle = None
        if is_open:
            self.open()

    def _check_pid(self, allow_reset=False):
        """Raise RuntimeError in a process that did not open the file, or open it again there."""
        if self.pid != getpid():
            if not allow_reset:
                raise RuntimeError("Forbidden operation in multiple processes")
            self.reset()

    def close(self):
        """Close the file; one that was written takes its place."""
        if not self.is_open:
            return
        self.is_open = False
        handle, self.handle = self.handle, None
        pid, self.pid = self.pid, None
        if self.writable and pid == getpid():
            handle.close()

    def reset(self):
        """Go back to the first record. A writer closes its file and begins a new one."""
        if self.is_open and not self.writable and self.pid == getpid() \
                and self._file == self._file_now():
            self.handle.reset()  # what is mapped into memory stays so
            return
        self.close()
        self.open()

    def _file_now(self):
        """What tells the file from one that has taken its place; None for one that is no local file."""
        try:
            now = os.stat(self.uri.removeprefix("file://"))
        except OSError:
            return None
        return now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns

    def write(self, buf):
        """Append a record of the bytes `buf`."""
        assert self.writable
        self._check_pid(allow_reset=False)
        self.handle.write(buf)

    def read(self):
        """The next record as bytes, None at the end."""
        assert not self.writable
        if self.pid != getpid():
            self._check_pid(allow_reset=False)
        return self.handle.read()

    @property
    def damaged(self):
        """How many damaged places a reader has skipped since it was opened."""
        return 0 if self.writable or self.handle is None else self.handle.damaged


class MXIndexedRecordIO(MXRecordIO):
    """Reads or writes records by key.

    Parameters
    ----------
    idx_path : str
        Path of the index: lines of a key, a tab and the place of the record.
    uri, flag, skip_damaged
        As in `MXRecordIO`.
    key_type : type
        Makes a key from its text.

    Attributes
    ----------
    keys : list
        In the order of the index.
    idx : dict
        From key to place in the file.
    """

    def __init__(self, idx_path, uri, flag, key_type=int, skip_damaged=False):
        self.idx_path = os.fspath(idx_path)
        self.idx = {}
        self.keys = []
        self.key_type = key_type
        super().__init__(uri, flag, skip_damaged)

    def open(self):
        super().open()
        self.idx = {}
        self.keys = []
        if self.writable:
            return
        try:
            lines = _core.read_file(self.idx_path).decode().split("\n")
            for number, line in enumerate(lines, 1):
                self._read_line(number, line)
        except BaseException:
            self.close()
            raise

    def _read_line(self, number, line):
        parts = line.strip().split("\t")
        if parts == [""]:
            return
        try:
            key, place = self.key_type(parts[0]), int(parts[1])
        except (ValueError, IndexError):
            raise MXNetError(f"{self.idx_path}, line {number}: expected a key, a tab and a place, "
                             f"got {line!r}") from None
        self.idx[key] = place
        self.keys.append(key)

    def close(self):
        if not self.is_open:
            return
        owner = self.writable and self.pid == getpid()
        super().close()
        if owner:
            lines = "".join(f"{key}\t{self.idx[key]}\n" for key in self.keys)
            _core.write_file(self.idx_path, lines.encode())

    def seek(self, idx):
        """Make the record with this key the next one to read."""
        assert not self.writable
        self._check_pid(allow_reset=True)
        self.handle.seek(self.idx[idx])

    def tell(self):
        """Where the next record will be written."""
        assert self.writable
        return self.handle.tell()

    def read_idx(self, idx):
        """The record with this key as bytes; `KeyError` without one."""
        self.seek(idx)
        return self.read()

    def write_idx(self, idx, buf):
        """Append a record of the bytes `buf` under a key."""
        key = self.key_type(idx)
        place = self.tell()
        self.write(buf)
        self.idx[key] = place
        self.keys.append(key)


HEADER = namedtuple("HEADER", ["flag", "label", "id", "id2"])


class IRHeader(HEADER):
    """What stands before the image in a record.

    Attributes
    ----------
    flag : int
        The number of labels, 0 for one that stands in the header. `pack` sets it.
    label : float or array of float
    id, id2 : int
        Numbers of the image.
    """

    __slots__ = ()


_IR_FORMAT = "IfQQ"
_IR_SIZE = struct.calcsize(_IR_FORMAT)


def pack(header, s):
    """The bytes of a record from a header and the bytes `s`.

    Parameters
    ----------
    header : IRHeader or tuple of its fields
        A label that is no number is written as float32 numbers behind the header.
    s : bytes
    """
    header = IRHeader(*header)
    if isinstance(header.label, (int, float, np.number)):
        header = header._replace(flag=0)
    else:
        label = np.asarray(_values(header.label), dtype=np.float32)
        header = header._replace(flag=label.size, label=0)
        s = label.tobytes() + s
    return struct.pack(_IR_FORMAT, *header) + s


def _values(label):
    return label.asnumpy() if hasattr(label, "asnumpy") else label


def unpack(s):
    """(IRHeader, rest) of a record that `pack` made; several labels are a float32 array."""
    header = IRHeader(*struct.unpack(_IR_FORMAT, s[:_IR_SIZE]))
    s = s[_IR_SIZE:]
    if header.flag > 0:
        header = header._replace(label=np.frombuffer(s, np.float32, header.flag))
        s = s[header.flag * 4:]
    return header, s


def pack_img(header, img, quality=95, img_fmt=".jpg"):
    """The bytes of a record with an image.

    Parameters
    ----------
    header : IRHeader or tuple of its fields
    img : numpy.ndarray of uint8
        (height, width) or (height, width, 3), blue first as in OpenCV.
    quality : int
        0 to 100 for JPEG, the compression 0 to 9 for PNG; what is beyond counts as the nearest of these.
    img_fmt : str
        ".jpg", ".jpeg" or ".png"; others need OpenCV.
    """
    from .image import codec
    return pack(header, codec.encode(np.asarray(img), img_fmt, quality, rgb=False))


def unpack_img(s, iscolor=-1):
    """(IRHeader, image) of a record that `pack_img` made.

    The image is a uint8 array (height, width, 3), blue first, or (height, width): gray with `iscolor` 0,
    with -1 where the image is gray.
    """
    from .image import codec
    header, content = unpack(s)
    gray = iscolor == 0 or (iscolor < 0 and codec.is_gray(content))
    image = codec.decode(content, color=not gray, rgb=False, name="unpack_img").asnumpy()
    return header, image[:, :, 0] if gray else image
