"""Operators on images: numbers of MXNet 1.9.1 where its random factor is fixed, and what it refuses."""

import numpy as np
import pytest

import gemel as mx

COLOURS = np.array([[[172, 47, 117], [192, 67, 251]], [[195, 103, 9], [80, 80, 80]]])


def image(dtype="float32"):
    return mx.nd.array(COLOURS, dtype=dtype)


def fixed(name, factor, dtype="float32"):
    function = getattr(mx.nd.image, "random_" + name)
    return function(image(dtype), min_factor=factor, max_factor=factor).asnumpy()


@pytest.mark.parametrize(
    "factor, expected",
    [
        (0.0, [[172, 47, 117], [192, 67, 251], [195, 103, 9]]),
        (0.25, [[172, 164.5, 47], [251, 100, 67], [9, 195, 10]]),
        (0.5, [[47, 172, 102], [126, 251, 67], [9, 101, 195]]),
        (1.3, [[142, 172, 47], [251, 155.2, 67], [9, 195, 65.8]]),
    ],
)
def test_hue(factor, expected):
    turned = fixed("hue", factor).reshape(4, 3)
    np.testing.assert_allclose(turned[:3], expected, atol=1e-3)
    np.testing.assert_allclose(turned[3], 80, atol=1e-3)


def test_brightness_is_cut_off():
    assert fixed("brightness", 1.5, "uint8")[0].tolist() == [[255, 70, 175], [255, 100, 255]]
    np.testing.assert_allclose(fixed("brightness", 1.5), COLOURS * 1.5)


def test_contrast_and_saturation():
    gray = COLOURS @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(
        fixed("contrast", 0.5), COLOURS / 2 + gray.mean() / 2, rtol=1e-5
    )
    np.testing.assert_allclose(
        fixed("saturation", 0.5), COLOURS / 2 + gray[..., None] / 2, rtol=1e-5
    )


def test_lighting():
    lit = mx.nd.image.adjust_lighting(image("uint8"), alpha=(0.1, -0.2, 0.3))
    assert lit.asnumpy()[0].tolist() == [[168, 43, 114], [188, 63, 248]]
    with pytest.raises(mx.MXNetError, match="expected 3 numbers, got 2"):
        mx.nd.image.adjust_lighting(image(), alpha=(0.1, 0.2)).wait_to_read()
    same = mx.nd.image.random_lighting(image("uint8"), alpha_std=0)
    np.testing.assert_array_equal(same.asnumpy(), COLOURS)


def test_jitter_changes_what_it_is_told():
    jitter = mx.nd.image.random_color_jitter
    nothing = jitter(image("uint8"), brightness=0, contrast=0, saturation=0, hue=0)
    np.testing.assert_array_equal(nothing.asnumpy(), COLOURS)
    mx.random.seed(3)
    brighter = jitter(image(), brightness=0.5, contrast=0, saturation=0, hue=0).asnumpy()
    factors = brighter / COLOURS
    np.testing.assert_allclose(factors, factors[0, 0, 0], rtol=1e-5)
    assert 0.5 <= factors[0, 0, 0] <= 1.5 and abs(factors[0, 0, 0] - 1) > 1e-3


def test_gray_images_have_no_colour():
    gray = image()[:, :, :1]
    for name in ("hue", "saturation"):
        turned = getattr(mx.nd.image, "random_" + name)(gray, min_factor=0.3, max_factor=0.3)
        np.testing.assert_array_equal(turned.asnumpy(), gray.asnumpy())


ROWS = np.arange(20).reshape(5, 4, 1) * 12


@pytest.mark.parametrize(
    "interpolation, expected",
    [
        (0, [[0, 12, 24], [48, 60, 72], [144, 156, 168]]),
        (1, [[18, 34, 50], [98, 114, 130], [178, 194, 210]]),
        (2, [[14, 30, 47], [97, 114, 130], [181, 198, 214]]),
        (3, [[22, 37, 52], [99, 114, 129], [176, 191, 206]]),
        (4, [[13, 30, 47], [97, 114, 131], [181, 198, 215]]),
    ],
)
def test_resize_of_bytes(interpolation, expected):
    resized = mx.nd.image.resize(mx.nd.array(ROWS, dtype="uint8"), size=3, interp=interpolation)
    assert resized.asnumpy()[..., 0].tolist() == expected


