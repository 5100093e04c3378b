"""Executors that share memory, run on several contexts, and report what they compute."""
import gemel as mx
import numpy as np
import pytest


def _network(units=4):
    net = mx.sym.FullyConnected(mx.sym.var("x"), mx.sym.var("w"), num_hidden=units, no_bias=True,
                                name="fc")
    return mx.sym.tanh(net, name="th")


def _bind(shape=(2, 3), net=None, **options):
    net = _network() if net is None else net
    return net.simple_bind(mx.cpu(), x=shape, **options)


# ---- shared_buffer ---------------------------------------------------------------------------


def test_buffer_is_filled_and_reused():
    buffer = {}
    first = _bind(shared_buffer=buffer)
    assert {name: array.shape for name, array in buffer.items()} == {
        "x": (2, 3), "grad of x": (2, 3), "w": (4, 3), "grad of w": (4, 3)}
    smaller = _bind((1, 3), shared_buffer=buffer)
    first.arg_dict["w"][:] = 3
    first.grad_dict["w"][:] = 5
    smaller.arg_dict["x"][:] = 9
    assert (smaller.arg_dict["w"].asnumpy() == 3).all()
    assert (smaller.grad_dict["w"].asnumpy() == 5).all()
    np.testing.assert_array_equal(first.arg_dict["x"].asnumpy(), [[9] * 3, [0] * 3])


def test_larger_arrays_replace_those_of_the_buffer():
    buffer = {}
    first = _bind(shared_buffer=buffer)
    larger = _bind((5, 3), shared_buffer=buffer)
    larger.arg_dict["x"][:] = 7
    assert buffer["x"].shape == (5, 3) and (buffer["x"].asnumpy() == 7).all()
    assert (first.arg_dict["x"].asnumpy() == 0).all()


def test_buffer_keeps_what_it_held():
    weight = mx.nd.ones((4, 3)) * 2
    buffer = {"w": weight}
    executor = _bind(shared_buffer=buffer)
    assert buffer["w"] is weight
    assert (executor.arg_dict["w"].asnumpy() == 2).all()
    executor.arg_dict["w"][:] = 4
    assert (weight.asnumpy() == 4).all()


def test_wrong_buffers():
    with pytest.raises(ValueError, match="dict or None"):
        _bind(shared_buffer=[5])
    with pytest.raises(mx.base.MXNetError, match="'w' in the shared buffer is float64"):
        _bind(shared_buffer={"w": mx.nd.ones((4, 3), dtype="float64")})


# ---- shared_exec -----------------------------------------------------------------------------


def test_shared_arguments_gradients_and_states():
    net = mx.sym.BatchNorm(_network(), name="bn")
    first = _bind(net=net)
    second = _bind((5, 3), net, shared_exec=first, shared_arg_names=["w"])
    first.arg_dict["w"][:] = 3
    first.grad_dict["w"][:] = 8
    first.aux_dict["bn_moving_mean"][:] = 6
    assert (second.arg_dict["w"].asnumpy() == 3).all()
    assert (second.grad_dict["w"].asnumpy() == 8).all()
    assert (second.aux_dict["bn_moving_mean"].asnumpy() == 6).all()
    first.arg_dict["x"][:] = 1
    assert (second.arg_dict["x"].asnumpy() == 0).all()


def test_shared_exec_alone_shares_internal_memory_only():
    first = _bind()
    second = _bind(shared_exec=first)
    first.arg_dict["w"][:] = 3
    assert (second.arg_dict["w"].asnumpy() == 0).all()


def test_wrong_sharing():
    first = _bind()
    with pytest.raises(mx.base.MXNetError, match="shared argument 'w'"):
        _bind((5, 7), shared_exec=first, shared_arg_names=["w"])
    with pytest.raises(ValueError, match="must be a list or None"):
        _bind(shared_exec=first, shared_arg_names="w")
    with pytest.raises(TypeError, match="expected an Executor"):
        _bind(shared_exec=5)


def _plan_bytes():
    mx.nd.waitall()
    return mx.memory.stats()["plan"]["current"]


def test_one_arena_serves_executors_that_take_turns():
    net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(
        mx.sym.FullyConnected(mx.sym.var("x"), num_hidden=512, name="a"), num_hidden=512, name="b"),
        name="softmax")
    before = _plan_bytes()
    first = net.simple_bind(mx.cpu(), x=(64, 256))
    first.forward_backward()
    alone = _plan_bytes() - before
    assert alone > 64 * 512 * 4
    others = [net.simple_bind(mx.cpu(), x=(rows, 256), shared_exec=first) for rows in (64, 32, 16)]
    for executor in others:
        executor.forward(is_train=True)
        executor.backward()
    assert _plan_bytes() - before == alone
    del first, others, executor
    assert _plan_bytes() == before


