"""Losses: one number for each sample."""
import math

from .block import HybridBlock

__all__ = ["Loss", "L2Loss", "L1Loss", "SigmoidBinaryCrossEntropyLoss", "SigmoidBCELoss",
           "SoftmaxCrossEntropyLoss", "SoftmaxCELoss", "KLDivLoss", "HuberLoss", "HingeLoss",
           "SquaredHingeLoss", "LogisticLoss", "TripletLoss", "PoissonNLLLoss",
           "CosineEmbeddingLoss", "CTCLoss", "SDMLLoss"]


def _weighted(F, loss, weight, sample_weight):
    if sample_weight is not None:
        loss = F.broadcast_mul(loss, sample_weight)
    if weight is not None:
        assert isinstance(weight, (int, float)), "weight must be a number"
        loss = loss * weight
    return loss


class Loss(HybridBlock):
    """The base of losses.

    Parameters
    ----------
    weight : float or None
        The loss is multiplied by it.
    batch_axis : int
        The axis of the samples.
    """

    def __init__(self, weight, batch_axis, **kwargs):
        super().__init__(**kwargs)
        self._weight = weight
        self._batch_axis = batch_axis

    def __repr__(self):
        return f"{self.__class__.__name__}(batch_axis={self._batch_axis}, w={self._weight})"

    def _mean(self, F, loss):
        return F.mean(loss, axis=self._batch_axis, exclude=True)

    def hybrid_forward(self, F, x, *args, **kwargs):
        raise NotImplementedError


def _like(F, label, pred):
    """The label in the shape of the prediction."""
    return F.reshape_like(label, pred) if hasattr(F, "reshape_like") else \
        label.reshape(pred.shape)


