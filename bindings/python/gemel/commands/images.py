"""Images of PNG, PGM, PPM, .npy and idx files as arrays of bytes; needs NumPy alone."""

import os
import struct
import zlib

import numpy as np


def read_images(path):
    """The images of a file: a list of (name, array), (height, width) or (height, width, 3) each.

    Raises ValueError for content that is none of the kinds above, or damaged.
    """
    with open(path, "rb") as file:
        content = file.read()
    try:
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            images = read_png(content)
        elif content[:2] in (b"P5", b"P6"):
            images = read_pnm(content)
        elif content.startswith(b"\x93NUMPY"):
            images = np.load(path, allow_pickle=False)
        elif content[:3] == b"\0\0\x08":
            images = read_idx(content)
        else:
            raise ValueError("expected a PNG, PGM, PPM, .npy or idx file")
    except (ValueError, IndexError, KeyError, struct.error, zlib.error) as error:
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


def read_png(content):
    """A PNG file of 8 bits, not interlaced: grey, colour or palette; transparency is dropped."""
    position, header, palette, packed = 8, None, None, b""
    while True:
        length, kind = struct.unpack_from(">I4s", content, position)
        data = content[position + 8 : position + 8 + length]
        if len(data) < length:
            raise ValueError("the file is cut off")
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", data)
        elif kind == b"PLTE":
            palette = np.frombuffer(data, np.uint8).reshape(-1, 3)
        elif kind == b"IDAT":
            packed += data
        elif kind == b"IEND":
            break
        position += 12 + length
    width, height, bits, color, _, _, interlaced = header
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    if bits != 8 or interlaced:
        raise ValueError("expected a PNG of 8 bits a channel that is not interlaced")
    pixels = unfilter(zlib.decompress(packed), height, width * channels, channels)
    pixels = pixels.reshape(height, width, channels)
    if color == 3:
        return palette[pixels[:, :, 0]]
    return pixels[:, :, :3] if channels >= 3 else pixels[:, :, 0]


def unfilter(data, height, stride, step):
    """Undoes PNG's prediction of each byte from its neighbours (`step` to the left, and above)."""
    if len(data) < height * (stride + 1):
        raise ValueError("the file is cut off")
    lines = np.frombuffer(data, np.uint8, height * (stride + 1)).reshape(height, stride + 1)
    above, result = bytearray(stride), np.empty((height, stride), np.uint8)
    for y in range(height):
        method, line = lines[y, 0], bytearray(lines[y, 1:].tobytes())
        if method > 4:
            raise ValueError(f"unknown PNG filter {method}")
        for x in range(stride if method else 0):
            left = line[x - step] if x >= step else 0
            up = above[x]
            if method == 1:
                guess = left
            elif method == 2:
                guess = up
            elif method == 3:
                guess = (left + up) // 2
            else:
                corner = above[x - step] if x >= step else 0
                guess = min(
                    (abs(up - corner), 0, left),
                    (abs(left - corner), 1, up),
                    (abs(left + up - 2 * corner), 2, corner),
                )[2]
            line[x] = (line[x] + guess) & 255
        result[y] = np.frombuffer(line, np.uint8)
        above = line
    return result
