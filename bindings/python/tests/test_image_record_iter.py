"""`ImageRecordIter`: pixels, labels, order, epochs, parts, damage, state."""
import pathlib
import sys
import types

import gemel as mx
import numpy as np
import pytest
from gemel import recordio
from gemel.recordio import IRHeader

DATA = pathlib.Path(__file__).parents[3] / "data"
HEIGHT, WIDTH = 60, 75


def picture(number):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    phase = np.stack([x / 9 + number, y / 7 - number, (x + y) / 11 + 2 * number], axis=-1)
    return (128 + 100 * np.sin(phase)).astype(np.uint8)


def write(path, count=10, label=float, image_format=".png"):
    with recordio.MXIndexedRecordIO(path + ".idx", path + ".rec", "w") as writer:
        for number in range(count):
            header = IRHeader(0, label(number), number + 100, 0)
            writer.write_idx(number, recordio.pack_img(header, picture(number)[:, :, ::-1], 3,
                                                       image_format))
    return path + ".rec"


@pytest.fixture
def records(tmp_path):
    return write(str(tmp_path / "a"))


def make(path, **parameters):
    settings = {"path_imgrec": path, "data_shape": (3, 40, 50), "batch_size": 4, "verbose": False}
    settings.update(parameters)
    return mx.io.ImageRecordIter(**settings)


def labels(iterator):
    return [batch.label[0].asnumpy().tolist() for batch in iterator]


def center(number, height=40, width=50):
    top, left = (HEIGHT - height) // 2, (WIDTH - width) // 2
    return picture(number)[top:top + height, left:left + width].transpose(2, 0, 1)


def test_pixels_labels_and_numbers(records):
    iterator = make(records)
    assert iterator.provide_data == [("data", (4, 3, 40, 50))]
    assert iterator.provide_label == [("softmax_label", (4,))]
    batch = iterator.next()
    for i in range(4):
        np.testing.assert_array_equal(batch.data[0].asnumpy()[i], center(i))
    assert batch.label[0].asnumpy().tolist() == [0, 1, 2, 3]
    assert batch.index.tolist() == [100, 101, 102, 103] and batch.pad == 0


def test_epochs_begin_where_the_last_batch_ended(records):
    iterator = make(records)
    batches = list(iterator)
    assert [batch.pad for batch in batches] == [0, 0, 2]
    assert batches[2].label[0].asnumpy().tolist() == [8, 9, 0, 1]
    iterator.reset()
    assert labels(iterator) == [[2, 3, 4, 5], [6, 7, 8, 9]]
    iterator.reset()
    assert iterator.next().label[0].asnumpy()[0] == 0
    iterator.reset()  # in the middle
    assert iterator.next().label[0].asnumpy()[0] == 0


def test_without_round_batch(records):
    iterator = make(records, round_batch=False)
    last = list(iterator)[-1]
    assert last.pad == 2 and last.label[0].asnumpy().tolist() == [8, 9, 0, 0]
    assert not last.data[0].asnumpy()[2:].any()
    iterator.reset()
    assert labels(iterator)[0] == [0, 1, 2, 3]


def test_a_batch_larger_than_the_file(records):
    batch = make(records, batch_size=23).next()
    assert batch.pad == 13
    assert batch.label[0].asnumpy().tolist() == [i % 10 for i in range(23)]


def test_normalisation_and_types(records):
    parameters = {"mean_r": 10, "mean_g": 20, "mean_b": 30, "std_r": 4, "std_g": 5, "std_b": 6,
                  "scale": 2}
    data = make(records, **parameters).next().data[0].asnumpy()[0]
    mean, deviation = np.array([10, 20, 30.])[:, None, None], np.array([4, 5, 6.])[:, None, None]
    np.testing.assert_allclose(data, (center(0) - mean) / deviation * 2, rtol=1e-5, atol=1e-5)
    assert make(records, dtype="uint8").next().data[0].dtype is np.uint8
    signed = make(records, dtype="int8", mean_r=128, mean_g=128, mean_b=128).next().data[0]
    np.testing.assert_array_equal(signed.asnumpy()[0], center(0).astype(int) - 128)
    half = make(records, dtype="float16").next().data[0]
    np.testing.assert_array_equal(half.asnumpy()[1], center(1).astype(np.float16))
    batch = mx.io.ImageRecordUInt8Iter(path_imgrec=records, data_shape=(3, 40, 50), batch_size=2,
                                       verbose=False).next()
    np.testing.assert_array_equal(batch.data[0].asnumpy()[1], center(1))


