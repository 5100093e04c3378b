"""`mx.image`: decoding, cropping, augmenters, `ImageIter`; data sets of images."""
import json
import random

import gemel as mx
import numpy as np
import pytest
from gemel import recordio
from gemel.gluon import data as gdata


def picture(height=60, width=75, number=0):
    y, x = np.mgrid[0:height, 0:width]
    phase = np.stack([x / 9 + number, y / 7 - number, (x + y) / 11 + 2 * number], axis=-1)
    return (128 + 100 * np.sin(phase)).astype(np.uint8)


def png(image):
    record = recordio.pack_img(recordio.IRHeader(0, 0.0, 0, 0), image[:, :, ::-1], 3, ".png")
    return recordio.unpack(record)[1]


def array(image):
    return mx.nd.array(image, dtype=image.dtype)


def test_decode():
    image = picture()
    content = png(image)
    for buffer in (content, bytearray(content), np.frombuffer(content, np.uint8),
                   array(np.frombuffer(content, np.uint8))):
        np.testing.assert_array_equal(mx.image.imdecode(buffer).asnumpy(), image)
    np.testing.assert_array_equal(mx.image.imdecode(content, to_rgb=0).asnumpy(),
                                  image[:, :, ::-1])
    gray = mx.image.imdecode(content, flag=0)
    assert gray.shape == (60, 75, 1)
    assert abs(gray.asnumpy()[:, :, 0] - image @ np.array([0.299, 0.587, 0.114])).max() < 1.01
    out = mx.nd.zeros((60, 75, 3), dtype="uint8")
    assert mx.image.imdecode(content, out=out) is out
    np.testing.assert_array_equal(out.asnumpy(), image)


def test_what_is_no_image():
    for content in (b"", b"\x89PNG\r\n\x1a\n", png(picture())[:-300], b"\xff\xd8\xff"):
        with pytest.raises(mx.MXNetError):
            mx.image.imdecode(content)
    with pytest.raises(ValueError, match="buf must be of type"):
        mx.image.imdecode("text")
    with pytest.raises(mx.MXNetError, match="missing.jpg"):
        mx.image.imread("missing.jpg")


def test_unpack_img_is_what_pack_img_got():
    image, header = picture(), recordio.IRHeader(0, [1, 2], 3, 4)
    read, same = recordio.unpack_img(recordio.pack_img(header, image, 3, ".png"))
    np.testing.assert_array_equal(same, image)
    assert read.flag == 2 and read.id == 3
    gray = recordio.pack_img(header, image[:, :, 0], 90, ".jpg")
    assert recordio.unpack_img(gray)[1].shape == (60, 75)
    assert recordio.unpack_img(gray, 1)[1].shape == (60, 75, 3)
    assert abs(recordio.unpack_img(gray)[1].astype(int) - image[:, :, 0]).max() < 30


def test_crops():
    image = array(picture())
    part, place = mx.image.center_crop(image, (50, 40))
    assert place == (12, 10, 50, 40)
    np.testing.assert_array_equal(part.asnumpy(), picture()[10:50, 12:62])
    random.seed(5)
    part, (x, y, width, height) = mx.image.random_crop(image, (50, 40))
    np.testing.assert_array_equal(part.asnumpy(), picture()[y:y + height, x:x + width])
    random.seed(5)
    assert (x, y) == (random.randint(0, 25), random.randint(0, 20))
    part, place = mx.image.center_crop(image, (150, 120))
    assert part.shape == (120, 150, 3) and place == (0, 0, 75, 60)
    part, place = mx.image.random_size_crop(image, (20, 30), (0.2, 0.5), (0.7, 1.3))
    assert part.shape == (30, 20, 3)
    assert 0.1 < place[2] * place[3] / (60 * 75) < 0.6
    assert mx.image.fixed_crop(image, 5, 6, 20, 30, (10, 12)).shape == (12, 10, 3)
    assert mx.image.resize_short(image, 30).shape == (30, 37, 3)
    assert mx.image.scale_down((640, 480), (720, 120)) == (640, 106)
    with pytest.raises(ValueError, match="interp"):
        mx.image.imresize(image, 5, 5, interp=7)


def test_borders():
    image = array(picture(4, 5))
    around = mx.image.copyMakeBorder(image, 1, 2, 3, 4, values=(1, 2, 3)).asnumpy()
    np.testing.assert_array_equal(around[1:5, 3:8], picture(4, 5))
    assert around.shape == (7, 12, 3) and around[0, 0].tolist() == [1, 2, 3]
    edge = mx.image.copyMakeBorder(image, 1, 1, 1, 1, type=1).asnumpy()
    np.testing.assert_array_equal(edge[0, 1:-1], picture(4, 5)[0])


def color_change(augmenter, seed=3):
    source = array(picture().astype(np.float32))
    random.seed(seed)
    result = augmenter(source).asnumpy()
    random.seed(seed)
    return picture().astype(np.float64), result


def test_colors():
    gray = np.array([0.299, 0.587, 0.114])
    image, result = color_change(mx.image.BrightnessJitterAug(0.5))
    np.testing.assert_allclose(result, image * (1 + random.uniform(-0.5, 0.5)), rtol=1e-5)
    image, result = color_change(mx.image.ContrastJitterAug(0.5))
    alpha = 1 + random.uniform(-0.5, 0.5)
    np.testing.assert_allclose(result, image * alpha + (1 - alpha) * (image @ gray).mean(),
                               rtol=1e-4)
    image, result = color_change(mx.image.SaturationJitterAug(0.5))
    alpha = 1 + random.uniform(-0.5, 0.5)
    np.testing.assert_allclose(result, image * alpha + (1 - alpha) * (image @ gray)[..., None],
                               rtol=1e-4, atol=1e-3)
    image, result = color_change(mx.image.HueJitterAug(0.0))
    np.testing.assert_allclose(result, image, atol=1)
    image, result = color_change(mx.image.RandomGrayAug(1.0))
    np.testing.assert_allclose(result[..., 1], image @ [0.21, 0.72, 0.07], rtol=1e-5)
    np.random.seed(1)
    image, result = color_change(mx.image.LightingAug(0.1, np.array([55.0, 5, 1]), np.eye(3)))
    np.random.seed(1)
    noise = np.random.normal(0, 0.1, 3) * [55, 5, 1]
    np.testing.assert_allclose(result - image, np.broadcast_to(noise, image.shape), atol=1e-3)


