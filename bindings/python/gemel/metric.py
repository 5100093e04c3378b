"""Measures of how well outputs fit labels, summed over batches."""
import math
from collections import OrderedDict

import numpy

from . import registry
from .ndarray import NDArray

__all__ = ["EvalMetric", "CompositeEvalMetric", "Accuracy", "TopKAccuracy", "F1", "MCC", "PCC", "Perplexity",
           "CrossEntropy", "NegativeLogLikelihood", "MSE", "MAE", "RMSE", "PearsonCorrelation",
           "Loss", "Torch", "Caffe", "CustomMetric", "create", "np", "register", "alias", "check_label_shapes"]


def check_label_shapes(labels, preds, wrap=False, shape=False):
    """Check that labels and predictions agree; returns both.

    Parameters
    ----------
    labels, preds : NDArray or list of NDArray
    wrap : bool
        Put a single array into a list.
    shape : bool
        Compare shapes instead of lengths.

    Raises `ValueError` where they differ.
    """
    if shape:
        expected, got = labels.shape, preds.shape
    else:
        expected, got = len(labels), len(preds)
    if expected != got:
        raise ValueError(f"Shape of labels {expected} does not match shape of predictions {got}")
    if wrap:
        labels = [labels] if isinstance(labels, NDArray) else labels
        preds = [preds] if isinstance(preds, NDArray) else preds
    return labels, preds


def _per_sample(labels, preds):
    return check_label_shapes(labels, preds, True)


class EvalMetric:
    """The base of all metrics: a sum over samples and their number.

    Two pairs are kept: one since `reset_local` and one ("global") since `reset`.

    Parameters
    ----------
    name : str
        Name that is shown.
    output_names, label_names : list of str, optional
        Which outputs and labels `update_dict` hands on; all by default.
    """

    def __init__(self, name, output_names=None, label_names=None, **kwargs):
        self.name = str(name)
        self.output_names = output_names
        self.label_names = label_names
        self._has_global_stats = kwargs.pop("has_global_stats", False)
        self._kwargs = kwargs
        self.reset()

    def __str__(self):
        return f"EvalMetric: {dict(self.get_name_value())}"

    def get_config(self):
        """The arguments that make this metric again, as a dictionary for `create`."""
        config = self._kwargs.copy()
        config.update({"metric": self.__class__.__name__, "name": self.name,
                       "output_names": self.output_names, "label_names": self.label_names})
        return config

    def update_dict(self, label, pred):
        """Take in labels and outputs given as dictionaries from name to NDArray."""
        preds = [pred[name] for name in self.output_names] if self.output_names is not None \
            else list(pred.values())
        labels = [label[name] for name in self.label_names] if self.label_names is not None \
            else list(label.values())
        self.update(labels, preds)

    def update(self, labels, preds):
        """Take in lists of labels and outputs."""
        raise NotImplementedError()

    def reset(self):
        """Forget everything."""
        self.num_inst = 0
        self.sum_metric = 0.0
        self.global_num_inst = 0
        self.global_sum_metric = 0.0

    def reset_local(self):
        """Forget what came since the last `reset_local`, but not the global sums."""
        self.num_inst = 0
        self.sum_metric = 0.0

    def _add(self, total, count):
        self.sum_metric += total
        self.global_sum_metric += total
        self.num_inst += count
        self.global_num_inst += count

    def _result(self, total, count):
        return total / count

    def get(self):
        """`(name, value)`; the value is nan before the first update."""
        if self.num_inst == 0:
            return self.name, float("nan")
        return self.name, self._result(self.sum_metric, self.num_inst)

    def get_global(self):
        """Like `get`, over everything since `reset`."""
        if not self._has_global_stats:
            return self.get()
        if self.global_num_inst == 0:
            return self.name, float("nan")
        return self.name, self._result(self.global_sum_metric, self.global_num_inst)

    @staticmethod
    def _pairs(names, values):
        names = names if isinstance(names, list) else [names]
        values = values if isinstance(values, list) else [values]
        return list(zip(names, values))

    def get_name_value(self):
        """A list of `(name, value)`."""
        return self._pairs(*self.get())

    def get_global_name_value(self):
        """A list of `(name, value)` over everything since `reset`."""
        return self._pairs(*self.get_global()) if self._has_global_stats \
            else self.get_name_value()


register = registry.get_register_func(EvalMetric, "metric")
alias = registry.get_alias_func(EvalMetric, "metric")
_create = registry.get_create_func(EvalMetric, "metric")