def test_mean_image(records, tmp_path):
    path = str(tmp_path / "mean.bin")
    mean = np.mean([center(i) for i in range(10)], axis=0)
    first = make(records, mean_img=path).next().data[0].asnumpy()
    np.testing.assert_allclose(mx.nd.load(path)["mean_img"].asnumpy(), mean, rtol=1e-5)
    np.testing.assert_allclose(first[0], center(0) - mean, atol=1e-4)
    np.testing.assert_array_equal(make(records, mean_img=path).next().data[0].asnumpy(), first)


@pytest.mark.parametrize("parameters", [
    {"resize": 50}, {"resize": 50, "mirror": True}, {"resize": 90}, {"resize": 30},
    {"resize": 52, "inter_method": 2}, {"resize": 45, "inter_method": 3}])
def test_resize_is_that_of_images(records, parameters):
    data = make(records, **parameters).next().data[0].asnumpy()[0]
    method = parameters.get("inter_method", 1)
    image = mx.image.resize_short(mx.nd.array(picture(0), dtype="uint8"), parameters["resize"],
                                  interp=method)
    factor = max(40 / image.shape[0], 50 / image.shape[1])
    if factor > 1:
        image = mx.image.imresize(image, max(50, int(image.shape[1] * factor)),
                                  max(40, int(image.shape[0] * factor)), interp=method)
    top, left = (image.shape[0] - 40) // 2, (image.shape[1] - 50) // 2
    expected = image.asnumpy()[top:top + 40, left:left + 50].transpose(2, 0, 1)
    if parameters.get("mirror"):
        expected = expected[:, :, ::-1]
    assert abs(data - expected).max() <= 1


def test_labels_of_any_width(tmp_path):
    path = write(str(tmp_path / "b"), label=lambda number: [number, number + 0.5])
    assert make(path, label_width=2).next().label[0].asnumpy().tolist()[1] == [1, 1.5]
    with pytest.raises(mx.MXNetError, match="b.rec, record 0: expected label_width 3 labels, got 2"):
        make(path, label_width=3).next()


def test_labels_of_a_list(records, tmp_path):
    path = tmp_path / "a.lst"
    path.write_text("".join(f"{i + 100}\t{i * 3}\tname.jpg\n" for i in range(10)))
    assert make(records, path_imglist=str(path)).next().label[0].asnumpy().tolist() == [0, 3, 6, 9]
    path.write_text("1\t2\tname.jpg\n")
    with pytest.raises(mx.MXNetError, match="has no label for the number 100"):
        make(records, path_imglist=str(path)).next()
    path.write_text("1\tx\tname.jpg\n")
    with pytest.raises(mx.MXNetError, match="line 1"):
        make(records, path_imglist=str(path))


@pytest.mark.parametrize("parameters", [{}, {"shuffle": True}])
def test_parts_hold_every_image_once(records, parameters):
    seen = []
    for part in range(3):
        iterator = make(records, batch_size=1, num_parts=3, part_index=part, **parameters)
        seen += [row[0] for row in labels(iterator)]
    assert sorted(seen) == list(range(10))
    with pytest.raises(mx.MXNetError, match="part_index"):
        make(records, num_parts=2, part_index=2)


RANDOM = {"shuffle": True, "rand_crop": True, "rand_mirror": True, "seed": 5, "brightness": 0.2,
          "contrast": 0.2, "saturation": 0.2, "pca_noise": 0.1, "random_h": 10,
          "max_rotate_angle": 10}


