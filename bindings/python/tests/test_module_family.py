"""BucketingModule, SequentialModule and modules written in Python."""
import gemel as mx
import numpy as np
import pytest


def network(length):
    """Sums over `length` steps, then two classes: every length has the same parameters."""
    data = mx.sym.var("data")
    hidden = mx.sym.FullyConnected(data, num_hidden=4, flatten=False, name="step")
    total = mx.sym.sum(mx.sym.tanh(hidden), axis=1)
    return (mx.sym.SoftmaxOutput(mx.sym.FullyConnected(total, num_hidden=2, name="fc"),
                                 name="softmax"), ("data",), ("softmax_label",))


def batch(length, seed=0, size=8):
    rng = np.random.RandomState(seed)
    data = rng.randn(size, length, 3).astype("float32")
    label = (data[:, :, 0].sum(axis=1) > 0).astype("float32")
    return mx.io.DataBatch([mx.nd.array(data)], [mx.nd.array(label)], bucket_key=length,
                           provide_data=[("data", data.shape)],
                           provide_label=[("softmax_label", label.shape)])


def bound(**options):
    module = mx.mod.BucketingModule(network, default_bucket_key=6, **options)
    first = batch(6)
    module.bind(first.provide_data, first.provide_label)
    module.init_params(mx.init.Xavier())
    return module


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_buckets_train_one_set_of_parameters(optimizer):
    module = bound()
    module.init_optimizer(optimizer=optimizer, optimizer_params={"learning_rate": .1})
    metric = mx.metric.Accuracy()
    for step in range(150):
        if step == 120:
            metric.reset()
        one = batch(2 + step % 5, seed=step % 40)
        module.prepare(one)
        module.forward_backward(one)
        module.update()
        module.update_metric(metric, one.label)
    assert metric.get()[1] > .9
    assert sorted(module._buckets) == [2, 3, 4, 5, 6]
    assert module.symbol.list_arguments() == network(3)[0].list_arguments()


def test_a_bucket_computes_what_its_own_module_does():
    module = bound()
    one = batch(3)
    module.forward(one, is_train=False)
    alone = mx.mod.Module(network(3)[0])
    alone.bind(one.provide_data, one.provide_label)
    alone.set_params(*module.get_params())
    alone.forward(one, is_train=False)
    assert np.array_equal(module.get_outputs()[0].asnumpy(), alone.get_outputs()[0].asnumpy())
    assert module.data_shapes[0].shape == (8, 3, 3)


def test_parameters_of_updates_in_other_buckets():
    module = bound()
    module.init_optimizer(optimizer_params={"learning_rate": 1.})
    before = {k: v.asnumpy().copy() for k, v in module.get_params()[0].items()}
    module.forward_backward(batch(2))
    module.update()
    after = module.get_params()[0]
    assert all(not np.array_equal(before[k], after[k].asnumpy()) for k in before)
    default = module._buckets[6]._exec_group.param_arrays
    other = module._buckets[2]._exec_group.param_arrays
    for a, b in zip(default, other):
        assert np.array_equal(a[0].asnumpy(), b[0].asnumpy())


def test_bucketing_checkpoint(tmp_path):
    module = bound()
    module.forward(batch(4))
    prefix = str(tmp_path / "model")
    module.save_checkpoint(prefix, 2)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "model-0002.params", "model-4-symbol.json", "model-6-symbol.json", "model.buckets"]
    assert mx.nd.load(prefix + ".buckets")[0].asnumpy().tolist() == [6, 4]
    again = mx.mod.BucketingModule.load(prefix, 2, sym_gen=network, default_bucket_key=6)
    first = batch(6)
    again.bind(first.provide_data, first.provide_label)
    for name, value in module.get_params()[0].items():
        assert np.array_equal(again.get_params()[0][name].asnumpy(), value.asnumpy())


