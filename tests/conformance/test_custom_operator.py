"""Operators written in Python."""
import threading

import gemel as mx
import numpy as np
import pytest


class _Sigmoid(mx.operator.CustomOp):
    def forward(self, is_train, req, in_data, out_data, aux):
        self.was_training = is_train
        self.assign(out_data[0], req[0], 1 / (1 + mx.nd.exp(-in_data[0])))

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        y = out_data[0]
        assert self.was_training
        self.assign(in_grad[0], req[0], out_grad[0] * y * (1 - y))


@mx.operator.register("test_sigmoid")
class _SigmoidProp(mx.operator.CustomOpProp):
    def create_operator(self, ctx, in_shapes, in_dtypes):
        return _Sigmoid()


class _Softmax(mx.operator.CustomOp):
    """The classic example: NumPy inside, a loss without a head gradient."""

    def forward(self, is_train, req, in_data, out_data, aux):
        x = in_data[0].asnumpy()
        y = np.exp(x - x.max(axis=1, keepdims=True))
        self.assign(out_data[0], req[0], mx.nd.array(y / y.sum(axis=1, keepdims=True)))

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        label = in_data[1].asnumpy().astype(int)
        y = out_data[0].asnumpy()
        y[np.arange(label.shape[0]), label] -= 1
        self.assign(in_grad[0], req[0], mx.nd.array(y))


@mx.operator.register("test_softmax")
class _SoftmaxProp(mx.operator.CustomOpProp):
    def __init__(self):
        super().__init__(need_top_grad=False)

    def list_arguments(self):
        return ["data", "label"]

    def infer_shape(self, in_shape):
        return [in_shape[0], (in_shape[0][0],)], [in_shape[0]], []

    def create_operator(self, ctx, in_shapes, in_dtypes):
        return _Softmax()


class _Counter(mx.operator.CustomOp):
    def forward(self, is_train, req, in_data, out_data, aux):
        aux[0][:] += 1
        self.assign(out_data[0], req[0], in_data[0] + aux[0])
        self.assign(out_data[1], req[1], in_data[0] * self.factor)


@mx.operator.register("test_counter")
class _CounterProp(mx.operator.CustomOpProp):
    def __init__(self, factor="2"):
        super().__init__()
        self.factor = float(factor)

    def list_outputs(self):
        return ["sum", "scaled"]

    def list_auxiliary_states(self):
        return ["count"]

    def infer_shape(self, in_shape):
        return in_shape, [in_shape[0]] * 2, [(1,)]

    def create_operator(self, ctx, in_shapes, in_dtypes):
        operator = _Counter()
        operator.factor = self.factor
        return operator


class _Failing(mx.operator.CustomOp):
    def forward(self, is_train, req, in_data, out_data, aux):
        raise LookupError("nothing there")


@mx.operator.register("test_failing")
class _FailingProp(mx.operator.CustomOpProp):
    def create_operator(self, ctx, in_shapes, in_dtypes):
        return _Failing()


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_imperative_forward_and_backward():
    x = mx.nd.array([[-1.0, 0, 2]])
    x.attach_grad()
    with mx.autograd.record():
        y = mx.nd.Custom(x, op_type="test_sigmoid")
    y.backward()
    s = _sigmoid(x.asnumpy())
    np.testing.assert_allclose(y.asnumpy(), s, rtol=1e-6)
    np.testing.assert_allclose(x.grad.asnumpy(), s * (1 - s), rtol=1e-6)


def test_symbol_trains_as_a_loss():
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=3, name="fc")
    net = mx.sym.Custom(net, mx.sym.var("softmax_label"), op_type="test_softmax", name="softmax")
    assert net.list_arguments() == ["data", "fc_weight", "fc_bias", "softmax_label"]
    assert net.list_outputs() == ["softmax_output"]
    assert mx.sym.load_json(net.tojson()).tojson() == net.tojson()
    rng = np.random.RandomState(0)
    data = rng.randn(120, 4).astype("float32")
    label = data[:, :3].argmax(axis=1).astype("float32")
    module = mx.mod.Module(net)
    module.fit(mx.io.NDArrayIter(data, label, 20), num_epoch=12, optimizer_params={"learning_rate": 0.3},
               initializer=mx.init.Xavier())
    assert module.score(mx.io.NDArrayIter(data, label, 20), "acc")[0][1] > 0.85


