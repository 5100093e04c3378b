"""Transforms of images (arrays of shape (H, W, C), as long as they are images).

Random ones draw from the generator of `mx.random`, sizes and places of crops from Python's `random`.
"""
import math
import random

import numpy as np

from .... import autograd
from .... import ndarray as nd
from ...block import Block, HybridBlock
from ...nn import HybridSequential, Sequential
from . import images
from .runs import runs_of

__all__ = ["Compose", "Cast", "ToTensor", "Normalize", "Rotate", "RandomRotation", "CropResize",
           "RandomResizedCrop", "CenterCrop", "Resize", "RandomFlipLeftRight",
           "RandomFlipTopBottom", "RandomBrightness", "RandomContrast", "RandomSaturation",
           "RandomHue", "RandomColorJitter", "RandomLighting", "RandomApply"]


def _pair(size):
    return (size, size) if isinstance(size, (int, float)) else tuple(size)


class _Part(Block):
    """A part of an image, in another size where it has not that size."""

    def __init__(self, size, interpolation):
        super().__init__()
        self._size = _pair(size)
        self._interpolation = interpolation

    def part(self, height, width):
        """The left edge, the upper edge, the width and the height of the part of such an image."""
        raise NotImplementedError

    def forward(self, x):
        part = nd.image.crop(x, *self.part(*x.shape[-3:-1]))
        if part.shape[-3:-1] == self._size[::-1]:
            return part
        return nd.image.resize(part, size=self._size, interp=self._interpolation)

    def hybrid_part(self, F, x, part):
        """The same where `part` is an array of its numbers."""
        return F._internal._resized_image_part(x, part, self._size, interp=self._interpolation)


class Compose(Sequential):
    """Transforms one after the other; those that can be traced and follow each other are one child.

    Unless hybridized with `active=False`, transforms of this module that follow each other run as
    one call, with the same results.

    Parameters
    ----------
    transforms : list of Block
    """

    def __init__(self, transforms):
        super().__init__()
        self._fuses = True
        self._runs = None  # and the children that they are made of
        together = []
        for one in [*transforms, None]:
            if isinstance(one, HybridBlock):
                together.append(one)
                continue
            if len(together) > 1:
                group = HybridSequential()
                group.add(*together)
                group.hybridize()
                together = [group]
            self.add(*together, *([] if one is None else [one]))
            together = []

    def hybridize(self, active=True, **kwargs):
        self._fuses = active
        super().hybridize(active, **kwargs)

    def forward(self, x):
        if not self._fuses or not isinstance(x, nd.NDArray) or autograd.is_recording():
            return super().forward(x)
        children = list(self._children.values())
        if self._runs is None or self._runs[0] != children:
            self._runs = (children, runs_of(children))
        for one in self._runs[1]:
            x = one(x)
        return x

    def __getstate__(self):
        return {**self.__dict__, "_runs": None}  # made anew by whoever gets the copy


class Cast(HybridBlock):
    """Changes the dtype."""

    def __init__(self, dtype="float32"):
        super().__init__()
        self._dtype = dtype

    def hybrid_forward(self, F, x):
        return F.cast(x, self._dtype)

    def size_after(self, height, width):
        return height, width


class RandomApply(Sequential):
    """Applies a transform with probability `p`, otherwise nothing."""

    def __init__(self, transforms, p=0.5):
        super().__init__()
        self.transforms = transforms
        self.p = p

    def forward(self, x):
        if self.p < random.random():
            return x
        for one in self.transforms if isinstance(self.transforms, (list, tuple)) \
                else (self.transforms,):
            x = one(x)
        return x


class ToTensor(HybridBlock):
    """An image (H, W, C), or several (N, H, W, C), of 0 to 255 as float32 (C, H, W) of 0 to 1."""

    def __init__(self):
        super().__init__()

    def hybrid_forward(self, F, x):
        return F.image.to_tensor(x)

    def size_after(self, height, width):
        return None


