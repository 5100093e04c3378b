"""Arithmetic on images as NumPy arrays (H, W, C) or (N, H, W, C); integers are rounded and kept in
range, floats are not."""
import numpy as np

from ....base import MXNetError

__all__ = ["resize", "crop", "resize_to_fit", "rotate", "as_dtype"]


def as_dtype(values, dtype):
    """Computed values in the dtype of an image."""
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        values = np.clip(np.rint(values), limits.min, limits.max)
    return values.astype(dtype)


def _linear(size, new_size):
    """Two source rows for each new row, and the weight of the second; centres of pixels meet."""
    place = (np.arange(new_size) + 0.5) * (size / new_size) - 0.5
    place = np.clip(place, 0, size - 1)
    low = np.minimum(place.astype(int), max(size - 2, 0))
    return low, np.minimum(low + 1, size - 1), (place - low).astype("float32")


def _averages(size, new_size):
    """A matrix (new_size, size) of the share that each old row has in each new one."""
    edges = np.linspace(0, size, new_size + 1)
    rows = np.arange(size)
    overlap = np.minimum(edges[1:, None], rows + 1) - np.maximum(edges[:-1, None], rows)
    return np.maximum(overlap, 0) * (new_size / size)


def resize(image, width, height, interpolation=1):
    """The image in another size.

    `interpolation` is 0 (nearest), 1 (linear) or 3 (averages of areas); others are an `MXNetError`.
    """
    rows, columns = image.ndim - 3, image.ndim - 2
    old_height, old_width = image.shape[rows], image.shape[columns]
    if (old_height, old_width) == (height, width):
        return image
    if interpolation == 0:
        image = image.take(np.arange(height) * old_height // height, axis=rows)
        return image.take(np.arange(width) * old_width // width, axis=columns)
    values = image.astype("float32")
    if interpolation == 3 and height <= old_height and width <= old_width:
        values = np.einsum("hH,wW,...HWc->...hwc", _averages(old_height, height),
                           _averages(old_width, width), values)
        return as_dtype(values, image.dtype)
    if interpolation not in (1, 3):
        raise MXNetError(f"[resize] expected interpolation 0, 1 or 3, got {interpolation}")
    for axis, size, new_size in ((rows, old_height, height), (columns, old_width, width)):
        low, high, weight = _linear(size, new_size)
        weight = weight.reshape((-1,) + (1,) * (image.ndim - 1 - axis))
        values = values.take(low, axis) * (1 - weight) + values.take(high, axis) * weight
    return as_dtype(values, image.dtype)


def crop(image, x, y, width, height):
    """A part of the image; `MXNetError` where it is not inside."""
    full_height, full_width = image.shape[-3], image.shape[-2]
    if x < 0 or y < 0 or width <= 0 or height <= 0 or x + width > full_width or \
            y + height > full_height:
        raise MXNetError(f"[crop] expected a part of an image of {full_width}x{full_height}, got "
                         f"{width}x{height} at ({x}, {y})")
    return image[..., y:y + height, x:x + width, :]


def resize_to_fit(width, height, full_width, full_height):
    """The size with the same proportions that fits into the image."""
    if full_height < height:
        width, height = width * full_height / height, full_height
    if full_width < width:
        width, height = full_width, height * full_width / width
    return int(width), int(height)


def rotate(images, degrees, zoom_in, zoom_out):
    """Images (N, C, H, W) turned against the clock around their centres; what comes from outside
    is 0."""
    height, width = images.shape[2:]
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    across = (width * abs(cos) + height * abs(sin)) / width
    down = (width * abs(sin) + height * abs(cos)) / height
    scale = 1 / max(across, down) if zoom_in else max(across, down) if zoom_out else 1
    y, x = np.meshgrid(np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2,
                       indexing="ij")
    source_x = (x * cos - y * sin) * scale + (width - 1) / 2
    source_y = (x * sin + y * cos) * scale + (height - 1) / 2
    low_x, low_y = np.floor(source_x).astype(int), np.floor(source_y).astype(int)
    result = np.zeros(images.shape, "float64")
    for dy in (0, 1):
        for dx in (0, 1):
            at_x, at_y = low_x + dx, low_y + dy
            weight = (1 - abs(source_x - at_x)) * (1 - abs(source_y - at_y))
            inside = (at_x >= 0) & (at_x < width) & (at_y >= 0) & (at_y < height)
            picked = images[:, :, np.clip(at_y, 0, height - 1), np.clip(at_x, 0, width - 1)]
            result += picked * np.where(inside, weight, 0)
    return result.astype(images.dtype)
