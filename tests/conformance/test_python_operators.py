"""The older operators in Python, NumpyOp and NDArrayOp. 1.9.1 crashes with more than one input."""
import gemel as mx
import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore:.*has been deprecated")


class _Softmax(mx.operator.NumpyOp):
    """The classic example: a loss with a label."""

    def __init__(self):
        super().__init__(need_top_grad=False)

    def list_arguments(self):
        return ["data", "label"]

    def infer_shape(self, in_shape):
        return [in_shape[0], (in_shape[0][0],)], [in_shape[0]]

    def forward(self, in_data, out_data):
        x, y = in_data[0], out_data[0]
        assert isinstance(x, np.ndarray) and isinstance(y, np.ndarray)
        y[:] = np.exp(x - x.max(axis=1, keepdims=True))
        y /= y.sum(axis=1, keepdims=True)

    def backward(self, out_grad, in_data, out_data, in_grad):
        label = in_data[1].astype(int)
        in_grad[0][:] = out_data[0]
        in_grad[0][np.arange(label.size), label] -= 1


class _ArraySoftmax(_Softmax, mx.operator.NDArrayOp):
    """The same on NDArrays."""

    def get_symbol(self, *args, **kwargs):
        return mx.operator.NDArrayOp.get_symbol(self, *args, **kwargs)

    def forward(self, in_data, out_data):
        assert isinstance(out_data[0], mx.nd.NDArray)
        out_data[0][:] = mx.nd.softmax(in_data[0])

    def backward(self, out_grad, in_data, out_data, in_grad):
        in_grad[0][:] = out_data[0] - mx.nd.one_hot(in_data[1], in_data[0].shape[1])


class _Twice(mx.operator.NumpyOp):
    def forward(self, in_data, out_data):
        out_data[0][:] = 2 * in_data[0]

    def backward(self, out_grad, in_data, out_data, in_grad):
        in_grad[0][:] = 2 * out_grad[0]


@pytest.mark.parametrize("kind", [_Softmax, _ArraySoftmax])
def test_a_loss_with_a_label(kind):
    net = kind()(data=mx.sym.Variable("data"), name="softmax")
    assert net.list_arguments() == ["data", "softmax_label"] and net.list_outputs() == ["softmax_output"]
    executor = net.simple_bind(mx.cpu(), data=(2, 3))
    data, label = np.array([[1, 2, 3], [4, 4, 4]], "float32"), np.array([2, 0])
    executor.arg_dict["data"][:], executor.arg_dict["softmax_label"][:] = data, label
    expected = np.exp(data) / np.exp(data).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(executor.forward(is_train=True)[0].asnumpy(), expected, rtol=1e-5)
    executor.backward()
    expected[np.arange(2), label] -= 1
    np.testing.assert_allclose(executor.grad_dict["data"].asnumpy(), expected, rtol=1e-5, atol=1e-7)


def test_the_head_gradient_reaches_an_operator_inside_a_network():
    net = mx.sym.sum(_Twice().get_symbol(mx.sym.Variable("a"), name="t") * 3)
    executor = net.simple_bind(mx.cpu(), a=(2, 2))
    executor.arg_dict["a"][:] = 1
    assert executor.forward(is_train=True)[0].asnumpy() == 24
    executor.backward(mx.nd.ones((1,)))
    np.testing.assert_array_equal(executor.grad_dict["a"].asnumpy(), np.full((2, 2), 6, "float32"))


def test_names_are_given_as_to_other_symbols():
    with mx.name.NameManager():
        assert _Twice()(mx.sym.Variable("a")).name == "_native0"
        assert mx.operator.NDArrayOp()(mx.sym.Variable("a")).name == "_ndarray0"
    assert mx.operator.get_all_registered() == sorted(mx.operator.get_all_registered())
    assert not any(name.startswith("_native") for name in mx.operator.get_all_registered())


def test_what_a_subclass_does_not_say():
    op = mx.operator.NDArrayOp()
    out, gradient = [np.zeros(2)], [np.zeros(2)]
    op.forward([np.full(2, 5.0)], out)
    op.backward([], [], [], gradient)
    assert out[0].tolist() == [5, 5] and gradient[0].tolist() == [1, 1]
    assert op.infer_shape([(2, 3), (3,)]) == ([(2, 3), (3,)], [(2, 3)])
    assert (op.list_arguments(), op.list_outputs(), op.need_top_grad()) == (["data"], ["output"], True)
    assert op.declare_backward_dependency([0], [1, 2], [3]) == [0, 1, 2, 3]
    assert mx.operator.NDArrayOp(False).declare_backward_dependency([0], [1, 2], [3]) == [1, 2, 3]


def test_errors():
    class Failing(mx.operator.NumpyOp):
        """Fails as it runs."""

        def forward(self, in_data, out_data):
            raise ValueError("no softmax today")
    executor = Failing()(mx.sym.Variable("a")).simple_bind(mx.cpu(), a=(2,))
    with pytest.raises(ValueError, match="no softmax today"):
        executor.forward()[0].asnumpy()
    with pytest.raises(NotImplementedError):
        mx.operator.PythonOp()(mx.sym.Variable("a"))
    with pytest.warns(UserWarning, match="NumpyOp has been deprecated"):
        mx.operator.NumpyOp()
