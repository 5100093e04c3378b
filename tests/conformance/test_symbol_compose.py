"""Composition of symbols: names, lists, groups, internals, attributes."""

import pytest

import gemel as mx


def perceptron():
    data = mx.sym.Variable("data")
    hidden = mx.sym.FullyConnected(data, name="fc1", num_hidden=8)
    active = mx.sym.Activation(hidden, act_type="relu", name="relu1")
    output = mx.sym.FullyConnected(active, name="fc2", num_hidden=3)
    return mx.sym.SoftmaxOutput(output, name="softmax")


ARGUMENTS = ["data", "fc1_weight", "fc1_bias", "fc2_weight", "fc2_bias", "softmax_label"]


def test_lists():
    net = perceptron()
    assert net.list_arguments() == ARGUMENTS
    assert net.list_outputs() == ["softmax_output"]
    assert net.list_auxiliary_states() == []
    assert net.list_inputs() == ARGUMENTS
    assert net.name == "softmax"


def test_auxiliary_states():
    net = mx.sym.BatchNorm(mx.sym.var("data"), name="bn")
    assert net.list_arguments() == ["data", "bn_gamma", "bn_beta"]
    assert net.list_auxiliary_states() == ["bn_moving_mean", "bn_moving_var"]
    assert net.list_outputs() == ["bn_output"]


def test_internals():
    internals = perceptron().get_internals()
    assert internals.list_outputs() == [
        "data", "fc1_weight", "fc1_bias", "fc1_output", "relu1_output", "fc2_weight", "fc2_bias",
        "fc2_output", "softmax_label", "softmax_output",
    ]  # fmt: skip
    assert internals["fc1_output"].list_arguments() == ["data", "fc1_weight", "fc1_bias"]
    assert internals["relu1_output"].name == "relu1"


def test_children():
    children = perceptron().get_children()
    assert children.list_outputs() == ["fc2_output", "softmax_label"]
    assert mx.sym.var("x").get_children() is None


def test_automatic_names():
    with mx.name.NameManager():
        first = mx.sym.var("x") + mx.sym.var("y")
        second = mx.sym.exp(mx.sym.var("x"))
        third = mx.sym.exp(mx.sym.var("x"))
    assert first.name == "_plus0"
    assert [second.name, third.name] == ["exp0", "exp1"]
    with mx.name.Prefix("net_"):
        assert mx.sym.exp(mx.sym.var("x"), name="e").name == "net_e"


def test_call_composes():
    net = mx.sym.FullyConnected(mx.sym.var("data"), name="fc", num_hidden=2)
    lower = mx.sym.exp(mx.sym.var("raw"), name="lower")
    joined = net(data=lower)
    assert joined.list_arguments() == ["raw", "fc_weight", "fc_bias"]
    assert net.list_arguments() == ["data", "fc_weight", "fc_bias"]


def test_group_and_indexing():
    a, b = mx.sym.var("a"), mx.sym.var("b")
    group = mx.sym.Group([mx.sym.exp(a, name="e"), b, mx.sym.sqrt(a, name="s")])
    assert group.list_outputs() == ["e_output", "b", "s_output"]
    assert len(group) == 3
    assert group[0].list_outputs() == ["e_output"]
    assert group["s_output"].name == "s"
    assert [part.name for part in group] == ["e", "b", "s"]
    assert group[1:].list_outputs() == ["b", "s_output"]


def test_several_outputs():
    parts = mx.sym.SliceChannel(mx.sym.var("x"), num_outputs=3, name="parts")
    assert parts.list_outputs() == ["parts_output0", "parts_output1", "parts_output2"]
    assert parts[1].list_outputs() == ["parts_output1"]
    assert (parts[0] + parts[2]).list_arguments() == ["x"]


def test_attributes():
    data = mx.sym.Variable("data", attr={"mood": "angry"}, lr_mult=2.0, shape=(2, 3))
    op = mx.sym.Convolution(
        data, name="conv", kernel=(1, 1), num_filter=1, attr={"__mood__": "so so"}
    )
    assert data.attr("mood") == "angry"
    assert data.attr("__lr_mult__") == "2.0"
    assert data.attr("__shape__") == "(2, 3)"
    assert op.attr("__mood__") == "so so"
    assert op.attr("kernel") == "(1, 1)"
    assert op.attr("nothing") is None
    assert op.list_attr()["num_filter"] == "1"
    assert op.attr_dict()["data"]["mood"] == "angry"
    assert op.attr_dict()["conv"]["kernel"] == "(1, 1)"


def test_attribute_scope():
    with mx.AttrScope(group="4", data="great"):
        data = mx.sym.Variable("data", attr={"dtype": "data", "group": "1"})
        with mx.AttrScope(group="5"):
            inner = mx.sym.exp(data)
    assert data.attr("group") == "1" and data.attr("data") == "great"
    assert inner.attr("group") == "5" and inner.attr("data") == "great"


def test_parameters_reach_the_variables():
    weight = mx.sym.var("w", wd_mult=0.5, init=mx.init.One())
    net = mx.sym.FullyConnected(mx.sym.var("data"), weight=weight, num_hidden=2, name="fc")
    assert net.attr_dict()["w"]["__wd_mult__"] == "0.5"
    assert net.list_arguments() == ["data", "w", "fc_bias"]


def test_no_bias_drops_an_argument():
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, no_bias=True, name="fc")
    assert net.list_arguments() == ["data", "fc_weight"]


def test_arithmetic():
    a, b = mx.sym.var("a"), mx.sym.var("b")
    net = (a + b) * 2 - b / 4 + 1 - (3 - a) ** 2
    result = net.eval(ctx=mx.cpu(), a=mx.nd.array([1]), b=mx.nd.array([8]))
    assert result[0].asscalar() == (1 + 8) * 2 - 2 + 1 - 4


def test_wrong_arguments():
    with pytest.raises((TypeError, AssertionError, mx.base.MXNetError)):
        mx.sym.exp("text")
    with pytest.raises(mx.base.MXNetError):
        mx.sym.FullyConnected(mx.sym.var("x"), name="fc")


def test_repr_and_copy():
    import copy
    import pickle

    net = perceptron()
    assert repr(net) == "<Symbol softmax>"
    assert copy.deepcopy(net).tojson() == net.tojson()
    assert pickle.loads(pickle.dumps(net)).tojson() == net.tojson()
