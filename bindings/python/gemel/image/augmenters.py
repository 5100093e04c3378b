"""Changes of images, as objects that `ImageIter` and `gluon` apply one after another."""
import json
import random

import numpy as np

from .. import ndarray as nd
from .image import (center_crop, color_normalize, fixed_crop, imresize, random_crop,  # noqa: F401
                    random_size_crop, resize_short)

__all__ = ["Augmenter", "SequentialAug", "ResizeAug", "ForceResizeAug", "RandomCropAug",
           "RandomSizedCropAug", "CenterCropAug", "RandomOrderAug", "BrightnessJitterAug",
           "ContrastJitterAug", "SaturationJitterAug", "HueJitterAug", "ColorJitterAug",
           "LightingAug", "ColorNormalizeAug", "RandomGrayAug", "HorizontalFlipAug", "CastAug",
           "CreateAugmenter"]

_GRAY = np.array([0.299, 0.587, 0.114], np.float32)
# Principal components of the colours of ImageNet (Krizhevsky et al. 2012), as columns.
IMAGENET_DEVIATIONS = np.array([55.46, 4.794, 1.148])
IMAGENET_COMPONENTS = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140],
                                [-0.5836, -0.6948, 0.4203]])


class Augmenter:
    """The base: an object that is called with an image (height, width, channels) and gives another.

    The keyword arguments are what `dumps` writes.
    """

    def __init__(self, **kwargs):
        self._kwargs = {key: self._plain(value) for key, value in kwargs.items()}

    @staticmethod
    def _plain(value):
        if isinstance(value, nd.NDArray):
            value = value.asnumpy()
        return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value

    def dumps(self):
        """The name and the parameters as JSON text."""
        return json.dumps([self.__class__.__name__.lower(), self._kwargs])

    def __call__(self, src):
        raise NotImplementedError("Must override implementation.")


class _Several(Augmenter):
    def __init__(self, ts):
        super().__init__()
        self.ts = ts

    def dumps(self):
        """The name and what the parts write, as a list."""
        return [self.__class__.__name__.lower(), [one.dumps() for one in self.ts]]


class SequentialAug(_Several):
    """Augmenters one after another."""

    def __call__(self, src):
        for one in self.ts:
            src = one(src)
        return src


class RandomOrderAug(_Several):
    """Augmenters in a random order, drawn for each image."""

    def __call__(self, src):
        random.shuffle(self.ts)
        for one in self.ts:
            src = one(src)
        return src


class ResizeAug(Augmenter):
    """The shorter side gets the length `size`."""

    def __init__(self, size, interp=2):
        super().__init__(size=size, interp=interp)
        self.size, self.interp = size, interp

    def __call__(self, src):
        return resize_short(src, self.size, self.interp)


class ForceResizeAug(Augmenter):
    """The image gets the size (width, height), whatever its proportions are."""

    def __init__(self, size, interp=2):
        super().__init__(size=size, interp=interp)
        self.size, self.interp = size, interp

    def __call__(self, src):
        return imresize(src, *self.size, interp=self.interp)


class RandomCropAug(Augmenter):
    """`random_crop` to `size`."""

    def __init__(self, size, interp=2):
        super().__init__(size=size, interp=interp)
        self.size, self.interp = size, interp

    def __call__(self, src):
        return random_crop(src, self.size, self.interp)[0]


class RandomSizedCropAug(Augmenter):
    """`random_size_crop` to `size`."""

    def __init__(self, size, area, ratio, interp=2, **kwargs):
        super().__init__(size=size, area=area, ratio=ratio, interp=interp)
        self.size, self.ratio, self.interp = size, ratio, interp
        self.area = kwargs.pop("min_area", area)
        assert not kwargs, "unexpected keyword arguments for `RandomSizedCropAug`."

    def __call__(self, src):
        return random_size_crop(src, self.size, self.area, self.ratio, self.interp)[0]


class CenterCropAug(Augmenter):
    """`center_crop` to `size`."""

    def __init__(self, size, interp=2):
        super().__init__(size=size, interp=interp)
        self.size, self.interp = size, interp

    def __call__(self, src):
        return center_crop(src, self.size, self.interp)[0]


class BrightnessJitterAug(Augmenter):
    """Multiplies by 1 plus a random number up to `brightness`. The image itself is changed."""

    def __init__(self, brightness):
        super().__init__(brightness=brightness)
        self.brightness = brightness

    def __call__(self, src):
        src *= 1.0 + random.uniform(-self.brightness, self.brightness)
        return src


class ContrastJitterAug(Augmenter):
    """Mixes with the mean gray of the image by a random part up to `contrast`. The image itself is
    changed."""

    def __init__(self, contrast):
        super().__init__(contrast=contrast)
        self.contrast = contrast

    def __call__(self, src):
        alpha = 1.0 + random.uniform(-self.contrast, self.contrast)
        gray = src * nd.array(_GRAY)
        gray = (3.0 * (1.0 - alpha) / gray.size) * nd.sum(gray)
        src *= alpha
        src += gray
        return src


class SaturationJitterAug(Augmenter):
    """Mixes with the gray of each pixel by a random part up to `saturation`. The image itself is
    changed."""

    def __init__(self, saturation):
        super().__init__(saturation=saturation)
        self.saturation = saturation

    def __call__(self, src):
        alpha = 1.0 + random.uniform(-self.saturation, self.saturation)
        gray = nd.sum(src * nd.array(_GRAY), axis=2, keepdims=True) * (1.0 - alpha)
        src *= alpha
        src += gray
        return src


