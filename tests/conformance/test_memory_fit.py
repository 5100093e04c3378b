"""Recomputation under a byte budget: less memory, equal bits; and what users mark by hand."""
import gemel as mx
import numpy as np
import pytest

SHAPE = (8, 3, 48, 48)


def network(marked=()):
    """Convolutions, normalisation, a residual sum, random elements, joined branches."""
    def named(name):
        return mx.AttrScope(force_mirroring="True") if name in marked else mx.AttrScope()

    net = mx.sym.var("data")
    for number in range(15):
        with named(f"conv{number}"):
            branch = mx.sym.Convolution(net, kernel=(3, 3), pad=(1, 1), num_filter=16, no_bias=True,
                                        name=f"conv{number}")
        branch = mx.sym.BatchNorm(branch, fix_gamma=False, name=f"norm{number}")
        branch = mx.sym.Activation(branch, act_type="relu", name=f"relu{number}")
        net = branch + net if number % 3 == 2 else branch
        if number == 3:
            net = mx.sym.Dropout(net, p=0.3, name="dropout")
    left = mx.sym.Pooling(net, kernel=(2, 2), stride=(2, 2), pool_type="max", name="pool")
    right = mx.sym.Convolution(net, kernel=(2, 2), stride=(2, 2), num_filter=8, name="small")
    net = mx.sym.FullyConnected(mx.sym.Concat(left, right), num_hidden=10, name="last")
    return mx.sym.SoftmaxOutput(net, name="softmax")


def bound(net=None):
    executor = (network() if net is None else net).simple_bind(mx.cpu(), data=SHAPE, softmax_label=SHAPE[:1])
    generator = np.random.RandomState(7)
    for name, array in executor.arg_dict.items():
        array[:] = (generator.randint(0, 10, array.shape) if name.endswith("label")
                    else generator.uniform(-0.2, 0.2, array.shape))
    return executor


def results(executor, steps=2):
    """Outputs, gradients and moving averages after some training steps."""
    mx.random.seed(11)
    for _ in range(steps):
        executor.forward(is_train=True)
        executor.backward()
    arrays = {**executor.output_dict, **{f"d {k}": v for k, v in executor.grad_dict.items()}, **executor.aux_dict}
    return {name: array.asnumpy() for name, array in arrays.items()}


def assert_equal_bits(one, other):
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert np.array_equal(values, other[name]), name


@pytest.fixture
def setting():
    changed = {}

    def change(name, value):
        changed.setdefault(name, mx.runtime.get_setting(name))
        mx.runtime.set_setting(name, value)
    yield change
    for name, value in changed.items():
        mx.runtime.set_setting(name, value)


@pytest.fixture(scope="module")
def plain():
    executor = bound()
    return results(executor), executor.memory_plan()["both"]


@pytest.mark.parametrize("share", [0.9, 0.75, 0.65])
def test_gradients_keep_their_bits(plain, share):
    expected, whole = plain
    executor = bound()
    work = executor.fit_memory(int(share * whole * 1.05))
    assert executor.memory_plan()["both"] <= share * whole * 1.05
    assert 0 < work <= 1
    assert_equal_bits(results(executor), expected)


def test_a_tighter_budget_repeats_more(plain):
    work = [bound().fit_memory(int(share * plain[1])) for share in (2, 0.9, 0.65)]
    assert work[0] == 0
    assert work[0] < work[1] < work[2]


def test_the_plan_has_the_same_method(plain):
    plan = bound().memory_plan()
    budget = int(0.7 * plan["both"])
    assert plan.fit(budget) is plan
    assert plan["both"] <= budget < plain[1]
    assert sorted(plan) == ["both", "coshare", "inplace", "naive"]


def test_the_error_tells_the_least(plain):
    executor = bound()
    with pytest.raises(mx.MXNetError, match=r"\[fit_memory\] expected a budget of at least [0-9.]+ [KM]B.*"
                                            r"got 10.0 KB.*smaller batch"):
        executor.fit_memory("10 KB")
    assert executor.memory_plan()["both"] == plain[1]
    assert_equal_bits(results(executor), plain[0])