class Normalize(HybridBlock):
    """`(x - mean) / std` for each channel of (C, H, W) or (N, C, H, W).

    Parameters
    ----------
    mean, std : float or tuple of float
        One number for all channels, or one for each.
    """

    def __init__(self, mean=0.0, std=1.0):
        super().__init__()
        self._mean, self._std = (tuple(np.ravel(one).tolist()) if np.ndim(one) else one
                                 for one in (mean, std))

    def hybrid_forward(self, F, x):
        return F.image.normalize(x, self._mean, self._std)

    def size_after(self, height, width):
        return None


class Resize(HybridBlock):
    """Another size for an image or several.

    Parameters
    ----------
    size : int or tuple of (width, height)
    keep_ratio : bool
        Whether a single number is the size of the short edge; otherwise of both.
    interpolation : int
        0 nearest, 1 linear, 2 cubic, 3 averages of areas, 4 Lanczos.
    """

    def __init__(self, size, keep_ratio=False, interpolation=1):
        super().__init__()
        self._size = size
        self._keep = keep_ratio
        self._interpolation = interpolation

    def hybrid_forward(self, F, x):
        return F.image.resize(x, self._size, self._keep, self._interpolation)

    def size_after(self, height, width):
        if self._keep and isinstance(self._size, int):
            short = min(height, width)
            return self._size * height // short, self._size * width // short
        return _pair(self._size)[::-1]


class CropResize(HybridBlock):
    """A part of an image or several, in another size where `size` is given.

    Parameters
    ----------
    x, y, width, height : int
    size : int or tuple of (width, height), optional
    interpolation : int, optional
        As of `Resize`; linear by default.
    """

    def __init__(self, x, y, width, height, size=None, interpolation=None):
        super().__init__()
        self._part = (x, y, width, height)
        self._size = size
        self._interpolation = 1 if interpolation is None else interpolation

    def hybrid_forward(self, F, x):
        part = F.image.crop(x, *self._part)
        return F.image.resize(part, self._size, False, self._interpolation) if self._size else part

    def size_after(self, height, width):
        return (_pair(self._size) if self._size else self._part[2:])[::-1]


