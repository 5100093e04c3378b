"""gluon.contrib.estimator: the lines, files and errors of MXNet 1.9.1 for the same data."""
import io
import logging
import os
import re

import gemel as mx
import numpy as np
import pytest
from gemel import gluon
from gemel.gluon.contrib import estimator as est

pytestmark = pytest.mark.filterwarnings("ignore:No trainer specified", "ignore:Network already")
CROSS_ENTROPY = gluon.loss.SoftmaxCrossEntropyLoss()


def data(size):
    values = np.random.RandomState(0).rand(20, 4).astype("float32")
    samples = gluon.data.ArrayDataset(mx.nd.array(values), mx.nd.array(np.arange(20) % 3))
    return gluon.data.DataLoader(samples, batch_size=size)


def made(rate=.001, **arguments):
    net = gluon.nn.HybridSequential()
    net.add(gluon.nn.Dense(3))
    net.initialize(mx.init.One())
    net.hybridize()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": rate})
    one = est.Estimator(net, CROSS_ENTROPY, trainer=trainer, **arguments)
    one.written = io.StringIO()
    one.logger.handlers = [logging.StreamHandler(one.written)]
    return one


def lines(one):
    return re.sub(r"\d+\.\d{3}s", "TIMEs", one.written.getvalue()).splitlines()


def test_what_is_logged():
    one = made(.1, train_metrics=mx.metric.Accuracy())
    one.fit(data(8), data(10), epochs=1)
    assert lines(one) == [
        "Training begin: using optimizer SGD with current learning rate 0.1000 ",
        "Train for 1 epochs.",
        "[Epoch 0] Begin, current learning rate: 0.1000",
        "Validation Begin",
        f"[Epoch 0] Finished in TIMEs, validation accuracy: {one.val_metrics[0].get()[1]:.4f}",
        f"[Epoch 0] Finished in TIMEs, training accuracy: {one.train_metrics[0].get()[1]:.4f}",
        "Train finished using total 0s with 1 epochs. training accuracy: "
        f"{one.train_metrics[0].get()[1]:.4f}"]


def test_default_metrics_and_intervals():
    one = made()
    assert [metric.name for metric in one.train_metrics] == [
        "training accuracy", "training softmaxcrossentropyloss"]
    assert [metric.name for metric in one.val_metrics] == [
        "validation accuracy", "validation softmaxcrossentropyloss"]
    one.fit(data(8), batches=4, event_handlers=est.LoggingHandler(2, metrics=one.train_metrics[:1]))
    batches = [re.match(r"\[Epoch \d\]\[Batch \d\]\[Samples \d+\]", line) for line in lines(one)]
    assert [found[0] for found in batches if found] == [
        "[Epoch 0][Batch 0][Samples 8]", "[Epoch 0][Batch 2][Samples 20]",
        "[Epoch 1][Batch 0][Samples 28]"]


def test_events_in_order():
    calls = []

    class Listener(est.TrainBegin, est.TrainEnd, est.EpochBegin, est.EpochEnd, est.BatchBegin,
                   est.BatchEnd):
        pass

    for name in ("train_begin", "train_end", "epoch_begin", "epoch_end", "batch_begin", "batch_end"):
        setattr(Listener, name, lambda self, one, _name=name, **given: calls.append(
            (_name, sorted(given))))
    one = made()
    batch = [("batch_begin", ["batch"]), ("batch_end", ["batch", "label", "loss", "pred"])]
    one.fit(data(10), epochs=1, event_handlers=Listener())
    assert calls == [("train_begin", []), ("epoch_begin", []), *batch * 2, ("epoch_end", []),
                     ("train_end", [])]
    calls.clear()
    one.evaluate(data(20), event_handlers=[Listener()])
    assert calls == [("epoch_begin", []), *batch, ("epoch_end", [])]


def test_checkpoints(tmp_path):
    one = made(train_metrics=mx.metric.Accuracy())
    one.fit(data(8), epochs=3, event_handlers=[est.CheckpointHandler(
        str(tmp_path), "m", one.train_metrics[0], save_best=True, max_checkpoints=2,
        batch_period=2)])
    names = ["m-best", "m-epoch2batch8", "m-epoch2batch9"]
    found = sorted(os.listdir(tmp_path))
    assert [name for name in found if name.startswith("m-best")] == ["m-best.params", "m-best.states"]
    assert "m-symbol.json" in found and len(found) == 2 * len(names) + 1
    again = made(train_metrics=mx.metric.Accuracy())
    handler = est.CheckpointHandler(str(tmp_path), "m", resume_from_checkpoint=True)
    again.fit(data(8), epochs=5, event_handlers=[handler])
    assert "continue to train for 2 epochs" in again.written.getvalue()
    assert handler.current_epoch == 2 and handler.trained_epochs == 3
    with pytest.raises(ValueError, match="no epochs left"):
        made().fit(data(8), epochs=2, event_handlers=[est.CheckpointHandler(
            str(tmp_path), "m", resume_from_checkpoint=True)])


def test_early_stopping():
    one = made(0., train_metrics=mx.metric.Accuracy())
    handler = est.EarlyStoppingHandler(one.train_metrics[0], patience=2)
    one.fit(data(8), epochs=9, event_handlers=handler)
    assert handler.stopped_epoch == 2
    assert "[Epoch 2] EarlyStoppingHanlder: early stopping due to training accuracy not improving" \
        in lines(one)
    assert est.EarlyStoppingHandler(mx.metric.Loss()).monitor_op is np.less
    assert est.EarlyStoppingHandler(mx.metric.Accuracy()).monitor_op is np.greater


def test_validation_between_batches():
    one = made(train_metrics=mx.metric.Accuracy())
    calls = []
    one.fit(data(5), epochs=2, event_handlers=est.ValidationHandler(
        data(20), lambda **given: calls.append(sorted(given)), epoch_period=None, batch_period=3))
    assert calls == [["batch_axis", "event_handlers", "val_data"]] * 2


def test_own_batches():
    class Twice(est.BatchProcessor):
        def fit_batch(self, estimator, train_batch, batch_axis=0):
            seen.append(train_batch[0].shape)
            return super().fit_batch(estimator, train_batch, batch_axis)
    seen = []
    made(batch_processor=Twice()).fit(data(10), epochs=1)
    assert seen == [(10, 4)] * 2


@pytest.mark.parametrize("arguments, message", [
    ({"train_metrics": "acc"}, "metrics must be a Metric"), ({"context": "cpu"}, "context must be"),
    ({"batch_processor": "x"}, "must contain fit_batch"), ({"val_loss": print}, "must be a Loss")])
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        made(**arguments)


def test_wrong_calls():
    one = made()
    for arguments in ({}, {"epochs": 1, "batches": 1}):
        with pytest.raises(ValueError, match="exactly one|only support exactly one"):
            one.fit(data(5), **arguments)
    with pytest.raises(ValueError, match="handlers must be"):
        one.fit(data(5), epochs=1, event_handlers=["a"])
    for call in (one.evaluate, lambda batches: one.fit(batches, epochs=1)):
        with pytest.raises(ValueError, match="only support input as Gluon DataLoader"):
            call([1, 2])
    with pytest.raises(ValueError, match="log_interval"):
        est.LoggingHandler("x")
    for make in (lambda: est.CheckpointHandler("unused", save_best=True),
                 lambda: est.EarlyStoppingHandler("a")):
        with pytest.raises(ValueError, match="provide one of the metric objects"):
            make()
