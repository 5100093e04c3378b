"""Transforms of images (numbers of MXNet 1.9.1) and sets of images in local files."""
import gzip
import json
import io
import struct
import tarfile

import gemel as mx
import numpy as np
import pytest
from gemel import gluon
from gemel.gluon.data import vision
from gemel.gluon.data.vision import transforms

VALUES = (np.arange(5 * 6 * 3).reshape(5, 6, 3) * 7 % 256).astype("uint8")
IMAGE = mx.nd.array(VALUES, dtype="uint8")
FLOATS = IMAGE.astype("float32")
GRAY = FLOATS.asnumpy() @ np.array([.299, .587, .114], "float32")


def first_channel(image):
    return image.asnumpy()[..., 0].tolist()


def test_resize():
    assert first_channel(transforms.Resize((3, 4))(IMAGE)) == [
        [26, 68, 110], [136, 130, 172], [133, 127, 169], [131, 61, 103]]
    nearest = transforms.Resize((12, 10), interpolation=0)(IMAGE)
    assert nearest.shape == (10, 12, 3) and nearest.dtype == np.uint8
    assert first_channel(nearest[:3, :3]) == [[0, 0, 21], [0, 0, 21], [126, 126, 147]]
    assert transforms.Resize(3, keep_ratio=True)(mx.nd.zeros((10, 20, 3))).shape == (3, 6, 3)
    assert transforms.Resize(3)(mx.nd.zeros((2, 10, 20, 3))).shape == (2, 3, 3, 3)
    areas = transforms.Resize((3, 5), interpolation=3)(FLOATS).asnumpy()
    np.testing.assert_allclose(areas, FLOATS.asnumpy().reshape(5, 3, 2, 3).mean(2), rtol=1e-5)
    for size, interpolation in (((1, 2, 3), 1), ((2, 2), 9)):
        with pytest.raises(mx.MXNetError, match="expected"):
            transforms.Resize(size, interpolation=interpolation)(IMAGE)


def test_crops():
    assert first_channel(transforms.CenterCrop((4, 3))(IMAGE)) == [
        [147, 168, 189, 210], [17, 38, 59, 80], [143, 164, 185, 206]]
    assert transforms.CenterCrop(8)(IMAGE).shape == (8, 8, 3)
    assert first_channel(transforms.CropResize(1, 2, 3, 2)(IMAGE)) == [[17, 38, 59],
                                                                       [143, 164, 185]]
    assert transforms.CropResize(1, 2, 3, 2, (6, 4), 1)(IMAGE).shape == (4, 6, 3)
    with pytest.raises(mx.MXNetError, match="expected a part of an image of 6x5"):
        transforms.CropResize(0, 0, 10, 10)(IMAGE)
    for scale in ((.08, 1.), (4., 5.)):  # no part has four times the area
        assert transforms.RandomResizedCrop(4, scale=scale)(IMAGE).shape == (4, 4, 3)


@pytest.mark.parametrize("hybridize", [False, True])
def test_to_tensor_and_normalize(hybridize):
    to_tensor, normalize = transforms.ToTensor(), transforms.Normalize((.1, .2, .3), .5)
    if hybridize:
        to_tensor.hybridize()
        normalize.hybridize()
    tensor = to_tensor(IMAGE)
    assert tensor.shape == (3, 5, 6) and tensor.dtype == np.float32
    np.testing.assert_allclose(tensor.asnumpy(), VALUES.transpose(2, 0, 1) / 255, rtol=1e-6)
    assert to_tensor(IMAGE.expand_dims(0)).shape == (1, 3, 5, 6)
    if not hybridize:
        np.testing.assert_allclose(normalize(tensor).asnumpy()[:, 0, 0],
                                   [-.2, -.34509805, -.4901961], rtol=1e-5)
        with pytest.raises(mx.MXNetError, match="expected 1 or 3 numbers"):
            transforms.Normalize((0, 1), 1)(tensor)
    several = normalize(tensor.expand_dims(0))
    np.testing.assert_allclose(several.asnumpy()[0, :, 0, 0], [-.2, -.34509805, -.4901961],
                               rtol=1e-5)


def test_compose_and_random_apply():
    chain = transforms.Compose([transforms.Resize(4), transforms.CenterCrop(3),
                                transforms.ToTensor(), transforms.Cast("float64")])
    out = chain(IMAGE)
    assert out.shape == (3, 3, 3) and out.dtype == np.float64
    assert [type(one).__name__ for one in chain] == ["Resize", "CenterCrop",
                                                     "HybridSequential"]
    chain.hybridize()
    assert chain(IMAGE).shape == (3, 3, 3)
    assert transforms.RandomApply(transforms.Resize(4), p=1)(IMAGE).shape == (4, 4, 3)
    assert transforms.RandomApply(transforms.Resize(4), p=0)(IMAGE).shape == (5, 6, 3)