def test_the_list_that_create_augmenter_makes():
    augmenters = mx.image.CreateAugmenter((3, 50, 60), resize=70, rand_crop=True, rand_mirror=True,
                                          mean=True, std=True, brightness=0.1, hue=0.1,
                                          pca_noise=0.1, rand_gray=0.1)
    names = [type(one).__name__ for one in augmenters]
    assert names == ["ResizeAug", "RandomCropAug", "HorizontalFlipAug", "CastAug", "ColorJitterAug",
                     "HueJitterAug", "LightingAug", "RandomGrayAug", "ColorNormalizeAug"]
    assert augmenters[0].dumps() == '["resizeaug", {"size": 70, "interp": 2}]'
    assert augmenters[4].dumps() == ["colorjitteraug", ['["brightnessjitteraug", {"brightness": 0.1}]']]
    assert json.loads(augmenters[8].dumps())[1]["mean"][0] == pytest.approx(123.68)
    image = array(picture(100, 120))
    for one in augmenters:
        image = one(image)
    assert image.shape == (50, 60, 3) and image.dtype is np.float32


@pytest.fixture
def records(tmp_path):
    path = str(tmp_path / "a")
    with recordio.MXIndexedRecordIO(path + ".idx", path + ".rec", "w") as writer:
        for i in range(6):
            header = recordio.IRHeader(0, float(i), i, 0)
            writer.write_idx(i, recordio.pack_img(header, picture(number=i)[:, :, ::-1], 3, ".png"))
    return path


@pytest.mark.parametrize("handle, first, second", [
    ("pad", [([0, 1, 2, 3], 0), ([4, 5, 0, 1], 2)], [([0, 1, 2, 3], 0), ([4, 5, 0, 1], 2)]),
    ("discard", [([0, 1, 2, 3], 0)], [([0, 1, 2, 3], 0)]),
    ("roll_over", [([0, 1, 2, 3], 0)], [([4, 5, 0, 1], 2), ([2, 3, 4, 5], 0)])])
@pytest.mark.parametrize("index", [True, False])
def test_image_iter(records, handle, first, second, index):
    iterator = mx.image.ImageIter(4, (3, 40, 50), path_imgrec=records + ".rec",
                                  path_imgidx=records + ".idx" if index else None,
                                  last_batch_handle=handle)
    assert iterator.provide_data == [("data", (4, 3, 40, 50))]
    for expected in (first, second):
        batches = list(iterator)
        assert [(b.label[0].asnumpy().tolist(), b.pad) for b in batches] == expected
        number = expected[0][0][0]
        np.testing.assert_array_equal(batches[0].data[0].asnumpy()[0].transpose(1, 2, 0),
                                      picture(number=number)[10:50, 12:62])
        iterator.reset()


def test_image_iter_of_files(tmp_path):
    for i in range(4):
        (tmp_path / f"{i}.png").write_bytes(png(picture(number=i)))
    (tmp_path / "a.lst").write_text("".join(f"{i}\t{i}\t{i + 10}\t{i}.png\n" for i in range(4)))
    iterator = mx.image.ImageIter(2, (3, 40, 50), label_width=2, path_root=str(tmp_path),
                                  path_imglist=str(tmp_path / "a.lst"), num_parts=2, part_index=1)
    assert [b.label[0].asnumpy().tolist() for b in iterator] == [[[2, 12], [3, 13]]]
    iterator = mx.image.ImageIter(2, (3, 40, 50), path_root=str(tmp_path), shuffle=True,
                                  imglist=[[float(i), f"{i}.png"] for i in range(4)])
    seen = [label for batch in iterator for label in batch.label[0].asnumpy().tolist()]
    assert sorted(seen) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="3 channels"):
        mx.image.ImageIter(2, (1, 40, 50), imglist=[[0.0, "0.png"]])


def test_data_sets(records, tmp_path):
    raw = gdata.RecordFileDataset(records + ".rec")
    assert len(raw) == 6 and recordio.unpack(raw[3])[0].label == 3
    images = gdata.vision.ImageRecordDataset(records + ".rec")
    image, label = images[2]
    np.testing.assert_array_equal(image.asnumpy(), picture(number=2))
    assert label == 2
    loader = gdata.DataLoader(images.transform_first(lambda one: one.astype("float32") / 255),
                              batch_size=3, num_workers=2)
    batches = [batch for batch in loader]
    assert batches[0][0].shape == (3, 60, 75, 3)
    assert [label for batch in batches for label in batch[1].asnumpy().tolist()] == list(range(6))
    for name in ("cat", "dog"):
        folder = tmp_path / "root" / name
        folder.mkdir(parents=True)
        (folder / "a.png").write_bytes(png(picture()))
        (folder / "note.txt").write_text("no image")
    with pytest.warns(UserWarning, match="note.txt"):
        folders = gdata.vision.ImageFolderDataset(str(tmp_path / "root"))
    assert folders.synsets == ["cat", "dog"] and len(folders) == 2
    image, label = folders[1]
    assert image.shape == (60, 75, 3) and label == 1
