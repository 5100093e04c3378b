"""RNN against plain NumPy, with what 1.9.1's CPU kernels leave out: lengths, clipping, dropout."""

import numpy as np
import pytest

import gemel as mx

TIME, BATCH, INPUT, HIDDEN = 4, 3, 2, 5


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_step(x, h, c, weights, low=-np.inf, high=np.inf):
    wi, wh, bi, bh = weights
    i, f, g, o = np.split(x @ wi.T + bi + h @ wh.T + bh, 4, 1)
    c = np.clip(sigmoid(f) * c + sigmoid(i) * np.tanh(g), low, high)
    return sigmoid(o) * np.tanh(c), c


def numbers(seed=0):
    random = np.random.RandomState(seed)
    shapes = [(4 * HIDDEN, INPUT), (4 * HIDDEN, HIDDEN), (4 * HIDDEN,), (4 * HIDDEN,)]
    weights = [random.uniform(-1, 1, shape) for shape in shapes]
    x = random.uniform(-1, 1, (TIME, BATCH, INPUT))
    h, c = random.uniform(-1, 1, (2, BATCH, HIDDEN))
    return x, h, c, weights


def call(x, h, c, weights, *more, **parameters):
    flat = np.concatenate([w.ravel() for w in weights])
    arrays = [mx.nd.array(a, dtype="float64") for a in (x, flat, h[None], c[None], *more)]
    parameters = {"mode": "lstm", "state_size": HIDDEN, "num_layers": 1, **parameters}
    return mx.nd.RNN(*arrays, **parameters), arrays


def test_lengths():
    """Behind its end a sequence gives zeros, and its last state is the one at the end."""
    x, h, c, weights = numbers()
    lengths = [2, 4, 1]
    (out, last_h, last_c), _ = call(
        x, h, c, weights, lengths, use_sequence_length=True, state_outputs=True
    )
    for n, length in enumerate(lengths):
        hn, cn = h[n : n + 1], c[n : n + 1]
        for t in range(length):
            hn, cn = lstm_step(x[t, n : n + 1], hn, cn, weights)
            np.testing.assert_allclose(out.asnumpy()[t, n], hn[0], rtol=1e-9)
        assert not out.asnumpy()[length:, n].any()
        np.testing.assert_allclose(last_h.asnumpy()[0, n], hn[0], rtol=1e-9)
        np.testing.assert_allclose(last_c.asnumpy()[0, n], cn[0], rtol=1e-9)


def test_lengths_backwards_direction():
    """The second direction starts at each sequence's own end."""
    x, h, c, weights = numbers()
    both = [w for w in weights[:2]] * 2 + [w for w in weights[2:]] * 2
    flat = np.concatenate([w.ravel() for w in both])
    state = [np.stack([s, s]) for s in (h, c)]
    arrays = [mx.nd.array(a, dtype="float64") for a in (x, flat, *state, [2, 4, 1])]
    out = mx.nd.RNN(
        *arrays,
        mode="lstm",
        state_size=HIDDEN,
        num_layers=1,
        bidirectional=True,
        use_sequence_length=True,
    ).asnumpy()
    hn, cn = h[:1], c[:1]
    for t in (1, 0):
        hn, cn = lstm_step(x[t, :1], hn, cn, weights)
        np.testing.assert_allclose(out[t, 0, HIDDEN:], hn[0], rtol=1e-9)


def test_clip():
    x, h, c, weights = numbers()
    out, _ = call(x, h, c, weights, lstm_state_clip_min=-0.1, lstm_state_clip_max=0.2)
    for t in range(TIME):
        h, c = lstm_step(x[t], h, c, weights, -0.1, 0.2)
        np.testing.assert_allclose(out.asnumpy()[t], h, rtol=1e-9)


GRADIENT_CASES = {
    "lengths": {"use_sequence_length": True},
    "lengths, both directions": {"use_sequence_length": True, "bidirectional": True},
    "clipped": {"lstm_state_clip_min": -0.3, "lstm_state_clip_max": 0.3},
    "gru with lengths": {"mode": "gru", "use_sequence_length": True, "num_layers": 2},
    "projected with lengths": {"projection_size": 3, "use_sequence_length": True},
}


