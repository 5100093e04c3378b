"""Images as bytes: JPEG and PNG by the library, other formats by OpenCV where it is installed."""
import os

import numpy as np

from .. import _core
from .. import ndarray as nd
from ..base import MXNetError

__all__ = ["content_of", "decode", "encode", "is_gray"]


def content_of(path):
    """The bytes of a file, also of one at `file://`, `http://`, `https://` or `s3://`."""
    path = os.fspath(path)
    if "://" in path:
        return _core.read_file(path)
    with open(path, "rb") as file:
        return file.read()


def _opencv(what):
    try:
        import cv2
    except ImportError:
        raise MXNetError(f"{what}: expected a JPEG or PNG image; others need the package "
                            "opencv-python-headless") from None
    return cv2


def decode(content, color=True, rgb=True, name="imdecode"):
    """The image in `content` (bytes) as a uint8 NDArray (height, width, 3, or 1 unless `color`)."""
    if not content:
        raise MXNetError(f"{name}: expected an image, got an empty buffer")
    if content[:3] == b"\xff\xd8\xff" or content[:4] == b"\x89PNG":
        return _core.decode_image(content, bool(color), bool(rgb), name)
    cv2 = _opencv(name)
    image = cv2.imdecode(np.frombuffer(content, np.uint8), 1 if color else 0)
    if image is None:
        raise MXNetError(f"{name}: {len(content)} bytes are no image")
    image = image[:, :, ::-1] if color and rgb else image if color else image[:, :, None]
    return nd.array(np.ascontiguousarray(image), dtype=np.uint8)


def decode_other(content, channels):
    """(height, width, bytes of the pixels) of an image in a format that OpenCV reads, for iterators
    over records; None where it is not installed or the bytes are no image."""
    try:
        import cv2
    except ImportError:
        return None
    image = cv2.imdecode(np.frombuffer(content, np.uint8), 1 if channels == 3 else 0)
    if image is None:
        return None
    image = image[:, :, ::-1] if channels == 3 else image
    return (*image.shape[:2], np.ascontiguousarray(image).tobytes())


def encode(image, image_format, quality, rgb=True):
    """The bytes of an image (height, width) or (height, width, 1 or 3) of uint8.

    `image_format` is the ending of a file: for .jpg and .jpeg `quality` is 0 to 100, for .png it is the
    compression, 0 to 9; what is beyond counts as the nearest of these, as in OpenCV, whose bytes these
    are.
    """
    ending = image_format.lower()
    if ending in (".jpg", ".jpeg", ".png"):
        array = nd.array(np.ascontiguousarray(image), dtype=np.uint8)
        kind, largest = ("png", 9) if ending == ".png" else ("jpeg", 100)
        return _core.encode_image(array, kind, min(max(int(quality), 0), largest), rgb)
    cv2 = _opencv(f"an image as {image_format}")
    done, content = cv2.imencode(image_format, image[:, :, ::-1] if rgb and image.ndim == 3 else image)
    assert done, "failed to encode image"
    return content.tobytes()


def is_gray(content):
    """Whether a JPEG or PNG image has one channel."""
    if content[:4] == b"\x89PNG":
        return content[25:26] in (b"\x00", b"\x04")
    at = 2
    while content[at:at + 1] == b"\xff":  # the segments before the pixels
        kind, length = content[at + 1], int.from_bytes(content[at + 2:at + 4], "big")
        if 0xc0 <= kind <= 0xcf and kind not in (0xc4, 0xc8, 0xcc):
            return content[at + 9] == 1
        at += 2 + length
    return False
