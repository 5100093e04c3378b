"""Images as arrays (height, width, channels): reading, resizing, cropping, turning."""
import random

import numpy as np

from .. import ndarray as nd
from ..base import MXNetError
from ..gluon.data.vision.images import rotate as _rotate
from . import codec

__all__ = ["imdecode", "imread", "imresize", "scale_down", "copyMakeBorder", "resize_short",
           "fixed_crop", "random_crop", "center_crop", "color_normalize", "random_size_crop",
           "imrotate", "random_rotate"]


def _into(result, out):
    if out is None:
        return result
    out[:] = result
    return out


def imdecode(buf, flag=1, to_rgb=1, out=None):
    """An image from bytes.

    Parameters
    ----------
    buf : bytes, bytearray, numpy.ndarray or NDArray of uint8
        A JPEG or PNG image; other formats need OpenCV. The orientation in an EXIF header is applied.
    flag : int
        1 for three channels, 0 for one.
    to_rgb : int
        1 for red first, 0 for blue first.
    out : NDArray, optional
        Where the result is written.

    Returns
    -------
    NDArray of uint8, (height, width, channels)
    """
    if isinstance(buf, nd.NDArray):
        buf = buf.asnumpy()
    if isinstance(buf, np.ndarray):
        buf = buf.tobytes()
    if not isinstance(buf, (bytes, bytearray)):
        raise ValueError("buf must be of type bytes, bytearray or numpy.ndarray,if you would like "
                         "to input type str, please convert to bytes")
    if flag not in (0, 1):
        raise MXNetError(f"[imdecode] flag: expected 0 (gray) or 1 (colour), got {flag}")
    return _into(codec.decode(bytes(buf), flag, to_rgb), out)


def imread(filename, flag=1, to_rgb=True, out=None):
    """An image from a file, which may be remote; the parameters are those of `imdecode`."""
    try:
        content = codec.content_of(filename)
    except MXNetError:
        raise
    except OSError as error:
        raise MXNetError(f"[imread] {filename}: {error.strerror}") from error
    return _into(codec.decode(content, flag, to_rgb, str(filename)), out)


# What 1.9.1 has as operators too: the size of the result follows from the bytes of the image, so
# these are functions here, under the operators' names.
nd._internal._cvimdecode = nd._internal._npi_cvimdecode = imdecode
nd._internal._cvimread = nd._internal._npi_cvimread = imread


def _interpolation(method, sizes=()):
    """A number of 0 to 4 from one of 0 to 4, 9 (by the sizes: old height, old width, new height, new
    width) or 10 (random)."""
    if method == 9:
        if not sizes:
            return 2
        old_height, old_width, height, width = sizes
        if height > old_height and width > old_width:
            return 2
        return 3 if height < old_height and width < old_width else 1
    if method == 10:
        return random.randint(0, 4)
    if method not in (0, 1, 2, 3, 4):
        raise ValueError(f"Unknown interp method {method}")
    return method


def imresize(src, w, h, interp=1, out=None):
    """An image in another size.

    Parameters
    ----------
    src : NDArray, (height, width, channels)
    w, h : int
        The new width and height.
    interp : int
        0 nearest, 1 linear, 2 cubic, 3 averages of areas, 4 Lanczos; 9: cubic where both sides grow,
        areas where both shrink, else linear; 10: one of these at random.
    """
    method = _interpolation(interp, (*src.shape[:2], h, w))
    return _into(nd._internal._cvimresize(src, w=int(w), h=int(h), interp=method), out)


def copyMakeBorder(src, top, bot, left, right, type=0, value=0.0, values=(), out=None):  # noqa: A002
    """An image with a border.

    Parameters
    ----------
    src : NDArray, (height, width, channels)
    top, bot, left, right : int
        Widths of the border.
    type : int
        0 a constant, 1 the nearest pixel, 2 mirrored with the border's pixel, 4 mirrored without it,
        3 from the other side.
    value : float
        The constant.
    values : tuple of float
        The constant of each channel; 0 for those that are left out.
    """
    given = np.ravel(values).tolist() if np.size(values) else ()
    result = nd._internal._cvcopyMakeBorder(src, top, bot, left, right, type=type, value=value,
                                            values=given)
    return _into(result, out)


def scale_down(src_size, size):
    """The size (width, height) with the same proportions that fits into `src_size`."""
    (full_width, full_height), (width, height) = src_size, size
    if full_height < height:
        width, height = width * full_height / height, full_height
    if full_width < width:
        width, height = full_width, height * full_width / width
    return int(width), int(height)


def resize_short(src, size, interp=2):
    """An image whose shorter side gets the length `size`."""
    height, width = src.shape[:2]
    if height > width:
        new_height, new_width = size * height // width, size
    else:
        new_height, new_width = size, size * width // height
    return imresize(src, new_width, new_height, interp=interp)


