"""The null device: every schedule runs, memory is planned and allocated, nothing is computed."""
import gemel as mx
import numpy as np
import pytest
from gemel import _core

NULL = mx.Context("null")
OPERATORS = [op for op in _core.list_operators() if op["samples"] and not op["hidden"]]


def kept(array, run):
    """Whether `run` left the elements of an array on the null device alone."""
    before = array.asnumpy()
    run()
    return np.array_equal(array.asnumpy(), before, equal_nan=True)


def arrays_of(shapes, context, dtypes=()):
    dtypes = [*dtypes, *["float32"] * len(shapes)]
    return [mx.nd.ones(tuple(shape), dtype=dtype).as_in_context(context)
            for shape, dtype in zip(shapes, dtypes)]


def invoke(op, sample, arrays):
    result = getattr(mx.nd, op["name"], None) or getattr(mx.nd._internal, op["name"])
    outputs = result(*arrays, **dict(sample["attributes"]))
    return outputs if isinstance(outputs, list) else [outputs]


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op["name"])
def test_operators_run_without_arithmetic(op):
    """Outputs have the shapes and types of the CPU's; inputs that it would change keep their values."""
    sample = op["samples"][0]
    if not sample["shapes"]:
        pytest.skip("its arrays are made from parameters, on the context of the caller")
    if op["name"] in ("ROIPooling", "_linalg_inverse"):
        pytest.skip("on a device that computes, ones are no valid input")
    dtypes = ["float32", "int32"] if op["name"] == "batch_take" else []
    arrays = arrays_of(sample["shapes"], NULL, dtypes)
    outputs = []
    for array in arrays:
        array.attach_grad()
    with mx.autograd.record(train_mode=True):
        assert kept(arrays[0], lambda: outputs.extend(invoke(op, sample, arrays)))
    expected = invoke(op, sample, arrays_of(sample["shapes"], mx.cpu(), dtypes))
    assert [(o.shape, o.dtype) for o in outputs] == [(o.shape, o.dtype) for o in expected]
    assert all(output.context == NULL for output in outputs)
    if op["differentiable"] and not op["mutates"]:
        mx.autograd.backward(outputs)
    mx.nd.waitall()


def test_copies_are_made():
    array = mx.nd.array([1, 2, 3], ctx=NULL)
    assert array.asnumpy().tolist() == [1, 2, 3]
    assert array.as_in_context(mx.cpu()).asnumpy().tolist() == [1, 2, 3]
    assert kept(array, lambda: array.__iadd__(1))


def network():
    data = mx.sym.var("data")
    hidden = mx.sym.Convolution(data, kernel=(3, 3), num_filter=8, name="conv")
    hidden = mx.sym.Activation(mx.sym.BatchNorm(hidden, name="norm"), act_type="relu")
    hidden = mx.sym.Pooling(hidden, kernel=(2, 2), stride=(2, 2), pool_type="max")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(hidden, num_hidden=4, name="fc"), name="softmax")


def test_an_executor_plans_the_same_memory_and_computes_nothing():
    plans = []
    for context in (mx.cpu(), NULL):
        executor = network().simple_bind(context, data=(4, 3, 10, 10))
        for name, array in executor.arg_dict.items():
            mx.nd.array(np.full(array.shape, .25), ctx=context).copyto(array)
            mx.nd.array(np.full(array.shape, 7), ctx=context).copyto(executor.grad_dict[name])
        executor.forward(is_train=True)
        executor.backward()
        mx.nd.waitall()
        plans.append(executor.memory_plan())
        changed = [name for name, grad in executor.grad_dict.items() if (grad.asnumpy() != 7).any()]
        assert bool(changed) == (context == mx.cpu())
        assert executor.outputs[0].shape == (4, 4)
    assert plans[0] == plans[1]


def test_blocks_run_hybridized():
    for hybridize in (False, True):
        net = mx.gluon.nn.HybridSequential()
        net.add(mx.gluon.nn.Dense(8, activation="relu"), mx.gluon.nn.BatchNorm(), mx.gluon.nn.Dense(2))
        net.initialize(ctx=NULL)
        if hybridize:
            net.hybridize()
        trainer = mx.gluon.Trainer(net.collect_params(), "adam", kvstore=None)
        data = mx.nd.array(np.ones((5, 3)), ctx=NULL)
        for _ in range(2):
            with mx.autograd.record():
                loss = net(data).sum()
            loss.backward()
            trainer.step(5)
        assert loss.shape == (1,) and loss.context == NULL
        mx.nd.waitall()


def test_devices_do_not_mix():
    with pytest.raises(mx.MXNetError, match="null"):
        mx.nd.add(mx.nd.ones(2), mx.nd.array([1, 2], ctx=NULL))