def test_resize_shapes():
    def shape(data, **attributes):
        return mx.sym.image.resize(mx.sym.var("a"), **attributes).infer_shape(a=data)[1][0]

    assert shape((2, 5, 6, 3), size=(3, 4)) == (2, 4, 3, 3)
    assert shape((2, 50, 13, 3), size=4, keep_ratio=True) == (2, 15, 4, 3)
    assert shape((50, 13, 3), size=4) == (4, 4, 3)
    for size, message in ((0, "positive"), ((1, 2, 3), "one or two"), ((), "one or two")):
        with pytest.raises(mx.MXNetError, match=message):
            mx.nd.image.resize(image(), size=size)
    with pytest.raises(mx.MXNetError, match="interp: expected 0 to 5, got 6"):
        mx.nd.image.resize(image(), size=2, interp=6)


def test_crop_and_its_gradient():
    x = image()
    x.attach_grad()
    with mx.autograd.record():
        part = mx.nd.image.crop(x, x=1, y=0, width=1, height=2)
    part.backward(mx.nd.array([[[1, 2, 3]], [[4, 5, 6]]]))
    np.testing.assert_array_equal(part.asnumpy(), COLOURS[:, 1:])
    assert x.grad.asnumpy()[:, 0].tolist() == [[0, 0, 0]] * 2
    assert x.grad.asnumpy()[:, 1].tolist() == [[1, 2, 3], [4, 5, 6]]
    for place in (dict(x=1, y=0, width=2, height=1), dict(x=-1, y=0, width=1, height=1)):
        with pytest.raises(mx.MXNetError, match="expected a part of an image of 2x2"):
            mx.nd.image.crop(x, **place)


def test_flips_of_odd_images():
    rows = mx.nd.array(ROWS)
    np.testing.assert_array_equal(mx.nd.image.flip_top_bottom(rows).asnumpy(), ROWS[::-1])
    np.testing.assert_array_equal(mx.nd.image.flip_left_right(rows).asnumpy(), ROWS[:, ::-1])


def test_only_single_images_change_colour():
    for call in (
        lambda x: mx.nd.image.random_hue(x, min_factor=1, max_factor=1),
        mx.nd.image.flip_left_right,
        mx.nd.image.random_flip_top_bottom,
    ):
        with pytest.raises(mx.MXNetError, match="height, width, channels"):
            call(image().expand_dims(0))
    with pytest.raises(mx.MXNetError, match="1 or 3 channels"):
        mx.nd.image.random_brightness(mx.nd.zeros((2, 2, 4)), min_factor=1, max_factor=1)
    with pytest.raises(mx.MXNetError, match="min_factor"):
        mx.nd.image.random_brightness(image(), min_factor=-1, max_factor=1)


def test_borders_and_sizes_as_of_opencv():
    image = mx.nd.array(np.arange(24).reshape(2, 4, 3), dtype="uint8")
    border = mx.nd._internal._cvcopyMakeBorder
    np.testing.assert_array_equal(
        border(image, 1, 1, 3, 2, type=4).asnumpy()[:, :, 0],
        [[21, 18, 15, 12, 15, 18, 21, 18, 15], [9, 6, 3, 0, 3, 6, 9, 6, 3],
         [21, 18, 15, 12, 15, 18, 21, 18, 15], [9, 6, 3, 0, 3, 6, 9, 6, 3]])
    assert border(image, 1, 1, 1, 1, values=(300, -4, 2.6)).asnumpy()[0, 0].tolist() == [255, 0, 3]
    assert border(image, 1, 0, 0, 0, values=(7,)).asnumpy()[0, 0].tolist() == [7, 0, 0]
    assert border(image.astype("float32"), 1, 0, 0, 0, value=2.5).asnumpy()[0, 0, 0] == 2.5
    for parameters in ({"type": 5}, {"top": -1}):
        with pytest.raises(mx.MXNetError, match="_cvcopyMakeBorder"):
            border(image, **{"top": 1, "bot": 1, "left": 1, "right": 1, **parameters})
    assert mx.nd._internal._cvimresize(image, 8, 4).shape == (4, 8, 3)
    for parameters in ({"w": 0, "h": 4}, {"w": 3, "h": 4, "interp": 7}):
        with pytest.raises(mx.MXNetError, match="_cvimresize"):
            mx.nd._internal._cvimresize(image, **parameters)
    assert mx.nd._internal._cvimdecode is mx.image.imdecode