def create(metric, *args, **kwargs):
    """Make a metric from a name, a function `(label, pred) -> value`, or a list of those."""
    if callable(metric):
        return CustomMetric(metric, *args, **kwargs)
    if isinstance(metric, list):
        composite = CompositeEvalMetric()
        for child in metric:
            composite.add(create(child, *args, **kwargs))
        return composite
    if not isinstance(metric, (str, dict, EvalMetric)):
        raise AssertionError("metric must be of string type")
    return _create(metric, *args, **kwargs)


@alias("composite")
@register
class CompositeEvalMetric(EvalMetric):
    """Several metrics as one.

    Parameters
    ----------
    metrics : list of EvalMetric or str
    """

    def __init__(self, metrics=None, name="composite", output_names=None, label_names=None):
        self.metrics = [create(metric) for metric in metrics or []]
        super().__init__(name, output_names, label_names, has_global_stats=True)

    def add(self, metric):
        """Add a metric, or the name of one."""
        self.metrics.append(create(metric))

    def get_metric(self, index):
        """The metric at a position, or (returned, not raised) a `ValueError`."""
        try:
            return self.metrics[index]
        except IndexError:
            return ValueError(f"Metric index {index} is out of range 0 and {len(self.metrics)}")

    def update_dict(self, labels, preds):
        if self.label_names is not None:
            labels = OrderedDict((k, v) for k, v in labels.items() if k in self.label_names)
        if self.output_names is not None:
            preds = OrderedDict((k, v) for k, v in preds.items() if k in self.output_names)
        for metric in self.metrics:
            metric.update_dict(labels, preds)

    def update(self, labels, preds):
        for metric in self.metrics:
            metric.update(labels, preds)

    def reset(self):
        for metric in self.metrics:
            metric.reset()

    def reset_local(self):
        for metric in self.metrics:
            metric.reset_local()

    @staticmethod
    def _collect(pairs):
        names, values = [], []
        for name, value in pairs:
            names.extend(name if isinstance(name, list) else [name])
            values.extend(value if isinstance(value, list) else [value])
        return names, values

    def get(self):
        return self._collect(metric.get() for metric in self.metrics)

    def get_global(self):
        return self._collect(metric.get_global() for metric in self.metrics)

    def get_config(self):
        config = super().get_config()
        config["metrics"] = [metric.get_config() for metric in self.metrics]
        return config


@alias("acc")
@register
class Accuracy(EvalMetric):
    """The share of samples whose class is right.

    `preds` are class scores (one axis more than the labels, the classes along `axis`) or classes.
    """

    def __init__(self, axis=1, name="accuracy", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names, axis=axis, has_global_stats=True)
        self.axis = axis

    def update(self, labels, preds):
        for label, pred in zip(*_per_sample(labels, preds)):
            pred = pred.asnumpy()
            label = label.asnumpy()
            if pred.shape != label.shape:
                pred = pred.argmax(axis=self.axis)
            pred = pred.astype("int32").ravel()
            label = label.astype("int32").ravel()
            check_label_shapes(label, pred)
            self._add(float(numpy.count_nonzero(pred == label)), len(pred))


@alias("top_k_accuracy", "top_k_acc")
@register
class TopKAccuracy(EvalMetric):
    """The share of samples whose class is among the `top_k` (> 1) highest scores."""

    def __init__(self, top_k=1, name="top_k_accuracy", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names, top_k=top_k, has_global_stats=True)
        self.top_k = top_k
        assert self.top_k > 1, "Please use Accuracy if top_k is no more than 1"
        self.name += f"_{self.top_k}"

    def update(self, labels, preds):
        for label, pred in zip(*_per_sample(labels, preds)):
            pred = pred.asnumpy()
            assert pred.ndim <= 2, "Predictions should be no more than 2 dims"
            label = label.asnumpy().astype("int32").ravel()
            check_label_shapes(label, pred)
            if pred.ndim == 1:
                order = numpy.argsort(pred.astype("float32"))
                self._add(float(numpy.count_nonzero(order == label)), len(pred))
                continue
            width = min(pred.shape[1], self.top_k)
            order = numpy.argpartition(pred.astype("float32"), -width)[:, -width:]
            self._add(float(numpy.count_nonzero(order == label[:, None])), len(pred))


