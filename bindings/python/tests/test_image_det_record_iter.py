"""`ImageDetRecordIter`: pixels, labels with boxes, padding, random changes, errors."""
import gemel as mx
import numpy as np
import pytest
from gemel import recordio

LABELS = [[2, 5, 0, .1, .2, .5, .6], [2, 5, 1, .1, .2, .5, .6, 0, .3, .3, .9, .8],
          [4, 5, 9, 9, 2, .1, .1, .4, .5, 1, .5, .5, .9, .9, 0, .2, .2, .4, .4],
          [2, 5, 3, .1, .2, .5, .6]]


def write(path, labels):
    with recordio.MXIndexedRecordIO(f"{path}.idx", f"{path}.rec", "w") as writer:
        for number, label in enumerate(labels):
            image = np.full((40 + 5 * number, 60, 3), 50 * number, np.uint8)
            image[:, :10] = 255
            image[:5] = (0, 0, 128)
            writer.write_idx(number, recordio.pack_img((0, label, 10 + number, 0), image,
                                                       img_fmt=".png"))
    return f"{path}.rec"


@pytest.fixture(name="make")
def _make(tmp_path):
    path = write(tmp_path / "boxes", LABELS)

    def make(**parameters):
        settings = {"path_imgrec": path, "data_shape": (3, 30, 40), "batch_size": 2,
                    "verbose": False, **parameters}
        return mx.io.ImageDetRecordIter(**settings)
    return make


def rows(iterator):
    return np.concatenate([batch.label[0].asnumpy() for batch in iterator])


def expected(width=23, pad=-1):
    result = np.full((4, width), pad, np.float32)
    for row, label in zip(result, LABELS):
        row[:4 + len(label)] = [3, 30, 40, len(label), *label]
    return result


def test_labels_are_laid_out_as_in_the_original(make):
    iterator = make()
    assert iterator.provide_label == [("softmax_label", (2, 23))]
    np.testing.assert_array_equal(rows(iterator), expected())
    np.testing.assert_array_equal(rows(make(label_pad_width=40)), expected(44))
    np.testing.assert_array_equal(rows(make(label_pad_width=30, label_pad_value=-5)),
                                  expected(34, -5))
    part = make(num_parts=2, part_index=1)
    assert part.provide_label == [("softmax_label", (2, 11))]  # the longest of this part
    batch = part.next()
    assert batch.index.tolist() == [13, 13] and batch.pad == 1


def test_pixels(make):
    # Means of 1.9.1's pixels.
    data = np.concatenate([batch.data[0].asnumpy() for batch in make()]).mean(axis=(2, 3))
    np.testing.assert_allclose(data, [
        [53.8908, 37.525, 37.525], [89.3142, 75.4475, 75.4475], [126.335, 113.535, 113.535],
        [163.8692, 151.4308, 151.4308]], atol=0.2)
    batch = make(mean_r=10, mean_g=20, mean_b=30, std_r=2, std_g=4, std_b=5, scale=.5).next()
    np.testing.assert_allclose(batch.data[0].asnumpy()[0, :, 0, 0], [29.5, -2.5, -3])
    assert make(dtype="uint8").next().data[0].dtype == np.uint8


@pytest.mark.parametrize("mode, shape, sizes", [("fit", (40, 40), [(26, 40), (30, 40)]),
                                                ("shrink", (100, 100), [(40, 60), (45, 60)]),
                                                ("fit", (100, 100), [(66, 100), (75, 100)])])
def test_images_that_keep_their_form(make, mode, shape, sizes):
    batch = make(resize_mode=mode, data_shape=(3, *shape)).next()
    labels, data = batch.label[0].asnumpy(), batch.data[0].asnumpy()
    for row, image, (height, width) in zip(labels, data, sizes):
        assert tuple(row[1:3]) == (height, width)
        assert image[:, :height, :width].max() > 0
        assert not image[:, height:].any() and not image[:, :, width:].any()


