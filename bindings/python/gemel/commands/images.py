"""Images of PNG, JPEG, PGM, PPM, .npy and idx files as arrays of bytes."""

import os
import struct

import numpy as np


def read_images(path):
    """The images of a file: a list of (name, array), (height, width) or (height, width, 3) each.

    Raises ValueError for content that is none of the kinds above, or damaged.
    """
    from ..base import MXNetError
    from ..image import codec

    content = codec.content_of(path)
    try:
        if content.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
            gray = codec.is_gray(content)
            images = codec.decode(content, not gray).asnumpy()
            images = images[:, :, 0] if gray else images
        elif content[:2] in (b"P5", b"P6"):
            images = read_pnm(content)
        elif content.startswith(b"\x93NUMPY"):
            images = np.load(path, allow_pickle=False)
        elif content[:3] == b"\0\0\x08":
            images = read_idx(content)
        else:
            raise ValueError("expected a PNG, JPEG, PGM, PPM, .npy or idx file")
    except (MXNetError, ValueError, IndexError, struct.error) as error:
        raise ValueError(f"{path}: {error}") from error
    if images.ndim == 2 or (images.ndim == 3 and images.shape[2] == 3):
        return [(os.fspath(path), images)]
    if images.ndim in (3, 4):
        return [(f"{os.fspath(path)}[{i}]", image) for i, image in enumerate(images)]
    raise ValueError(f"{path}: expected an image or a row of images, got shape {images.shape}")


def read_idx(content):
    """An idx file of unsigned bytes."""
    rank = content[3]
    shape = struct.unpack_from(f">{rank}I", content, 4)
    data = np.frombuffer(content, np.uint8, offset=4 + 4 * rank)
    if data.size != np.prod(shape, dtype=np.int64):
        raise ValueError(f"the header says {shape}, but {data.size} bytes follow")
    return data.reshape(shape)


def read_pnm(content):
    """A binary PGM (grey) or PPM (colour) file with values up to 255."""
    fields, position = [], 2
    while len(fields) < 3:
        while content[position : position + 1].isspace():
            position += 1
        if content[position : position + 1] == b"#":
            position = content.index(b"\n", position)
            continue
        end = position
        while content[end : end + 1].isdigit():
            end += 1
        fields.append(int(content[position:end]))
        position = end
    width, height, largest = fields
    if not 0 < largest < 256:
        raise ValueError(f"expected values up to 255, got {largest}")
    shape = (height, width) if content[:2] == b"P5" else (height, width, 3)
    count = int(np.prod(shape, dtype=np.int64))
    if len(content) < position + 1 + count:
        raise ValueError("the file is cut off")
    return np.frombuffer(content, np.uint8, count, position + 1).reshape(shape)
