"""Training curves in TensorBoard."""
from .event_file import SummaryWriter

__all__ = ["LogMetricsCallback", "SummaryWriter"]


class LogMetricsCallback:
    """A batch-end or evaluation-end callback that writes the metrics into an event file; look at
    them with `tensorboard --logdir=DIR`.

    Parameters
    ----------
    logging_dir : str
        Folder of the event files; use one for training and one for validation.
    prefix : str, optional
        Put before the metrics' names, with a hyphen.
    """

    def __init__(self, logging_dir, prefix=None):
        self.prefix = prefix
        self.step = 0
        self.summary_writer = SummaryWriter(logging_dir)

    def __call__(self, param):
        self.step += 1
        if param.eval_metric is None:
            return
        for name, value in param.eval_metric.get_name_value():
            if self.prefix is not None:
                name = f"{self.prefix}-{name}"
            self.summary_writer.add_scalar(name, value, global_step=self.step)
        self.summary_writer.flush()
