"""Places in images, and images turned: arithmetic of `transforms`."""
import numpy as np

__all__ = ["resize_to_fit", "rotate"]


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
