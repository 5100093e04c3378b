"""`mx.image` for detection: augmenters of images with boxes, `ImageDetIter`."""
import json
import random

import gemel as mx
import numpy as np
import pytest
from gemel import recordio
from gemel.image import (CreateDetAugmenter, CreateMultiRandCropAugmenter, DetAugmenter, DetBorrowAug,
                         DetHorizontalFlipAug, DetRandomCropAug, DetRandomPadAug, DetRandomSelectAug)

BOXES = np.array([[0, .1, .2, .5, .6], [1, .4, .3, .9, .95]], np.float32)
LABELS = [[2, 5, 0, .1, .2, .5, .6], [2, 5, 1, .1, .2, .5, .6, 0, .3, .3, .9, .8],
          [4, 5, 9, 9, 2, .1, .1, .4, .5, 1, .5, .5, .9, .9, 0, .5, .5, .4, .4]]  # its last box is none


def image():
    return mx.nd.array(np.arange(40 * 60 * 3).reshape(40, 60, 3) % 251, dtype=np.uint8)


# What 1.9.1 gives of these for a seed: height and width, sum of the pixels, label.
RECORDED = [
    (DetRandomCropAug(0.5, (0.5, 2), (0.3, 0.9), 0.2, 20), 4, (30, 26), 299133,
     [[1.0, 0.0, 0.2, 0.92308, 1.0]]),
    (DetRandomCropAug(0.5, (0.5, 2), (0.3, 0.9), 0.2, 20), 7, (39, 54), 789693,
     [[0.0, 0.11111, 0.20513, 0.55556, 0.61538], [1.0, 0.44444, 0.30769, 1.0, 0.97436]]),
    (DetRandomPadAug((0.5, 2), (1.2, 2.0), 50, (1, 2, 3)), 4, (50, 79), 902506,
     [[0.0, 0.10127, 0.2, 0.40506, 0.52], [1.0, 0.32911, 0.28, 0.70886, 0.8]]),
    (DetRandomPadAug((0.5, 2), (1.2, 2.0), 50, (1, 2, 3)), 7, (63, 62), 902242,
     [[0.0, 0.12903, 0.31746, 0.51613, 0.57143], [1.0, 0.41935, 0.38095, 0.90323, 0.79365]]),
    (CreateMultiRandCropAugmenter([0.1, 0.5], skip_prob=0.2), 4, (24, 19), 166637,
     [[0.0, 0.15789, 0.0, 1.0, 0.625]]),
    (CreateMultiRandCropAugmenter([0.1, 0.5], skip_prob=0.2), 7, (30, 24), 267614,
     [[1.0, 0.0, 0.4, 0.91667, 1.0]]),
    (DetRandomCropAug(area_range=(.01, .02)), 4, (40, 60), 893206, BOXES.tolist()),
]


@pytest.mark.parametrize("augmenter, seed, size, total, label", RECORDED)
def test_random_windows_are_those_of_the_original(augmenter, seed, size, total, label):
    random.seed(seed)
    result, boxes = augmenter(image(), BOXES.copy())
    assert result.shape[:2] == size and int(result.asnumpy().astype(int).sum()) == total
    np.testing.assert_allclose(boxes, np.array(label, np.float32), atol=1e-5)


def test_flip():
    flipped, boxes = DetHorizontalFlipAug(1)(image(), BOXES.copy())
    np.testing.assert_array_equal(flipped.asnumpy(), image().asnumpy()[:, ::-1])
    np.testing.assert_allclose(boxes, [[0, .5, .2, .9, .6], [1, .1, .3, .6, .95]], atol=1e-6)
    same, boxes = DetHorizontalFlipAug(0)(image(), BOXES.copy())
    np.testing.assert_array_equal(same.asnumpy(), image().asnumpy())
    np.testing.assert_array_equal(boxes, BOXES)


def test_a_pad_of_one_number_is_gray():
    random.seed(0)
    padded, _ = DetRandomPadAug(pad_val=7)(mx.nd.zeros((10, 10, 3), dtype="uint8"), BOXES.copy())
    pixels = padded.asnumpy()
    assert set(np.unique(pixels)) == {0, 7}
    np.testing.assert_array_equal(pixels[:, :, 0], pixels[:, :, 2])
    assert int((pixels == 0).sum()) == 300


def test_selection_and_borrowing():
    skipped = DetRandomSelectAug([DetHorizontalFlipAug(1)], skip_prob=1)
    np.testing.assert_array_equal(skipped(image(), BOXES.copy())[1], BOXES)
    assert DetRandomSelectAug([]).skip_prob == 1
    result, boxes = DetBorrowAug(mx.image.CastAug())(image(), BOXES.copy())
    assert result.dtype == np.float32
    np.testing.assert_array_equal(boxes, BOXES)
    with pytest.raises(TypeError, match="Borrowing from invalid Augmenter"):
        DetBorrowAug(3)
    with pytest.raises(ValueError, match="Allow DetAugmenter in list only"):
        DetRandomSelectAug([3])
    with pytest.raises(NotImplementedError):
        DetAugmenter()(image(), BOXES)
    with pytest.raises(AssertionError):
        CreateMultiRandCropAugmenter([0.1, 0.5], max_attempts=[1, 2, 3])


@pytest.mark.parametrize("make", [lambda: DetRandomCropAug(area_range=(2, 1)),
                                  lambda: DetRandomCropAug(aspect_ratio_range=(-1, 1)),
                                  lambda: DetRandomPadAug(area_range=(0.5, 0.9))])
def test_impossible_ranges_switch_an_augmenter_off(make):
    with pytest.warns(UserWarning, match="invalid parameters"):
        augmenter = make()
    result, boxes = augmenter(image(), BOXES.copy())
    assert result.shape == (40, 60, 3)
    np.testing.assert_array_equal(boxes, BOXES)