def test_mirror(make):
    batch, plain = make(rand_mirror_prob=1).next(), make().next()
    np.testing.assert_allclose(batch.data[0].asnumpy(), plain.data[0].asnumpy()[..., ::-1], atol=1)
    np.testing.assert_allclose(batch.label[0].asnumpy()[0, 6:11], [0, .5, .2, .9, .6], atol=1e-6)


def test_pads_and_crops_move_the_boxes(make):
    label = rows(make(rand_pad_prob=1, max_pad_scale=2))[0, 6:11]
    assert 0 < label[3] - label[1] < 0.4 and label[3] - label[1] == pytest.approx(
        label[4] - label[2], abs=0.02)
    for mode in ("center", "overlap"):
        labels = rows(make(rand_crop_prob=1, min_crop_scales=(.3,), max_crop_scales=(.6,),
                           crop_emit_mode=mode, seed=3))
        assert (labels[:, 3] >= 7).all() and (labels[:, 3] <= expected()[:, 3]).all()
        boxes = labels[:, 4:].reshape(-1)[np.r_[3:7]]
        assert ((boxes >= 0) & (boxes <= 1)).all()
    same = rows(make(rand_crop_prob=1, min_crop_overlaps=(.99,), max_crop_trials=(3,)))
    np.testing.assert_array_equal(same, expected())


def test_the_random_changes_follow_from_the_seed(make):
    changes = {"rand_crop_prob": .8, "min_crop_scales": (.3, .5), "max_crop_scales": (.9,),
               "num_crop_sampler": 2, "rand_pad_prob": .5, "max_pad_scale": 3,
               "rand_mirror_prob": .5, "max_random_hue": 20, "random_hue_prob": .5,
               "max_random_contrast": .3, "random_contrast_prob": .5, "shuffle": True}

    def all_of(**more):
        return [(batch.data[0].asnumpy(), batch.label[0].asnumpy())
                for batch in make(**changes, **more)]
    first = all_of(seed=1, preprocess_threads=1)
    for (data, label), (data2, label2) in zip(first, all_of(seed=1, preprocess_threads=4)):
        np.testing.assert_array_equal(data, data2)
        np.testing.assert_array_equal(label, label2)
    assert any((data != data2).any() for (data, _), (data2, _) in zip(first, all_of(seed=2)))


def test_state_and_mean_image(make, tmp_path):
    iterator = make(rand_mirror_prob=.5)
    iterator.next()
    state = iterator.state_dict()
    rest = rows(iterator)
    again = make(rand_mirror_prob=.5)
    again.load_state_dict(state)
    np.testing.assert_array_equal(rows(again), rest)
    path = str(tmp_path / "mean.nd")
    total = sum(batch.data[0].asnumpy().sum(axis=0) for batch in make(mean_img=path))
    assert abs(total).max() < 1e-2


def test_errors_say_what_is_wrong(make, tmp_path):
    for parameters, what in (({"label_pad_width": 5}, "expected at least 19"),
                             ({"inter_method": 7}, "inter_method"),
                             ({"max_pad_scale": 0.5}, "max_pad_scale"),
                             ({"min_crop_scales": (.9,), "max_crop_scales": (.1,)}, "crop_scales"),
                             ({"path_imgrec": str(tmp_path / "none.rec")}, "none.rec")):
        with pytest.raises(mx.MXNetError, match=what):
            make(**parameters)
    with pytest.raises(mx.MXNetError, match="expected label_width 19 labels, got 7"):
        make(label_width=19).next()
    damaged = write(tmp_path / "damaged", [LABELS[0], [0., 1.], LABELS[1]])
    with pytest.raises(mx.MXNetError, match="damaged.rec, record 1: expected a label"):
        list(make(path_imgrec=damaged))
    skipping = make(path_imgrec=damaged, on_damage="skip", batch_size=3)
    assert rows(skipping)[1].tolist() == rows(make(path_imgrec=damaged, on_damage="skip"))[0].tolist()
    assert skipping.damaged == 1
