"""Optimizers, schedules and saved states; values recorded from MXNet 1.9.1."""
import json
import pickle
import sys
from pathlib import Path

import gemel as mx
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "original"))
import optimizers  # noqa: E402


def after_three_steps(optimizer):
    updater = mx.optimizer.get_updater(optimizer)
    weight = mx.nd.array([1., 2.])
    for i in range(3):
        updater(0, mx.nd.array([1., -2.]) * (i + 1), weight)
    return weight.asnumpy().tolist()


@pytest.mark.parametrize("name, arguments, expected", [
    ("sgd", dict(learning_rate=.1, momentum=.9, wd=.01), [0.04397463798522949, 3.88962984085083]),
    ("sgd", dict(learning_rate=.1, clip_gradient=.5), [0.8499999642372131, 2.1499998569488525]),
    ("adam", dict(learning_rate=.1), [0.707679808139801, 2.2923200130462646]),
    ("adam", dict(learning_rate=.1, wd=.1, clip_gradient=1),
     [0.699998140335083, 2.300001859664917]),
])
def test_updates(name, arguments, expected):
    assert after_three_steps(mx.optimizer.create(name, **arguments)) == \
        pytest.approx(expected, rel=1e-5)


def test_multipliers_by_name_and_index():
    optimizer = mx.optimizer.SGD(learning_rate=.1, wd=.01, param_idx2name={
        0: "fc_weight", 1: "fc_bias", 2: "bn_gamma", 3: "bn_beta"})
    assert [optimizer._get_wd(i) for i in range(5)] == [.01, 0, .01, 0, .01]
    optimizer.set_lr_mult({"fc_weight": 2., 3: 5.})
    assert [optimizer._get_lr(i) for i in range(4)] == pytest.approx([.2, .1, .1, .5])


def test_unknown_names_and_arguments():
    with pytest.raises(ValueError, match="Cannot find optimizer"):
        mx.optimizer.create("no_such_optimizer")
    with pytest.raises(TypeError):
        mx.optimizer.create("sgd", no_such_argument=1)


def test_states_survive_and_name_the_original_classes():
    updater = mx.optimizer.get_updater(mx.optimizer.SGD(learning_rate=.1, momentum=.9))
    weight = mx.nd.array([1., 2.])
    updater(0, weight, weight)
    data = updater.get_states()
    assert b"mxnet.ndarray.ndarray" in data and b"gemel" not in data
    other = mx.optimizer.get_updater(mx.optimizer.SGD(learning_rate=.1, momentum=.9))
    other.set_states(data)
    assert np.array_equal(other.states[0].asnumpy(), updater.states[0].asnumpy())
    data = updater.get_states(dump_optimizer=True)
    assert b"mxnet.optimizer.optimizer" in data
    other.set_states(data)
    assert other.optimizer.momentum == .9


# What MXNet 1.9.1 wrote for the momentum [-0.1, -0.2] of parameter 0.
ORIGINAL = (b"\x80\x04\x95\x84\x00\x00\x00\x00\x00\x00\x00}\x94K\x00\x8c\x15mxnet.ndarray.ndarray"
            b"\x94\x8c\x07NDArray\x94\x93\x94N\x85\x94R\x94}\x94\x8c\x06handle\x94\x8c\x08builtins"
            b"\x94\x8c\tbytearray\x94\x93\x94C(\xc9\xfa\x93\xf9\x00\x00\x00\x00\x01\x00\x00\x00"
            b"\x02\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
            b"\xcd\xcc\xcc\xbd\xcd\xccL\xbe\x94\x85\x94R\x94sbs.")


def test_states_of_the_original_are_read():
    updater = mx.optimizer.get_updater(mx.optimizer.SGD(momentum=.9))
    updater.set_states(ORIGINAL)
    assert updater.states[0].asnumpy().tolist() == pytest.approx([-.1, -.2])


def test_optimizer_pickles_without_parameters():
    optimizer = mx.optimizer.SGD(learning_rate=.3, param_dict={0: mx.gluon.Parameter("p")})
    copy = pickle.loads(pickle.dumps(optimizer))
    assert copy.lr == .3 and copy.param_dict == {}


def test_schedules():
    schedule = mx.lr_scheduler
    factor = schedule.FactorScheduler(5, 0.5, base_lr=1, stop_factor_lr=.2)
    assert [factor(i) for i in (1, 5, 6, 7, 11, 12, 16, 30)] == [1, 1, .5, .5, .25, .25, .2, .2]
    multi = schedule.MultiFactorScheduler([3, 6], 0.1, base_lr=1)
    assert [multi(i) for i in (1, 3, 4, 6, 7, 9)] == pytest.approx([1, 1, .1, .1, .01, .01])
    poly = schedule.PolyScheduler(10, 1, 2, 0.1)
    assert [poly(i) for i in (0, 1, 5, 9, 10, 11)] == pytest.approx(
        [1.0, 0.829, 0.325, 0.109, 0.1, 0.1])
    cosine = schedule.CosineScheduler(10, 1, 0.1, warmup_steps=2, warmup_begin_lr=.2)
    assert [cosine(i) for i in (0, 1, 2, 3, 7, 10, 12)] == pytest.approx(
        [0.2, 0.6, 1.0, 0.9657457896300791, 0.3777924554357096, 0.1, 0.1])


@pytest.mark.parametrize("make", [
    lambda s: s.FactorScheduler(0), lambda s: s.FactorScheduler(1, 2),
    lambda s: s.MultiFactorScheduler([3, 2]), lambda s: s.PolyScheduler(0),
    lambda s: s.LRScheduler(warmup_steps=-1), lambda s: s.LRScheduler(0.1, 1, .5),
    lambda s: s.LRScheduler(warmup_mode="x")])
