"""mx.memory.explain: who owns each byte over time."""
import xml.etree.ElementTree as xml

import gemel as mx
import pytest

SHAPE = (4, 1, 20, 20)


def perceptron():
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=64, name="hidden")
    net = mx.sym.FullyConnected(mx.sym.tanh(net), num_hidden=10, name="last")
    return mx.sym.SoftmaxOutput(net, name="softmax")


def convolutional():
    net = mx.sym.var("data")
    for number, filters in enumerate((4, 8)):
        net = mx.sym.Convolution(net, kernel=(3, 3), num_filter=filters, name=f"convolution{number}")
        net = mx.sym.Activation(mx.sym.BatchNorm(net), act_type="tanh")
        net = mx.sym.Pooling(net, kernel=(2, 2), stride=(2, 2), pool_type="max")
    net = mx.sym.FullyConnected(net, num_hidden=10)
    return mx.sym.SoftmaxOutput(net, name="softmax")


@pytest.fixture(name="executor")
def bound():
    return convolutional().simple_bind(mx.cpu(), data=SHAPE)


def test_uses_lie_in_the_arena_and_never_overlap(executor):
    shown = mx.memory.explain(executor)
    assert shown.uses and shown.steps
    for use in shown.uses:
        assert use.offset >= 0 and use.bytes > 0
        assert 0 <= use.begin <= use.end < len(shown.steps)
    for step in range(len(shown.steps)):
        # What is written over its input shares its bytes during one step.
        owners = [use for use in shown.owners(step) if use.end > step or use.begin == use.end]
        owners.sort(key=lambda use: use.offset)
        for one, other in zip(owners, owners[1:]):
            assert one.offset + one.bytes <= other.offset or one.offset == other.offset


def test_the_peak(executor):
    shown = mx.memory.explain(executor)
    assert max(shown.live) == shown.live[shown.peak] <= shown.bytes
    assert shown.bytes >= executor.memory_plan()["both"]  # kernels' workspace is in it
    owners = shown.owners()
    assert [use.bytes for use in owners] == sorted((use.bytes for use in owners), reverse=True)
    assert all(use.begin <= shown.peak <= use.end for use in owners)


def test_what_is_printed(executor, capsys):
    shown = mx.memory.explain(executor, top=2)
    text = capsys.readouterr().out
    assert f"step {shown.peak}, '{shown.steps[shown.peak]}'" in text
    assert shown.owners()[0].owner in text
    assert "█" in text
    assert ("others" in text) == (len(shown.owners()) > 2)
    assert str(shown).startswith(text.splitlines()[0])


def test_the_picture(executor, tmp_path):
    shown = mx.memory.explain(executor, filename=str(tmp_path / "plan.svg"))
    root = xml.parse(tmp_path / "plan.svg").getroot()
    space = "{http://www.w3.org/2000/svg}"
    tips = [tip.text for tip in root.iter(space + "title")]
    assert len(tips) == len(shown.uses)
    assert any("convolution0" in tip and "Convolution" in tip for tip in tips)
    words = " ".join(element.text or "" for element in root.iter(space + "text"))
    assert "peak" in words and "step of the plan" in words and "backward pass" in words
    assert shown._repr_svg_() == (tmp_path / "plan.svg").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="svg"):
        shown.save("plan.jpeg")


def test_inference():
    shown = mx.memory.explain(perceptron().simple_bind(mx.cpu(), grad_req="null", data=(8, 784)))
    assert not any(use.operator.startswith("_backward") for use in shown.uses)


def test_a_module():
    module = mx.mod.Module(perceptron())
    with pytest.raises(mx.MXNetError, match="bind"):
        mx.memory.explain(module)
    module.bind([("data", (8, 784))], [("softmax_label", (8,))])
    assert any(use.stage == 1 for use in mx.memory.explain(module).uses)


def test_a_hybridized_block():
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Dense(32, activation="relu"), mx.gluon.nn.Dense(4))
    net.initialize()
    net.hybridize()
    with pytest.raises(mx.MXNetError, match="call it"):
        mx.memory.explain(net)
    net(mx.nd.ones((16, 8)))
    inference = mx.memory.explain(net)
    with mx.autograd.record():
        net(mx.nd.ones((16, 8)))
    training = mx.memory.explain(net)
    assert len(training.steps) > len(inference.steps)
    assert any(use.stage == 1 for use in training.uses)


def test_other_things():
    with pytest.raises(TypeError, match="Executor, a Module or a hybridized Block, got int"):
        mx.memory.explain(5)
