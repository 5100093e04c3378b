"""Updates with a float32 copy of a half weight do what the plain update does in float32, and
updates of many weights what as many calls do."""

import numpy as np
import pytest

import gemel as mx

COMMON = {"rescale_grad": 0.5, "clip_gradient": 0.3}


def operator(name):
    return getattr(mx.nd, name, None) or getattr(mx.nd._internal, name)


def drawn(shape, seed, low=0.1):
    return np.random.RandomState(seed).uniform(low, 1, shape).astype("float16").astype("float32")


def arrays(states, shape=(3, 4), seed=0):
    return [mx.nd.array(drawn(shape, seed + i)) for i in range(2 + states)]


SINGLE = [
    ("sgd_update", 0, {"lr": 0.1, "wd": 0.1, **COMMON}, []),
    ("sgd_mom_update", 1, {"lr": 0.1, "wd": 0.1, "momentum": 0.9, **COMMON}, []),
    ("nag_mom_update", 1, {"lr": 0.1, "wd": 0.1, "momentum": 0.9, **COMMON}, []),
    ("_adamw_update", 2, {"lr": 0.1, "wd": 0.1, "eta": 0.5, "clip_gradient": 0.3}, [0.5]),
    ("lamb_update_phase1", 2, {"wd": 0.1, "t": 2, **COMMON}, []),
]


@pytest.mark.parametrize("name, states, attributes, rest", SINGLE, ids=lambda v: str(v)[:20])
def test_half_weight(name, states, attributes, rest):
    plain = arrays(states)
    half = [a.astype("float16") for a in plain[:2]] + [a.copy() for a in plain[2:]]
    master = plain[0].copy()
    rest = [mx.nd.array([value]) for value in rest]
    mixed_name = "_mp" + name if name.startswith("_") else "mp_" + name
    expected = operator(name)(*plain, *rest, **attributes)
    phase1 = "phase1" in name
    out = mx.nd.zeros((3, 4)) if phase1 else half[0]
    operator(mixed_name)(*half, master, *rest, out=out, **attributes)
    tolerance = 1e-6 if phase1 else 1e-3
    np.testing.assert_allclose(out.asnumpy(), expected.asnumpy(), rtol=tolerance)
    if not phase1:
        np.testing.assert_allclose(master.asnumpy(), expected.asnumpy(), rtol=1e-6)
    for state, wanted in zip(half[2:], plain[2:]):
        np.testing.assert_allclose(state.asnumpy(), wanted.asnumpy(), rtol=1e-6)


def test_lamb_second_phase_writes_the_copy():
    half = mx.nd.array([1, 2], dtype="float16")
    master = mx.nd.array([1.0, 2.0])
    norms = [mx.nd.array([0.5]), mx.nd.array([0.25])]
    mx.nd.mp_lamb_update_phase2(half, mx.nd.array([0.1, 0.2]), *norms, master, lr=0.1, out=half)
    np.testing.assert_allclose(master.asnumpy(), [0.98, 1.96], rtol=1e-6)
    np.testing.assert_allclose(half.asnumpy(), [0.98, 1.96], rtol=1e-3)


MANY = [
    ("multi_sgd_update", "sgd_update", 0, {}),
    ("multi_sgd_mom_update", "sgd_mom_update", 1, {"momentum": 0.9}),
    ("preloaded_multi_sgd_update", "sgd_update", 0, {}),
    ("preloaded_multi_sgd_mom_update", "sgd_mom_update", 1, {"momentum": 0.9}),
]


@pytest.mark.parametrize("name, single, states, attributes", MANY)
def test_many_weights(name, single, states, attributes):
    groups = [arrays(states, shape, seed) for shape, seed in (((3, 4), 0), ((5,), 10), ((2,), 20))]
    rates, decays = [0.1, 0.2, 0.3], [0.0, 0.1, 0.2]
    expected = []
    for group, lr, wd in zip(groups, rates, decays):
        own = [array.copy() for array in group]
        out = operator(single)(*own, lr=lr, wd=wd, **attributes, **COMMON)
        expected.append((out, own[2:]))
    flat = [array for group in groups for array in group]
    outputs = [group[0] for group in groups]
    if name.startswith("preloaded"):
        flat += [mx.nd.array(rates), mx.nd.array(decays)]
        given = {}
    else:
        given = {"lrs": rates, "wds": decays}
    operator(name)(*flat, num_weights=3, out=outputs, **given, **attributes, **COMMON)
    for group, (weight, wanted) in zip(groups, expected):
        np.testing.assert_array_equal(group[0].asnumpy(), weight.asnumpy())
        for state, value in zip(group[2:], wanted):
            np.testing.assert_array_equal(state.asnumpy(), value.asnumpy())


def test_mixed_many_weights():
    """The numbers of 1.9.1 for one half weight."""
    half = lambda value: mx.nd.array([value], dtype="float16")  # noqa: E731
    group = [half(1), half(0.1), mx.nd.array([0.2]), mx.nd.array([0.3]), mx.nd.array([5.0])]
    mx.nd._internal._multi_mp_adamw_update(
        *group, mx.nd.array([1.0]), lrs=[0.1], wds=[0], etas=[1], num_weights=1, out=group[0]
    )
    found = [array.asscalar() for array in group]
    np.testing.assert_allclose(found, [4.965, 0.1, 0.18999755, 0.29971004, 4.9652944], rtol=1e-3)


@pytest.mark.parametrize("factor", [0.0, float("inf"), float("nan")])
def test_adamw_skips_a_step(factor):
    group = arrays(2)
    before = [array.asnumpy() for array in group]
    out = mx.nd._internal._adamw_update(*group, mx.nd.array([factor]), lr=0.1, eta=1, out=group[0])
    assert out is group[0]
    for array, old in zip(group, before):
        np.testing.assert_array_equal(array.asnumpy(), old)


def test_reset_arrays():
    many = arrays(2)
    assert not mx.nd.reset_arrays(*many, num_arrays=4)
    assert all((array.asnumpy() == 0).all() for array in many)


@pytest.mark.parametrize("given", [{"lrs": [0.1]}, {"wds": [0.1]}, {"num_weights": 3}])
def test_wrong_count(given):
    group = arrays(0) + arrays(0)
    given = {"lrs": [0.1, 0.2], "wds": [0, 0], "num_weights": 2, **given}
    with pytest.raises((mx.base.MXNetError, TypeError), match="multi_sgd_update"):
        mx.nd.multi_sgd_update(*group, **given)