def test_runs_between_forward_and_backward_disturb_nothing():
    def filled(shared=None, value=0.1):
        executor = _bind(net=mx.sym.tanh(_network()), shared_exec=shared)
        executor.arg_dict["x"][:] = value
        executor.arg_dict["w"][:] = 0.3
        return executor

    def gradient(executor):
        return executor.grad_dict["w"].asnumpy()

    expected = []
    for value in (0.1, 0.7):
        alone = filled(value=value)
        alone.forward(is_train=True)
        alone.backward(mx.nd.ones((2, 4)))
        expected.append(gradient(alone))
    first = filled()
    second = filled(first, 0.7)
    for _ in range(3):
        first.forward(is_train=True)
        second.forward(is_train=True)
        kept = first.outputs[0].asnumpy()
        first.backward(mx.nd.ones((2, 4)))
        second.backward(mx.nd.ones((2, 4)))
        np.testing.assert_array_equal(gradient(first), expected[0])
        np.testing.assert_array_equal(gradient(second), expected[1])
        np.testing.assert_array_equal(first.outputs[0].asnumpy(), kept)


def test_buckets_share_parameters_inputs_and_memory():
    def make(length):
        net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=4, flatten=False, name="fc")
        net = mx.sym.SoftmaxOutput(mx.sym.sum(net, axis=1), name="softmax")
        return net, ("data",), ("softmax_label",)

    module = mx.mod.BucketingModule(make, default_bucket_key=8)
    label = [("softmax_label", (2,))]
    module.bind([("data", (2, 8, 3))], label)
    module.init_params(mx.init.Uniform(0.1))
    module.init_optimizer()
    batches = {length: mx.io.DataBatch([mx.nd.ones((2, length, 3))], [mx.nd.zeros((2,))], bucket_key=length,
                                       provide_data=[("data", (2, length, 3))], provide_label=label)
               for length in (8, 4, 2)}
    for batch in list(batches.values()) * 2:
        module.forward_backward(batch)
        module.update()
    executors = {key: bucket._exec_group.execs[0] for key, bucket in module._buckets.items()}
    executors[4].arg_dict["data"][:] = 5
    assert (executors[8].arg_dict["data"].asnumpy().ravel()[:24] == 5).all()
    executors[2].arg_dict["fc_weight"][:] = 2
    assert (executors[8].arg_dict["fc_weight"].asnumpy() == 2).all()


# ---- group2ctx -------------------------------------------------------------------------------


def _two_groups():
    with mx.AttrScope(ctx_group="front"):
        front = mx.sym.tanh(mx.sym.FullyConnected(mx.sym.var("x"), num_hidden=4, name="a"))
    with mx.AttrScope(ctx_group="back"):
        back = mx.sym.BatchNorm(mx.sym.FullyConnected(front, num_hidden=2, name="b"), name="bn")
    return mx.sym.MakeLoss(back * back, name="loss")


def test_groups_have_contexts():
    groups = {"front": mx.cpu(1), "back": mx.cpu(2)}
    net = _two_groups()
    executor = net.simple_bind(mx.cpu(0), x=(3, 5), group2ctx=groups)
    contexts = {name: array.context for name, array in executor.arg_dict.items()}
    assert contexts["a_weight"] == mx.cpu(1) and contexts["b_bias"] == mx.cpu(2)
    assert executor.grad_dict["b_weight"].context == mx.cpu(2)
    assert executor.aux_dict["bn_moving_mean"].context == mx.cpu(2)
    assert executor.outputs[0].context == mx.cpu(2)
    plain = net.simple_bind(mx.cpu(0), x=(3, 5))
    numbers = np.random.default_rng(0)
    for name, array in plain.arg_dict.items():
        array[:] = numbers.normal(size=array.shape)
        executor.arg_dict[name][:] = array.asnumpy()
    for one in (plain, executor):
        one.forward(is_train=True)
        one.backward()
    np.testing.assert_array_equal(executor.outputs[0].asnumpy(), plain.outputs[0].asnumpy())
    for name, gradient in plain.grad_dict.items():
        np.testing.assert_array_equal(executor.grad_dict[name].asnumpy(), gradient.asnumpy())
    again = executor.reshape(x=(2, 5))
    assert again.forward()[0].context == mx.cpu(2)