def _two_classes(metric, labels, preds):
    """Labels and predicted classes of each batch; more than two labels are a `ValueError`."""
    for label, pred in zip(*_per_sample(labels, preds)):
        label = label.asnumpy().astype("int32").ravel()
        pred = pred.asnumpy()
        check_label_shapes(label, pred)
        if len(numpy.unique(label)) > 2:
            raise ValueError(f"{metric} currently only supports binary classification.")
        yield label, pred.argmax(axis=1)


@register
class F1(EvalMetric):
    """The F1 score of a two-class problem (class 1 is positive).

    Parameters
    ----------
    average : str
        "macro" (the mean over batches) or "micro" (over all samples).
    """

    def __init__(self, name="f1", output_names=None, label_names=None, average="macro"):
        self.average = average
        super().__init__(name, output_names, label_names, has_global_stats=True)

    def reset(self):
        super().reset()
        self._counts = [0, 0, 0]
        self._global_counts = [0, 0, 0]

    def reset_local(self):
        super().reset_local()
        self._counts = [0, 0, 0]

    @staticmethod
    def _score(counts):
        true_positive, false_positive, false_negative = counts
        precision = true_positive / (true_positive + false_positive) \
            if true_positive + false_positive else 0.0
        recall = true_positive / (true_positive + false_negative) \
            if true_positive + false_negative else 0.0
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    def update(self, labels, preds):
        for label, pred in _two_classes("F1", labels, preds):
            found = [int(((pred == 1) & (label == 1)).sum()),
                     int(((pred == 1) & (label == 0)).sum()),
                     int(((pred == 0) & (label == 1)).sum())]
            self._counts = [a + b for a, b in zip(self._counts, found)]
            self._global_counts = [a + b for a, b in zip(self._global_counts, found)]
            if self.average == "macro":
                self._add(self._score(found), 1)
        if self.average != "macro":
            self.num_inst = self.global_num_inst = 1
            self.sum_metric = self._score(self._counts)
            self.global_sum_metric = self._score(self._global_counts)


@register
class MCC(EvalMetric):
    """Matthews' correlation coefficient of a two-class problem (class 1 is positive).

    Parameters
    ----------
    average : str
        "macro" (the mean over batches) or "micro" (over all samples).
    """

    def __init__(self, name="mcc", output_names=None, label_names=None, average="macro"):
        self._average = average
        super().__init__(name, output_names, label_names, has_global_stats=True)

    def reset(self):
        super().reset()
        self._table = numpy.zeros((2, 2))
        self._global_table = numpy.zeros((2, 2))

    def reset_local(self):
        super().reset_local()
        self._table = numpy.zeros((2, 2))

    @staticmethod
    def _score(table):
        (true_negative, false_positive), (false_negative, true_positive) = table
        sums = numpy.concatenate([table.sum(axis=0), table.sum(axis=1)])
        # An empty row or column leaves its factor out.
        scale = math.sqrt(numpy.prod(sums[sums > 0]))
        return float(true_positive * true_negative - false_positive * false_negative) / scale

    def update(self, labels, preds):
        for label, pred in _two_classes("MCC", labels, preds):
            found = _confusion(label, pred, 2)
            self._table += found
            self._global_table += found
            if self._average == "macro":
                self._add(self._score(found), 1)
        if self._average != "macro":
            self.num_inst = int(self._table.sum())
            self.global_num_inst = int(self._global_table.sum())
            self.sum_metric = self._score(self._table) * self.num_inst
            self.global_sum_metric = self._score(self._global_table) * self.global_num_inst


def _confusion(label, pred, classes):
    """How many samples have each pair (label, prediction)."""
    table = numpy.zeros((classes, classes))
    numpy.add.at(table, (label.astype("int64"), pred.astype("int64")), 1)
    return table


