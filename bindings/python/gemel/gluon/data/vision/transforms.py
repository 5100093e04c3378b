"""Transforms of images (arrays of shape (H, W, C), as long as they are images).

Random ones draw from the generator of `mx.random`, sizes and places of crops from Python's `random`.
"""
import math
import random

import numpy as np

from .... import ndarray as nd
from ....base import MXNetError
from ...block import Block, HybridBlock
from ...nn import HybridSequential, Sequential
from . import images

__all__ = ["Compose", "Cast", "ToTensor", "Normalize", "Rotate", "RandomRotation", "CropResize",
           "RandomResizedCrop", "CenterCrop", "Resize", "RandomFlipLeftRight",
           "RandomFlipTopBottom", "RandomBrightness", "RandomContrast", "RandomSaturation",
           "RandomHue", "RandomColorJitter", "RandomLighting", "RandomApply"]

_GRAY = np.array([0.299, 0.587, 0.114], "float32")


def _pair(size):
    return (size, size) if isinstance(size, (int, float)) else tuple(size)


def _like(values, image):
    return nd.array(values, ctx=image.context, dtype=image.dtype)


def _uniform(low, high):
    return float(nd.random.uniform(low, high, shape=(1,)).asscalar())


class Compose(Sequential):
    """Transforms one after the other; those that can be traced and follow each other are one child.

    Parameters
    ----------
    transforms : list of Block
    """

    def __init__(self, transforms):
        super().__init__()
        hybrid = None
        for one in transforms:
            if isinstance(one, HybridBlock) and not isinstance(one, _OnImages):
                if hybrid is None:
                    hybrid = HybridSequential()
                    self.add(hybrid)
                hybrid.add(one)
            else:
                hybrid = None
                self.add(one)


class Cast(HybridBlock):
    """Changes the dtype."""

    def __init__(self, dtype="float32"):
        super().__init__()
        self._dtype = dtype

    def hybrid_forward(self, F, x):
        return F.cast(x, self._dtype)


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
        x = F.swapaxes(F.swapaxes(F.cast(x, "float32"), dim1=-1, dim2=-3), dim1=-1, dim2=-2)
        return x / 255.0


class Normalize(HybridBlock):
    """`(x - mean) / std` for each channel of (C, H, W) or (N, C, H, W).

    Parameters
    ----------
    mean, std : float or tuple of float
        One number for all channels, or one for each.
    """

    def __init__(self, mean=0.0, std=1.0):
        super().__init__()
        self._mean = mean
        self._std = std

    def _for_channels(self, F, function, x, values):
        if not isinstance(values, (list, tuple, np.ndarray, nd.NDArray)):
            values = (values,)
        parts = [F.full((1, 1, 1, 1), float(one)) for one in values]
        return function(x, F.concat(*parts, dim=1) if len(parts) > 1 else parts[0])

    def hybrid_forward(self, F, x):
        four = F.expand_dims(x, axis=0) if getattr(x, "ndim", 4) == 3 else x
        counts = [np.size(one) for one in (self._mean, self._std)]
        channels = getattr(four, "shape", (0, None))[1] if F is nd else None
        for count in counts:
            if channels is not None and count not in (1, channels):
                raise MXNetError(f"[Normalize] expected 1 or {channels} values for an array of "
                                 f"shape {x.shape}, got {count}")
        four = self._for_channels(F, F.broadcast_sub, four, self._mean)
        four = self._for_channels(F, F.broadcast_div, four, self._std)
        return F.reshape_like(four, x)


class _OnImages(HybridBlock):
    """The base of transforms that compute with NumPy; they run as they are, also hybridized."""

    def forward(self, x, *args):
        return self.hybrid_forward(nd, x)


class Resize(_OnImages):
    """Another size for an image or several.

    Parameters
    ----------
    size : int or tuple of (width, height)
    keep_ratio : bool
        Whether a single number is the size of the short edge; otherwise of both.
    interpolation : int
        0 for the nearest pixel, 1 for linear, 3 for averages of areas.
    """

    def __init__(self, size, keep_ratio=False, interpolation=1):
        super().__init__()
        self._size = size
        self._keep = keep_ratio
        self._interpolation = interpolation

    def hybrid_forward(self, F, x):
        if not isinstance(self._size, int) and len(self._size) not in (1, 2):
            raise MXNetError(f"[Resize] expected one or two numbers, got {self._size}")
        width, height = _pair(self._size if isinstance(self._size, int) or len(self._size) == 2
                              else self._size[0])
        if isinstance(self._size, int) and self._keep:
            old_height, old_width = x.shape[-3], x.shape[-2]
            if old_width > old_height:
                width = old_width * self._size // old_height
            else:
                height = old_height * self._size // old_width
        return _like(images.resize(x.asnumpy(), width, height, self._interpolation), x)


class CropResize(_OnImages):
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
        part = images.crop(x.asnumpy(), *self._part)
        if self._size:
            part = images.resize(part, *_pair(self._size), self._interpolation)
        return _like(part, x)


class CenterCrop(Block):
    """The middle of an image; an image that is smaller is resized.

    Parameters
    ----------
    size : int or tuple of (width, height)
    interpolation : int
    """

    def __init__(self, size, interpolation=1):
        super().__init__()
        self._size = _pair(size)
        self._interpolation = interpolation

    def forward(self, x):
        image = x.asnumpy()
        width, height = images.resize_to_fit(*self._size, image.shape[-2], image.shape[-3])
        left, top = (image.shape[-2] - width) // 2, (image.shape[-3] - height) // 2
        part = images.crop(image, left, top, width, height)
        return _like(images.resize(part, *self._size, self._interpolation), x)


