"""Updates of many parameters at once: what optimizers are given, and that bits stay those of single
updates."""
import numpy as np
import pytest

import gemel as mx
from gemel import nd

JOINED = ["sgd", "adam", "nag", "signum", "rmsprop", "ftrl", "ftml", "lamb", "lars"]


class Recorder(mx.optimizer.Optimizer):
    """Notes what it is given."""

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.aggregate_num = size
        self.given = []

    def create_state(self, index, weight):
        return nd.zeros(weight.shape, dtype=weight.dtype)

    def update_multi_precision(self, index, weight, grad, state):
        self.given.append(index)
        if self.aggregate_num:
            assert [type(one) for one in (index, weight, grad, state)] == [tuple, tuple, tuple, list]


def given(size, dtypes, sparse=()):
    optimizer = Recorder(size)
    weights = [nd.ones((2, 1), dtype=dtype) for dtype in dtypes]
    grads = [one.tostype("row_sparse") if i in sparse else one for i, one in enumerate(weights)]
    mx.optimizer.get_updater(optimizer)(list(range(len(dtypes))), grads, weights)
    return optimizer.given


@pytest.mark.parametrize("size, dtypes, expected", [
    (0, "fff", [0, 1, 2]),
    (1, "ff", [(0,), (1,)]),
    (3, "fffffff", [(0, 1, 2), (3, 4, 5), (6,)]),
    (3, "fefefdf", [(0, 2, 4), (6,), (1, 3), (5,)]),  # of one dtype each
])
def test_an_optimizer_is_given_as_many_as_it_asks_for(size, dtypes, expected):
    assert given(size, dtypes) == expected


def test_sparse_gradients_come_in_the_same_groups():
    assert given(3, "fffff", sparse=(1, 3)) == [(0, 1, 2), (3, 4)]


def test_trainer_and_module_hand_over_groups():
    optimizer = Recorder(3)
    params = [mx.gluon.Parameter(f"p{i}", shape=(2,), init="zeros") for i in range(4)]
    for one in params:
        one.initialize()
    trainer = mx.gluon.Trainer(params, optimizer)
    with mx.autograd.record():
        total = sum(one.data().sum() for one in params)
    total.backward()
    trainer.step(1)
    assert optimizer.given == [(0, 1, 2), (3,)]

    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, name="layer")
    module = mx.mod.Module(mx.sym.LinearRegressionOutput(net, mx.sym.var("label"), name="loss"),
                           label_names=["label"])
    module.bind([("data", (4, 3))], [("label", (4, 2))])
    module.init_params()
    optimizer = Recorder(3)
    module.init_optimizer(optimizer=optimizer)
    module.forward_backward(mx.io.DataBatch([nd.ones((4, 3))], [nd.ones((4, 2))]))
    module.update()
    assert optimizer.given == [(0, 1)]


def test_a_store_updates_one_at_a_time():
    optimizer = Recorder(3)
    store = mx.kv.create("local")
    store.init([1, 2], [nd.ones((2,))] * 2)
    store.set_optimizer(optimizer)
    store.push([1, 2], [nd.ones((2,))] * 2)
    assert optimizer.given == [(1,), (2,)]


@pytest.mark.parametrize("value, sgd, lamb", [("0", 0, 1), ("-3", -3, 1), ("100", 100, 45), ("7", 7, 7)])
def test_size_from_the_environment(value, sgd, lamb, monkeypatch):
    monkeypatch.setenv("MXNET_OPTIMIZER_AGGREGATION_SIZE", value)
    sizes = {name: mx.optimizer.create(name).aggregate_num for name in JOINED}
    assert sizes == {**dict.fromkeys(JOINED, 0), "sgd": sgd, "lars": sgd, "lamb": lamb}


def test_size_is_an_integer(monkeypatch):
    monkeypatch.setenv("MXNET_OPTIMIZER_AGGREGATION_SIZE", "x")
    with pytest.raises(ValueError):
        mx.optimizer.create("sgd")
    monkeypatch.delenv("MXNET_OPTIMIZER_AGGREGATION_SIZE")
    assert mx.optimizer.create("sgd").aggregate_num == 4
    assert mx.optimizer.create("lamb").aggregate_num == 45


SHAPES = [(3, 4), (5,), (1,), (300, 500), (1100, 1000), (7, 1)]


def after_steps(name, joined, dtypes, sparse=(), **arguments):
    """Weights and states after three steps, updated together or one by one."""
    random = np.random.RandomState(0)
    updater = mx.optimizer.get_updater(mx.optimizer.create(
        name, learning_rate=0.1, wd=0.01, clip_gradient=0.9, rescale_grad=0.5,
        param_idx2name={i: f"layer{i}_{'weight' if i % 2 else 'bias'}" for i in range(len(SHAPES))},
        **arguments))
    weights = [nd.array(random.randn(*shape), dtype=dtypes[i % len(dtypes)])
               for i, shape in enumerate(SHAPES)]
    indices = list(range(len(SHAPES)))
    for _ in range(3):
        grads = [nd.array(random.randn(*one.shape), dtype=one.dtype) for one in weights]
        grads = [one.tostype("row_sparse") if i in sparse else one for i, one in enumerate(grads)]
        if joined:
            updater(indices, grads, weights)
        else:
            for item in zip(indices, grads, weights):
                updater(*item)

    def flat(state):
        if isinstance(state, (tuple, list)):
            return [array for one in state for array in flat(one)]
        return [] if state is None else [state.asnumpy()]
    return [one.asnumpy() for one in weights] + flat([updater.states[i] for i in indices])