@register
class PCC(EvalMetric):
    """Matthews' correlation coefficient for any number of classes, over all samples (J. Gorodkin,
    Comparing two K-category assignments by a K-category correlation coefficient, 2004)."""

    def __init__(self, name="pcc", output_names=None, label_names=None, has_global_stats=True):
        self._table = self._global_table = numpy.zeros((2, 2))
        super().__init__(name, output_names, label_names, has_global_stats=has_global_stats)

    def reset(self):
        super().reset()
        self._table = self._global_table = numpy.zeros((2, 2))

    def reset_local(self):
        super().reset_local()
        self._table = numpy.zeros((2, 2))

    @staticmethod
    def _grown(table, classes):
        missing = max(0, classes - len(table))
        return numpy.pad(table, ((0, missing), (0, missing)))

    @staticmethod
    def _score(table):
        count, labels, preds = table.sum(), table.sum(axis=1), table.sum(axis=0)
        spread = (labels * (count - labels)).sum() * (preds * (count - preds)).sum()
        if spread == 0:
            return float("nan")
        return float((table.diagonal() * count - labels * preds).sum() / math.sqrt(spread))

    def update(self, labels, preds):
        for label, pred in zip(*_per_sample(labels, preds)):
            label = label.asnumpy().astype("int32").ravel()
            pred = pred.asnumpy()
            pred = pred.argmax(axis=1) if pred.ndim > 1 else pred.astype("int32")
            classes = int(max(label.max(initial=0), pred.max(initial=0))) + 1
            self._table = self._grown(self._table, classes)
            self._global_table = self._grown(self._global_table, classes)
            found = _confusion(label, pred, len(self._table))
            self._table = self._table + found
            self._global_table = self._global_table + self._grown(found, len(self._global_table))
            self.num_inst += 1
            self.global_num_inst += 1

    def get(self):
        return self.name, self._score(self._table) if self.num_inst else float("nan")

    def get_global(self):
        return self.name, self._score(self._global_table) if self.global_num_inst else float("nan")


class _LabelProbability(EvalMetric):
    """A metric of the probability that the output gives the label."""

    def __init__(self, eps, name, output_names, label_names):
        super().__init__(name, output_names, label_names, eps=eps, has_global_stats=True)
        self.eps = eps

    def update(self, labels, preds):
        for label, pred in zip(*_per_sample(labels, preds)):
            label = label.asnumpy().ravel()
            pred = pred.asnumpy()
            assert label.shape[0] == pred.shape[0], (label.shape[0], pred.shape[0])
            probability = pred[numpy.arange(label.shape[0]), label.astype("int64")]
            self._add(float((-numpy.log(probability + self.eps)).sum()), label.shape[0])


@alias("ce")
@register
class CrossEntropy(_LabelProbability):
    """The mean of `-log(p[label] + eps)`; `preds` are probabilities, (samples, classes)."""

    def __init__(self, eps=1e-12, name="cross-entropy", output_names=None, label_names=None):
        super().__init__(eps, name, output_names, label_names)


@alias("nll_loss")
@register
class NegativeLogLikelihood(_LabelProbability):
    """The mean of `-log(p[label] + eps)`; `preds` are probabilities, (samples, classes)."""

    def __init__(self, eps=1e-12, name="nll-loss", output_names=None, label_names=None):
        super().__init__(eps, name, output_names, label_names)


@register
class Perplexity(EvalMetric):
    """`exp` of the mean of `-log p[label]`.

    Parameters
    ----------
    ignore_label : int or None
        A label that does not count.
    axis : int
        The axis of the classes.
    """

    def __init__(self, ignore_label, axis=-1, name="perplexity", output_names=None,
                 label_names=None):
        super().__init__(name, output_names, label_names, ignore_label=ignore_label,
                         has_global_stats=True)
        self.ignore_label = ignore_label
        self.axis = axis

    def update(self, labels, preds):
        assert len(labels) == len(preds)
        loss, count = 0.0, 0
        for label, pred in zip(labels, preds):
            label = label.asnumpy().astype("int64").ravel()
            pred = numpy.moveaxis(pred.asnumpy(), self.axis, -1)
            pred = pred.reshape(-1, pred.shape[-1])
            assert label.shape[0] == pred.shape[0], \
                f"shape mismatch: {label.shape} vs. {pred.shape}"
            probability = pred[numpy.arange(label.shape[0]), label]
            count += label.shape[0]
            if self.ignore_label is not None:
                ignored = label == self.ignore_label
                count -= int(ignored.sum())
                probability = numpy.where(ignored, 1, probability)
            loss -= float(numpy.log(numpy.maximum(1e-10, probability)).sum())
        self._add(loss, count)

    def _result(self, total, count):
        return math.exp(total / count)


class _Regression(EvalMetric):
    """The mean over batches of a distance between labels and outputs."""

    def __init__(self, name, output_names, label_names):
        super().__init__(name, output_names, label_names, has_global_stats=True)

    def update(self, labels, preds):
        for label, pred in zip(*_per_sample(labels, preds)):
            label = label.asnumpy()
            pred = pred.asnumpy()
            if label.ndim == 1:
                label = label.reshape(label.shape[0], 1)
            if pred.ndim == 1:
                pred = pred.reshape(pred.shape[0], 1)
            self._add(float(self._distance(label, pred)), 1)

    @staticmethod
    def _distance(label, pred):
        raise NotImplementedError


