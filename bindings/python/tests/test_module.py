"""Module: the training loop, checkpoints, shapes, order of calls."""
import logging

import gemel as mx
import numpy as np
import pytest


def network(names=("fc1", "fc2")):
    data = mx.sym.Variable("data")
    hidden = mx.sym.FullyConnected(data, num_hidden=8, name=names[0])
    hidden = mx.sym.Activation(hidden, act_type="relu")
    hidden = mx.sym.FullyConnected(hidden, num_hidden=2, name=names[1])
    return mx.sym.SoftmaxOutput(hidden, name="softmax")


def problem(count=40, batch=8):
    generator = np.random.RandomState(0)
    data = generator.rand(count, 4).astype("float32")
    label = (data.sum(1) > 2).astype("float32")
    return mx.io.NDArrayIter(data, label, batch)


def bound(**kwargs):
    module = mx.mod.Module(network())
    iterator = problem()
    module.bind(iterator.provide_data, iterator.provide_label, **kwargs)
    module.init_params(mx.init.Xavier())
    return module, iterator


def test_fit_learns_and_logs(caplog):
    caplog.set_level(logging.INFO)
    mx.random.seed(3)
    module, ends = mx.mod.Module(network()), []
    iterator = problem(200)
    module.fit(iterator, eval_data=problem(200), num_epoch=20, optimizer="adam",
               optimizer_params={"learning_rate": 0.03},
               initializer=mx.init.Xavier(), batch_end_callback=mx.callback.Speedometer(8, 10),
               epoch_end_callback=lambda *args: ends.append(args[0]))
    assert ends == list(range(20))
    assert dict(module.score(problem(200), "acc"))["accuracy"] > 0.9
    text = caplog.text
    assert "Epoch[0] Train-accuracy=" in text and "Epoch[19] Validation-accuracy=" in text
    assert "Epoch[3] Time cost=" in text and "samples/sec" in text


def test_one_step_is_the_rule_of_the_optimizer():
    module, iterator = bound()
    before, _ = module.get_params()
    before = {name: value.asnumpy() for name, value in before.items()}
    module.init_optimizer(optimizer_params={"learning_rate": .1})
    assert module._optimizer.rescale_grad == 1 / 8
    batch = next(iterator)
    module.forward_backward(batch)
    gradients = {name: copies[0].asnumpy() for name, copies in
                 zip(module._param_names, module._exec_group.grad_arrays)}
    module.update()
    after, _ = module.get_params()
    for name, value in after.items():
        np.testing.assert_allclose(value.asnumpy(), before[name] - .1 / 8 * gradients[name],
                                   rtol=1e-5, atol=1e-7)


def test_names_shapes_and_order_of_calls():
    module = mx.mod.Module(network())
    assert module.data_names == ["data"] and module.output_names == ["softmax_output"]
    for early in (lambda: module.data_shapes, module.update, module.get_params,
                  lambda: module.forward(None), module.init_params):
        with pytest.raises(AssertionError):
            early()
    module, _ = bound()
    assert module.data_shapes == [("data", (8, 4))]
    assert module.output_shapes == [("softmax_output", (8, 2))]
    with pytest.raises(ValueError, match="not found in symbol.list_arguments"):
        mx.mod.Module(network(), data_names=["x"])
    with pytest.raises(ValueError, match="don't match names"):
        mx.mod.Module(network()).bind([("foo", (1, 2))])


def test_predict_drops_the_padding():
    module, _ = bound()
    values = np.random.rand(37, 4).astype("float32")
    iterator = mx.io.NDArrayIter(values, np.zeros(37), 8)
    assert module.predict(iterator).shape == (37, 2)
    assert len(module.predict(iterator, merge_batches=False)) == 5
    shapes = [(outputs[0].shape, batch.pad) for outputs, _, batch in module.iter_predict(iterator)]
    assert shapes == [((8, 2), 0)] * 4 + [((5, 2), 3)]