@pytest.mark.parametrize("dtypes", ["f", "fed"])
@pytest.mark.parametrize("name, arguments", [(name, {}) for name in JOINED] + [
    ("sgd", {"momentum": 0.9}), ("nag", {"momentum": 0.9}), ("lars", {"momentum": 0.9}),
    ("signum", {"momentum": 0.0}), ("rmsprop", {"centered": True}), ("adagrad", {})], ids=str)
def test_joined_updates_have_the_bits_of_single_ones(name, arguments, dtypes):
    arguments = {**arguments, "multi_precision": len(dtypes) > 1}
    if name == "lars":
        arguments["eta"] = 0.5
    together, apart = (after_steps(name, joined, dtypes, **arguments) for joined in (True, False))
    assert len(together) == len(apart)
    for one, other in zip(together, apart):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_sparse_gradients_among_dense_ones(name):
    together, apart = (after_steps(name, joined, "f", sparse=(0, 3)) for joined in (True, False))
    for one, other in zip(together, apart):
        np.testing.assert_array_equal(one, other)


def test_half_weights_follow_their_float32_copy():
    halves = after_steps("sgd", True, "e", momentum=0.9, multi_precision=True)
    copies = halves[len(SHAPES) + 1::2]
    for half, copy in zip(halves, copies):
        assert copy.dtype == np.float32
        np.testing.assert_array_equal(half, copy.astype(np.float16))


def test_one_weight_twice_is_updated_twice():
    weight = nd.ones((3000, 1000))  # large enough for several threads
    updater = mx.optimizer.get_updater(mx.optimizer.SGD(learning_rate=1))
    updater([0, 1], [nd.ones(weight.shape)] * 2, [weight, weight])
    assert (weight.asnumpy() == -1).all()


class Doubled(mx.optimizer.Adam):
    """A user's optimizer, written for one parameter."""

    def update(self, index, weight, grad, state):
        super().update(index, weight, grad, state)
        weight *= 2 + index


def test_a_user_s_update_is_called_for_each_parameter():
    updater = mx.optimizer.get_updater(Doubled(learning_rate=0))
    weights = [nd.ones((2,)) for _ in range(3)]
    updater([0, 1, 2], [nd.ones((2,))] * 3, weights)
    assert [one.asnumpy()[0] for one in weights] == [2, 3, 4]


@pytest.mark.parametrize("name", ["sgd", "lamb", "lars"])
def test_update_takes_lists(name):
    optimizer = mx.optimizer.create(name)
    weights = [nd.ones((2,)), nd.ones((3,))]
    states = [optimizer.create_state(i, one) for i, one in enumerate(weights)]
    optimizer.update([0, 1], weights, [one * 2 for one in weights], states)
    optimizer.update(0, weights[0], weights[0], states[0])
    assert optimizer._index_update_count == {0: 2, 1: 1}
    assert (weights[1].asnumpy() < 1).all()


def test_errors_of_joined_updates():
    weights = [nd.ones((2,)), nd.ones((3,))]
    updater = mx.optimizer.get_updater(mx.optimizer.SGD())
    with pytest.raises(mx.MXNetError, match="sgd_update"):
        updater([0, 1], [nd.ones((2,)), nd.ones((4,))], weights)
    step = nd.sgd_update
    with pytest.raises(mx.MXNetError, match="expected one for each of 2 weights, got 1"):
        step.update_each([weights, weights], {"lr": [0.1]}, {})
    with pytest.raises(TypeError, match="expected 2 inputs, got 1"):
        step.update_each([weights], {"lr": [0.1, 0.1]}, {})
    with pytest.raises(mx.MXNetError, match="lists of equal length"):
        step.update_each([weights, weights[:1]], {"lr": [0.1, 0.1]}, {})
    assert step.update_each([[], []], {"lr": []}, {})


def test_a_gradient_that_failed_stops_the_whole_step():
    weights, grads = [nd.ones((2,)) for _ in range(3)], [nd.ones((2,)) for _ in range(3)]

    def fail():
        raise KeyError("no gradient")

    mx.engine.push(fail, writes=[grads[1]])
    mx.optimizer.get_updater(mx.optimizer.SGD())([0, 1, 2], grads, weights)
    for weight in weights:
        with pytest.raises(Exception, match="no gradient"):
            weight.asnumpy()
    assert (grads[0].asnumpy() == 1).all()