@register
class MAE(_Regression):
    """The mean absolute error."""

    def __init__(self, name="mae", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names)

    @staticmethod
    def _distance(label, pred):
        return numpy.abs(label - pred).mean()


@register
class MSE(_Regression):
    """The mean squared error."""

    def __init__(self, name="mse", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names)

    @staticmethod
    def _distance(label, pred):
        return ((label - pred) ** 2.0).mean()


@register
class RMSE(_Regression):
    """The root of the mean squared error, averaged over batches."""

    def __init__(self, name="rmse", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names)

    @staticmethod
    def _distance(label, pred):
        return numpy.sqrt(((label - pred) ** 2.0).mean())


@alias("pearsonr")
@register
class PearsonCorrelation(EvalMetric):
    """Pearson's correlation.

    Parameters
    ----------
    average : str
        "macro" (the mean over batches) or "micro" (over all samples).
    """

    def __init__(self, name="pearsonr", output_names=None, label_names=None, average="macro"):
        self.average = average
        super().__init__(name, output_names, label_names, has_global_stats=True)

    def reset(self):
        super().reset()
        self._moments = numpy.zeros(6)

    def update(self, labels, preds):
        for label, pred in zip(*_per_sample(labels, preds)):
            check_label_shapes(label, pred, False, True)
            label = label.asnumpy().ravel().astype("float64")
            pred = pred.asnumpy().ravel().astype("float64")
            if self.average == "macro":
                self._add(float(numpy.corrcoef(pred, label)[0, 1]), 1)
                continue
            self._moments += [len(label), label.sum(), pred.sum(), (label * label).sum(),
                              (pred * pred).sum(), (label * pred).sum()]
            self.num_inst += 1
            self.global_num_inst += 1

    def get(self):
        if self.average == "macro" or self.num_inst == 0:
            return super().get()
        count, x, y, xx, yy, xy = self._moments
        spread = math.sqrt((xx - x * x / count) * (yy - y * y / count))
        return self.name, (xy - x * y / count) / spread if spread else float("nan")

    def get_global(self):
        return super().get_global() if self.average == "macro" else self.get()


@register
class Loss(EvalMetric):
    """The mean of the outputs; labels do not matter."""

    def __init__(self, name="loss", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names, has_global_stats=True)

    def update(self, _, preds):
        for pred in [preds] if isinstance(preds, NDArray) else preds:
            values = pred.asnumpy()
            self._add(float(values.sum()), values.size)


@register
class Torch(Loss):
    """A name for `Loss` that old programs use."""

    def __init__(self, name="torch", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names)


@register
class Caffe(Loss):
    """A name for `Loss` that old programs use."""

    def __init__(self, name="caffe", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names)


@register
class CustomMetric(EvalMetric):
    """A metric from a function on NumPy arrays.

    Parameters
    ----------
    feval : callable
        `feval(label, pred)` returns a value, or a sum and a count.
    allow_extra_outputs : bool
        Whether there may be more outputs than labels.
    """

    def __init__(self, feval, name=None, allow_extra_outputs=False, output_names=None,
                 label_names=None):
        if name is None:
            name = feval.__name__
            if "<" in name:
                name = f"custom({name})"
        super().__init__(name, output_names, label_names, feval=feval,
                         allow_extra_outputs=allow_extra_outputs, has_global_stats=True)
        self._feval = feval
        self._allow_extra_outputs = allow_extra_outputs

    def update(self, labels, preds):
        if not self._allow_extra_outputs:
            labels, preds = check_label_shapes(labels, preds, True)
        for pred, label in zip(preds, labels):
            value = self._feval(label.asnumpy(), pred.asnumpy())
            if isinstance(value, tuple):
                self._add(*value)
            else:
                self._add(value, 1)

    def get_config(self):
        raise NotImplementedError("CustomMetric cannot be serialized")


def np(numpy_feval, name=None, allow_extra_outputs=False):
    """Make a metric from a function `(label, pred)` on NumPy arrays."""
    def feval(label, pred):
        return numpy_feval(label, pred)
    feval.__name__ = numpy_feval.__name__
    return CustomMetric(feval, name, allow_extra_outputs)