class HueJitterAug(Augmenter):
    """Turns the colours in the plane of YIQ's chroma by a random part of pi up to `hue`."""

    _YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.321], [0.211, -0.523, 0.311]])
    _BACK = np.array([[1.0, 0.956, 0.621], [1.0, -0.272, -0.647], [1.0, -1.107, 1.705]])

    def __init__(self, hue):
        super().__init__(hue=hue)
        self.hue = hue

    def __call__(self, src):
        angle = random.uniform(-self.hue, self.hue) * np.pi
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])
        return nd.dot(src, nd.array((self._BACK @ turn @ self._YIQ).T, dtype=np.float32))


class ColorJitterAug(RandomOrderAug):
    """Brightness, contrast and saturation at random, in a random order."""

    def __init__(self, brightness, contrast, saturation):
        kinds = ((BrightnessJitterAug, brightness), (ContrastJitterAug, contrast),
                 (SaturationJitterAug, saturation))
        super().__init__([kind(limit) for kind, limit in kinds if limit > 0])


class LightingAug(Augmenter):
    """Adds noise along principal components of colours (Krizhevsky et al. 2012). The image itself is
    changed.

    Parameters
    ----------
    alphastd : float
        Deviation of the noise.
    eigval, eigvec : numpy.ndarray, (3,) and (3, 3)
        Deviations along the components, and the components as columns.
    """

    def __init__(self, alphastd, eigval, eigvec):
        super().__init__(alphastd=alphastd, eigval=eigval, eigvec=eigvec)
        self.alphastd, self.eigval, self.eigvec = alphastd, eigval, eigvec

    def __call__(self, src):
        alpha = np.random.normal(0, self.alphastd, size=(3,))
        src += nd.array(np.dot(self.eigvec * alpha, self.eigval), dtype=np.float32)
        return src


class ColorNormalizeAug(Augmenter):
    """(image - mean) / std."""

    def __init__(self, mean, std):
        super().__init__(mean=mean, std=std)
        self.mean = mean if mean is None or isinstance(mean, nd.NDArray) else nd.array(mean)
        self.std = std if std is None or isinstance(std, nd.NDArray) else nd.array(std)

    def __call__(self, src):
        return color_normalize(src, self.mean, self.std)


class RandomGrayAug(Augmenter):
    """Makes the image gray with probability `p`."""

    _MIX = np.array([[0.21] * 3, [0.72] * 3, [0.07] * 3], np.float32)

    def __init__(self, p):
        super().__init__(p=p)
        self.p = p

    def __call__(self, src):
        return nd.dot(src, nd.array(self._MIX)) if random.random() < self.p else src


class HorizontalFlipAug(Augmenter):
    """Exchanges left and right with probability `p`."""

    def __init__(self, p):
        super().__init__(p=p)
        self.p = p

    def __call__(self, src):
        return nd.flip(src, axis=1) if random.random() < self.p else src


class CastAug(Augmenter):
    """The image with elements of another type."""

    def __init__(self, typ="float32"):
        super().__init__(type=typ)
        self.typ = typ

    def __call__(self, src):
        return src.astype(self.typ)


def checked_mean_and_std(mean, std):
    """Both as they are, or ImageNet's numbers for True."""
    if mean is True:
        mean = nd.array([123.68, 116.28, 103.53])
    if std is True:
        std = nd.array([58.395, 57.12, 57.375])
    for name, value in (("mean", mean), ("std", std)):
        assert value is None or np.shape(value) in ((1,), (3,)), f"{name}: expected 1 or 3 numbers"
    return mean, std


def color_augmenters(mean, std, brightness, contrast, saturation, hue, pca_noise, rand_gray):
    """What `CreateAugmenter` and `CreateDetAugmenter` do to the values of pixels, in their order."""
    augmenters = []
    if brightness or contrast or saturation:
        augmenters.append(ColorJitterAug(brightness, contrast, saturation))
    if hue:
        augmenters.append(HueJitterAug(hue))
    if pca_noise > 0:
        augmenters.append(LightingAug(pca_noise, IMAGENET_DEVIATIONS, IMAGENET_COMPONENTS))
    if rand_gray > 0:
        augmenters.append(RandomGrayAug(rand_gray))
    mean, std = checked_mean_and_std(mean, std)
    if mean is not None or std is not None:
        augmenters.append(ColorNormalizeAug(mean, std))
    return augmenters


def CreateAugmenter(data_shape, resize=0, rand_crop=False, rand_resize=False, rand_mirror=False,
                    mean=None, std=None, brightness=0, contrast=0, saturation=0, hue=0, pca_noise=0,
                    rand_gray=0, inter_method=2):
    """A list of augmenters that ends with images of `data_shape` (channels, height, width).

    Parameters
    ----------
    data_shape : tuple of int
    resize : int
        Length of the shorter side at first; 0 leaves it as it is.
    rand_crop, rand_resize, rand_mirror : bool
        A random place; a random size and form too (with rand_crop); left and right exchanged at random.
    mean, std : numpy.ndarray, True or None
        True stands for ImageNet's numbers.
    brightness, contrast, saturation, hue, pca_noise, rand_gray : float
        Limits of the random changes of colours; the probability of gray.
    inter_method : int
        As in `imresize`.
    """
    augmenters = [ResizeAug(resize, inter_method)] if resize > 0 else []
    size = (data_shape[2], data_shape[1])
    if rand_resize:
        assert rand_crop
        augmenters.append(RandomSizedCropAug(size, 0.08, (3.0 / 4.0, 4.0 / 3.0), inter_method))
    elif rand_crop:
        augmenters.append(RandomCropAug(size, inter_method))
    else:
        augmenters.append(CenterCropAug(size, inter_method))
    if rand_mirror:
        augmenters.append(HorizontalFlipAug(0.5))
    augmenters.append(CastAug())
    return augmenters + color_augmenters(mean, std, brightness, contrast, saturation, hue, pca_noise,
                                         rand_gray)
