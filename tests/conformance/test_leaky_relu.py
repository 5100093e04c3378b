"""LeakyReLU with rrelu: slopes drawn in training, their mean otherwise."""

import numpy as np

import gemel as mx


def negative(shape=(50, 40)):
    return -mx.nd.ones(shape)


def test_rrelu_predicts_with_the_mean_slope():
    out, mask = mx.nd.LeakyReLU(negative(), act_type="rrelu", lower_bound=0.1, upper_bound=0.3)
    np.testing.assert_allclose(out.asnumpy(), -0.2, rtol=1e-6)
    assert mask.shape == out.shape


def test_rrelu_draws_in_training():
    x = negative()
    x[0] = 2
    x.attach_grad()
    with mx.autograd.record():
        out, mask = mx.nd.LeakyReLU(x, act_type="rrelu", lower_bound=0.1, upper_bound=0.3)
    out.backward()
    slopes = -out.asnumpy()[1:]
    assert slopes.min() >= 0.1 and slopes.max() <= 0.3 and slopes.std() > 0.04
    np.testing.assert_array_equal(out.asnumpy()[0], 2)
    np.testing.assert_array_equal(x.grad.asnumpy()[0], 1)
    np.testing.assert_allclose(x.grad.asnumpy()[1:], slopes)
    np.testing.assert_allclose(mask.asnumpy()[1:], slopes)


def test_rrelu_names():
    symbol = mx.sym.LeakyReLU(mx.sym.Variable("x"), act_type="rrelu", name="r")
    assert symbol.list_outputs() == ["r_output", "r_mask"]
    assert mx.sym.LeakyReLU(mx.sym.Variable("x"), name="r").list_outputs() == ["r_output"]
