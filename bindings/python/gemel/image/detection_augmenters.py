"""Changes of images together with the boxes of the objects on them.

Labels are arrays (objects, 5 or more): class, left, top, right, bottom as parts of the image's width
and height, then whatever else; a class of -1 marks a row without an object.
"""
import json
import random
import warnings

import numpy as np

from .augmenters import Augmenter, CastAug, ForceResizeAug, ResizeAug, color_augmenters
from .image import copyMakeBorder, fixed_crop
from .. import ndarray as nd

__all__ = ["DetAugmenter", "DetBorrowAug", "DetRandomSelectAug", "DetHorizontalFlipAug",
           "DetRandomCropAug", "DetRandomPadAug", "CreateMultiRandCropAugmenter",
           "CreateDetAugmenter"]


class DetAugmenter:
    """The base: an object that is called with an image (height, width, channels) and its label and
    gives both changed. The keyword arguments are what `dumps` writes."""

    def __init__(self, **kwargs):
        self._kwargs = {key: Augmenter._plain(value) for key, value in kwargs.items()}

    def dumps(self):
        """The name and the parameters as JSON text."""
        return json.dumps([self.__class__.__name__.lower(), self._kwargs])

    def __call__(self, src, label):
        raise NotImplementedError("Must override implementation.")


class DetBorrowAug(DetAugmenter):
    """An `Augmenter` that moves nothing, and so leaves the label as it is."""

    def __init__(self, augmenter):
        if not isinstance(augmenter, Augmenter):
            raise TypeError("Borrowing from invalid Augmenter")
        super().__init__(augmenter=augmenter.dumps())
        self.augmenter = augmenter

    def dumps(self):
        """The name and what the augmenter writes, as a list."""
        return [self.__class__.__name__.lower(), self.augmenter.dumps()]

    def __call__(self, src, label):
        return self.augmenter(src), label


class DetRandomSelectAug(DetAugmenter):
    """One of several, drawn for each image; none with probability `skip_prob`."""

    def __init__(self, aug_list, skip_prob=0):
        aug_list = aug_list if isinstance(aug_list, (list, tuple)) else [aug_list]
        if not all(isinstance(one, DetAugmenter) for one in aug_list):
            raise ValueError("Allow DetAugmenter in list only")
        super().__init__(skip_prob=skip_prob)
        self.aug_list = list(aug_list)
        self.skip_prob = skip_prob if aug_list else 1

    def dumps(self):
        """The name and what the parts write, as a list."""
        return [self.__class__.__name__.lower(), [one.dumps() for one in self.aug_list]]

    def __call__(self, src, label):
        if random.random() < self.skip_prob:
            return src, label
        random.shuffle(self.aug_list)
        return self.aug_list[0](src, label)


class DetHorizontalFlipAug(DetAugmenter):
    """Exchanges left and right with probability `p`."""

    def __init__(self, p):
        super().__init__(p=p)
        self.p = p

    def __call__(self, src, label):
        if random.random() < self.p:
            src = nd.flip(src, axis=1)
            self._flip_label(label)
        return src, label

    def _flip_label(self, label):
        left = 1.0 - label[:, 1]
        label[:, 1] = 1.0 - label[:, 3]
        label[:, 3] = left


def _areas(boxes):
    """Areas of boxes (n, 4); what is turned inside out has none."""
    return np.maximum(0, boxes[:, 2] - boxes[:, 0]) * np.maximum(0, boxes[:, 3] - boxes[:, 1])


def _clipped(boxes, left, top, right, bottom):
    """The parts of boxes (n, 4) inside of another; zeros where there is none."""
    inside = np.stack([np.maximum(boxes[:, 0], left), np.maximum(boxes[:, 1], top),
                       np.minimum(boxes[:, 2], right), np.minimum(boxes[:, 3], bottom)], axis=1)
    inside[(inside[:, 0] > inside[:, 2]) | (inside[:, 1] > inside[:, 3])] = 0
    return inside


class _DetWindowAug(DetAugmenter):
    """What random crops and pads share: the image becomes a random window of itself."""

    def _set_ranges(self, aspect_ratio_range, area_range, enabled, what):
        self.aspect_ratio_range, self.area_range = aspect_ratio_range, area_range
        self.enabled = enabled
        if not enabled:
            warnings.warn(f"Skip {what} due to invalid parameters: aspect_ratio_range "
                          f"{aspect_ratio_range}, area_range {area_range}", stacklevel=3)

    def _heights(self, ratio, height, width):
        """The smallest and the largest height of a window of this form, from its area."""
        return tuple(int(round(np.sqrt(limit * height * width / ratio)))
                     for limit in self.area_range)


def _pair(value):
    return value if isinstance(value, (tuple, list)) else (value, value)