def all_batches(iterator, epochs=2):
    result = []
    for _ in range(epochs):
        for batch in iterator:
            result.append((batch.data[0].asnumpy(), batch.label[0].asnumpy(), batch.pad))
        iterator.reset()
    return result


def assert_same(a, b):
    assert len(a) == len(b)
    for one, other in zip(a, b):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
        assert one[2] == other[2]


def test_random_changes_depend_on_the_seed_only(records):
    expected = all_batches(make(records, preprocess_threads=1, **RANDOM))
    for threads, ahead in ((2, 4), (4, 0), (1, 7)):
        assert_same(all_batches(make(records, preprocess_threads=threads, prefetch_buffer=ahead,
                                     **RANDOM)), expected)
    other = all_batches(make(records, **{**RANDOM, "seed": 6}))
    assert any((a[0] != b[0]).any() for a, b in zip(expected, other))
    assert sorted(np.concatenate([batch[1] for batch in expected[:3]])[:10]) == list(range(10))
    assert (expected[0][1] != expected[3][1]).any()  # another order in another epoch


@pytest.mark.parametrize("done", [0, 1, 3, 4])
def test_state_continues_in_the_middle(records, done):
    iterator = make(records, **RANDOM)
    taken = 0
    while taken < done:
        try:
            iterator.next()
            taken += 1
        except StopIteration:
            iterator.reset()
    state = iterator.state_dict()
    copy = make(records, **RANDOM)
    copy.next()
    copy.load_state_dict(state)
    assert_same(all_batches(copy), all_batches(iterator))


def test_damaged_images_and_records(records):
    content = bytearray(open(records, "rb").read())
    index = recordio.MXIndexedRecordIO(records[:-4] + ".idx", records, "r").idx
    content[index[1] + 200] ^= 0xff
    content[index[5]] ^= 0xff
    with open(records, "wb") as file:
        file.write(content)
    with pytest.raises(mx.MXNetError, match="a.rec, record 1: truncated or damaged PNG"):
        make(records).next()
    iterator = make(records, on_damage="skip", round_batch=False)
    seen = labels(iterator)
    assert seen == [[0, 0, 2, 3], [4, 6, 7, 8], [9, 0, 0, 0]]
    assert iterator.damaged == 2


def test_foreign_files(tmp_path):
    path = str(tmp_path / "text.rec")
    with open(path, "w", encoding="utf-8") as file:
        file.write("this is no file of records\n" * 3)
    with pytest.raises(mx.MXNetError, match="byte 0: expected the magic number"):
        make(path).next()
    assert list(make(path, on_damage="skip")) == []
    with pytest.raises(mx.MXNetError, match="cannot be opened"):
        make(str(tmp_path / "missing.rec"))
    with pytest.raises(mx.MXNetError, match="expected path_imgrec"):
        make("")


def test_gray_images(tmp_path):
    path = write(str(tmp_path / "c"), image_format=".jpg")
    data = make(path, data_shape=(1, 40, 50)).next().data[0]
    assert data.shape == (4, 1, 40, 50)
    image = recordio.unpack_img(recordio.MXRecordIO(path, "r").read(), 0)[1]
    np.testing.assert_array_equal(data.asnumpy()[0, 0], image[10:50, 12:62])


def test_several_files(records, tmp_path):
    other = write(str(tmp_path / "z"), count=2, label=lambda number: 50.0 + number)
    assert labels(make(f"{records};{other}", batch_size=6))[1] == [6, 7, 8, 9, 50, 51]
    assert labels(make(str(tmp_path), batch_size=6))[1] == [6, 7, 8, 9, 50, 51]


