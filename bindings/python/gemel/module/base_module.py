"""The training loop, over what a concrete module offers."""
import logging
import time
import warnings

import numpy as np

from .. import metric as metric_module
from .. import ndarray as nd
from ..initializer import Uniform
from ..io import NDArrayIter
from ..model import BatchEndParam

__all__ = ["BaseModule"]


def _as_list(value):
    return value if isinstance(value, (list, tuple)) else [value]


class BaseModule:
    """The base of modules; a module goes through `bind`, `init_params`, `init_optimizer`, and
    then `forward`, `backward`, `update` for each batch. Calls in another order are an
    `AssertionError`.

    Parameters
    ----------
    logger : logging module or Logger
    """

    def __init__(self, logger=logging):
        self.logger = logger
        self.binded = False
        self.for_training = False
        self.inputs_need_grad = False
        self.params_initialized = False
        self.optimizer_initialized = False
        self._symbol = None
        self._total_exec_bytes = 0

    # ---- the loops -------------------------------------------------------------------------

    def forward_backward(self, data_batch):
        """`forward` in training mode, then `backward`."""
        self.forward(data_batch, is_train=True)
        self.backward()

    @staticmethod
    def _as_iter(data):
        if isinstance(data, (nd.NDArray, np.ndarray)):
            return NDArrayIter(data, batch_size=data.shape[0])
        return data

    def _run_metric(self, eval_metric, batch):
        if isinstance(batch, list):
            self.update_metric(eval_metric, [one.label for one in batch], pre_sliced=True)
        else:
            self.update_metric(eval_metric, batch.label)

    def score(self, eval_data, eval_metric, num_batch=None, batch_end_callback=None,
              score_end_callback=None, reset=True, epoch=0, sparse_row_id_fn=None):
        """Run over data and measure.

        Parameters
        ----------
        eval_data : DataIter
        eval_metric : EvalMetric, str or list
        num_batch : int, optional
            How many batches; all by default.
        batch_end_callback, score_end_callback : callable or list, optional
        reset : bool
            Reset the iterator first.
        epoch : int
            The number that callbacks are told.

        Returns a list of `(name, value)`.
        """
        assert self.binded and self.params_initialized
        if reset:
            eval_data.reset()
        if not isinstance(eval_metric, metric_module.EvalMetric):
            eval_metric = metric_module.create(eval_metric)
        eval_metric.reset()
        actual_num_batch = 0
        for nbatch, eval_batch in enumerate(eval_data):
            if num_batch is not None and nbatch == num_batch:
                break
            self.prepare(eval_batch, sparse_row_id_fn=sparse_row_id_fn)
            self.forward(eval_batch, is_train=False)
            self._run_metric(eval_metric, eval_batch)
            if batch_end_callback is not None:
                batch_end_params = BatchEndParam(epoch=epoch, nbatch=nbatch,
                                                 eval_metric=eval_metric, locals=locals())
                for callback in _as_list(batch_end_callback):
                    callback(batch_end_params)
            actual_num_batch += 1
        if score_end_callback:
            params = BatchEndParam(epoch=epoch, nbatch=actual_num_batch, eval_metric=eval_metric,
                                   locals=locals())
            for callback in _as_list(score_end_callback):
                callback(params)
        return eval_metric.get_name_value()

    def iter_predict(self, eval_data, num_batch=None, reset=True, sparse_row_id_fn=None):
        """Yield `(outputs, number of the batch, batch)`, outputs without the padding."""
        assert self.binded and self.params_initialized
        if reset:
            eval_data.reset()
        for nbatch, eval_batch in enumerate(eval_data):
            if num_batch is not None and nbatch == num_batch:
                break
            self.prepare(eval_batch, sparse_row_id_fn=sparse_row_id_fn)
            self.forward(eval_batch, is_train=False)
            pad = eval_batch.pad or 0
            outputs = [out[0:out.shape[0] - pad] for out in self.get_outputs()]
            yield outputs, nbatch, eval_batch

    def predict(self, eval_data, num_batch=None, merge_batches=True, reset=True,
                always_output_list=False, sparse_row_id_fn=None):
        """The outputs for data.

        Parameters
        ----------
        eval_data : DataIter, NDArray or numpy.ndarray
        merge_batches : bool
            Put the batches together (True), or return a list with a list for each batch.
        always_output_list : bool
            Return a list also where there is one output.
        """
        assert self.binded and self.params_initialized
        if isinstance(eval_data, (nd.NDArray, np.ndarray)):
            if isinstance(eval_data, np.ndarray):
                eval_data = nd.array(eval_data)
            from ..io import DataBatch
            self.forward(DataBatch([eval_data]), is_train=False)
            return self.get_outputs()[0]
        batches = [[out.copy() for out in outputs] for outputs, _, _ in
                   self.iter_predict(eval_data, num_batch, reset, sparse_row_id_fn)]
        if not batches or not merge_batches:
            return batches
        width = len(batches[0])
        for outputs in batches:
            assert len(outputs) == width, "Cannot merge batches, as num of outputs is not the " \
                "same in mini-batches. Maybe bucketing is used?"
        merged = [nd.concat(*[outputs[i] for outputs in batches], dim=0) if len(batches) > 1
                  else batches[0][i] for i in range(width)]
        return merged[0] if width == 1 and not always_output_list else merged

    def fit(self, train_data, eval_data=None, eval_metric="acc", epoch_end_callback=None,
            batch_end_callback=None, kvstore="local", optimizer="sgd",
            optimizer_params=(("learning_rate", 0.01),), eval_end_callback=None,
            eval_batch_end_callback=None, initializer=Uniform(0.01), arg_params=None,
            aux_params=None, allow_missing=False, force_rebind=False, force_init=False,
            begin_epoch=0, num_epoch=None, validation_metric=None, monitor=None,
            sparse_row_id_fn=None):
        """Train.

        Parameters
        ----------
        train_data : DataIter
        eval_data : DataIter, optional
            Data to measure on after each epoch, with `validation_metric`.
        eval_metric, validation_metric : EvalMetric, str or list
        epoch_end_callback : callable or list, optional
            Called with `(epoch, symbol, arg_params, aux_params)`.
        batch_end_callback, eval_end_callback, eval_batch_end_callback : callable or list
            Called with a `BatchEndParam`.
        kvstore : str or KVStore
        optimizer : str or Optimizer
        optimizer_params : dict or tuple of pairs
        initializer : Initializer
        arg_params, aux_params : dict, optional
            Values to start from.
        allow_missing : bool
            Initialise what is not in those.
        force_rebind, force_init : bool
        begin_epoch, num_epoch : int
            The first epoch, and the one to stop before.
        monitor : Monitor, optional
        """
        assert num_epoch is not None, "please specify number of epochs"
        self.bind(data_shapes=train_data.provide_data, label_shapes=train_data.provide_label,
                  for_training=True, force_rebind=force_rebind)
        if monitor is not None:
            self.install_monitor(monitor)
        self.init_params(initializer=initializer, arg_params=arg_params, aux_params=aux_params,
                         allow_missing=allow_missing, force_init=force_init)
        self.init_optimizer(kvstore=kvstore, optimizer=optimizer,
                            optimizer_params=optimizer_params)
        if validation_metric is None:
            validation_metric = eval_metric
        if not isinstance(eval_metric, metric_module.EvalMetric):
            eval_metric = metric_module.create(eval_metric)
        for epoch in range(begin_epoch, num_epoch):
            tic = time.time()
            eval_metric.reset()
            nbatch = 0
            batches = iter(train_data)
            data_batch = next(batches, None)
            while data_batch is not None:
                if monitor is not None:
                    monitor.tic()
                self.forward_backward(data_batch)
                self.update()
                # The next batch is made while the engine still computes this one.
                next_batch = next(batches, None)
                if next_batch is not None:
                    self.prepare(next_batch, sparse_row_id_fn=sparse_row_id_fn)
                self._run_metric(eval_metric, data_batch)
                if monitor is not None:
                    monitor.toc_print()
                if next_batch is None:
                    eval_name_vals = eval_metric.get_global_name_value()
                if batch_end_callback is not None:
                    batch_end_params = BatchEndParam(epoch=epoch, nbatch=nbatch,
                                                     eval_metric=eval_metric, locals=locals())
                    for callback in _as_list(batch_end_callback):
                        callback(batch_end_params)
                nbatch += 1
                data_batch = next_batch
            if nbatch == 0:
                eval_name_vals = []
            for name, value in eval_name_vals:
                self.logger.info("Epoch[%d] Train-%s=%f", epoch, name, value)
            self.logger.info("Epoch[%d] Time cost=%.3f", epoch, time.time() - tic)
            arg_now, aux_now = self.get_params()
            self.set_params(arg_now, aux_now)
            if epoch_end_callback is not None:
                for callback in _as_list(epoch_end_callback):
                    callback(epoch, self.symbol, arg_now, aux_now)
            if eval_data is not None:
                results = self.score(eval_data, validation_metric,
                                     score_end_callback=eval_end_callback,
                                     batch_end_callback=eval_batch_end_callback, epoch=epoch)
                for name, value in results:
                    self.logger.info("Epoch[%d] Validation-%s=%f", epoch, name, value)
            train_data.reset()

    # ---- parameters ------------------------------------------------------------------------

    def set_params(self, arg_params, aux_params, allow_missing=False, force_init=True,
                   allow_extra=False):
        """Set all parameters; names that are missing or unknown raise unless allowed."""
        self.init_params(initializer=None, arg_params=arg_params, aux_params=aux_params,
                         allow_missing=allow_missing, force_init=force_init,
                         allow_extra=allow_extra)

    def save_params(self, fname):
        """Write the parameters as `arg:<name>` and `aux:<name>`."""
        arg_params, aux_params = self.get_params()
        values = {f"arg:{name}": value for name, value in arg_params.items()}
        values.update({f"aux:{name}": value for name, value in aux_params.items()})
        nd.save(fname, values)

    def load_params(self, fname):
        """Read what `save_params` wrote; another kind of name raises `ValueError`."""
        arg_params, aux_params = {}, {}
        for key, value in nd.load(fname).items():
            kind, _, name = key.partition(":")
            if kind == "arg":
                arg_params[name] = value
            elif kind == "aux":
                aux_params[name] = value
            else:
                raise ValueError(f"Invalid param file {fname}")
        self.set_params(arg_params, aux_params)

    # ---- what a subclass offers ------------------------------------------------------------

    @property
    def symbol(self):
        """The network."""
        return self._symbol

    @property
    def data_names(self):
        """Names of the data inputs."""
        raise NotImplementedError()

    @property
    def output_names(self):
        """Names of the outputs."""
        raise NotImplementedError()

    @property
    def data_shapes(self):
        """Descriptions of the data inputs."""
        raise NotImplementedError()

    @property
    def label_shapes(self):
        """Descriptions of the labels."""
        raise NotImplementedError()

    @property
    def output_shapes(self):
        """Pairs of output name and shape."""
        raise NotImplementedError()

    def get_params(self):
        """The dictionaries `(arg_params, aux_params)`."""
        raise NotImplementedError()

    def init_params(self, initializer=Uniform(0.01), arg_params=None, aux_params=None,
                    allow_missing=False, force_init=False, allow_extra=False):
        """Give the parameters their first values."""
        raise NotImplementedError()

    def install_monitor(self, mon):
        """Watch the executors with a `Monitor`."""
        raise NotImplementedError()

    def prepare(self, data_batch, sparse_row_id_fn=None):
        """Called before a batch is used; fetches rows of sparse parameters."""
        if sparse_row_id_fn is not None:
            warnings.warn("sparse_row_id_fn is not invoked for a module without sparse parameters")

    def forward(self, data_batch, is_train=None):
        """Compute the outputs."""
        raise NotImplementedError()

    def backward(self, out_grads=None):
        """Compute the gradients."""
        raise NotImplementedError()

    def get_outputs(self, merge_multi_context=True):
        """The outputs of the last `forward`."""
        raise NotImplementedError()

    def get_input_grads(self, merge_multi_context=True):
        """The gradients of the inputs of the last `backward`."""
        raise NotImplementedError()

    def get_states(self, merge_multi_context=True):
        """The values of the state inputs; a module without states has none."""
        assert self.binded and self.params_initialized
        assert not merge_multi_context
        return []

    def set_states(self, states=None, value=None):
        """Set the state inputs; a module without states takes none."""
        assert self.binded and self.params_initialized
        assert not states and not value

    def update(self):
        """Change the parameters by the gradients."""
        raise NotImplementedError()

    def update_metric(self, eval_metric, labels, pre_sliced=False):
        """Let a metric take in the outputs of the last `forward`."""
        raise NotImplementedError()

    def bind(self, data_shapes, label_shapes=None, for_training=True, inputs_need_grad=False,
             force_rebind=False, shared_module=None, grad_req="write"):
        """Make executors for inputs of these shapes."""
        raise NotImplementedError()

    def init_optimizer(self, kvstore="local", optimizer="sgd",
                       optimizer_params=(("learning_rate", 0.01),), force_init=False):
        """Make the optimizer."""
        raise NotImplementedError()