def fixed_crop(src, x0, y0, w, h, size=None, interp=2):
    """The part of an image of width `w` and height `h` at (x0, y0), resized to `size` (width,
    height) unless that is None."""
    part = src[y0:y0 + h, x0:x0 + w]
    if size is not None and (w, h) != tuple(size):
        part = imresize(part, *size, interp=interp)
    return part


def random_crop(src, size, interp=2):
    """(image, (x0, y0, width, height)): a part at a random place, in the size (width, height).

    A part that is larger than the image is made smaller with its proportions kept, then resized.
    """
    height, width = src.shape[:2]
    new_width, new_height = scale_down((width, height), size)
    x0 = random.randint(0, width - new_width)
    y0 = random.randint(0, height - new_height)
    return fixed_crop(src, x0, y0, new_width, new_height, size, interp), \
        (x0, y0, new_width, new_height)


def center_crop(src, size, interp=2):
    """(image, (x0, y0, width, height)): the part in the middle, in the size (width, height)."""
    height, width = src.shape[:2]
    new_width, new_height = scale_down((width, height), size)
    x0, y0 = int((width - new_width) / 2), int((height - new_height) / 2)
    return fixed_crop(src, x0, y0, new_width, new_height, size, interp), \
        (x0, y0, new_width, new_height)


def random_size_crop(src, size, area, ratio, interp=2, **kwargs):
    """(image, (x0, y0, width, height)): a part of random size and form, in the size (width, height).

    Parameters
    ----------
    src : NDArray, (height, width, channels)
    size : tuple of int
    area : float or tuple of float
        Least, or least and largest, part of the image's area.
    ratio : tuple of float
        Least and largest width / height.
    """
    if "min_area" in kwargs:
        area = kwargs.pop("min_area")
    assert not kwargs, "unexpected keyword arguments for `random_size_crop`."
    height, width = src.shape[:2]
    low, high = (area, 1.0) if np.isscalar(area) else area
    for _ in range(10):
        part = random.uniform(low, high) * height * width
        form = np.exp(random.uniform(np.log(ratio[0]), np.log(ratio[1])))
        new_width, new_height = int(round(np.sqrt(part * form))), int(round(np.sqrt(part / form)))
        if new_width <= width and new_height <= height:
            x0 = random.randint(0, width - new_width)
            y0 = random.randint(0, height - new_height)
            return fixed_crop(src, x0, y0, new_width, new_height, size, interp), \
                (x0, y0, new_width, new_height)
    return center_crop(src, size, interp)


def color_normalize(src, mean, std=None):
    """(src - mean) / std; None leaves a step out."""
    if mean is not None:
        src = src - mean
    return src if std is None else src / std


def draw_rectangle(image, left, top, right, bottom, color, thickness):
    """Draw the edges of a box into a NumPy image (height, width, channels); what lies outside of the
    image is left out."""
    outer, inner = thickness // 2, (thickness + 1) // 2
    edges = ((left - outer, top - outer, right + outer, top + inner - 1),
             (left - outer, bottom - inner + 1, right + outer, bottom + outer),
             (left - outer, top - outer, left + inner - 1, bottom + outer),
             (right - inner + 1, top - outer, right + outer, bottom + outer))
    for x0, y0, x1, y1 in edges:
        image[max(0, y0):max(0, y1 + 1), max(0, x0):max(0, x1 + 1)] = color


def imrotate(src, rotation_degrees, zoom_in=False, zoom_out=False):
    """Images (channels, height, width) or (N, channels, height, width) of float32, turned against the
    clock.

    Parameters
    ----------
    src : NDArray
    rotation_degrees : float or NDArray of N
    zoom_in, zoom_out : bool
        Whether the image grows until nothing is empty, or shrinks until all of it is seen.
    """
    if zoom_in and zoom_out:
        raise ValueError("`zoom_in` and `zoom_out` cannot be both True")
    if src.dtype is not np.float32:
        raise TypeError("Only `float32` images are supported by this function")
    single = src.ndim == 3
    images = src.asnumpy()[None] if single else src.asnumpy()
    degrees = rotation_degrees.asnumpy() if isinstance(rotation_degrees, nd.NDArray) \
        else np.full(len(images), rotation_degrees)
    if len(degrees) != len(images):
        raise ValueError("The number of images must be equal to the number of rotation angles")
    turned = np.concatenate([_rotate(image[None], angle, zoom_in, zoom_out)
                             for image, angle in zip(images, degrees)])
    return nd.array(turned[0] if single else turned, dtype=np.float32)


def random_rotate(src, angle_limits, zoom_in=False, zoom_out=False):
    """`imrotate` by random angles between the two limits, in degrees."""
    if src.ndim == 3:
        angle = np.random.uniform(*angle_limits)
    else:
        angle = nd.array(np.random.uniform(*angle_limits, size=src.shape[0]))
    return imrotate(src, angle, zoom_in, zoom_out)