def test_groups_without_a_context():
    with pytest.raises(mx.base.MXNetError, match="group 'back', which has no device"):
        _two_groups().simple_bind(mx.cpu(0), x=(3, 5), group2ctx={"front": mx.cpu(1)})
    with pytest.raises(TypeError, match="group2ctx"):
        _two_groups().simple_bind(mx.cpu(0), x=(3, 5), group2ctx={"front": 5})


def test_bind_with_groups_takes_arrays_of_any_context():
    net = _two_groups()
    shapes, _, states = net.infer_shape(x=(3, 5))
    arguments = {name: mx.nd.ones(shape, ctx=mx.cpu(i % 3))
                 for i, (name, shape) in enumerate(zip(net.list_arguments(), shapes))}
    auxiliary = [mx.nd.ones(shape) for shape in states]
    groups = {"front": mx.cpu(1), "back": mx.cpu(2)}
    bound = net.bind(mx.cpu(0), arguments, aux_states=auxiliary, group2ctx=groups)
    assert bound.forward()[0].context == mx.cpu(2)
    with pytest.raises(mx.base.MXNetError, match="is on cpu"):
        net.bind(mx.cpu(0), arguments, aux_states=auxiliary)


def test_modules_place_groups():
    groups = {"front": mx.cpu(1), "back": [mx.cpu(2)]}
    module = mx.mod.Module(_two_groups(), ["x"], None, context=mx.cpu(0), group2ctxs=groups)
    module.bind([("x", (3, 5))])
    assert module._exec_group.execs[0].arg_dict["b_weight"].context == mx.cpu(2)
    with pytest.raises(ValueError, match="a dict for each of 1 contexts"):
        mx.mod.Module(_two_groups(), ["x"], None, group2ctxs=[{}, {}])


# ---- backward --------------------------------------------------------------------------------


def test_backward_after_inference():
    """The gradient of what inference computes: dropout passes all, no statistics move."""
    net = mx.sym.BatchNorm(mx.sym.Dropout(_network(), p=0.5), fix_gamma=False, name="bn")
    executor = _bind(net=net)
    for name, value in (("x", 1), ("w", 0.1), ("bn_gamma", 2)):
        executor.arg_dict[name][:] = value
    executor.aux_dict["bn_moving_var"][:] = 1
    for _ in range(2):
        executor.forward(is_train=False)
        executor.backward(mx.nd.ones((2, 4)))
        slope = (1 - np.tanh(0.3) ** 2) * 2 / np.sqrt(1 + 1e-3)
        np.testing.assert_allclose(executor.grad_dict["w"].asnumpy(), 2 * slope * np.ones((4, 3)),
                                   rtol=1e-5)
    np.testing.assert_array_equal(executor.aux_dict["bn_moving_mean"].asnumpy(), np.zeros(4))
    executor.forward(is_train=True)
    executor.backward(mx.nd.ones((2, 4)))
    assert abs(executor.grad_dict["w"].asnumpy()).max() < 1e-3  # centred: no slope is left


def test_backward_without_forward():
    executor = _bind()
    executor.arg_dict["x"][:] = 1
    executor.arg_dict["w"][:] = 0.1
    executor.backward(mx.nd.ones((2, 4)))
    np.testing.assert_allclose(executor.grad_dict["w"].asnumpy()[0], 2 * (1 - np.tanh(0.3) ** 2),
                               rtol=1e-5)


# ---- monitor ---------------------------------------------------------------------------------


def test_monitor_reports_the_backward_pass():
    net = mx.sym.FullyConnected(mx.sym.var("x"), num_hidden=4, name="fc")
    net = mx.sym.SoftmaxOutput(mx.sym.tanh(net, name="th"), name="sm")
    executor = net.simple_bind(mx.cpu(), x=(2, 3))
    executor.arg_dict["fc_weight"][:] = mx.nd.random.normal(shape=(4, 3))
    executor.arg_dict["x"][:] = 1
    seen = {}
    executor.set_monitor_callback(lambda name, array: seen.setdefault(name, array.asnumpy()))
    executor.forward(is_train=True)
    assert list(seen) == ["fc_output", "th_output", "sm_output"]
    seen.clear()
    executor.backward()
    assert list(seen) == ["sm_backward_output0", "th_backward_output", "fc_backward_output0",
                          "fc_backward_output1", "fc_backward_output2"]
    np.testing.assert_array_equal(seen["fc_backward_output1"], executor.grad_dict["fc_weight"].asnumpy())
    np.testing.assert_array_equal(seen["fc_backward_output0"], executor.grad_dict["x"].asnumpy())
    seen.clear()
    executor.set_monitor_callback(None)
    executor.forward(is_train=True)
    executor.backward()
    assert not seen