class DetRandomCropAug(_DetWindowAug):
    """A crop at a random place, of random size and form, that keeps enough of the objects.

    Parameters
    ----------
    min_object_covered : float
        Every object that the crop meets must be inside with more than this part of its area.
    aspect_ratio_range : tuple of float
        Least and largest width / height.
    area_range : tuple of float
        Least and largest part of the image's area.
    min_eject_coverage : float
        Objects of which not more than this part remains are left out.
    max_attempts : int
        After so many crops that do not fit, the image stays as it is.
    """

    def __init__(self, min_object_covered=0.1, aspect_ratio_range=(0.75, 1.33),
                 area_range=(0.05, 1.0), min_eject_coverage=0.3, max_attempts=50):
        aspect_ratio_range, area_range = _pair(aspect_ratio_range), _pair(area_range)
        super().__init__(min_object_covered=min_object_covered,
                         aspect_ratio_range=aspect_ratio_range, area_range=area_range,
                         min_eject_coverage=min_eject_coverage, max_attempts=max_attempts)
        self.min_object_covered = min_object_covered
        self.min_eject_coverage = min_eject_coverage
        self.max_attempts = max_attempts
        self._set_ranges(aspect_ratio_range, area_range,
                         0 < aspect_ratio_range[0] <= aspect_ratio_range[1]
                         and area_range[0] <= area_range[1] and area_range[1] > 0, "DetRandomCropAug")

    def __call__(self, src, label):
        crop = self._random_crop_proposal(label, src.shape[0], src.shape[1])
        if crop:
            x, y, w, h, label = crop
            src = fixed_crop(src, x, y, w, h, None)
        return src, label

    def _check_satisfy_constraints(self, label, xmin, ymin, xmax, ymax, width, height):
        if (xmax - xmin) * (ymax - ymin) < 2:
            return False  # less than two pixels
        boxes = label[:, 1:5]
        areas = _areas(boxes)
        seen = np.flatnonzero(areas * width * height > 2)
        if not len(seen):
            return False
        inside = _clipped(boxes[seen], xmin / width, ymin / height, xmax / width, ymax / height)
        covered = _areas(inside) / areas[seen]
        covered = covered[covered > 0]
        return len(covered) > 0 and covered.min() > self.min_object_covered

    def _update_labels(self, label, crop_box, height, width):
        x, y, w, h = (part / full for part, full in zip(crop_box, (width, height, width, height)))
        result = label.copy()
        areas = _areas(label[:, 1:5])
        result[:, (1, 3)] = (result[:, (1, 3)] - x) / w
        result[:, (2, 4)] = (result[:, (2, 4)] - y) / h
        result[:, 1:5] = np.clip(result[:, 1:5], 0, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            remains = _areas(result[:, 1:5]) * w * h / areas
        valid = (result[:, 3] > result[:, 1]) & (result[:, 4] > result[:, 2]) \
            & (remains > self.min_eject_coverage)
        return result[valid] if valid.any() else None

    def _random_crop_proposal(self, label, height, width):
        """(x, y, width, height, label) of a crop, or () where none was found."""
        if not self.enabled or height <= 0 or width <= 0:
            return ()
        smallest, largest = (limit * height * width for limit in self.area_range)
        for _ in range(self.max_attempts):
            ratio = random.uniform(*self.aspect_ratio_range)
            low, high = self._heights(ratio, height, width)
            if round(high * ratio) > width:
                high = int((width + 0.4999999) / ratio)
            high = min(high, height)
            h = random.randint(low, high) if low < high else high
            w = int(round(h * ratio))
            # Rounding may miss the range of areas by a pixel.
            if w * h < smallest:
                h += 1
            elif w * h > largest:
                h -= 1
            w = int(round(h * ratio))
            if not (smallest <= w * h <= largest and 0 <= w <= width and 0 <= h <= height):
                continue
            y = random.randint(0, max(0, height - h))
            x = random.randint(0, max(0, width - w))
            if self._check_satisfy_constraints(label, x, y, x + w, y + h, width, height):
                new_label = self._update_labels(label, (x, y, w, h), height, width)
                if new_label is not None:
                    return x, y, w, h, new_label
        return ()


class DetRandomPadAug(_DetWindowAug):
    """A larger image of random size and form with the image at a random place.

    Parameters
    ----------
    aspect_ratio_range : tuple of float
        Least and largest width / height.
    area_range : tuple of float
        Least and largest area, in areas of the image.
    max_attempts : int
        After so many sizes that do not fit, the image stays as it is.
    pad_val : float or tuple of float
        What is around the image.
    """

    def __init__(self, aspect_ratio_range=(0.75, 1.33), area_range=(1.0, 3.0), max_attempts=50,
                 pad_val=(128, 128, 128)):
        if not isinstance(pad_val, (list, tuple)):
            assert isinstance(pad_val, (int, float, np.number)), \
                f"pad_val: expected a number or a tuple, got {pad_val!r}"
        aspect_ratio_range, area_range = _pair(aspect_ratio_range), _pair(area_range)
        super().__init__(aspect_ratio_range=aspect_ratio_range, area_range=area_range,
                         max_attempts=max_attempts, pad_val=pad_val)
        self.pad_val, self.max_attempts = pad_val, max_attempts
        self._set_ranges(aspect_ratio_range, area_range,
                         0 < aspect_ratio_range[0] <= aspect_ratio_range[1]
                         and area_range[0] <= area_range[1] and area_range[1] > 1.0,
                         "DetRandomPadAug")

    def __call__(self, src, label):
        height, width, channels = src.shape
        pad = self._random_pad_proposal(label, height, width)
        if pad:
            x, y, w, h, label = pad
            values = tuple(_pair(self.pad_val)) if isinstance(self.pad_val, (list, tuple)) \
                else (self.pad_val,) * channels
            src = copyMakeBorder(src, y, h - y - height, x, w - x - width, type=0, values=values)
        return src, label

    def _update_labels(self, label, pad_box, height, width):
        x, y, w, h = pad_box
        result = label.copy()
        result[:, (1, 3)] = (result[:, (1, 3)] * width + x) / w
        result[:, (2, 4)] = (result[:, (2, 4)] * height + y) / h
        return result

    def _random_pad_proposal(self, label, height, width):
        """(x, y, width, height, label) of the larger image, or () where none was found."""
        if not self.enabled or height <= 0 or width <= 0:
            return ()
        for _ in range(self.max_attempts):
            ratio = random.uniform(*self.aspect_ratio_range)
            low, high = self._heights(ratio, height, width)
            if round(low * ratio) < width:
                low = int((width + 0.499999) / ratio)
            low = min(max(low, height), high)
            h = random.randint(low, high) if low < high else low
            w = int(round(h * ratio))
            if h - height < 2 or w - width < 2:
                continue
            y = random.randint(0, max(0, h - height))
            x = random.randint(0, max(0, w - width))
            return x, y, w, h, self._update_labels(label, (x, y, w, h), height, width)
        return ()


def CreateMultiRandCropAugmenter(min_object_covered=0.1, aspect_ratio_range=(0.75, 1.33),
                                 area_range=(0.05, 1.0), min_eject_coverage=0.3, max_attempts=50,
                                 skip_prob=0):
    """A `DetRandomSelectAug` of several `DetRandomCropAug`.

    Every parameter may be a list with one value for each crop; lists must be of one length, and what
    is no list serves for all crops.
    """
    given = [min_object_covered, aspect_ratio_range, area_range, min_eject_coverage, max_attempts]
    given = [one if isinstance(one, list) else [one] for one in given]
    count = max(len(one) for one in given)
    assert all(len(one) in (1, count) for one in given), \
        "expected lists of the same length, or single values"
    columns = [one * count if len(one) == 1 else one for one in given]
    return DetRandomSelectAug([DetRandomCropAug(*row) for row in zip(*columns)], skip_prob=skip_prob)


def CreateDetAugmenter(data_shape, resize=0, rand_crop=0, rand_pad=0, rand_gray=0,
                       rand_mirror=False, mean=None, std=None, brightness=0, contrast=0,
                       saturation=0, pca_noise=0, hue=0, inter_method=2, min_object_covered=0.1,
                       aspect_ratio_range=(0.75, 1.33), area_range=(0.05, 3.0),
                       min_eject_coverage=0.3, max_attempts=50, pad_val=(127, 127, 127)):
    """A list of augmenters for detection that ends with images of `data_shape`.

    Parameters
    ----------
    data_shape : tuple of int
        (channels, height, width)
    resize : int
        Length of the shorter side at first; 0 leaves it as it is.
    rand_crop, rand_pad, rand_gray : float
        Probabilities.
    rand_mirror : bool
        Exchange left and right of every other image.
    mean, std, brightness, contrast, saturation, pca_noise, hue, inter_method
        As of `CreateAugmenter`.
    min_object_covered, aspect_ratio_range, area_range, min_eject_coverage, max_attempts
        As of `CreateMultiRandCropAugmenter`; a pad takes the areas above 1.
    pad_val : float or tuple of float
    """
    augmenters = [DetBorrowAug(ResizeAug(resize, inter_method))] if resize > 0 else []
    if rand_crop > 0:
        augmenters.append(CreateMultiRandCropAugmenter(
            min_object_covered, aspect_ratio_range, area_range, min_eject_coverage, max_attempts,
            skip_prob=1 - rand_crop))
    if rand_mirror > 0:
        augmenters.append(DetHorizontalFlipAug(0.5))
    if rand_pad > 0:
        pad = DetRandomPadAug(aspect_ratio_range, (1.0, area_range[1]), max_attempts, pad_val)
        augmenters.append(DetRandomSelectAug([pad], 1 - rand_pad))
    colors = [ForceResizeAug((data_shape[2], data_shape[1]), inter_method), CastAug()]
    colors += color_augmenters(mean, std, brightness, contrast, saturation, hue, pca_noise, rand_gray)
    return augmenters + [DetBorrowAug(one) for one in colors]