def test_names_states_and_attributes():
    symbol = mx.sym.Custom(data=mx.sym.var("x"), op_type="test_counter", factor=5, name="c")
    assert symbol.list_outputs() == ["c_sum", "c_scaled"]
    assert symbol.list_auxiliary_states() == ["c_count"]
    executor = symbol.simple_bind(mx.cpu(), x=(2,), grad_req="null")
    executor.arg_dict["x"][:] = 1
    for count in (1, 2):
        first, second = executor.forward()
        assert first.asnumpy().tolist() == [1 + count] * 2
        assert second.asnumpy().tolist() == [5, 5]
    assert executor.aux_dict["c_count"].asscalar() == 2


def test_the_exception_reaches_the_reader():
    with pytest.raises(LookupError, match="nothing there"):
        mx.nd.Custom(mx.nd.ones(2), op_type="test_failing").asnumpy()
    executor = mx.sym.Custom(mx.sym.var("x"), op_type="test_failing").simple_bind(mx.cpu(), x=(2,))
    with pytest.raises(LookupError, match="nothing there"):
        executor.forward()[0].asnumpy()
    assert (mx.nd.ones(2) + 1).asnumpy().tolist() == [2, 2]  # others live on


def test_unknown_operator_is_named():
    with pytest.raises(mx.MXNetError, match="Cannot find custom operator nothing_such"):
        mx.nd.Custom(mx.nd.ones(2), op_type="nothing_such")
    with pytest.raises(mx.MXNetError, match="op_type"):
        mx.sym.Custom(mx.sym.var("x"))


def test_a_wrong_number_of_shapes_is_named():
    @mx.operator.register("test_wrong_shapes")
    class _Wrong(mx.operator.CustomOpProp):
        def infer_shape(self, in_shape):
            return in_shape, [], []

    with pytest.raises(AssertionError, match="expecting 1 entries in returned output"):
        mx.nd.Custom(mx.nd.ones(2), op_type="test_wrong_shapes")


def test_inside_a_hybridized_block_and_a_loop():
    class Net(mx.gluon.HybridBlock):
        def hybrid_forward(self, F, x, state):
            return F.contrib.foreach(
                lambda row, s: (F.Custom(row + s, op_type="test_sigmoid"), s + row), x, state)

    x, state = mx.nd.array(np.arange(6).reshape(3, 2) / 10), mx.nd.zeros(2)
    x.attach_grad()
    results = []
    for hybrid in (False, True):
        net = Net()
        net.hybridize(hybrid)
        with mx.autograd.record():
            outputs, _ = net(x, state)
        outputs.backward()
        results.append((outputs.asnumpy(), x.grad.asnumpy()))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-6)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-5)


def test_many_at_once_do_not_wait_for_each_other_forever():
    """An operator that itself runs a custom operator, from several threads."""
    class Nested(mx.operator.CustomOp):
        def forward(self, is_train, req, in_data, out_data, aux):
            inner = mx.nd.Custom(in_data[0], op_type="test_sigmoid")
            self.assign(out_data[0], req[0], inner * 2)

    @mx.operator.register("test_nested")
    class NestedProp(mx.operator.CustomOpProp):
        def create_operator(self, ctx, in_shapes, in_dtypes):
            return Nested()

    sums = []

    def work():
        values = [mx.nd.Custom(mx.nd.zeros(1000), op_type="test_nested") for _ in range(10)]
        sums.append(sum(value.sum().asscalar() for value in values))
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sums == [10000.0] * 4


def test_properties_have_defaults():
    prop = mx.operator.CustomOpProp()
    assert prop.infer_shape([[2, 3]]) == ([[2, 3]], ([2, 3],), ())
    assert prop.declare_backward_dependency([1], [2], [3]) == [1, 2, 3]
    assert mx.operator.CustomOpProp(False).declare_backward_dependency([1], [2], [3]) == [2, 3]
    assert prop.infer_storage_type(["default"]) == (["default"], ["default"], [])
    assert "test_sigmoid" in mx.operator.get_all_registered()


def test_assign_follows_the_request():
    target = mx.nd.ones(2)
    operator = mx.operator.CustomOp()
    operator.assign(target, "null", 5)
    assert target.asnumpy().tolist() == [1, 1]
    operator.assign(target, "add", mx.nd.ones(2))
    assert target.asnumpy().tolist() == [2, 2]
    operator.assign(target, "write", 7)
    assert target.asnumpy().tolist() == [7, 7]
