"""The factor that keeps small gradients from vanishing in float16."""
from ... import _core
from ... import ndarray as nd

__all__ = ["LossScaler"]


class LossScaler:
    """Dynamic scale of a loss: halved when a gradient overflows, doubled after 2000 steps without.

    Attributes
    ----------
    loss_scale : float
        The scale now.
    """

    _of_loss_outputs = False

    def __init__(self):
        self._loss_scale = 2.0 ** 16
        self._next_loss_scale = self._loss_scale
        self._max_loss_scale = 2.0 ** 24
        self._scale_seq_len = 2000
        self._unskipped = 0

    @property
    def loss_scale(self):
        """The scale now."""
        return self._loss_scale

    def tell_loss_outputs(self):
        """Let loss outputs (`SoftmaxOutput`, ...) have this scale, if it is theirs."""
        if self._of_loss_outputs:
            _core.set_loss_scale(self._loss_scale)

    def has_overflow(self, params):
        """Whether a gradient of these parameters is infinite or NaN; the scale takes note."""
        grads = [grad for one in params if one.grad_req != "null" for grad in one.list_grad()]
        finite = True
        for start in range(0, len(grads), 200):
            some = grads[start:start + 200]
            finite = finite and bool(nd.multi_all_finite(*some, num_arrays=len(some)).asscalar())
        self._loss_scale = self._next_loss_scale
        self.tell_loss_outputs()
        if not finite:
            self._next_loss_scale = self._loss_scale / 2.0
            self._unskipped = 0
            return True
        self._unskipped += 1
        if self._unskipped == self._scale_seq_len:
            self._unskipped = 0
            self._next_loss_scale = min(self._max_loss_scale, self._loss_scale * 2.0)
        return False
