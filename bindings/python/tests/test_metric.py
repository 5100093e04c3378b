"""Metrics: values, names and errors as MXNet 1.9.1 gives them."""
import math

import gemel as mx
import numpy as np
import pytest

LABEL = [0, 1, 2]
SCORES = [[.1, .2, .7], [.2, .5, .3], [.7, .2, .1]]


def arrays():
    return [mx.nd.array(LABEL)], [mx.nd.array(SCORES)]


def test_accuracy_counts_and_local_reset():
    metric = mx.metric.Accuracy()
    assert math.isnan(metric.get()[1])
    metric.update([mx.nd.array([0, 1, 1])], [mx.nd.array([[.9, .1], [.2, .8], [.7, .3]])])
    assert metric.get() == ("accuracy", 2 / 3)
    metric.reset_local()
    assert math.isnan(metric.get()[1])
    assert metric.get_global() == ("accuracy", 2 / 3)


def test_accuracy_of_classes_and_wrong_lengths():
    metric = mx.metric.Accuracy()
    metric.update(mx.nd.array([0, 1, 1]), mx.nd.array([0, 1, 0]))
    assert metric.get()[1] == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="Shape of labels 3 does not match"):
        metric.update([mx.nd.array([0, 1, 1])], [mx.nd.array([[.9, .1], [.2, .8]])])


@pytest.mark.parametrize("metric, expected", [
    (lambda: mx.metric.CrossEntropy(), 1.7661058108011882),
    (lambda: mx.metric.NegativeLogLikelihood(), 1.7661058108011882),
    (lambda: mx.metric.Perplexity(None), 5.848035604800888),
    (lambda: mx.metric.Perplexity(ignore_label=0), 4.472136030757767),
    (lambda: mx.metric.Loss(), 1 / 3),
    (lambda: mx.metric.TopKAccuracy(top_k=2), 1 / 3),
])
def test_values_of_classification(metric, expected):
    metric = metric()
    metric.update(*arrays())
    assert metric.get()[1] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name, first, second", [
    ("mse", 1.4166666269302368, 0.7083333134651184),
    ("mae", 0.8333333134651184, 0.4166666567325592),
    ("rmse", 1.1902379989624023, 0.5951189994812012),
    ("pearsonr", 0.924473451641905, 0.9622367258209525),
])
def test_values_of_regression(name, first, second):
    metric = mx.metric.create(name)
    label, pred = [mx.nd.array([1., 2., 3.])], [mx.nd.array([1.5, 2., 5.])]
    metric.update(label, pred)
    assert metric.get() == (name, pytest.approx(first, rel=1e-6))
    metric.update(label, label)
    assert metric.get()[1] == pytest.approx(second, rel=1e-6)


def test_create_and_composite():
    metric = mx.metric.create(["acc", "ce"])
    metric.update(*arrays())
    names, values = metric.get()
    assert names == ["accuracy", "cross-entropy"]
    assert values == [pytest.approx(1 / 3), pytest.approx(1.766105810, rel=1e-6)]
    assert isinstance(metric.get_metric(5), ValueError)
    with pytest.raises(AssertionError, match="not registered"):
        mx.metric.create("no_such_metric")


def test_custom_metric_and_configuration():
    def total(label, pred):
        return float(pred.sum())
    metric = mx.metric.np(total)
    metric.update(*arrays())
    assert metric.get() == ("total", pytest.approx(3.0))
    assert mx.metric.CustomMetric(lambda label, pred: 1).name == "custom(<lambda>)"
    assert mx.metric.Accuracy().get_config() == {
        "axis": 1, "metric": "Accuracy", "name": "accuracy", "output_names": None,
        "label_names": None}
    with pytest.raises(NotImplementedError):
        metric.get_config()


def test_update_dict_selects_by_name():
    metric = mx.metric.Accuracy(output_names=["b"], label_names=["y"])
    label, pred = mx.nd.array(LABEL), mx.nd.array(SCORES)
    metric.update_dict({"x": label, "y": label}, {"a": pred, "b": pred})
    assert metric.num_inst == 3
    with pytest.raises(KeyError):
        metric.update_dict({"y": label}, {"a": pred})


def test_wide_values_do_not_overflow_the_sum():
    metric = mx.metric.Loss()
    metric.update(None, [mx.nd.array(np.full((1000,), 2.0))])
    assert metric.get() == ("loss", 2.0)


# Labels, and the class that is predicted, of three batches.
TWO_CLASSES = [([0, 1, 1, 0, 1, 1, 1], [0, 0, 1, 1, 0, 0, 0]), ([1, 0, 1, 1, 0, 0, 1], [0] * 7),
               ([1, 1, 0, 0, 0, 1, 1], [0, 1, 1, 0, 1, 0, 1])]


def batch(label, pred, classes):
    return [mx.nd.array(label)], [mx.nd.array(np.eye(classes)[pred])]


def test_mcc_per_batch_and_over_all():
    metric = mx.metric.MCC()
    for label, pred in TWO_CLASSES:
        metric.update(*batch(label, pred, 2))
        if label is TWO_CLASSES[1][0]:
            assert metric.get()[1] == pytest.approx(-.15)
            metric.reset_local()
    assert metric.get() == ("mcc", pytest.approx(-0.16666666666666666))
    assert metric.get_global()[1] == pytest.approx(-0.15555555555555556)
    metric = mx.metric.create("mcc", average="micro")
    for label, pred in TWO_CLASSES[:2]:
        metric.update(*batch(label, pred, 2))
    # what MXNet's PCC gave for the same samples: with two classes they are one measure
    assert metric.get()[1] == pytest.approx(-0.12171612389003691)
    assert metric.num_inst == 14
    with pytest.raises(ValueError, match="binary"):
        metric.update([mx.nd.array([0, 1, 2])], [mx.nd.array(np.eye(3))])


def test_pcc_grows_with_the_classes():
    metric = mx.metric.create("pcc")
    assert math.isnan(metric.get()[1])
    metric.update(*batch([3, 3, 0, 2, 2, 0, 0, 3, 0], [2, 0, 1, 3, 2, 2, 2, 0, 1], 4))
    assert metric.get() == ("pcc", pytest.approx(-0.1853123291652753))
    metric.update(*batch([3, 0, 3, 0, 0, 2, 2, 3, 1], [1, 1, 2, 2, 2, 0, 3, 0, 2], 4))
    assert metric.get()[1] == pytest.approx(-0.2600923012086385)
    metric.reset_local()
    assert math.isnan(metric.get()[1])
    assert metric.get_global()[1] == pytest.approx(-0.2600923012086385)
