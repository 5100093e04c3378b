"""The first training interface, kept for programs that use it; `Module` is its successor."""
import logging
import warnings

import numpy as np

from .callback import LogValidationMetricsCallback
from .context import Context, cpu
from .initializer import Uniform
from .io import DataIter, NDArrayIter, ResizeIter
from .model import load_checkpoint, save_checkpoint
from .ndarray import NDArray

__all__ = ["FeedForward"]


class FeedForward:
    """A network that is trained and used with arrays or iterators.

    Parameters
    ----------
    symbol : Symbol
        Its inputs whose names end in "data" or "label" are not parameters.
    ctx : Context or list of Context, optional
    num_epoch : int, optional
    epoch_size : int, optional
        Batches per epoch; all of the data by default.
    optimizer : str or Optimizer
    initializer : Initializer
    numpy_batch_size : int
        Size of the batches that arrays are cut into.
    arg_params, aux_params : dict of str to NDArray, optional
        Values to start from.
    allow_extra_params : bool
        Accept values that the symbol has no parameter for.
    begin_epoch : int
    kwargs
        Arguments of the optimizer.
    """

    def __init__(self, symbol, ctx=None, num_epoch=None, epoch_size=None, optimizer="sgd",
                 initializer=Uniform(0.01), numpy_batch_size=128, arg_params=None,
                 aux_params=None, allow_extra_params=False, begin_epoch=0, **kwargs):
        warnings.warn("mxnet.model.FeedForward has been deprecated. Please use mxnet.mod.Module "
                      "instead.", DeprecationWarning, stacklevel=2)
        if ctx is None:
            ctx = [cpu()]
        self.symbol = symbol
        self.ctx = [ctx] if isinstance(ctx, Context) else ctx
        self.num_epoch = num_epoch
        self.epoch_size = epoch_size
        self.optimizer = optimizer
        self.initializer = initializer
        self.numpy_batch_size = numpy_batch_size
        self.allow_extra_params = allow_extra_params
        self.begin_epoch = begin_epoch
        self.kwargs = kwargs.copy()
        self.arg_params = arg_params
        self.aux_params = aux_params
        self._predictor = None
        if not allow_extra_params:
            self._check_extra()

    def _check_extra(self):
        known = (set(self.symbol.list_arguments()), set(self.symbol.list_auxiliary_states()))
        for values, names in zip((self.arg_params, self.aux_params), known):
            extra = sorted(set(values or ()) - names)
            if extra:
                raise ValueError(f"[FeedForward] expected only parameters of the symbol, got "
                                 f"'{extra[0]}'; allow_extra_params=True ignores it")

    def _known(self):
        """The values that the symbol has a parameter for; None where no values were given."""
        names = (set(self.symbol.list_arguments()), set(self.symbol.list_auxiliary_states()))
        return [None if values is None else {k: v for k, v in values.items() if k in known}
                for values, known in zip((self.arg_params, self.aux_params), names)]

    def _init_iter(self, X, y, is_train):
        if isinstance(X, (np.ndarray, NDArray)):
            if y is None:
                if is_train:
                    raise ValueError("y must be specified when X is numpy.ndarray")
                y = np.zeros(X.shape[0])
            y = y.asnumpy() if isinstance(y, NDArray) else np.asarray(y)
            if X.shape[0] != y.shape[0]:
                raise ValueError("The numbers of data points and labels not equal")
            if y.ndim == 2 and y.shape[1] == 1:
                y = y.flatten()
            if y.ndim != 1:
                raise ValueError("Label must be 1D or 2D (with 2nd dimension being 1)")
            size = min(X.shape[0], self.numpy_batch_size)
            return NDArrayIter(X, y, size, shuffle=is_train,
                               last_batch_handle="roll_over" if is_train else "pad")
        if not isinstance(X, DataIter):
            raise TypeError("X must be DataIter, NDArray or numpy.ndarray")
        return X

    def _init_eval_iter(self, eval_data):
        if isinstance(eval_data, (tuple, list)):
            if len(eval_data) != 2:
                raise TypeError("[FeedForward] expected eval_data as a DataIter or a pair "
                                f"(data, label), got {len(eval_data)} items")
            data = eval_data[0]
            return self._init_iter(np.asarray(data) if isinstance(data, list) else data,
                                   eval_data[1], is_train=False)
        return eval_data

    def _module(self, data):
        from .module import Module
        names = [item[0] for item in data.provide_data]
        arguments = set(self.symbol.list_arguments())
        labels = [item[0] for item in data.provide_label or () if item[0] in arguments]
        return Module(self.symbol, data_names=names, label_names=labels, context=self.ctx)

    def fit(self, X, y=None, eval_data=None, eval_metric="acc", epoch_end_callback=None,
            batch_end_callback=None, kvstore="local", logger=None, work_load_list=None,
            monitor=None, eval_end_callback=LogValidationMetricsCallback(),
            eval_batch_end_callback=None):
        """Train.

        Parameters
        ----------
        X : DataIter, NDArray or numpy.ndarray
        y : NDArray or numpy.ndarray, optional
            Labels, where `X` is an array.
        eval_data : DataIter or pair of arrays, optional
        eval_metric, epoch_end_callback, batch_end_callback, kvstore, monitor, eval_end_callback,
        eval_batch_end_callback
            As for `Module.fit`.
        logger : Logger, optional
        work_load_list : list of number, optional
            Ignored: batches are divided evenly.
        """
        data = self._init_iter(X, y, is_train=True)
        eval_data = self._init_eval_iter(eval_data)
        module = self._module(data)
        if logger is not None:
            module.logger = logger
        if self.epoch_size is not None:
            data = ResizeIter(data, self.epoch_size, reset_internal=False)
        arg_params, aux_params = self._known()
        module.fit(data, eval_data, eval_metric, epoch_end_callback, batch_end_callback, kvstore,
                   self.optimizer, self.kwargs, eval_end_callback, eval_batch_end_callback,
                   self.initializer, arg_params, aux_params, allow_missing=True,
                   begin_epoch=self.begin_epoch, num_epoch=self.num_epoch, monitor=monitor)
        self.arg_params, self.aux_params = module.get_params()
        self._predictor = None

    def _bound_predictor(self, data):
        module = self._predictor
        if module is None or module.data_names != [item[0] for item in data.provide_data]:
            module = self._predictor = self._module(data)
            module.bind(data.provide_data, self._labels(module, data), for_training=False)
            module.init_params(None, self.arg_params or {}, self.aux_params or {},
                               allow_extra=self.allow_extra_params)
        else:
            module.reshape(data.provide_data, self._labels(module, data))
            module.set_params(self.arg_params, self.aux_params,
                              allow_extra=self.allow_extra_params)
        return module

    @staticmethod
    def _labels(module, data):
        return [item for item in data.provide_label or () if item[0] in module.label_names] or None

    def predict(self, X, num_batch=None, return_data=False, reset=True):
        """The outputs for data.

        Parameters
        ----------
        X : DataIter, NDArray or numpy.ndarray
        num_batch : int, optional
            How many batches; all by default.
        return_data : bool
            Return `(outputs, data, label)`.
        reset : bool
            Reset the iterator first.

        Returns a numpy.ndarray, or a list of them where the symbol has several outputs.
        """
        data = self._init_iter(X, None, is_train=False)
        if reset:
            data.reset()
        module = self._bound_predictor(data)
        outputs, inputs, labels = [], [], []
        for number, batch in enumerate(data):
            if num_batch is not None and number == num_batch:
                break
            module.forward(batch, is_train=False)
            count = data.batch_size - (batch.pad or 0)
            outputs.append([one[:count].asnumpy() for one in module.get_outputs()])
            if return_data:
                inputs.append([one[:count].asnumpy() for one in batch.data])
                labels.append([one[:count].asnumpy() for one in batch.label or ()])
        joined = self._joined(outputs)
        return (joined, self._joined(inputs), self._joined(labels)) if return_data else joined

    @staticmethod
    def _joined(batches):
        columns = [np.concatenate(column) for column in zip(*batches)]
        return columns[0] if len(columns) == 1 else columns

    def score(self, X, eval_metric="acc", num_batch=None, batch_end_callback=None, reset=True):
        """The value of a metric over an iterator; see `Module.score`."""
        data = self._init_iter(X, None, is_train=False)
        pairs = self._bound_predictor(data).score(
            data, eval_metric, num_batch=num_batch, batch_end_callback=batch_end_callback,
            reset=reset)
        return pairs[0][1] if len(pairs) == 1 else [value for _, value in pairs]

    def save(self, prefix, epoch=None, remove_amp_cast=True):
        """Write `prefix-symbol.json` and `prefix-NNNN.params`; NNNN is `num_epoch` by default."""
        if epoch is None:
            epoch = self.num_epoch
        assert epoch is not None
        save_checkpoint(prefix, epoch, self.symbol, self.arg_params, self.aux_params,
                        remove_amp_cast=remove_amp_cast)

    @staticmethod
    def load(prefix, epoch, ctx=None, **kwargs):
        """Make a model from a checkpoint; `kwargs` as for the constructor."""
        symbol, arg_params, aux_params = load_checkpoint(prefix, epoch)
        return FeedForward(symbol, ctx=ctx, arg_params=arg_params, aux_params=aux_params,
                           begin_epoch=epoch, **kwargs)

    @staticmethod
    def create(symbol, X, y=None, ctx=None, num_epoch=None, epoch_size=None, optimizer="sgd",
               initializer=Uniform(0.01), eval_data=None, eval_metric="acc",
               epoch_end_callback=None, batch_end_callback=None, kvstore="local", logger=None,
               work_load_list=None, eval_end_callback=LogValidationMetricsCallback(),
               eval_batch_end_callback=None, **kwargs):
        """Make a model and `fit` it; `logging` is the default logger."""
        model = FeedForward(symbol, ctx=ctx, num_epoch=num_epoch, epoch_size=epoch_size,
                            optimizer=optimizer, initializer=initializer, **kwargs)
        model.fit(X, y, eval_data=eval_data, eval_metric=eval_metric,
                  epoch_end_callback=epoch_end_callback, batch_end_callback=batch_end_callback,
                  kvstore=kvstore, logger=logger or logging, work_load_list=work_load_list,
                  eval_end_callback=eval_end_callback,
                  eval_batch_end_callback=eval_batch_end_callback)
        return model