@pytest.mark.parametrize("flip, axis", [(transforms.RandomFlipLeftRight, 1),
                                        (transforms.RandomFlipTopBottom, 0)])
def test_flips(flip, axis):
    mx.random.seed(1)
    results = [flip()(IMAGE).asnumpy() for _ in range(20)]
    turned = sum((one == np.flip(VALUES, axis)).all() for one in results)
    assert 0 < turned < 20 and sum((one == VALUES).all() for one in results) == 20 - turned


def fitted(out, *parts):
    columns = np.stack([np.broadcast_to(part, out.shape).ravel() for part in parts], 1)
    found, residual, *_ = np.linalg.lstsq(columns, out.asnumpy().ravel(), rcond=None)
    assert residual[0] < 1e-3
    return found


def test_colours():
    values = FLOATS.asnumpy()
    assert .5 <= fitted(transforms.RandomBrightness(.5)(FLOATS), values)[0] <= 1.5
    factor, rest = fitted(transforms.RandomContrast(.5)(FLOATS), values, GRAY.mean())
    assert .5 <= factor <= 1.5 and factor + rest == pytest.approx(1, abs=1e-4)
    factor, rest = fitted(transforms.RandomSaturation(.5)(FLOATS), values, GRAY[..., None])
    assert .5 <= factor <= 1.5 and factor + rest == pytest.approx(1, abs=1e-4)
    hue = transforms.RandomHue(.5)(FLOATS).asnumpy()
    np.testing.assert_allclose(hue.max(-1), values.max(-1), atol=.01)
    np.testing.assert_allclose(hue.min(-1), values.min(-1), atol=.01)
    light = transforms.RandomLighting(.5)(FLOATS).asnumpy() - values
    np.testing.assert_allclose(light, np.broadcast_to(light[0, 0], light.shape), atol=1e-3)
    bright = transforms.RandomBrightness(5.)(IMAGE)
    assert bright.dtype == np.uint8
    np.testing.assert_array_equal(transforms.RandomColorJitter()(IMAGE).asnumpy(), VALUES)
    assert transforms.RandomColorJitter(.1, .1, .1, .1)(IMAGE).shape == IMAGE.shape


def test_hue_may_turn_further_than_once_and_back():
    values = FLOATS.asnumpy()
    for seed in range(8):
        mx.random.seed(seed)
        turned = transforms.RandomColorJitter(hue=3)(FLOATS).asnumpy()
        np.testing.assert_allclose(turned.max(-1), values.max(-1), atol=.02)
        np.testing.assert_allclose(turned.min(-1), values.min(-1), atol=.02)


def test_transforms_are_operators():
    """Every one that 1.9.1 traces is traced here, to the same operators and attributes."""
    x = mx.sym.var("x")
    for transform, op, attributes in (
            (transforms.Resize(4), "_image_resize",
             {"interp": "1", "keep_ratio": "False", "size": "4"}),
            (transforms.ToTensor(), "_image_to_tensor", {}),
            (transforms.Normalize(.5, (1, 2, 3)), "_image_normalize",
             {"mean": "0.5", "std": "(1, 2, 3)"}),
            (transforms.RandomHue(.25), "_image_random_hue",
             {"max_factor": "1.25", "min_factor": "0.75"}),
            (transforms.RandomLighting(.1), "_image_random_lighting", {"alpha_std": "0.1"}),
            (transforms.RandomFlipLeftRight(), "_image_random_flip_left_right", {})):
        node = json.loads(transform(x).tojson())["nodes"][1]
        assert (node["op"], node.get("attrs", {})) == (op, attributes)


def test_hybridized_chain_draws_anew():
    mx.random.seed(3)
    chain = mx.gluon.nn.HybridSequential()
    chain.add(transforms.RandomFlipLeftRight(), transforms.RandomBrightness(.5),
              transforms.ToTensor())
    chain.hybridize()
    results = {chain(IMAGE).asnumpy().tobytes() for _ in range(8)}
    assert len(results) == 8


def test_colours_follow_the_seed():
    results = []
    for _ in range(2):
        mx.random.seed(5)
        results.append(transforms.RandomColorJitter(.3, .3, .3, .3)(FLOATS).asnumpy())
    np.testing.assert_array_equal(*results)


