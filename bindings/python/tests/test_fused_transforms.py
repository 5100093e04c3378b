"""Transforms that run as one call: the same bits and random numbers as one after the other."""
import copy
import pickle
import random

import numpy as np
import pytest

import gemel as mx
from gemel.gluon import nn
from gemel.gluon.data.vision import transforms as T

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CHAINS = {
    "resize": lambda: [T.Resize(20), T.ToTensor()],
    "halves": lambda: [T.Resize((25, 20)), T.RandomFlipLeftRight(), T.ToTensor()],
    "short edge": lambda: [T.Resize(30, keep_ratio=True), T.CenterCrop((12, 14)), T.ToTensor()],
    "larger": lambda: [T.CenterCrop(70), T.RandomBrightness(.3)],
    "flips": lambda: [T.RandomFlipLeftRight(), T.RandomFlipTopBottom(), T.ToTensor(),
                      T.Normalize(MEAN, STD)],
    "colours": lambda: [T.RandomResizedCrop((17, 31)), T.RandomFlipLeftRight(),
                        T.RandomColorJitter(.4, .4, .4, .3), T.RandomLighting(.1), T.ToTensor(),
                        T.Normalize(MEAN, STD)],
    "bytes": lambda: [T.CropResize(3, 4, 30, 20, (15, 10)), T.RandomFlipTopBottom(),
                      T.CropResize(1, 2, 9, 7), T.RandomContrast(.5), T.RandomContrast(.3)],
    "twice": lambda: [T.RandomHue(1.5), T.RandomFlipLeftRight(), T.Resize(19),
                      T.RandomSaturation(.5), T.Resize(40, interpolation=2), T.ToTensor(),
                      T.Cast("float16")],
    "floats": lambda: [T.Cast(), T.RandomContrast(.5), T.RandomResizedCrop(9), T.ToTensor(),
                       T.Normalize(.5, .3)],
    "parts": lambda: [T.RandomResizedCrop(33, interpolation=3), T.RandomResizedCrop(20),
                      T.CenterCrop(18), T.RandomLighting(.5)],
    "not of this module": lambda: [T.RandomFlipLeftRight(), T.Resize(21), nn.HybridLambda("relu"),
                                   T.RandomApply(T.CenterCrop(9)), T.RandomResizedCrop(8)],
    "nothing": lambda: [T.Resize(15), T.RandomApply(T.Resize(9), p=0), T.Cast("uint8")],
}


def image(shape, dtype="uint8", seed=0):
    return mx.nd.array(np.random.RandomState(seed).randint(0, 256, shape), dtype=dtype)


def results(function, x):
    """What it makes of x with some seeds, and the random numbers after it."""
    found = []
    for seed in range(4):
        mx.random.seed(seed)
        random.seed(seed)
        found += [function(x), mx.nd.random.uniform(shape=(2,)), mx.nd.array([random.random()])]
    return found


def one_by_one(chain):
    def run(x):
        for one in chain:
            x = one(x)
        return x
    return run


@pytest.mark.parametrize("shape, dtype", [((40, 50, 3), "uint8"), ((61, 37, 3), "uint8"),
                                          ((40, 50, 1), "uint8"), ((43, 52, 3), "float32")])
@pytest.mark.parametrize("name", CHAINS)
def test_compose_gives_the_bits_of_the_steps(name, shape, dtype):
    chain = CHAINS[name]()
    x = image(shape, dtype)
    if name == "colours" and shape[2] == 1:
        chain = chain[:-1] + [T.Normalize(.5, .2)]
    if name == "flips" and shape[2] == 1:
        chain = chain[:-1]
    compose = T.Compose(chain)
    for ours, expected in zip(results(compose, x), results(one_by_one(chain), x)):
        assert ours.dtype == expected.dtype
        np.testing.assert_array_equal(ours.asnumpy(), expected.asnumpy())
    compose.hybridize(False)
    for plain, expected in zip(results(compose, x), results(one_by_one(chain), x)):
        np.testing.assert_array_equal(plain.asnumpy(), expected.asnumpy())


