"""The setting fpmath: what each value allows a convolution to run, and how close results stay."""

import numpy as np
import pytest

import gemel as mx


@pytest.fixture
def fpmath():
    before = mx.runtime.get_setting("fpmath")
    yield lambda value: mx.runtime.set_setting("fpmath", value)
    mx.runtime.set_setting("fpmath", before)


def convolve(data, weight, head, kernel, pad, dtype="float32"):
    """The result, and the gradients of data and weight."""
    data, weight = mx.nd.array(data, dtype=dtype), mx.nd.array(weight, dtype=dtype)
    data.attach_grad()
    weight.attach_grad()
    with mx.autograd.record():
        out = mx.nd.Convolution(
            data,
            weight,
            no_bias=True,
            kernel=(kernel, kernel),
            pad=(pad, pad),
            num_filter=weight.shape[0],
        )
    out.backward(mx.nd.array(head, dtype=dtype))
    return [array.asnumpy().astype("float64") for array in (out, data.grad, weight.grad)]


def arrays(kernel, channels=48, filters=32, size=14):
    rng = np.random.RandomState(kernel)
    return (
        rng.randn(2, channels, size, size).astype("float32"),
        (rng.randn(filters, channels, kernel, kernel) / (kernel * channels**0.5)).astype("float32"),
        rng.randn(2, filters, size, size).astype("float32"),
    )