def test_rotations():
    square = mx.nd.array(np.arange(16).reshape(1, 4, 4))
    np.testing.assert_allclose(transforms.Rotate(90)(square).asnumpy()[0],
                               np.rot90(np.arange(16).reshape(4, 4)), atol=1e-5)
    rows = {(): [.42884773, 1.7278857, 4.4868603, 3.0682757],
            ("zoom_in",): [1.0980762, 3.196152, 5.294229, 7.392305],
            ("zoom_out",): [0., .742228, 2.8887851, 0.]}
    for zoom, row in rows.items():
        turned = transforms.Rotate(30, **{name: True for name in zoom})(square)
        np.testing.assert_allclose(turned.asnumpy()[0, 0], row, atol=1e-5)
    assert transforms.RandomRotation((-30, 10))(square.expand_dims(0)).shape == (1, 1, 4, 4)
    assert transforms.RandomRotation((0, 1), rotate_with_proba=0.)(square) is square
    with pytest.raises(TypeError, match="only supports float32"):
        transforms.Rotate(30)(IMAGE)
    with pytest.raises(ValueError, match="cannot be both True"):
        transforms.Rotate(30, True, True)(square)
    with pytest.raises(ValueError, match="ordered tuple"):
        transforms.RandomRotation((30, 10))
    with pytest.raises(ValueError, match="between 0 and 1"):
        transforms.RandomRotation((10, 30), rotate_with_proba=2)


def idx(values):
    return bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + \
        values.tobytes()


def digits(folder, part, packed):
    images = np.arange(3 * 28 * 28).reshape(3, 28, 28).astype("uint8")
    for name, values in (("images-idx3", images), ("labels-idx1", np.array([7, 1, 3], "uint8"))):
        if packed:
            (folder / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(idx(values)))
        else:
            (folder / f"{part}-{name}-ubyte").write_bytes(idx(values))
    return images


@pytest.mark.parametrize("kind", [vision.MNIST, vision.FashionMNIST])
def test_mnist(kind, tmp_path):
    images = digits(tmp_path, "train", True)
    digits(tmp_path, "t10k", False)
    data = kind(str(tmp_path))
    image, label = data[1]
    assert len(data) == 3 and label == 1 and label.dtype == np.int32
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image.asnumpy(), images[1][..., None])
    test = kind(str(tmp_path), train=False, transform=lambda x, y: (x.astype("float32"), y + 1))
    assert test[0][0].dtype == np.float32 and test[0][1] == 8
    batch, labels = next(iter(gluon.data.DataLoader(
        data.transform_first(transforms.ToTensor()), 2, num_workers=1)))
    assert batch.shape == (2, 1, 28, 28) and labels.asnumpy().tolist() == [7, 1]


def test_mnist_is_fetched_from_the_repository(tmp_path, monkeypatch):
    source = tmp_path / "repo" / "gluon" / "dataset" / "mnist"
    source.mkdir(parents=True)
    digits(source, "train", True)
    monkeypatch.setenv("MXNET_GLUON_REPO", (tmp_path / "repo").as_uri() + "/")
    assert len(vision.MNIST(str(tmp_path / "root"))) == 3
    with pytest.raises(OSError):
        vision.MNIST(str(tmp_path / "root"), train=False)


def test_damaged_idx_file(tmp_path):
    digits(tmp_path, "train", False)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="should hold"):
        vision.MNIST(str(tmp_path))
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match="is no idx file"):
        vision.MNIST(str(tmp_path))


def test_cifar(tmp_path):
    rows = np.arange(2 * 3073).reshape(2, 3073).astype("uint8")
    for i in range(1, 6):
        rows.tofile(tmp_path / f"data_batch_{i}.bin")
    data = vision.CIFAR10(str(tmp_path))
    assert len(data) == 10 and data[1][1] == rows[1, 0] and data[0][0].shape == (32, 32, 3)
    np.testing.assert_array_equal(data[1][0].asnumpy()[..., 2].ravel(), rows[1, -1024:])
    rows = np.arange(2 * 3074).reshape(2, 3074).astype("uint8")
    with tarfile.open(tmp_path / "cifar-100-binary.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("cifar-100-binary/test.bin")
        member.size = rows.size
        archive.addfile(member, io.BytesIO(rows.tobytes()))
    assert [vision.CIFAR100(str(tmp_path), fine_label=fine, train=False)[1][1]
            for fine in (False, True)] == rows[1, :2].tolist()
    (tmp_path / "test.bin").write_bytes(b"x")
    with pytest.raises(ValueError, match="rows of 3074 bytes"):
        vision.CIFAR100(str(tmp_path), train=False)


def test_interval_sampler():
    sampler = gluon.contrib.data.IntervalSampler(13, 3)
    assert list(sampler) == [0, 3, 6, 9, 12, 1, 4, 7, 10, 2, 5, 8, 11] and len(sampler) == 13
    sampler = gluon.contrib.data.IntervalSampler(13, 3, rollover=False)
    assert list(sampler) == [0, 3, 6, 9, 12] and len(sampler) == 5
    with pytest.raises(AssertionError, match="smaller than or equal"):
        gluon.contrib.data.IntervalSampler(3, 5)
