"""Groups of layers that the networks share."""
from .. import symbol as sym


def convolution(data, channels, kernel=1, stride=1, pad=0, name=None, norm=False):
    """A convolution (N, C, H, W), its normalization if `norm`, and a rectifier."""
    pair = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    border = pad if isinstance(pad, tuple) else (pad, pad)
    data = sym.Convolution(data, num_filter=channels, kernel=pair, stride=(stride, stride),
                           pad=border, no_bias=norm, name=name)
    if norm:
        data = sym.BatchNorm(data, fix_gamma=False, eps=1e-3, momentum=0.9, name=f"{name}_bn")
    return sym.Activation(data, act_type="relu", name=f"{name}_relu")


def pooling(data, kind, kernel, stride, pad=0, name=None, full=True):
    """Pooling of squares; `full`: the last window may hang over the border."""
    return sym.Pooling(data, pool_type=kind, kernel=(kernel, kernel), stride=(stride, stride),
                       pad=(pad, pad), pooling_convention="full" if full else "valid", name=name)


def global_average(data, name):
    """(N, C, H, W) to (N, C)."""
    data = sym.Pooling(data, pool_type="avg", global_pool=True, kernel=(1, 1), name=name)
    return sym.Flatten(data, name=f"{name}_flat")


def dense(data, units, activation=None, name=None):
    """A fully connected layer."""
    data = sym.FullyConnected(data, num_hidden=units, name=name)
    return data if activation is None else sym.Activation(data, act_type=activation,
                                                          name=f"{name}_{activation}")