class RandomResizedCrop(Block):
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
        super().__init__()
        self._size = _pair(size)
        self._scale = scale
        self._ratio = ratio
        self._interpolation = interpolation

    def forward(self, x):
        image = x.asnumpy()
        full_height, full_width = image.shape[-3:-1]
        for _ in range(10):
            area = random.uniform(*self._scale) * full_width * full_height
            ratio = math.exp(random.uniform(*(math.log(one) for one in self._ratio)))
            width, height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < width <= full_width and 0 < height <= full_height:
                part = images.crop(image, random.randint(0, full_width - width),
                                   random.randint(0, full_height - height), width, height)
                return _like(images.resize(part, *self._size, self._interpolation), x)
        return CenterCrop(self._size, self._interpolation)(x)


class _Flip(_OnImages):
    _axis = -2

    def __init__(self):
        super().__init__()

    def hybrid_forward(self, F, x):
        return F.flip(x, axis=x.ndim + self._axis) if _uniform(0, 1) < 0.5 else x


class RandomFlipLeftRight(_Flip):
    """Left becomes right, every other time."""

    def hybrid_forward(self, F, x):
        return super().hybrid_forward(F, x)

    def __init__(self):
        super().__init__()


class RandomFlipTopBottom(_Flip):
    """Top becomes bottom, every other time."""

    _axis = -3

    def hybrid_forward(self, F, x):
        return super().hybrid_forward(F, x)

    def __init__(self):
        super().__init__()


def _brightness(image, factor):
    return image * factor


def _contrast(image, factor):
    return image * factor + (image @ _GRAY).mean() * (1 - factor)


def _saturation(image, factor):
    return image * factor + (image @ _GRAY)[..., None] * (1 - factor)


# Colours as brightness and two differences, in which a hue is an angle.
_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.321], [0.211, -0.523, 0.311]])
_FROM_YIQ = np.array([[1, 0.956, 0.621], [1, -0.272, -0.647], [1, -1.107, 1.705]])


def _hue(image, factor):
    angle = (factor - 1) * math.pi
    turn = np.array([[1, 0, 0], [0, math.cos(angle), -math.sin(angle)],
                     [0, math.sin(angle), math.cos(angle)]])
    return image @ (_FROM_YIQ @ turn @ _TO_YIQ).T.astype("float32")


class _Jitter(_OnImages):
    _change = staticmethod(_brightness)

    def __init__(self, amount):
        super().__init__()
        self._range = (max(0, 1 - amount), 1 + amount)

    def hybrid_forward(self, F, x):
        values = self._change(x.asnumpy().astype("float32"), _uniform(*self._range))
        return _like(images.as_dtype(values, x.dtype), x)


class RandomBrightness(_Jitter):
    """All values times a factor between `1 - brightness` and `1 + brightness`."""

    def __init__(self, brightness):
        super().__init__(brightness)

    def hybrid_forward(self, F, x):
        return super().hybrid_forward(F, x)


class RandomContrast(_Jitter):
    """The distance to the image's mean gray times a factor."""

    _change = staticmethod(_contrast)

    def __init__(self, contrast):
        super().__init__(contrast)

    def hybrid_forward(self, F, x):
        return super().hybrid_forward(F, x)


class RandomSaturation(_Jitter):
    """The distance to each pixel's gray times a factor."""

    _change = staticmethod(_saturation)

    def __init__(self, saturation):
        super().__init__(saturation)

    def hybrid_forward(self, F, x):
        return super().hybrid_forward(F, x)


class RandomHue(_Jitter):
    """Colours turned by up to `hue` half circles."""

    _change = staticmethod(_hue)

    def __init__(self, hue):
        super().__init__(hue)

    def hybrid_forward(self, F, x):
        return super().hybrid_forward(F, x)


class RandomColorJitter(_OnImages):
    """Brightness, contrast, saturation and hue at random, in random order."""

    def __init__(self, brightness=0, contrast=0, saturation=0, hue=0):
        super().__init__()
        self._jitters = [make(amount) for make, amount in
                         ((RandomBrightness, brightness), (RandomContrast, contrast),
                          (RandomSaturation, saturation), (RandomHue, hue)) if amount]

    def hybrid_forward(self, F, x):
        order = np.argsort([_uniform(0, 1) for _ in self._jitters])
        for i in order:
            x = self._jitters[i](x)
        return x


class RandomLighting(_OnImages):
    """A random colour along the main directions of natural images (Krizhevsky et al., 2012).

    Parameters
    ----------
    alpha : float
        Standard deviation of the shares.
    """

    _VALUES = np.array([55.46, 4.794, 1.148])
    _VECTORS = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140],
                         [-0.5836, -0.6948, 0.4203]])

    def __init__(self, alpha):
        super().__init__()
        self._alpha = alpha

    def hybrid_forward(self, F, x):
        shares = nd.random.normal(0, self._alpha, shape=(3,)).asnumpy()
        values = x.asnumpy().astype("float32") + self._VECTORS @ (self._VALUES * shares)
        return _like(images.as_dtype(values, x.dtype), x)


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
        return _like(turned.reshape(values.shape), x)


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
