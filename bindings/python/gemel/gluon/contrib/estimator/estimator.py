"""Training and evaluation of a network, with handlers for what happens on the way."""
import copy
import logging
import sys
import warnings

from .... import initializer as init_module
from ....context import Context, cpu, gpu, num_gpus
from ....metric import Accuracy
from ....metric import Loss as LossMetric
from ... import loss as losses
from ...data import DataLoader
from ...trainer import Trainer
from .batch_processor import BatchProcessor
from .event_handler import (BatchBegin, BatchEnd, EpochBegin, EpochEnd, EventHandler, GradientUpdateHandler,
                            LoggingHandler, MetricHandler, StoppingHandler, TrainBegin, TrainEnd, ValidationHandler,
                            _check_metrics)

__all__ = ["Estimator"]

_EVENTS = {"train_begin": TrainBegin, "epoch_begin": EpochBegin, "batch_begin": BatchBegin, "batch_end": BatchEnd,
           "epoch_end": EpochEnd, "train_end": TrainEnd}


class Estimator:
    """Trains a network.

    Parameters
    ----------
    net : Block
    loss : gluon.loss.Loss
    train_metrics, val_metrics : EvalMetric or list of EvalMetric, optional
        By default those that suit the loss; those of validation are like those of training.
    initializer : Initializer, optional
        For a network that is not initialised.
    trainer : Trainer, optional
        SGD with a learning rate of 0.001 by default.
    context : Context or list of Context, optional
        The GPU if there is one, else the CPU.
    val_net, val_loss : optional
        Used for validation instead of `net` and `loss`.
    batch_processor : BatchProcessor, optional
    """

    logger = None

    def __init__(self, net, loss, train_metrics=None, val_metrics=None, initializer=None, trainer=None, context=None,
                 val_net=None, val_loss=None, batch_processor=None):
        self.net = net
        self.loss = self._check_loss(loss)
        self._train_metrics = _check_metrics(train_metrics)
        self._val_metrics = _check_metrics(val_metrics)
        self._add_default_training_metrics()
        self._add_validation_metrics()
        self.val_loss = self.loss if val_loss is None else self._check_loss(val_loss)
        self.val_net = net if val_net is None else val_net
        self.logger = logging.Logger(name="Estimator", level=logging.INFO)
        self.logger.addHandler(logging.StreamHandler(sys.stdout))
        self.context = self._check_context(context)
        self._initialize(initializer)
        self.trainer = self._check_trainer(trainer)
        self.batch_processor = self._check_batch_processor(batch_processor)

    # ---- arguments -----------------------------------------------------------------------------

    def _check_loss(self, loss):
        if not isinstance(loss, losses.Loss):
            raise ValueError(f"loss must be a Loss, refer to gluon.loss.Loss:{loss}")
        return loss

    def _check_context(self, context):
        if not context:
            return [gpu(i) for i in range(num_gpus())] or [cpu()]
        contexts = [context] if isinstance(context, Context) else context
        if not isinstance(contexts, list) or not all(isinstance(one, Context) for one in contexts):
            raise ValueError("context must be a Context or a list of Context, for example mx.cpu() or [mx.gpu(0), "
                             f"mx.gpu(1)], refer to mxnet.Context:{context}")
        return contexts

    def _check_batch_processor(self, batch_processor):
        if batch_processor is None:
            return BatchProcessor()
        if not all(callable(getattr(batch_processor, name, None)) for name in ("fit_batch", "evaluate_batch")):
            raise ValueError("Customized Batch Processor must contain fit_batch() and evaluate_batch() methods")
        return batch_processor

    def _is_initialized(self):
        return all(one._data is not None or one._deferred_init for one in self.net.collect_params().values())

    def _initialize(self, initializer):
        if not self._is_initialized():
            self.net.initialize(init=initializer or init_module.Uniform(), ctx=self.context)
        elif initializer:
            warnings.warn("Network already fully initialized, skipping initialization. You don't need to pass "
                          "initializer if you already called net.initialize().", stacklevel=3)

    def _check_trainer(self, trainer):
        if not trainer:
            warnings.warn("No trainer specified, default SGD optimizer with learning rate 0.001 is used.",
                          stacklevel=3)
            return Trainer(self.net.collect_params(), "sgd", {"learning_rate": 0.001})
        if not isinstance(trainer, Trainer):
            raise ValueError(f"Trainer must be a Gluon Trainer instance, refer to gluon.Trainer:{trainer}")
        return trainer

    # ---- metrics -------------------------------------------------------------------------------

    def _add_default_training_metrics(self):
        if not self._train_metrics:
            if isinstance(self.loss, losses.SoftmaxCrossEntropyLoss):
                self._train_metrics.append(Accuracy())
            self._train_metrics.append(LossMetric(self.loss.name.rstrip("0123456789")))
        for metric in self._train_metrics:
            metric.name = "training " + metric.name.removeprefix("training ")

    def _add_validation_metrics(self):
        if not self._val_metrics:
            self._val_metrics = [copy.deepcopy(metric) for metric in self._train_metrics]
        for metric in self._val_metrics:
            name = metric.name.removeprefix("training ").removeprefix("validation ")
            metric.name = "validation " + name

    @property
    def train_metrics(self):
        """The metrics of training."""
        return self._train_metrics

    @property
    def val_metrics(self):
        """The metrics of validation."""
        return self._val_metrics

    # ---- handlers ------------------------------------------------------------------------------

    @staticmethod
    def _as_handlers(event_handlers):
        handlers = event_handlers if isinstance(event_handlers, list) else \
            [event_handlers] if event_handlers else []
        if not all(isinstance(one, EventHandler) for one in handlers):
            raise ValueError(f"handlers must be an EventHandler or a list of EventHandler, got: {event_handlers}")
        return list(handlers)

    @staticmethod
    def _with_default(handlers, kind, make):
        if not any(isinstance(one, kind) for one in handlers):
            handlers.append(make())

    def _prepare_default_handlers(self, val_data, event_handlers):
        handlers = self._as_handlers(event_handlers)
        self._with_default(handlers, StoppingHandler, lambda: StoppingHandler(self.max_epoch, self.max_batch))
        self._with_default(handlers, GradientUpdateHandler, GradientUpdateHandler)
        self._with_default(handlers, MetricHandler, lambda: MetricHandler(self.train_metrics))
        if val_data:
            self._with_default(handlers, ValidationHandler, lambda: ValidationHandler(val_data, self.evaluate))
        self._with_default(handlers, LoggingHandler, lambda: LoggingHandler(metrics=self.train_metrics))
        return self._sorted(handlers)

    def _prepare_default_validation_handlers(self, event_handlers):
        handlers = self._as_handlers(event_handlers)
        self._with_default(handlers, MetricHandler, lambda: MetricHandler(self.val_metrics))
        self._with_default(handlers, LoggingHandler, lambda: LoggingHandler(metrics=self.val_metrics))
        return self._sorted(handlers)

    @staticmethod
    def _sorted(handlers):
        return sorted(handlers, key=lambda handler: getattr(handler, "priority", 0))

    def _categorize_handlers(self, event_handlers):
        """The handlers of each event: six lists, in the order of the events."""
        return tuple([one for one in event_handlers if isinstance(one, kind)] for kind in _EVENTS.values())

    # ---- loops ---------------------------------------------------------------------------------

    def _get_data_and_label(self, batch, ctx, batch_axis=0):
        return self.batch_processor._get_data_and_label(batch, ctx, batch_axis)

    @staticmethod
    def _check_data(data):
        if not isinstance(data, DataLoader):
            raise ValueError("Estimator only support input as Gluon DataLoader. Alternatively, you can transform your "
                             "DataIter or any NDArray into Gluon DataLoader. Refer to gluon.data.DataLoader")

    def evaluate(self, val_data, batch_axis=0, event_handlers=None):
        """Run the validation network over all batches and bring its metrics up to date.

        Parameters
        ----------
        val_data : DataLoader
        batch_axis : int
            Batches are split over devices along this axis.
        event_handlers : EventHandler or list of EventHandler, optional
        """
        self._check_data(val_data)
        handlers = self._prepare_default_validation_handlers(event_handlers)
        _, epoch_begin, batch_begin, batch_end, epoch_end, _ = self._categorize_handlers(handlers)
        for handler in epoch_begin:
            handler.epoch_begin(self)
        for batch in val_data:
            for handler in batch_begin:
                handler.batch_begin(self, batch=batch)
            _, label, pred, loss = self.batch_processor.evaluate_batch(self, batch, batch_axis)
            for handler in batch_end:
                handler.batch_end(self, batch=batch, pred=pred, label=label, loss=loss)
        for handler in epoch_end:
            handler.epoch_end(self)

    def fit(self, train_data, val_data=None, epochs=None, event_handlers=None, batches=None, batch_axis=0):
        """Train.

        Parameters
        ----------
        train_data, val_data : DataLoader
        epochs, batches : int
            For how long; exactly one of the two.
        event_handlers : EventHandler or list of EventHandler, optional
            Handlers that stop, update, measure, validate and log are added where there is none.
        batch_axis : int
        """
        self._check_data(train_data)
        if bool(epochs) == bool(batches):
            raise ValueError("Fit only support exactly one type of iteration, train by number of epochs or number of "
                             "batches.Please specify one and only one of: epochs or batches.")
        self.max_epoch, self.max_batch, self.batch_axis = epochs, batches, batch_axis
        handlers = self._prepare_default_handlers(val_data, event_handlers)
        train_begin, epoch_begin, batch_begin, batch_end, epoch_end, train_end = self._categorize_handlers(handlers)
        for handler in train_begin:
            handler.train_begin(self)
        stopped = False
        while not stopped:
            for handler in epoch_begin:
                handler.epoch_begin(self)
            for batch in train_data:
                for handler in batch_begin:
                    handler.batch_begin(self, batch=batch)
                _, label, pred, loss = self.batch_processor.fit_batch(self, batch, batch_axis)
                if any([handler.batch_end(self, batch=batch, pred=pred, label=label, loss=loss)
                        for handler in batch_end]):
                    break
            stopped = any([handler.epoch_end(self) for handler in epoch_end])
        for handler in train_end:
            handler.train_end(self)