@pytest.mark.parametrize("shape", [(40, 50, 3), (2, 40, 50, 3), (2, 33, 20, 1)])
def test_hybridized_blocks_of_transforms(shape):
    chain = [T.CropResize(1, 2, 18, 30), T.Resize(16), T.ToTensor(), T.Normalize(.5, .25)]
    block = nn.HybridSequential()
    block.add(*chain)
    x = image(shape)
    expected = one_by_one(chain)(x).asnumpy()
    block.hybridize()
    np.testing.assert_array_equal(block(x).asnumpy(), expected)
    small = image((35, 20, 3), seed=2)
    np.testing.assert_array_equal(block(small).asnumpy(), one_by_one(chain)(small).asnumpy())


def test_gradients_of_transforms_flow():
    block = nn.HybridSequential()
    block.add(T.ToTensor(), T.Normalize(.5, .25))
    block.hybridize()
    x = mx.nd.ones((3, 4, 5))
    x.attach_grad()
    chain = nn.HybridSequential()
    chain.add(T.Normalize(.5, .25), T.Normalize(0, 2))
    chain.hybridize()
    with mx.autograd.record():
        y = chain(x)
    y.backward()
    np.testing.assert_allclose(x.grad.asnumpy(), 2)
    assert block(image((4, 5, 3))).shape == (3, 4, 5)


def test_errors_name_the_step():
    compose = T.Compose([T.RandomFlipLeftRight(), T.CropResize(30, 0, 30, 10), T.ToTensor()])
    with pytest.raises(mx.MXNetError, match="_image_crop.*expected a part of an image of 50x40"):
        compose(image((40, 50, 3)))
    compose = T.Compose([T.RandomFlipLeftRight(), T.ToTensor(), T.Normalize((1, 2), 1)])
    with pytest.raises(mx.MXNetError, match="_image_normalize.*expected 1 or 3 numbers"):
        compose(image((40, 50, 3)))
    with pytest.raises(mx.MXNetError, match="height, width, channels"):
        T.Compose([T.RandomHue(.1), T.ToTensor()])(image((2, 4, 4, 3)))


def test_numbers_of_a_part_are_checked():
    x = image((10, 20, 3))
    resized = mx.nd._internal._resized_image_part(x, mx.nd.array([2, 1, 6, 4], dtype="int32"), size=(3, 2))
    np.testing.assert_array_equal(resized.asnumpy(),
                                  mx.nd.image.resize(x[1:5, 2:8], size=(3, 2)).asnumpy())
    for numbers in ([0, 0, 21, 1], [-1, 0, 2, 2], [0, 9, 2, 2], [0, 0, 0, 2]):
        part = mx.nd.array(numbers, dtype="int32")
        with pytest.raises(mx.MXNetError, match="expected a part of an image of 20x10"):
            mx.nd._internal._resized_image_part(x, part, size=(3, 2)).wait_to_read()
    with pytest.raises(mx.MXNetError, match="expected a width and a height"):
        mx.nd._internal._resized_image_part(x, part, size=(3,))


def test_compose_is_copied_and_changed():
    compose = T.Compose([T.Resize(8), T.ToTensor()])
    x = image((10, 12, 3))
    expected = compose(x).asnumpy()
    for other in (copy.deepcopy(compose), pickle.loads(pickle.dumps(compose))):
        np.testing.assert_array_equal(other(x).asnumpy(), expected)
    compose.add(T.Normalize(0, .5))
    np.testing.assert_allclose(compose(x).asnumpy(), 2 * expected)


def test_hooks_see_each_step():
    seen = []
    flip = T.RandomFlipLeftRight()
    flip.register_forward_hook(lambda block, inputs, output: seen.append(output.shape))
    T.Compose([T.CenterCrop(8), flip, T.RandomBrightness(.1)]).hybridize(False)
    compose = T.Compose([T.CenterCrop(8), flip])
    compose(image((10, 12, 3)))
    assert seen == [(8, 8, 3)]