def test_checkpoint_with_states(tmp_path):
    module, iterator = bound()
    module.init_optimizer(optimizer_params={"learning_rate": .1, "momentum": .9})
    batch = next(iterator)
    module.forward_backward(batch)
    module.update()
    prefix = str(tmp_path / "net")
    module.save_checkpoint(prefix, 3, save_optimizer_states=True)
    names = sorted(mx.nd.load(prefix + "-0003.params"))
    assert names == ["arg:fc1_bias", "arg:fc1_weight", "arg:fc2_bias", "arg:fc2_weight"]
    other = mx.mod.Module.load(prefix, 3, load_optimizer_states=True)
    other.bind(iterator.provide_data, iterator.provide_label)
    other.init_optimizer(optimizer_params={"learning_rate": .1, "momentum": .9})
    for one in (module, other):
        one.forward_backward(batch)
        one.update()
    for name, value in module.get_params()[0].items():
        assert np.array_equal(value.asnumpy(), other.get_params()[0][name].asnumpy()), name
    symbol, arguments, auxiliary = mx.model.load_checkpoint(prefix, 3)
    assert symbol.list_outputs() == ["softmax_output"] and auxiliary == {}
    assert arguments["fc1_weight"].shape == (8, 4)


def test_fixed_parameters_and_input_gradients():
    iterator = problem()
    module = mx.mod.Module(network(), fixed_param_names=["fc1_weight"])
    module.bind(iterator.provide_data, iterator.provide_label, inputs_need_grad=True)
    module.init_params(mx.init.Xavier())
    module.init_optimizer()
    before = module.get_params()[0]["fc1_weight"].asnumpy()
    module.forward_backward(next(iterator))
    module.update()
    assert module.get_input_grads()[0].shape == (8, 4)
    assert np.array_equal(module.get_params()[0]["fc1_weight"].asnumpy(), before)


def test_other_shapes_rebind():
    module, _ = bound()
    small = mx.io.DataBatch([mx.nd.ones((3, 4))], [mx.nd.ones((3,))])
    module.forward(small, is_train=False)
    assert module.get_outputs()[0].shape == (3, 2)
    assert module.data_shapes == [("data", (3, 4))]


def test_set_params_checks_names():
    module, _ = bound()
    arguments, auxiliary = module.get_params()
    with pytest.raises(RuntimeError, match="is not presented"):
        module.set_params({}, {})
    with pytest.raises(ValueError, match="zz"):
        module.set_params(dict(arguments, zz=mx.nd.ones((1,))), auxiliary)
    module.set_params(dict(arguments, zz=mx.nd.ones((1,))), auxiliary, allow_extra=True)
    with pytest.raises(AssertionError, match="for_training"):
        module, _ = bound(for_training=False)
        module.backward()


def test_batch_is_divided_among_devices():
    iterator = problem()
    results = []
    for context in (mx.cpu(), [mx.cpu(0), mx.cpu(1)]):
        module = mx.mod.Module(network(), context=context)
        module.bind(iterator.provide_data, iterator.provide_label)
        mx.random.seed(1)
        module.init_params(mx.init.One())
        module.init_optimizer(optimizer_params={"learning_rate": .1})
        iterator.reset()
        module.forward_backward(next(iterator))
        module.update()
        results.append(module.get_params()[0]["fc2_bias"].asnumpy())
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5, atol=1e-7)


def test_monitor_sees_every_operator():
    out = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, name="fc")
    out = mx.sym.SoftmaxOutput(mx.sym.Activation(out, act_type="relu", name="relu"), name="softmax")
    module = mx.mod.Module(out)
    module.bind([("data", (4, 3))], [("softmax_label", (4,))])
    module.init_params(mx.init.One())
    monitor = mx.mon.Monitor(1, stat_func=lambda array: array.sum())
    module.install_monitor(monitor)
    batch = mx.io.DataBatch([mx.nd.ones((4, 3))], [mx.nd.ones((4,))])
    for step in (module.forward, module.forward_backward):
        monitor.tic()
        step(batch)
        seen = {name: value.strip() for _, name, value in monitor.toc()}
        gradients = {name for name in seen if "_backward_" in name}
        expected = {"softmax_backward_output0", "relu_backward_output", "fc_backward_output1",
                    "fc_backward_output2"} if step == module.forward_backward else set()
        assert expected <= gradients and bool(expected) == bool(gradients)
        seen = {name: value for name, value in seen.items() if name not in gradients}
        assert seen == {"fc_output": "24.0", "relu_output": "24.0", "softmax_output": "4.0", "data": "12.0",
                        "fc_weight": "6.0", "fc_bias": "0.0", "softmax_label": "4.0"}
