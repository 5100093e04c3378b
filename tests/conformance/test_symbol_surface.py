"""What a Symbol and an Executor offer beside composition and inference."""
import json
import operator as op

import gemel as mx
import numpy as np
import pytest


def _net():
    net = mx.sym.FullyConnected(mx.sym.var("x"), num_hidden=4, name="fc")
    net = mx.sym.Activation(net, act_type="relu", name="act")
    return mx.sym.SoftmaxOutput(net, name="sm")


def _node(symbol):
    return json.loads(symbol.tojson())["nodes"][-1]


@pytest.mark.parametrize("call, text", [
    (lambda x: -x, "-1.0"), (lambda x: x + 2, "2"), (lambda x: x * 2.5, "2.5"), (lambda x: x + np.float64(2), "2.0"),
    (lambda x: x * np.int64(3), "3"), (lambda x: x * 1e-5, "1e-05"), (lambda x: x * 1e20, "1e+20")])
def test_numbers_are_written_as_python_writes_them(call, text):
    assert _node(call(mx.sym.var("x")))["attrs"]["scalar"] == text


def test_lists_and_tuples_keep_their_brackets():
    x = mx.sym.var("x")
    assert mx.sym.Pooling(x, kernel=[2, 2]).attr("kernel") == "[2, 2]"
    assert mx.sym.Pooling(x, kernel=(2, 2)).attr("kernel") == "(2, 2)"
    assert mx.sym.tile(x, (2,)).attr("reps") == "(2,)"
    assert mx.sym.Dropout(x, p=1.0).attr("p") == "1.0"


def test_reversed_power_and_absolute_value():
    x = mx.sym.var("x")
    with mx.name.NameManager():
        assert (2 ** x).name == "_rpower_scalar0"
        assert abs(x).name == "abs0"
    assert abs(x).eval(x=mx.nd.array([-2]))[0].asscalar() == 2


@pytest.mark.parametrize("function, name", [(op.iadd, "__iadd__"), (op.isub, "__isub__"), (op.imul, "__imul__"),
                                            (op.itruediv, "__itruediv__"), (op.imod, "__imod__")])
def test_in_place_arithmetic_is_refused_by_name(function, name):
    with pytest.raises(mx.base.NotImplementedForSymbol, match=name):
        function(mx.sym.var("x"), mx.sym.var("y"))
    with pytest.raises(mx.base.NotImplementedForSymbol, match="__bool__"):
        bool(mx.sym.var("x"))
    with pytest.raises(TypeError, match="not supported"):
        mx.sym.var("x") + [1]


def test_backends_leave_the_symbol_as_it_is():
    net = _net()
    for same in (net.optimize_for("MKLDNN"), net.get_backend_symbol("MKLDNN_QUANTIZE"), net.as_nd_ndarray()):
        assert same.tojson() == net.tojson()
    assert net.simple_bind(mx.cpu(), x=(2, 3)).get_optimized_symbol().tojson() == net.tojson()
    with pytest.raises(mx.MXNetError, match="bind"):
        net.gradient(["x"])


def test_memory_is_known_before_any_bind():
    net = mx.sym.var("x")
    for i in range(4):
        net = mx.sym.Activation(mx.sym.FullyConnected(net, num_hidden=8, name=f"fc{i}"), act_type="relu")
    planned = net.memory_plan(x=(16, 8))
    assert set(planned) == {"naive", "inplace", "coshare", "both"}
    assert planned == net.simple_bind(mx.cpu(), grad_req="null", x=(16, 8)).memory_plan()
    assert planned["both"] < planned["naive"]
    with pytest.raises(mx.MXNetError):
        net.memory_plan()


def test_an_inner_output_needs_nothing_behind_it():
    net = _net()
    features = net.get_internals()["fc_output"]
    assert features.list_arguments() == ["x", "fc_weight", "fc_bias"]
    cut = mx.sym.FullyConnected(mx.sym.var("x"), num_hidden=4, name="fc")
    assert features.tojson() == cut.tojson()
    assert features.memory_plan(x=(5, 3)) == cut.memory_plan(x=(5, 3))


