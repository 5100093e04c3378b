"""The first training interface."""
import gemel as mx
import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def network():
    hidden = mx.sym.Activation(mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=16, name="a"),
                               act_type="tanh")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(hidden, num_hidden=2, name="b"),
                                name="softmax")


def samples(count=100):
    rng = np.random.RandomState(0)
    data = rng.randn(count, 4).astype("float32")
    return data, (data[:, 0] * data[:, 1] > 0).astype("float32")


def trained(**options):
    data, label = samples()
    return mx.model.FeedForward.create(
        network(), data, label, num_epoch=60, optimizer="adam", learning_rate=.03,
        numpy_batch_size=20, initializer=mx.init.Xavier(magnitude=3), **options)


def test_trains_on_arrays_and_scores_iterators():
    data, label = samples()
    epochs = []
    model = trained(eval_data=(data, label), epoch_end_callback=lambda *args: epochs.append(args[0]))
    assert epochs == list(range(60))
    iterator = mx.io.NDArrayIter(data, label, 30)
    assert model.score(iterator) > .9
    outputs = model.predict(data)
    assert isinstance(outputs, np.ndarray) and outputs.shape == (100, 2)
    assert (outputs.argmax(axis=1) == label).mean() > .9
    again, inputs, labels = model.predict(iterator, return_data=True)
    assert np.array_equal(inputs, data) and np.array_equal(labels, label)
    assert again == pytest.approx(outputs, abs=1e-6)


def test_saves_and_loads(tmp_path):
    model = trained()
    prefix = str(tmp_path / "model")
    model.save(prefix)
    loaded = mx.model.FeedForward.load(prefix, 60)
    data = samples()[0]
    assert np.array_equal(loaded.predict(data), model.predict(data))


def test_epoch_size_counts_batches():
    data, label = samples()
    batches = []
    mx.model.FeedForward.create(network(), data, label, num_epoch=2, epoch_size=3,
                                numpy_batch_size=20, batch_end_callback=lambda p: batches.append(p.nbatch))
    assert batches == [0, 1, 2, 0, 1, 2]


def test_errors():
    data, label = samples()
    model = mx.model.FeedForward(network(), num_epoch=1)
    with pytest.raises(ValueError, match="y must be specified"):
        model.fit(data)
    with pytest.raises(ValueError, match="not equal"):
        model.fit(data, label[:-1])
    with pytest.raises(TypeError):
        model.predict("data")
    with pytest.raises(ValueError, match="other"):
        mx.model.FeedForward(network(), arg_params={"other": mx.nd.ones(1)})
