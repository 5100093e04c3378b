"""mx.executor_manager, with the figures that 1.9.1 gives, and how batches are divided among devices."""
import gemel as mx
import numpy as np
import pytest

BATCH = 5


def network(_=None):
    """A small network with a normalization."""
    net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=4, name="fc1")
    net = mx.sym.FullyConnected(mx.sym.BatchNorm(net, name="bn"), num_hidden=3, name="fc2")
    return mx.sym.SoftmaxOutput(net, name="softmax")


@pytest.fixture(name="data")
def _data():
    random = np.random.RandomState(0)
    return mx.io.NDArrayIter(random.rand(10, 5).astype("f"), random.randint(0, 3, 10).astype("f"), batch_size=BATCH)


def manager_of(data, **kwargs):
    """A manager on two devices, and parameters for it."""
    net = network()
    arguments, states = net.list_arguments(), net.list_auxiliary_states()
    parameters = [name for name in arguments if name not in ("data", "softmax_label")]
    manager = mx.executor_manager.DataParallelExecutorManager(
        net, [mx.cpu(0), mx.cpu(1)], data, arguments, parameters, states, **kwargs)
    values = {name: mx.nd.array(np.random.RandomState(1).uniform(-1, 1, arrays[0].shape))
              for name, arrays in zip(parameters, manager.param_arrays)}
    manager.set_params(values, {name: mx.nd.ones((4,)) for name in states})
    return manager, values


def sums(arrays):
    """The sum of each device's array."""
    return [[round(float(array.asnumpy().sum()), 4) + 0 for array in copies] for copies in arrays]


def test_a_batch_is_computed_on_two_devices(data):
    manager, values = manager_of(data)
    assert manager.slices == [slice(0, 2), slice(2, 5)]
    batch = next(data)
    manager.load_data_batch(batch)
    manager.forward(is_train=True)
    manager.backward()
    found = sums(manager.grad_arrays)
    assert found[0] == [-3.8148, -0.4057] and found[3] == [-0.942, -2.4737]
    for pre_sliced in (False, True):
        labels = [[label[part] for label in batch.label] for part in manager.slices] if pre_sliced else batch.label
        metric = mx.metric.create("acc")
        manager.update_metric(metric, labels, pre_sliced)
        assert metric.get() == ("accuracy", 0.2) and metric.num_inst == BATCH
    states = {name: mx.nd.zeros((4,)) for name in manager.aux_names}
    copies = {name: mx.nd.zeros(value.shape) for name, value in values.items()}
    manager.copy_to(copies, states)
    assert [round(float(state.asnumpy().sum()), 4) for state in states.values()] == [3.1911, 3.6445]
    for name, copy in copies.items():
        np.testing.assert_allclose(copy.asnumpy(), values[name].asnumpy(), rtol=1e-6)


def test_buckets_share_parameters(data):
    data.default_bucket_key = 5
    manager, _ = manager_of(data, sym_gen=network)
    whole = next(data)
    for key in (5, 3):
        batch = mx.io.DataBatch(whole.data, whole.label, bucket_key=key, provide_data=data.provide_data,
                                provide_label=data.provide_label)
        manager.load_data_batch(batch)
        manager.forward(True)
        manager.backward()
        assert sums(manager.grad_arrays)[0] == [-3.8148, -0.4057]
    assert set(manager.execgrp_bucket) == {3, 5} and manager.curr_execgrp is manager.execgrp_bucket[3]
    small = mx.io.DataBatch([whole.data[0][:4]], [whole.label[0][:4]], bucket_key=5)
    with pytest.raises(AssertionError, match="Expected 5, got 4"):
        manager.load_data_batch(small)
    with pytest.raises(NotImplementedError):
        manager.install_monitor(mx.mon.Monitor(1))


def test_a_monitor_sees_all_executors(data):
    manager, _ = manager_of(data)
    monitor = mx.mon.Monitor(1, pattern="fc2_output")
    manager.install_monitor(monitor)
    monitor.tic()
    manager.load_data_batch(next(data))
    manager.forward()
    assert [name for _, name, _ in monitor.toc()] == ["fc2_output"] * 2


def test_work_loads(data):
    assert manager_of(data, work_load_list=[1, 4])[0].slices == [slice(0, 1), slice(1, 5)]
    with pytest.raises(AssertionError, match="Invalid settings for work load"):
        manager_of(data, work_load_list=[1])


@pytest.mark.parametrize("batch, loads, expected", [
    (10, [1, 1], [5, 5]), (10, [1, 2, 3], [2, 3, 5]), (10, [0.3, 0.7], [3, 7]), (7, [1, 1], [4, 3]),
    (5, [1, 1, 1], [2, 2, 1]), (7, [1] * 4, [2, 2, 2, 1])])
def test_a_batch_is_divided_as_in_the_original(batch, loads, expected):
    parts = mx.executor_manager._split_input_slice(batch, loads)
    assert [part.stop - part.start for part in parts] == expected and parts[0].start == 0
    module = mx.mod.Module(network(), context=[mx.cpu(i) for i in range(len(loads))], work_load_list=loads)
    module.bind([("data", (batch, 5))], [("softmax_label", (batch,))])
    module.init_params()
    module.forward(mx.io.DataBatch([mx.nd.ones((batch, 5))], [mx.nd.zeros((batch,))]))
    assert [one.shape[0] for one in module.get_outputs(merge_multi_context=False)[0]] == expected


def test_wrong_work_loads():
    for batch, loads in ((2, [1, 1, 1]), (10, [0, 1])):
        with pytest.raises(ValueError, match="Some splits are empty"):
            mx.executor_manager._split_input_slice(batch, loads)
    with pytest.raises(AssertionError):
        mx.mod.Module(network(), context=[mx.cpu(0), mx.cpu(1)], work_load_list=[1])


def test_names_that_stand_twice(data):
    twice = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=2, weight=mx.sym.Variable("data"), name="x")
    with pytest.raises(ValueError, match='duplicated argument name "data"'):
        mx.executor_manager.DataParallelExecutorManager(twice, [mx.cpu()], data, ["data"], [], [])
    states = mx.sym.BatchNorm(mx.sym.Variable("data"), moving_mean=mx.sym.Variable("q"),
                              moving_var=mx.sym.Variable("q"), name="x")
    with pytest.raises(ValueError, match='duplicated auxiliary param name "q"'):
        mx.executor_manager._check_arguments(states)