def chosen(kernel, channels=48):
    data = mx.sym.Variable("data")
    net = mx.sym.Convolution(
        data, kernel=(kernel, kernel), pad=(kernel // 2, kernel // 2), num_filter=32, name="conv"
    )
    text = net.simple_bind(mx.cpu(), data=(2, channels, 14, 14)).debug_str()
    return [line for line in text.splitlines() if "onvolution" in line]


@pytest.mark.parametrize("kernel", [3, 5])
def test_strict_takes_winograd_and_exact_does_not(fpmath, kernel):
    fpmath("strict")
    lines = chosen(kernel)
    assert len(lines) == 3 and all("[winograd]" in line for line in lines)
    fpmath("exact")
    assert not any("[winograd]" in line for line in chosen(kernel))


def test_few_channels_and_other_kernels_stay_direct(fpmath):
    fpmath("strict")
    assert "[winograd]" not in chosen(3, channels=3)[0]
    assert not any("[winograd]" in line for line in chosen(1) + chosen(7))


@pytest.mark.parametrize("kernel", [3, 5])
def test_strict_stays_within_four_times_the_error_of_exact(fpmath, kernel):
    inputs = arrays(kernel)
    fpmath("exact")
    truth = convolve(*inputs, kernel, kernel // 2, dtype="float64")
    exact = convolve(*inputs, kernel, kernel // 2)
    fpmath("strict")
    strict = convolve(*inputs, kernel, kernel // 2)
    for want, direct, got in zip(truth, exact, strict):
        assert not np.array_equal(direct, got)

        def error(values, want=want):
            return np.sqrt(np.mean((values - want) ** 2) / np.mean(want**2))

        assert error(got) <= 4 * error(direct)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2e38])
def test_values_that_a_transform_would_spread_take_the_direct_kernel(fpmath, bad):
    data, weight, head = arrays(3)
    data[1, 5, 6, 7] = head[0, 3, 13, 0] = bad
    with np.errstate(all="ignore"):
        fpmath("exact")
        exact = convolve(data, weight, head, 3, 1)
        fpmath("strict")
        strict = convolve(data, weight, head, 3, 1)
    for direct, got in zip(exact, strict):
        np.testing.assert_array_equal(got, direct)
    if not np.isfinite(bad):
        assert np.isfinite(strict[0][1, :, 0, 0]).all() and np.isfinite(strict[0][0]).all()


def test_another_value_is_refused():
    with pytest.raises(mx.MXNetError, match="exact"):
        mx.runtime.set_setting("fpmath", "sloppy")


def has_bfloat16():
    """Whether this CPU multiplies bfloat16."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return "avx512_bf16" in file.read()
    except OSError:
        return False


needs_bfloat16 = pytest.mark.skipif(not has_bfloat16(), reason="this CPU does not multiply bfloat16")


def rms(values, want):
    return np.sqrt(np.mean((values - want) ** 2) / np.mean(want**2))


@needs_bfloat16
@pytest.mark.parametrize("kernel", [1, 7])
def test_fast_rounds_operands_to_bfloat16(fpmath, kernel):
    inputs = arrays(kernel)
    fpmath("exact")
    truth = convolve(*inputs, kernel, kernel // 2, dtype="float64")
    fpmath("fast")
    lines = chosen(kernel)
    assert all("bfloat16]" in line for line in lines) and len(lines) == 3
    for want, got in zip(truth, convolve(*inputs, kernel, kernel // 2)):
        assert 1e-4 < rms(got, want) < 4e-3


@needs_bfloat16
@pytest.mark.parametrize("which", ["dot", "batch_dot", "FullyConnected"])
def test_fast_matrix_products(fpmath, which):
    rng = np.random.RandomState(0)
    a, b = rng.randn(133, 270).astype("float32"), rng.randn(270, 149).astype("float32")
    head = rng.randn(133, 149)
    call = {
        "dot": lambda x, y: mx.nd.dot(x, y),
        "batch_dot": lambda x, y: mx.nd.batch_dot(x.expand_dims(0), y.expand_dims(0))[0],
        "FullyConnected": lambda x, y: mx.nd.FullyConnected(x, y.T, mx.nd.ones(149), num_hidden=149),
    }[which]
    bias = which == "FullyConnected"
    fpmath("fast")
    x, y = mx.nd.array(a), mx.nd.array(b)
    x.attach_grad()
    y.attach_grad()
    with mx.autograd.record():
        out = call(x, y)
    out.backward(mx.nd.array(head))
    exact = [a.astype("d") @ b + bias, head @ b.T.astype("d"), a.T.astype("d") @ head]
    for got, want in zip((out, x.grad, y.grad), exact):
        assert 1e-4 < rms(got.asnumpy(), want) < 4e-3


@needs_bfloat16
def test_fast_leaves_winograd_and_small_products(fpmath):
    fpmath("fast")
    assert all("[winograd]" in line for line in chosen(3))
    a = np.random.RandomState(0).randn(8, 8).astype("float32")
    assert rms(mx.nd.dot(mx.nd.array(a), mx.nd.array(a)).asnumpy(), a.astype("d") @ a) < 1e-6


@needs_bfloat16
def test_fast_and_values_that_are_no_numbers(fpmath):
    data, weight, head = arrays(1)
    data[1, 5, 6, 7], data[0, 3, 0, 0] = np.nan, np.inf
    fpmath("fast")
    out = convolve(data, weight, head, 1, 0)[0]
    assert np.isnan(out[1, :, 6, 7]).all() and np.isinf(out[0, :, 0, 0]).all()
    out[1, :, 6, 7] = out[0, :, 0, 0] = 0
    assert np.isfinite(out).all()


@pytest.mark.parametrize("kernel", [1, 3, 7])
def test_high_is_strict_where_three_products_do_not_pay(fpmath, kernel):
    inputs = arrays(kernel)
    fpmath("strict")
    strict = convolve(*inputs, kernel, kernel // 2)
    fpmath("high")
    for one, other in zip(strict, convolve(*inputs, kernel, kernel // 2)):
        np.testing.assert_array_equal(one, other)


@needs_bfloat16
def test_other_types_do_not_round(fpmath):
    a = np.random.RandomState(0).randn(32, 32)
    fpmath("fast")
    double = mx.nd.array(a, dtype="float64")
    np.testing.assert_allclose(mx.nd.dot(double, double).asnumpy(), a @ a, rtol=1e-12)


def grouped(data, weight, head):
    """The result of a convolution in four groups, and the gradients of data and weight."""
    arrays = [mx.nd.array(array) for array in (data, weight)]
    for array in arrays:
        array.attach_grad()
    with mx.autograd.record():
        out = mx.nd.Convolution(*arrays, no_bias=True, kernel=(3, 3), pad=(1, 1), num_filter=32, num_group=4)
    out.backward(mx.nd.array(head))
    return [array.asnumpy() for array in (out, arrays[0].grad, arrays[1].grad)]


@pytest.mark.parametrize("value", [1, np.inf, np.nan, 1e36])
def test_groups_are_exact_where_values_are_not_finite(fpmath, value):
    rng = np.random.RandomState(0)
    data, weight, head = (
        rng.randn(*shape).astype("float32") for shape in ((4, 32, 14, 14), (32, 8, 3, 3), (4, 32, 14, 14)))
    data[1, 5, 6, 7] = head[2, 9, 3, 4] = value
    fpmath("exact")
    exact = grouped(data, weight, head)
    fpmath("strict")
    for want, got in zip(exact, grouped(data, weight, head)):
        assert np.array_equal(np.isfinite(want), np.isfinite(got))
        if value != 1:
            assert np.isnan(want).sum() == np.isnan(got).sum()
        finite = np.isfinite(want)
        scale = np.abs(want[finite]).max()
        assert np.abs(got[finite] - want[finite]).max() <= 4e-6 * scale


@pytest.mark.parametrize("channels, filters", [(24, 40), (32, 40), (24, 48)])
def test_a_product_that_fills_no_blocks_stays_over_plain_arrays(channels, filters):
    net = mx.sym.Convolution(mx.sym.Variable("data"), kernel=(1, 1), num_filter=filters, name="conv")
    executor = net.simple_bind(mx.cpu(), data=(2, channels, 14, 14))
    training = executor.debug_str()
    executor.forward(is_train=False)
    inference = net.simple_bind(mx.cpu(), grad_req="null", data=(2, channels, 14, 14)).debug_str()
    assert ("[one_by_one" in training) == ("[one_by_one" in inference)
    if "[one_by_one" in training:
        assert "_prepared_convolution" not in inference
