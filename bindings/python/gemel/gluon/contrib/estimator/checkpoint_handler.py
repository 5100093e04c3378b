"""Saves an estimator's network and trainer, and goes on from what was saved."""
import os
import re

import numpy as np

from ....metric import EvalMetric
from .event_handler import BatchEnd, EpochEnd, TrainBegin, comparison

__all__ = ["CheckpointHandler"]


class CheckpointHandler(TrainBegin, BatchEnd, EpochEnd):
    """Writes `PREFIX-epochEbatchB.params` and `.states`, once `PREFIX-symbol.json`, and `PREFIX-best.*`.

    Parameters
    ----------
    model_dir : str
        A folder, made where it does not exist.
    model_prefix : str
    monitor : EvalMetric, optional
        What decides which is the best; needed by `save_best`.
    verbose : int
        Whether to log every file.
    save_best : bool
    mode : {"auto", "min", "max"}
        As of `EarlyStoppingHandler`.
    epoch_period, batch_period : int, optional
        How many epochs or batches lie between two checkpoints.
    max_checkpoints : int
        Older ones are removed; the best is not counted.
    resume_from_checkpoint : bool
        Load the last checkpoint and train only what is left.
    """

    def __init__(self, model_dir, model_prefix="model", monitor=None, verbose=0, save_best=False, mode="auto",
                 epoch_period=1, batch_period=None, max_checkpoints=5, resume_from_checkpoint=False):
        self.monitor = monitor
        self.verbose = verbose
        self.model_dir = model_dir
        self.model_prefix = model_prefix
        self.save_best = save_best
        if save_best and not isinstance(monitor, EvalMetric):
            raise ValueError("To save best model only, please provide one of the metric objects from "
                             "estimator.train_metrics and estimator.val_metrics as monitor.")
        os.makedirs(model_dir, exist_ok=True)
        self.epoch_period = epoch_period
        self.batch_period = batch_period
        self.current_batch = 0
        self.current_epoch = 0
        self.max_checkpoints = max_checkpoints
        self.resume_from_checkpoint = resume_from_checkpoint
        self.saved_checkpoints = []
        if save_best:
            self.monitor_op = comparison(monitor, mode, "ModelCheckpoint")
            self.best = np.inf if self.monitor_op is np.less else -np.inf

    def train_begin(self, estimator, *args, **kwargs):
        self.current_batch = self.current_epoch = 0
        self.trained_epochs = self.trained_batches = 0
        if self.resume_from_checkpoint:
            self._resume_from_checkpoint(estimator)

    def batch_end(self, estimator, *args, **kwargs):
        if self.current_batch == 0:
            self._save_symbol(estimator)
        if self.batch_period and (self.current_batch + 1) % self.batch_period == 0:
            self._save_checkpoint(estimator)
        self.current_batch += 1

    def epoch_end(self, estimator, *args, **kwargs):
        if self.epoch_period and (self.current_epoch + 1) % self.epoch_period == 0:
            self._save_checkpoint(estimator)
        self.current_epoch += 1

    def _path(self, name):
        return os.path.join(self.model_dir, f"{self.model_prefix}-{name}")

    def _save_checkpoint(self, estimator):
        name = f"epoch{self.trained_epochs + self.current_epoch}batch{self.trained_batches + self.current_batch}"
        say = estimator.logger.info if self.verbose else lambda *args: None
        say("[Epoch %d] CheckpointHandler: trained total %d batches, saving model at %s with prefix: %s",
            self.current_epoch, self.current_batch + 1, self.model_dir, f"{self.model_prefix}-{name}")
        self._save_params_and_trainer(estimator, name)
        if name in self.saved_checkpoints:
            self.saved_checkpoints.remove(name)
        self.saved_checkpoints.append(name)
        while len(self.saved_checkpoints) > self.max_checkpoints:
            old = self.saved_checkpoints.pop(0)
            for ending in (".params", ".states"):
                if os.path.exists(self._path(old) + ending):
                    os.remove(self._path(old) + ending)
        if not self.save_best:
            return
        metric, value = self.monitor.get()
        if self.monitor_op(value, self.best):
            say("[Epoch %d] CheckpointHandler: %s improved from %0.5f to %0.5f, updating best model at %s with "
                "prefix: %s", self.current_epoch, metric, self.best, value, self.model_dir,
                f"{self.model_prefix}-best")
            self.best = value
            self._save_params_and_trainer(estimator, "best")
        else:
            say("[Epoch %d] CheckpointHandler: %s did not improve from %0.5f, skipping updating best model",
                self.current_epoch, metric, self.best)

    def _save_symbol(self, estimator):
        if getattr(estimator.net, "_cached", None):
            estimator.net._cached_graph[1].save(self._path("symbol.json"))
        else:
            estimator.logger.info("Model architecture(symbol file) is not saved, please use HybridBlock to construct "
                                  "your model, and call net.hybridize() before passing to Estimator in order to save "
                                  "model architecture.")

    def _save_params_and_trainer(self, estimator, name):
        estimator.net.save_parameters(self._path(name) + ".params")
        estimator.trainer.save_states(self._path(name) + ".states")

    def _last(self):
        """`(epoch, batch)` of the last checkpoint, or None."""
        pattern = re.compile(re.escape(self.model_prefix) + r"-epoch(\d+)batch(\d+)\.params")
        found = [tuple(map(int, match.groups())) for match in map(pattern.fullmatch, os.listdir(self.model_dir))
                 if match]
        return max(found, default=None)

    def _resume_from_checkpoint(self, estimator):
        last = self._last()
        if last is None:
            estimator.logger.info("CheckpointHandler: No checkpoint found, training from scratch for %s",
                                  f"{estimator.max_epoch} epochs" if estimator.max_epoch
                                  else f"{estimator.max_batch} batches")
            return
        epoch, batch = last
        self.trained_epochs, self.trained_batches = epoch + 1, batch
        if estimator.max_epoch:
            left, what = estimator.max_epoch - epoch - 1, "epochs"
        else:
            left, what = estimator.max_batch - batch, "batches"
        if left <= 0:
            raise ValueError(f"Found checkpoint at epoch {epoch} batch {batch}: there are no {what} left to train")
        if estimator.max_epoch:
            estimator.max_epoch = left
        else:
            estimator.max_batch = left
        path = self._path(f"epoch{epoch}batch{batch}")
        estimator.net.load_parameters(path + ".params", ctx=estimator.context)
        estimator.trainer.load_states(path + ".states")
        estimator.logger.info("CheckpointHandler: Checkpoint resumed from epoch %d batch %d, continue to train for "
                              "%d %s ", epoch, batch, left, what)