class CenterCrop(_Part):
    """The middle of an image; an image that is smaller is resized.

    Parameters
    ----------
    size : int or tuple of (width, height)
    interpolation : int
    """

    def __init__(self, size, interpolation=1):
        super().__init__(size, interpolation)

    def part(self, height, width):
        part_width, part_height = images.resize_to_fit(*self._size, width, height)
        return ((width - part_width) // 2, (height - part_height) // 2, part_width, part_height)

    def size_after(self, height, width):
        return self._size[::-1]


class RandomResizedCrop(_Part):
    """A part of random size and proportions, resized (Szegedy et al., 2015).

    Parameters
    ----------
    size : int or tuple of (width, height)
    scale : tuple of two floats
        Range of the part's area, as a share.
    ratio : tuple of two floats
        Range of width by height.
    interpolation : int
    """

    def __init__(self, size, scale=(0.08, 1.0), ratio=(3.0 / 4.0, 4.0 / 3.0), interpolation=1):
        super().__init__(size, interpolation)
        self._scale = scale
        self._ratio = ratio

    def part(self, height, width):
        for _ in range(10):
            area = random.uniform(*self._scale) * width * height
            ratio = math.exp(random.uniform(*(math.log(one) for one in self._ratio)))
            part_width, part_height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < part_width <= width and 0 < part_height <= height:
                return (random.randint(0, width - part_width),
                        random.randint(0, height - part_height), part_width, part_height)
        return CenterCrop.part(self, height, width)

    def size_after(self, height, width):
        return self._size[::-1]


class RandomFlipLeftRight(HybridBlock):
    """Left becomes right, every other time."""

    def __init__(self):
        super().__init__()

    def hybrid_forward(self, F, x):
        return F.image.random_flip_left_right(x)

    def size_after(self, height, width):
        return height, width


class RandomFlipTopBottom(HybridBlock):
    """Top becomes bottom, every other time."""

    def __init__(self):
        super().__init__()

    def hybrid_forward(self, F, x):
        return F.image.random_flip_top_bottom(x)

    def size_after(self, height, width):
        return height, width


def _around_one(amount):
    return max(0, 1 - amount), 1 + amount


class RandomBrightness(HybridBlock):
    """All values times a factor between `1 - brightness` and `1 + brightness`."""

    def __init__(self, brightness):
        super().__init__()
        self._range = _around_one(brightness)

    def hybrid_forward(self, F, x):
        return F.image.random_brightness(x, *self._range)

    def size_after(self, height, width):
        return height, width


class RandomContrast(HybridBlock):
    """The distance to the image's mean gray times a factor."""

    def __init__(self, contrast):
        super().__init__()
        self._range = _around_one(contrast)

    def hybrid_forward(self, F, x):
        return F.image.random_contrast(x, *self._range)

    def size_after(self, height, width):
        return height, width


class RandomSaturation(HybridBlock):
    """The distance to each pixel's gray times a factor."""

    def __init__(self, saturation):
        super().__init__()
        self._range = _around_one(saturation)

    def hybrid_forward(self, F, x):
        return F.image.random_saturation(x, *self._range)

    def size_after(self, height, width):
        return height, width


class RandomHue(HybridBlock):
    """Colours turned by up to `hue` circles."""

    def __init__(self, hue):
        super().__init__()
        self._range = _around_one(hue)

    def hybrid_forward(self, F, x):
        return F.image.random_hue(x, *self._range)

    def size_after(self, height, width):
        return height, width


class RandomColorJitter(HybridBlock):
    """Brightness, contrast, saturation and hue at random, in random order."""

    def __init__(self, brightness=0, contrast=0, saturation=0, hue=0):
        super().__init__()
        self._amounts = (brightness, contrast, saturation, hue)

    def hybrid_forward(self, F, x):
        return F.image.random_color_jitter(x, *self._amounts)

    def size_after(self, height, width):
        return height, width


class RandomLighting(HybridBlock):
    """A random colour along the main directions of natural images (Krizhevsky et al., 2012).

    Parameters
    ----------
    alpha : float
        Standard deviation of the shares.
    """

    def __init__(self, alpha):
        super().__init__()
        self._alpha = alpha

    def hybrid_forward(self, F, x):
        return F.image.random_lighting(x, self._alpha)

    def size_after(self, height, width):
        return height, width


class Rotate(Block):
    """Turns tensors (C, H, W) or (N, C, H, W) of float32 around their centres.

    Parameters
    ----------
    rotation_degrees : float
    zoom_in, zoom_out : bool
        Change the scale so that nothing from outside is seen, or that all of the image is.
    """

    def __init__(self, rotation_degrees, zoom_in=False, zoom_out=False):
        super().__init__()
        self._degrees = rotation_degrees
        self._zoom = (zoom_in, zoom_out)

    def forward(self, x):
        if np.dtype(x.dtype) != np.float32:
            raise TypeError("This transformation only supports float32. Consider calling it after "
                            "ToTensor")
        if all(self._zoom):
            raise ValueError("`zoom_in` and `zoom_out` cannot be both True")
        values = x.asnumpy()
        turned = images.rotate(values.reshape((-1,) + values.shape[-3:]), self._degrees,
                               *self._zoom)
        return nd.array(turned.reshape(values.shape), ctx=x.context, dtype=x.dtype)


class RandomRotation(Block):
    """Turns by a random angle.

    Parameters
    ----------
    angle_limits : tuple
        Smallest and largest angle, in degrees.
    zoom_in, zoom_out : bool
        As of `Rotate`.
    rotate_with_proba : float
    """

    def __init__(self, angle_limits, zoom_in=False, zoom_out=False, rotate_with_proba=1.0):
        super().__init__()
        lower, upper = angle_limits
        if lower >= upper:
            raise ValueError("`angle_limits` must be an ordered tuple")
        if rotate_with_proba < 0 or rotate_with_proba > 1:
            raise ValueError("Probability of rotating the image should be between 0 and 1")
        self._limits = (lower, upper)
        self._zoom = (zoom_in, zoom_out)
        self._probability = rotate_with_proba

    def forward(self, x):
        if random.random() > self._probability:
            return x
        return Rotate(random.uniform(*self._limits), *self._zoom)(x)