class L2Loss(Loss):
    """Half the squared error, averaged over a sample."""

    def __init__(self, weight=1., batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        loss = F.square(_like(F, label, pred) - pred)
        return self._mean(F, _weighted(F, loss, self._weight / 2, sample_weight))


class L1Loss(Loss):
    """The absolute error, averaged over a sample."""

    def __init__(self, weight=None, batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        loss = F.abs(_like(F, label, pred) - pred)
        return self._mean(F, _weighted(F, loss, self._weight, sample_weight))


class SigmoidBinaryCrossEntropyLoss(Loss):
    """The cross entropy of two-class problems.

    Parameters
    ----------
    from_sigmoid : bool
        Whether predictions are probabilities; otherwise a sigmoid is applied first.
    """

    def __init__(self, from_sigmoid=False, weight=None, batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._from_sigmoid = from_sigmoid

    def hybrid_forward(self, F, pred, label, sample_weight=None, pos_weight=None):
        label = _like(F, label, pred)
        if self._from_sigmoid:
            tiny = 1e-12
            positive = F.log(pred + tiny) * label
            if pos_weight is not None:
                positive = F.broadcast_mul(positive, pos_weight)
            loss = -(positive + F.log(1. - pred + tiny) * (1. - label))
        else:
            # log(1 + exp(-|x|)) cannot overflow.
            tail = F.log(1. + F.exp(-F.abs(pred)))
            if pos_weight is None:
                loss = F.relu(pred) - pred * label + tail
            else:
                scale = 1 + F.broadcast_mul(pos_weight - 1, label)
                loss = pred - pred * label + scale * (tail + F.relu(-pred))
        return self._mean(F, _weighted(F, loss, self._weight, sample_weight))


SigmoidBCELoss = SigmoidBinaryCrossEntropyLoss


class SoftmaxCrossEntropyLoss(Loss):
    """The cross entropy of a softmax.

    Parameters
    ----------
    axis : int
        The axis of the classes.
    sparse_label : bool
        Whether labels are class numbers; otherwise they are probabilities.
    from_logits : bool
        Whether predictions are logarithms of probabilities already.
    """

    def __init__(self, axis=-1, sparse_label=True, from_logits=False, weight=None, batch_axis=0,
                 **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._axis = axis
        self._sparse_label = sparse_label
        self._from_logits = from_logits

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        if not self._from_logits:
            pred = F.log_softmax(pred, axis=self._axis)
        if self._sparse_label:
            loss = -F.pick(pred, label, axis=self._axis, keepdims=True)
        else:
            loss = -F.sum(pred * _like(F, label, pred), axis=self._axis, keepdims=True)
        return self._mean(F, _weighted(F, loss, self._weight, sample_weight))


SoftmaxCELoss = SoftmaxCrossEntropyLoss


class KLDivLoss(Loss):
    """The divergence of the labels' distribution from the predicted one, summed over a sample.

    Parameters
    ----------
    from_logits : bool
        Whether predictions are logarithms of probabilities; otherwise a softmax comes first.
    axis : int
    """

    def __init__(self, from_logits=True, axis=-1, weight=None, batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._from_logits = from_logits
        self._axis = axis

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        if not self._from_logits:
            pred = F.log_softmax(pred, axis=self._axis)
        loss = label * (F.log(label + 1e-12) - pred)
        loss = _weighted(F, loss, self._weight, sample_weight)
        return F.sum(loss, axis=self._batch_axis, exclude=True)


class HuberLoss(Loss):
    """Quadratic up to an error of `rho`, then linear."""

    def __init__(self, rho=1, weight=None, batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._rho = rho

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        error = F.abs(_like(F, label, pred) - pred)
        # min(e, rho) * (e - min(e, rho) / 2) / rho is both branches in one.
        inner = F.clip(error, a_min=0, a_max=self._rho)
        loss = inner * (error - 0.5 * inner) * (1. / self._rho)
        return self._mean(F, _weighted(F, loss, self._weight, sample_weight))


class HingeLoss(Loss):
    """`max(0, margin - pred * label)`; labels are -1 and 1."""

    def __init__(self, margin=1, weight=None, batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._margin = margin

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        loss = F.relu(self._margin - pred * _like(F, label, pred))
        return self._mean(F, _weighted(F, loss, self._weight, sample_weight))


class SquaredHingeLoss(Loss):
    """`max(0, margin - pred * label) ** 2`; labels are -1 and 1."""

    def __init__(self, margin=1, weight=None, batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._margin = margin

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        loss = F.square(F.relu(self._margin - pred * _like(F, label, pred)))
        return self._mean(F, _weighted(F, loss, self._weight, sample_weight))


class CTCLoss(Loss):
    """Connectionist temporal classification (Graves et al., 2006); the last class is the blank.

    Parameters
    ----------
    layout : str
        Of predictions: "NTC" or "TNC".
    label_layout : str
        Of labels: "NT" or "TN"; labels that are shorter are filled up with -1.
    """

    def __init__(self, layout="NTC", label_layout="NT", weight=None, **kwargs):
        assert layout in ("NTC", "TNC"), \
            f"Only 'NTC' and 'TNC' layouts for pred are supported. Got: {layout}"
        assert label_layout in ("NT", "TN"), \
            f"Only 'NT' and 'TN' layouts for label are supported. Got: {label_layout}"
        self._layout = layout
        self._label_layout = label_layout
        super().__init__(weight, label_layout.find("N"), **kwargs)

    def hybrid_forward(self, F, pred, label, pred_lengths=None, label_lengths=None,
                       sample_weight=None):
        if self._layout == "NTC":
            pred = F.swapaxes(pred, 0, 1)
        if self._batch_axis == 1:
            label = F.swapaxes(label, 0, 1)
        lengths = [one for one in (pred_lengths, label_lengths) if one is not None]
        loss = F.CTCLoss(pred, label, *lengths, use_data_lengths=pred_lengths is not None,
                         use_label_lengths=label_lengths is not None, blank_label="last")
        return _weighted(F, loss, self._weight, sample_weight)


class LogisticLoss(Loss):
    """`log(1 + exp(-pred * label))`.

    Parameters
    ----------
    label_format : str
        "signed" (-1 and 1) or "binary" (0 and 1).
    """

    def __init__(self, weight=None, batch_axis=0, label_format="signed", **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        if label_format not in ("signed", "binary"):
            raise ValueError(f"label_format can only be signed or binary, received {label_format}.")
        self._label_format = label_format

    def hybrid_forward(self, F, pred, label, sample_weight=None):
        label = _like(F, label, pred)
        if self._label_format == "signed":
            label = (label + 1.0) / 2.0
        loss = F.relu(pred) - pred * label + F.Activation(-F.abs(pred), act_type="softrelu")
        return self._mean(F, _weighted(F, loss, self._weight, sample_weight))


class TripletLoss(Loss):
    """How much nearer than by `margin` the negative sample is, compared with the positive one:
    `max(0, |positive - pred|^2 - |negative - pred|^2 + margin)`, summed over a sample."""

    def __init__(self, margin=1, weight=None, batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._margin = margin

    def hybrid_forward(self, F, pred, positive, negative):
        positive, negative = _like(F, positive, pred), _like(F, negative, pred)
        loss = F.sum(F.square(positive - pred) - F.square(negative - pred),
                     axis=self._batch_axis, exclude=True)
        return _weighted(F, F.relu(loss + self._margin), self._weight, None)


class PoissonNLLLoss(Loss):
    """The negative logarithm of a Poisson distribution's likelihood, averaged over everything.

    Parameters
    ----------
    from_logits : bool
        Whether predictions are logarithms of the mean; otherwise they are the mean.
    compute_full : bool
        Whether to add Stirling's approximation of the logarithm of the target's factorial.
    """

    def __init__(self, weight=None, from_logits=True, batch_axis=0, compute_full=False, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._from_logits = from_logits
        self._compute_full = compute_full

    def hybrid_forward(self, F, pred, target, sample_weight=None, epsilon=1e-08):
        target = _like(F, target, pred)
        if self._from_logits:
            loss = F.exp(pred) - target * pred
        else:
            loss = pred - target * F.log(pred + epsilon)
        if self._compute_full:
            stirling = target * F.log(target) - target + 0.5 * F.log(2 * target * math.pi)
            # Where the target is at most 1 its factorial is 1; 0 * log(0) never counts.
            loss = loss + F.where(target > 1, stirling, F.zeros_like(stirling))
        return F.mean(_weighted(F, loss, self._weight, sample_weight))


class CosineEmbeddingLoss(Loss):
    """`1 - cos` of the angle between two vectors with label 1; with label -1 how much the cosine
    is above `margin`. Vectors lie along the last axis."""

    def __init__(self, weight=None, batch_axis=0, margin=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._margin = margin

    def hybrid_forward(self, F, input1, input2, label, sample_weight=None):
        input1 = _like(F, input1, input2)
        cosine = self._cosine_similarity(F, input1, input2)
        label = _like(F, label, cosine)
        apart = F.broadcast_maximum(F.zeros((1, 1)), cosine - self._margin)
        loss = (label == 1) * (1 - cosine) + (label == -1) * apart
        return _weighted(F, loss, self._weight, sample_weight)

    def _cosine_similarity(self, F, x, y, axis=-1):
        # Two numbers more than needed: the norms' product must not be zero.
        x_norm = F.norm(x, axis=axis).reshape(-1, 1)
        y_norm = F.norm(y, axis=axis).reshape(-1, 1)
        dot = F.sum(x * y, axis=axis).reshape(-1, 1)
        tiny = F.full((1, 1), 1e-12)
        return dot / F.broadcast_maximum(x_norm * y_norm, tiny)


class SDMLLoss(Loss):
    """Smoothed deep metric learning (Bonadiman et al., 2019): each row of one array has its
    partner in the same row of the other, and the other rows of the batch as negatives.

    Parameters
    ----------
    smoothing_parameter : float
        The probability that is given to the negatives together.
    """

    def __init__(self, smoothing_parameter=0.3, weight=1., batch_axis=0, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self.smoothing_parameter = smoothing_parameter

    def _compute_distances(self, F, x1, x2):
        """All squared distances between rows of (N, C) and (N, C): (N, N)."""
        difference = F.broadcast_sub(F.expand_dims(x1, 1), F.expand_dims(x2, 0))
        return F.sum(F.square(difference), axis=2)

    def hybrid_forward(self, F, x1, x2):
        # The divergence of a distribution that gives `gold` to the partner and `rest` to each
        # other row. It is written without the (N, N) labels, so that N need not be known.
        distances = self._compute_distances(F, x1, x2)
        predicted = F.log_softmax(-distances, axis=1)
        normalizer = F.mean(distances + predicted, axis=1)
        partner = normalizer - F.sum(F.square(x1 - x2), axis=1)
        others = F.sum(predicted, axis=1) - partner
        count = F.sum(F.ones_like(distances), axis=1) - 1
        gold = 1 - self.smoothing_parameter
        rest = self.smoothing_parameter / count
        loss = gold * (math.log(gold + 1e-12) - partner) + \
            self.smoothing_parameter * F.log(rest + 1e-12) - rest * others
        return _weighted(F, loss, self._weight, None)
