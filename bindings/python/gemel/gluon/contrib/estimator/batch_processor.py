"""What an `Estimator` does with one batch."""
from .... import autograd
from ...utils import split_and_load

__all__ = ["BatchProcessor"]


class BatchProcessor:
    """Runs a network on one batch; subclasses change what that means."""

    def _get_data_and_label(self, batch, ctx, batch_axis=0):
        return tuple(split_and_load(one, ctx_list=ctx, batch_axis=batch_axis) for one in batch[:2])

    def evaluate_batch(self, estimator, val_batch, batch_axis=0):
        """Predict a batch; returns data, labels, predictions and losses, a list each with one item
        for each device."""
        data, label = self._get_data_and_label(val_batch, estimator.context, batch_axis)
        pred = [estimator.val_net(x) for x in data]
        loss = [estimator.val_loss(y_hat, y) for y_hat, y in zip(pred, label)]
        return data, label, pred, loss

    def fit_batch(self, estimator, train_batch, batch_axis=0):
        """Compute the gradients of a batch; returns what `evaluate_batch` does."""
        data, label = self._get_data_and_label(train_batch, estimator.context, batch_axis)
        with autograd.record():
            pred = [estimator.net(x) for x in data]
            loss = [estimator.loss(y_hat, y) for y_hat, y in zip(pred, label)]
        for one in loss:
            one.backward()
        return data, label, pred, loss