def test_schedules_refuse(make):
    with pytest.raises(ValueError):
        make(mx.lr_scheduler)


def test_scheduler_fixes_the_rate():
    optimizer = mx.optimizer.SGD(lr_scheduler=mx.lr_scheduler.FactorScheduler(2, .5, base_lr=.7))
    assert optimizer.learning_rate == .7
    with pytest.raises(UserWarning):
        optimizer.set_learning_rate(.1)


@pytest.mark.parametrize("name, arguments, expected", json.loads(optimizers.TARGET.read_text()),
                         ids=lambda value: "steps" if isinstance(value, list) else str(value))
def test_steps_as_recorded(name, arguments, expected):
    for found, recorded in zip(optimizers.steps(mx, name, arguments), expected, strict=True):
        for weight, values in zip(found, recorded, strict=True):
            assert weight == pytest.approx(values, rel=1e-4, abs=2e-5)


def test_every_recorded_optimizer_is_there():
    recorded = {name for name, _, _ in json.loads(optimizers.TARGET.read_text())}
    assert recorded | {"sgld", "groupadagrad", "ccsgd", "test"} == set(mx.optimizer.Optimizer.opt_registry)


def test_momentum_of_a_delayed_gradient():
    """MXNet raises here; the state is the last step."""
    optimizer = mx.optimizer.DCASGD(learning_rate=.1, momentum=.5, lamda=.04)
    updater = mx.optimizer.get_updater(optimizer)
    weight, grad = mx.nd.array([1., 2.]), mx.nd.array([.5, -1.])
    updater(0, grad, weight)
    assert weight.asnumpy().tolist() == pytest.approx([.95, 2.1])
    updater(0, grad, weight)
    # momentum 0.5 of the step before; no correction yet, since nobody else changed the weight
    assert weight.asnumpy().tolist() == pytest.approx([.95 - .075 - .1 * .04 * .25 * -.05,
                                                       2.1 + .15 - .1 * .04 * .1], abs=1e-4)


def test_langevin_noise_has_the_rate_as_variance():
    mx.random.seed(3)
    optimizer = mx.optimizer.SGLD(learning_rate=.04)
    weight = mx.nd.ones((200, 200))
    optimizer.update(0, weight, mx.nd.ones((200, 200)), None)
    values = weight.asnumpy()
    assert values.mean() == pytest.approx(.98, abs=.004)
    assert values.std() == pytest.approx(.2, rel=.02)


def test_adamax_of_a_gradient_that_is_zero():
    weight = mx.nd.ones(3)
    updater = mx.optimizer.get_updater(mx.optimizer.Adamax(learning_rate=.1))
    updater(0, mx.nd.zeros(3), weight)
    assert weight.asnumpy().tolist() == [1, 1, 1]


def test_one_history_for_a_row():
    updater = mx.optimizer.get_updater(mx.optimizer.create(
        "groupadagrad", learning_rate=.1, eps=.01, clip_gradient=.5))
    weight, grad = mx.nd.array([[1, 2.], [3, 4]]), mx.nd.array([[.1, .7], [.3, -.2]])
    for _ in range(2):
        updater(0, grad, weight)
    assert weight.asnumpy().ravel().tolist() == pytest.approx(
        [0.954028844833374, 1.7701443433761597, 2.810277223587036, 4.126481533050537])
    with pytest.raises(AssertionError, match="two axes"):
        updater(1, mx.nd.ones(2), mx.nd.ones(2))


@pytest.mark.parametrize("correction, expected", [
    (True, [0.958867609500885, 2.0548434257507324]),
    (False, [0.9274495840072632, 2.096733808517456])])
def test_layerwise_momentum_when_the_rate_changes(correction, expected):
    optimizer = mx.optimizer.LARS(
        momentum=.9, eta=.1, momentum_correction=correction, learning_rate=.1,
        lr_scheduler=mx.lr_scheduler.FactorScheduler(step=1, factor=.5, base_lr=.1))
    updater = mx.optimizer.get_updater(optimizer)
    weight = mx.nd.array([1, 2.])
    for _ in range(4):
        updater(0, mx.nd.array([.3, -.4]), weight)
    assert weight.asnumpy().tolist() == pytest.approx(expected)


@pytest.mark.parametrize("name", sorted(mx.optimizer.Optimizer.opt_registry))
def test_every_optimizer_survives_a_file(name):
    updater = mx.optimizer.get_updater(mx.optimizer.create(name, learning_rate=.1))
    weight = mx.nd.ones((2, 2))
    updater(0, mx.nd.ones((2, 2)), weight)
    data = updater.get_states(dump_optimizer=True)
    assert b"gemel" not in data
    other = mx.optimizer.get_updater(mx.optimizer.SGD())
    other.set_states(data)
    assert type(other.optimizer) is type(updater.optimizer)
    other(0, mx.nd.ones((2, 2)), weight)


@pytest.mark.parametrize("name", ["nag", "adagrad", "lamb", "rmsprop"])
def test_half_precision_keeps_a_float32_copy(name):
    updater = mx.optimizer.get_updater(mx.optimizer.create(name, learning_rate=.01, multi_precision=True))
    single = mx.optimizer.get_updater(mx.optimizer.create(name, learning_rate=.01))
    half, full = mx.nd.ones((2, 2), dtype="float16"), mx.nd.ones((2, 2))
    for step in range(5):
        grad = mx.nd.array([[.5, -.25], [.125, 1]])
        updater(0, grad.astype("float16"), half)
        single(0, grad, full)
    assert np.array_equal(half.asnumpy(), full.asnumpy().astype("float16"))