def arrays_for(parameters):
    data = mx.sym.Variable("data")
    symbol = mx.sym.RNN(data, name="r", **parameters)
    shapes, _, _ = symbol.infer_shape(data=(TIME, BATCH, INPUT))
    random = np.random.RandomState(5)
    arrays = [mx.nd.array(random.uniform(-1, 1, s), dtype="float64") for s in shapes]
    if parameters.get("use_sequence_length"):
        arrays[-1][:] = mx.nd.array([2, 4, 1], dtype="float64")
    return arrays


@pytest.mark.parametrize("train_mode", [True, False])
@pytest.mark.parametrize("case", GRADIENT_CASES)
def test_gradient(case, train_mode):
    """Along a random direction through all inputs; prediction mode computes the forward again."""
    parameters = {"mode": "lstm", "state_size": HIDDEN, "num_layers": 1, "state_outputs": True}
    parameters.update(GRADIENT_CASES[case])
    arrays = arrays_for(parameters)
    moved = arrays[:-1] if parameters.get("use_sequence_length") else arrays
    random = np.random.RandomState(1)
    steps = [random.uniform(-1, 1, a.shape) for a in moved]

    def loss(scale):
        inputs = [a + scale * mx.nd.array(s, dtype="float64") for a, s in zip(moved, steps)]
        inputs += arrays[len(moved) :]
        for array in inputs:
            array.attach_grad()
        with mx.autograd.record(train_mode=train_mode):
            outputs = mx.nd.RNN(*inputs, **parameters)
            total = sum(((k + 1) * y * y).sum() for k, y in enumerate(outputs))
        total.backward()
        return float(total.asscalar()), inputs

    _, inputs = loss(0)
    exact = sum(float((a.grad.asnumpy() * s).sum()) for a, s in zip(inputs, steps))
    difference = (loss(1e-6)[0] - loss(-1e-6)[0]) / 2e-6
    assert abs(exact - difference) < 1e-5 * max(1, abs(difference))


def test_dropout_between_layers():
    """Only in training, only between layers, and the gradient sees the same choices."""
    parameters = {"mode": "rnn_tanh", "state_size": 50, "num_layers": 2}
    arrays = arrays_for(parameters)
    plain = mx.nd.RNN(*arrays, **parameters).asnumpy()
    np.testing.assert_array_equal(mx.nd.RNN(*arrays, p=0.5, **parameters).asnumpy(), plain)
    one = {**parameters, "num_layers": 1}
    single = arrays_for(one)
    with mx.autograd.train_mode():
        assert np.abs(mx.nd.RNN(*arrays, p=0.5, **parameters).asnumpy() - plain).max() > 1e-3
        np.testing.assert_array_equal(
            mx.nd.RNN(*single, p=0.5, **one).asnumpy(), mx.nd.RNN(*single, **one).asnumpy()
        )
    for array in arrays:
        array.attach_grad()

    def run(scale):
        mx.random.seed(4)
        changed = [arrays[0] * (1 + scale), *arrays[1:]]
        changed[0].attach_grad()
        with mx.autograd.record():
            total = (mx.nd.RNN(*changed, p=0.5, **parameters) ** 2).sum()
        total.backward()
        return float(total.asscalar()), changed[0].grad

    exact = float((run(0)[1] * arrays[0]).sum().asscalar())
    difference = (run(1e-6)[0] - run(-1e-6)[0]) / 2e-6
    assert abs(exact - difference) < 1e-5 * max(1, abs(difference))


def test_names_of_outputs():
    data = mx.sym.Variable("data")
    symbol = mx.sym.RNN(
        data, mode="lstm", state_size=2, num_layers=1, state_outputs=True, name="r"
    )
    assert symbol.list_outputs() == ["r_output", "r_state_output", "r_statecell_output"]
    assert symbol.list_arguments() == ["data", "r_parameters", "r_state", "r_state_cell"]


def test_errors():
    x = mx.nd.zeros((4, 3, 2))
    with pytest.raises(mx.base.MXNetError, match="3 axes"):
        mx.nd.RNN(x[0], x, x, mode="gru", state_size=2, num_layers=1)
    with pytest.raises(mx.base.MXNetError, match="projection_size with mode 'lstm'"):
        mx.nd.RNN(x, x, x, mode="gru", state_size=2, num_layers=1, projection_size=1)
    with pytest.raises(mx.base.MXNetError, match="parameters: expected shape"):
        mx.nd.RNN(x, mx.nd.zeros(3), mx.nd.zeros((1, 3, 2)), mode="gru", state_size=2, num_layers=1)