def test_created_augmenters():
    augmenters = CreateDetAugmenter(
        (3, 30, 40), resize=100, rand_crop=.5, rand_pad=.5, rand_gray=.2, rand_mirror=True, mean=True,
        std=True, brightness=.1, hue=.1, pca_noise=.05, min_object_covered=[.3, .5])
    assert [type(one).__name__[3:-3] for one in augmenters] == \
        ["Borrow", "RandomSelect", "HorizontalFlip", "RandomSelect"] + ["Borrow"] * 7
    assert augmenters[0].dumps() == ["detborrowaug",
                                     '["resizeaug", {"size": 100, "interp": 2}]']
    crop = json.loads(augmenters[1].dumps()[1][1])
    assert crop == ["detrandomcropaug", {
        "min_object_covered": 0.5, "aspect_ratio_range": [0.75, 1.33], "area_range": [0.05, 3.0],
        "min_eject_coverage": 0.3, "max_attempts": 50}]
    pad = json.loads(augmenters[3].dumps()[1][0])
    assert pad[1]["area_range"] == [1.0, 3.0] and pad[1]["pad_val"] == [127, 127, 127]
    random.seed(3)
    np.random.seed(3)
    result, boxes = image(), BOXES.copy()
    for one in augmenters:
        result, boxes = one(result, boxes)
    assert result.shape == (30, 40, 3) and result.dtype == np.float32
    assert boxes.shape[1] == 5


@pytest.fixture(name="records")
def _records(tmp_path):
    path = tmp_path / "boxes.rec"
    with recordio.MXIndexedRecordIO(path.with_suffix(".idx"), path, "w") as writer:
        for number, label in enumerate(LABELS):
            picture = np.full((40 + 5 * number, 60, 3), 50 * number, np.uint8)
            picture[:, :10] = 255
            writer.write_idx(number, recordio.pack_img((0, label, number, 0), picture,
                                                       img_fmt=".png"))
    return {"path_imgrec": str(path), "path_imgidx": str(path.with_suffix(".idx"))}


def test_batches_of_boxes(records):
    batches = mx.image.ImageDetIter(2, (3, 30, 40), **records)
    assert batches.label_shape == (2, 5)
    assert batches.provide_data == [("data", (2, 3, 30, 40))]
    assert batches.provide_label == [("label", (2, 2, 5))]
    for _ in range(2):
        first, second = list(batches)
        np.testing.assert_allclose(first.label[0].asnumpy(), [
            [[0, .1, .2, .5, .6], [-1] * 5], [[1, .1, .2, .5, .6], [0, .3, .3, .9, .8]]], atol=1e-6)
        assert first.data[0].shape == (2, 3, 30, 40) and (first.pad, second.pad) == (0, 1)
        np.testing.assert_array_equal(second.label[0].asnumpy()[0, :, 0], [2, 1])
        batches.reset()
    plain = mx.image.ImageDetIter(1, (3, 30, 40), path_imgrec=records["path_imgrec"])
    assert len(list(plain)) == 3


def test_labels_are_checked(records):
    batches = mx.image.ImageDetIter(2, (3, 30, 40), **records)
    assert batches._parse_label(np.array(LABELS[2])).shape == (2, 5)
    for label, what in (([2, 5], "Label shape is invalid"),
                        ([1, 5, 0, .1, .2, .5, .6], "inconsistent with annotation width 5"),
                        ([2, 5, 0, .6, .2, .5, .6], "no valid label")):
        with pytest.raises(RuntimeError, match=what):
            batches._parse_label(np.array(label, np.float32))
    with pytest.raises(RuntimeError, match="Label with shape"):
        batches._check_valid_label(np.ones((2, 4)))
    with pytest.raises(RuntimeError, match="Invalid label occurs"):
        batches._check_valid_label(np.array([[-1, .1, .1, .2, .2]]))


def test_reshape_and_sync(records):
    batches = mx.image.ImageDetIter(2, (3, 30, 40), **records)
    batches.reshape((3, 20, 25), (5, 5))
    batch = batches.next()
    assert batch.data[0].shape == (2, 3, 20, 25) and batch.label[0].shape == (2, 5, 5)
    other = mx.image.ImageDetIter(2, (3, 30, 40), **records)
    assert batches.sync_label_shape(other) is other
    assert other.label_shape == (5, 5) and other.provide_label == [("label", (2, 5, 5))]
    for shapes, what in (((None, (1, 5)), "reduce label count"), ((None, (6, 4)), "inconsistent"),
                         ((None, (6, 4, 3)), "length 2"), (((3, 20), None), "length 3"),
                         (((1, 20, 20), None), "3 channels")):
        with pytest.raises(ValueError, match=what):
            batches.reshape(*shapes)
    with pytest.raises(AssertionError, match="invalid iterator"):
        batches.sync_label_shape(3)


def test_drawn_boxes(records):
    batches = mx.image.ImageDetIter(2, (3, 30, 40), inter_method=0, **records)
    drawn = list(batches.draw_next(color=(255, 0, 0), thickness=1, clip=False))
    assert len(drawn) == 3 and drawn[0].shape == (30, 40, 3) and drawn[0].dtype == np.uint8
    red = (drawn[0] == [0, 0, 255]).all(axis=2)  # blue is first
    expected = np.zeros((30, 40), bool)
    expected[6:19, 4:21] = True
    expected[7:18, 5:20] = False
    np.testing.assert_array_equal(red, expected)
    batches.reset()
    with pytest.raises(AssertionError):
        next(batches.draw_next(mean=[1, 2, 3]))