def test_the_monitor_sees_the_values_of_the_run():
    net = mx.sym.Dropout(mx.sym.var("x") * 2, p=0.5, name="drop") + 1
    executor = net.simple_bind(mx.cpu(), x=(50,))
    executor.arg_dict["x"][:] = 1
    seen = {}
    executor.set_monitor_callback(lambda name, array: seen.update({name: array.asnumpy()}))
    output = executor.forward(is_train=True)[0].asnumpy()
    np.testing.assert_array_equal(seen["drop_output"] + 1, output)
    executor.backward(mx.nd.ones(50))
    np.testing.assert_array_equal(executor.grad_dict["x"].asnumpy(), seen["drop_output"])


def test_the_monitor_names_inputs_as_mxnet_does():
    executor = _net().simple_bind(mx.cpu(), x=(2, 3))
    names = []
    executor.set_monitor_callback(lambda name, array: names.append(name), monitor_all=True)
    executor.forward(is_train=True)
    assert names == ["x", "fc_data", "fc_weight", "fc_weight", "fc_bias", "fc_bias", "fc_output", "act_input0",
                     "act_output", "sm_data", "sm_label", "sm_label", "sm_output"]
    names.clear()
    executor.set_monitor_callback(None)
    executor.forward()
    assert not names


def test_bind_and_simple_bind_argument_forms():
    net = _net()
    arrays = {"x": mx.nd.ones((2, 3)), "fc_weight": mx.nd.ones((4, 3)), "fc_bias": mx.nd.ones(4),
              "sm_label": mx.nd.ones(2)}
    with pytest.raises(TypeError, match="Only accept list of NDArrays"):
        net.bind(mx.cpu(), 5)
    with pytest.raises(TypeError, match="Context type error"):
        net.bind(5, arrays)
    executor = net.bind(mx.cpu(), arrays, args_grad={"x": mx.nd.zeros((2, 3))})
    assert [one is None for one in executor.grad_arrays] == [False, True, True, True]
    executor = net.simple_bind(mx.cpu(), x=(2, 3), not_there=(1,))  # 1.9.1 takes no notice of others
    assert list(executor.arg_dict) == list(arrays)
    with pytest.raises(RuntimeError):
        net.simple_bind(mx.cpu())


def test_reshape_shares_memory():
    net = mx.sym.FullyConnected(mx.sym.var("x"), num_hidden=4, name="fc")
    executor = net.simple_bind(mx.cpu(), x=(4, 3))
    executor.arg_dict["fc_weight"][:] = 1
    smaller = executor.reshape(x=(2, 3))
    smaller.arg_dict["x"][:] = 5
    assert (executor.arg_dict["x"].asnumpy()[:2] == 5).all()
    assert smaller.forward()[0].asnumpy().tolist() == [[15.0] * 4] * 2
    with pytest.raises(mx.MXNetError, match="allow_up_sizing"):
        executor.reshape(x=(8, 3))
    assert executor.reshape(allow_up_sizing=True, x=(8, 3)).outputs[0].shape == (8, 4)
    with pytest.raises(mx.MXNetError, match="partial_shaping"):
        executor.reshape(x=(4, 2))
    assert executor.reshape(partial_shaping=True, x=(4, 2)).arg_dict["fc_weight"].shape == (4, 2)


def test_copy_params_names_what_does_not_fit():
    executor = _net().simple_bind(mx.cpu(), x=(2, 3))
    executor.copy_params_from({"x": mx.nd.ones((2, 3))})
    assert (executor.arg_dict["x"].asnumpy() == 1).all()
    with pytest.raises(ValueError, match='Find name "zz" that is not in the arguments'):
        executor.copy_params_from({"zz": mx.nd.ones(1)})
    with pytest.raises(ValueError, match="Find name q that is not in the auxiliary states"):
        executor.copy_params_from({}, {"q": mx.nd.ones(1)})
    executor.copy_params_from({"zz": mx.nd.ones(1)}, {"q": mx.nd.ones(1)}, allow_extra_params=True)


def test_value_index_names_the_outputs():
    parts = mx.sym.split(mx.sym.Variable("x"), num_outputs=3)
    assert parts[1].attr("_value_index") == "1"
    assert parts.attr("_value_index") == "0, 1, 2"
    assert mx.sym.Variable("x").attr("_value_index") == "0"
    assert parts.list_attr() == {"num_outputs": "3"}


def test_an_unknown_backend():
    net = mx.sym.relu(mx.sym.var("x"))
    with pytest.warns(UserWarning, match="Error optimizing for backend 'nope' cannot be found"):
        assert net.optimize_for("nope").list_outputs() == net.list_outputs()
    with pytest.raises(mx.base.MXNetError, match="nope"):
        net.get_backend_symbol("nope")