def test_digits_are_those_of_the_other_files():
    batch = make(str(DATA / "digits/test.rec"), data_shape=(1, 8, 8), batch_size=360).next()
    pixels = np.frombuffer((DATA / "digits/test-images-idx3-ubyte").read_bytes()[16:], np.uint8)
    np.testing.assert_array_equal(batch.data[0].asnumpy().ravel(), pixels)
    labels_of = np.frombuffer((DATA / "digits/test-labels-idx1-ubyte").read_bytes()[8:], np.uint8)
    np.testing.assert_array_equal(batch.label[0].asnumpy(), labels_of)


def test_photographs():
    iterator = make(str(DATA / "photographs/crops.rec"), data_shape=(3, 96, 96), batch_size=12,
                    resize=128, rand_crop=True, rand_mirror=True, shuffle=True)
    seen, means = [], []
    for batch in iterator:
        seen += batch.label[0].asnumpy().tolist()
        means += batch.data[0].asnumpy().mean(axis=(1, 2, 3)).tolist()
    assert sorted(seen) == [0.0] * 18 + [1.0] * 18
    assert all(0 < mean < 255 for mean in means)


def resident():
    with open("/proc/self/status", encoding="utf-8") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def test_memory_does_not_grow(records):
    iterator = make(records, **RANDOM)

    def epochs(count):
        for _ in range(count):
            for batch in iterator:
                batch.data[0].wait_to_read()
            iterator.reset()
    epochs(5)
    before = resident()
    epochs(10)
    assert resident() - before < 8 << 10  # KiB; a batch has 94


def test_scaled_decoding(tmp_path):
    y, x = np.mgrid[0:300, 0:420]
    large = np.stack([128 + 100 * np.sin(x / 60), 128 + 100 * np.sin(y / 50), 0 * x + 90],
                     axis=-1).astype(np.uint8)
    path = str(tmp_path / "large.rec")
    with recordio.MXRecordIO(path, "w") as writer:
        writer.write(recordio.pack_img((0, 1.0, 2, 0), large, 95, ".jpg"))
        writer.write(recordio.pack_img((0, 1.0, 3, 0), large, 3, ".png"))
    settings = {"data_shape": (3, 40, 40), "batch_size": 2, "resize": 48}
    plain = make(path, **settings).next().data[0].asnumpy()
    scaled = make(path, scaled_decode=True, **settings).next().data[0].asnumpy()
    assert abs(scaled[0] - plain[0]).max() < 6  # of a smooth image
    assert (scaled[0] != plain[0]).any()
    np.testing.assert_array_equal(scaled[1], plain[1])  # PNG is decoded as it is
    cropped = make(path, scaled_decode=True, rand_crop=True, seed=3, **settings)
    assert cropped.next().data[0].shape == (2, 3, 40, 40)
    # Less than half as large only: nothing changes.
    settings["resize"] = 200
    np.testing.assert_array_equal(make(path, **settings).next().data[0].asnumpy(),
                                  make(path, scaled_decode=True, **settings).next().data[0].asnumpy())


def test_other_formats_are_left_to_opencv(tmp_path, monkeypatch):
    path = str(tmp_path / "other.rec")
    with recordio.MXRecordIO(path, "w") as writer:
        for number in range(4):
            writer.write(recordio.pack((0, float(number), number, 0), b"BM" + bytes([number] * 9)))
    monkeypatch.setitem(sys.modules, "cv2", None)  # not installed
    with pytest.raises(mx.MXNetError, match="expected a JPEG or PNG image"):
        make(path).next()

    def imdecode(content, flag):
        image = np.full((HEIGHT, WIDTH, 3), content[2], np.uint8)
        image[:, :, 0] = 200  # blue
        return image if flag else image[:, :, 1]
    monkeypatch.setitem(sys.modules, "cv2", types.SimpleNamespace(imdecode=imdecode))
    data = make(path, preprocess_threads=2).next().data[0].asnumpy()
    for number in range(4):
        assert (data[number, :2] == number).all() and (data[number, 2] == 200).all()
    gray = make(path, data_shape=(1, 40, 50)).next().data[0].asnumpy()
    assert gray.shape == (4, 1, 40, 50) and (gray[3] == 3).all()