@pytest.mark.parametrize("budget", ["some", "-1", "1 XB", ""])
def test_budgets_that_are_none(budget):
    with pytest.raises(mx.MXNetError, match="expected an amount such as '1GB'"):
        bound().fit_memory(budget)


def test_between_forward_and_backward(plain):
    executor = bound()
    mx.random.seed(11)
    executor.forward(is_train=True)
    executor.fit_memory(int(0.7 * plain[1]))
    executor.backward()  # runs the forward pass once more, as what it kept is gone
    assert np.isfinite(executor.grad_dict["conv0_weight"].asnumpy()).all()


def test_mirroring_takes_less(plain, setting):
    setting("recompute", "1")  # as MXNET_BACKWARD_DO_MIRROR gives it
    executor = bound()
    assert executor.memory_plan()["both"] < plain[1]
    assert_equal_bits(results(executor), plain[0])


def test_marked_nodes_run_again(plain):
    executor = bound(network(marked=("conv1", "conv4")))
    listing = executor.debug_str()
    assert "conv1_again" in listing and "conv4_again" in listing and "conv2_again" not in listing
    assert_equal_bits(results(executor), plain[0])


def test_a_setting_limits_every_graph_that_trains(plain, setting):
    setting("memory_budget", str(int(0.7 * plain[1])))
    executor = bound()
    assert executor.memory_plan()["both"] <= 0.7 * plain[1]
    assert_equal_bits(results(executor), plain[0])


def test_modules_follow_the_setting(setting):
    def trained():
        module = mx.mod.Module(network())
        module.bind([("data", SHAPE)], [("softmax_label", SHAPE[:1])])
        mx.random.seed(5)
        module.init_params(mx.init.Xavier())
        module.init_optimizer(optimizer="sgd", optimizer_params={"learning_rate": 0.01})
        generator = np.random.RandomState(3)
        batch = mx.io.DataBatch([mx.nd.array(generator.uniform(-1, 1, SHAPE))],
                                [mx.nd.array(generator.randint(0, 10, SHAPE[:1]))])
        for _ in range(2):
            module.forward_backward(batch)
            module.update()
        plan = mx.memory.explain(module).bytes
        return plan, {name: array.asnumpy() for name, array in module.get_params()[0].items()}

    whole, expected = trained()
    setting("memory_budget", str(int(0.75 * whole)))
    less, values = trained()
    assert less <= 0.75 * whole
    assert_equal_bits(values, expected)


def test_hybridized_blocks_follow_the_setting(setting):
    def trained():
        net = mx.gluon.nn.HybridSequential(prefix="net_")
        for _ in range(15):
            net.add(mx.gluon.nn.Conv2D(16, 3, padding=1, use_bias=False), mx.gluon.nn.BatchNorm(),
                    mx.gluon.nn.Activation("relu"))
        net.add(mx.gluon.nn.Dropout(0.5), mx.gluon.nn.Dense(4))
        mx.random.seed(5)
        net.initialize(mx.init.Xavier())
        net.hybridize()
        data = mx.nd.array(np.random.RandomState(3).uniform(-1, 1, SHAPE))
        with mx.autograd.record():
            loss = (net(data) ** 2).sum()
        loss.backward()
        return (mx.memory.explain(net).bytes,
                {number: p.grad().asnumpy() for number, p in enumerate(net.collect_params().values())
                 if p.grad_req != "null"})

    whole, expected = trained()
    setting("memory_budget", str(whole + 4096))
    taken, values = trained()
    assert taken <= whole + 4096
    assert_equal_bits(values, expected)
    setting("memory_budget", "1MB")
    with pytest.raises(mx.MXNetError, match="at least .* the least that training this graph"):
        trained()