def test_bucketing_needs_a_default_and_a_matching_shape():
    with pytest.raises(AssertionError):
        mx.mod.BucketingModule(network)

    def grows(length):
        data = mx.sym.var("data")
        return (mx.sym.SoftmaxOutput(mx.sym.FullyConnected(data, num_hidden=2, name="fc"),
                                     name="softmax"), ("data",), ("softmax_label",))
    module = mx.mod.BucketingModule(grows, default_bucket_key=6)
    first = batch(6)
    module.bind(first.provide_data, first.provide_label)
    module.init_params()
    with pytest.raises(mx.MXNetError, match="fc_weight"):
        module.forward(batch(3))


def test_bucketing_fits_and_scores():
    class Batches(mx.io.DataIter):
        provide_data = batch(6).provide_data
        provide_label = batch(6).provide_label

        def __init__(self):
            super().__init__(8)
            self.reset()

        def reset(self):
            self.step = 0

        def next(self):
            if self.step == 12:
                raise StopIteration
            self.step += 1
            return batch(2 + self.step % 5, seed=self.step)
    module = mx.mod.BucketingModule(network, default_bucket_key=6)
    data = Batches()
    module.fit(data, num_epoch=8, optimizer="adam", optimizer_params={"learning_rate": .05},
               initializer=mx.init.Xavier())
    assert dict(module.score(data, "acc"))["accuracy"] > .9


def layer(name, hidden, loss):
    out = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=hidden, name=name)
    return mx.sym.SoftmaxOutput(out, name="softmax") if loss else mx.sym.tanh(out)


def separable(size=64):
    rng = np.random.RandomState(3)
    data = rng.randn(size, 4).astype("float32")
    return data, (data[:, 0] * data[:, 1] > 0).astype("float32")


def test_sequential_modules_train():
    data, label = separable()
    chain = mx.mod.SequentialModule()
    chain.add(mx.mod.Module(layer("a", 16, False), label_names=None)) \
        .add(mx.mod.Module(layer("b", 2, True)), take_labels=True, auto_wiring=True)
    iterator = mx.io.NDArrayIter(data, label, batch_size=16)
    chain.fit(iterator, num_epoch=60, optimizer="adam", initializer=mx.init.Xavier(magnitude=3),
              optimizer_params={"learning_rate": .05})
    assert dict(chain.score(iterator, "acc"))["accuracy"] > .9
    assert sorted(chain.get_params()[0]) == ["a_bias", "a_weight", "b_bias", "b_weight"]
    assert chain.output_shapes == [("softmax_output", (16, 2))]
    assert chain.predict(iterator).shape == (64, 2)


def test_sequential_refuses_names_twice_and_unknown_metas():
    chain = mx.mod.SequentialModule()
    with pytest.raises(AssertionError, match="Unknown meta"):
        chain.add(mx.mod.Module(layer("a", 4, False), label_names=None), takes_labels=True)
    chain.add(mx.mod.Module(layer("a", 4, False), label_names=None))
    chain.add(mx.mod.Module(layer("a", 4, True)), take_labels=True, auto_wiring=True)
    chain.bind([("data", (2, 4))], [("softmax_label", (2,))])
    with pytest.raises(AssertionError, match="Duplicated parameter names"):
        chain.init_params()


def test_python_loss_at_the_end_of_a_chain():
    data, label = separable()

    def gradient(scores, labels):
        probabilities = mx.nd.softmax(scores)
        return (probabilities - mx.nd.one_hot(labels, 2)) / scores.shape[0] * 16
    chain = mx.mod.SequentialModule()
    hidden = mx.sym.Activation(mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=16, name="a"),
                               act_type="tanh")
    scores = mx.sym.FullyConnected(hidden, num_hidden=2, name="b")
    chain.add(mx.mod.Module(scores, label_names=None))
    chain.add(mx.mod.PythonLossModule(grad_func=gradient), take_labels=True, auto_wiring=True)
    iterator = mx.io.NDArrayIter(data, label, batch_size=16)
    chain.fit(iterator, num_epoch=60, optimizer="adam", initializer=mx.init.Xavier(magnitude=3),
              optimizer_params={"learning_rate": .05})
    assert dict(chain.score(iterator, "acc"))["accuracy"] > .9
    with pytest.raises(AssertionError, match="out_grads should be None"):
        chain._modules[-1].backward([mx.nd.ones((2, 2))])
