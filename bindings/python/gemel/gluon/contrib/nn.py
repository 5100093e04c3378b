"""Containers and layers beyond `gluon.nn`."""
from ... import ndarray as nd
from ..block import Block, HybridBlock
from ..nn import BatchNorm, HybridSequential, Sequential

__all__ = ["Concurrent", "HybridConcurrent", "Identity", "SparseEmbedding", "SyncBatchNorm",
           "PixelShuffle1D", "PixelShuffle2D", "PixelShuffle3D"]


class Concurrent(Sequential):
    """Blocks side by side: each gets the input, their outputs are joined along `axis`."""

    def __init__(self, axis=-1, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)
        self.axis = axis

    def forward(self, x):
        return nd.concat(*[block(x) for block in self._children.values()], dim=self.axis)


class HybridConcurrent(HybridSequential):
    """Hybrid blocks side by side: each gets the input, their outputs are joined along `axis`."""

    def __init__(self, axis=-1, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)
        self.axis = axis

    def hybrid_forward(self, F, x):
        return F.concat(*[block(x) for block in self._children.values()], dim=self.axis)


class Identity(HybridBlock):
    """Returns its input: a branch of `Concurrent` that leaves things as they are."""

    def __init__(self, prefix=None, params=None):
        super().__init__(prefix=prefix, params=params)

    def hybrid_forward(self, F, x):
        return x


class SparseEmbedding(Block):
    """Rows of a row_sparse matrix (input_dim, output_dim) by their numbers; the gradient is
    row_sparse too."""

    def __init__(self, input_dim, output_dim, dtype="float32", weight_initializer=None, **kwargs):
        super().__init__(**kwargs)
        self._kwargs = {"input_dim": input_dim, "output_dim": output_dim, "dtype": dtype,
                        "sparse_grad": True}
        self.weight = self.params.get("weight", shape=(input_dim, output_dim),
                                      init=weight_initializer, dtype=dtype,
                                      grad_stype="row_sparse", stype="row_sparse")

    def forward(self, x):
        weight = self.weight.row_sparse_data(x)
        return nd.Embedding(x, weight, name="fwd", **self._kwargs)

    def __repr__(self):
        return f"{self.__class__.__name__}({self._kwargs['input_dim']} -> " \
               f"{self._kwargs['output_dim']}, {self._kwargs['dtype']})"


class SyncBatchNorm(BatchNorm):
    """`BatchNorm` over the samples of all devices.

    Parameters
    ----------
    in_channels : int
    num_devices : int, optional
        How many devices share a batch.
    momentum, epsilon, center, scale, use_global_stats
        As of `BatchNorm`.
    """

    def __init__(self, in_channels=0, num_devices=None, momentum=0.9, epsilon=1e-5, center=True,
                 scale=True, use_global_stats=False, beta_initializer="zeros",
                 gamma_initializer="ones", running_mean_initializer="zeros",
                 running_variance_initializer="ones", **kwargs):
        super().__init__(1, momentum, epsilon, center, scale, use_global_stats, beta_initializer,
                         gamma_initializer, running_mean_initializer,
                         running_variance_initializer, in_channels, **kwargs)
        num_devices = self._get_num_devices() if num_devices is None else num_devices
        self._kwargs = {"eps": epsilon, "momentum": momentum, "fix_gamma": not scale,
                        "use_global_stats": use_global_stats, "ndev": num_devices,
                        "key": self.prefix}

    def _get_num_devices(self):
        import warnings
        warnings.warn("Caution using SyncBatchNorm: if not using all the GPUs, please mannually "
                      "set num_devices", UserWarning)
        from ...context import num_gpus
        return max(num_gpus(), 1)

    def hybrid_forward(self, F, x, gamma, beta, running_mean, running_var):
        return F.contrib.SyncBatchNorm(x, gamma, beta, running_mean, running_var, name="fwd",
                                       **self._kwargs)


class _PixelShuffle(HybridBlock):
    """Moves channels into the image: (N, f1 * ... * fk * C, S1, ..., Sk) becomes
    (N, C, f1 * S1, ..., fk * Sk) (Shi et al., 2016)."""

    def __init__(self, factor, count):
        super().__init__()
        factors = tuple(int(one) for one in factor) if isinstance(factor, (tuple, list)) \
            else (int(factor),) * count
        assert len(factors) == count, f"wrong length {len(factors)}"
        self._factors = factors

    def __repr__(self):
        factors = self._factors if len(self._factors) > 1 else self._factors[0]
        return f"{self.__class__.__name__}({factors})"


class PixelShuffle1D(_PixelShuffle):
    """(N, f * C, W) -> (N, C, f * W).

    Parameters
    ----------
    factor : int
    """

    def __init__(self, factor):
        super().__init__(int(factor), 1)

    def hybrid_forward(self, F, x):
        factor = self._factors[0]
        x = F.reshape(x, (0, -4, -1, factor, 0))
        x = F.transpose(x, (0, 1, 3, 2))
        return F.reshape(x, (0, 0, -3))


class PixelShuffle2D(_PixelShuffle):
    """(N, f1 * f2 * C, H, W) -> (N, C, f1 * H, f2 * W).

    Parameters
    ----------
    factor : int or tuple of int
    """

    def __init__(self, factor):
        super().__init__(factor, 2)

    def hybrid_forward(self, F, x):
        first, second = self._factors
        x = F.reshape(x, (0, -4, -1, first * second, 0, 0))
        x = F.reshape(x, (0, 0, -4, first, second, 0, 0))
        x = F.transpose(x, (0, 1, 4, 2, 5, 3))
        return F.reshape(x, (0, 0, -3, -3))


class PixelShuffle3D(_PixelShuffle):
    """(N, f1 * f2 * f3 * C, D, H, W) -> (N, C, f1 * D, f2 * H, f3 * W).

    Parameters
    ----------
    factor : int or tuple of int
    """

    def __init__(self, factor):
        super().__init__(factor, 3)

    def hybrid_forward(self, F, x):
        first, second, third = self._factors
        # Transposing one axis after the other keeps the number of axes small.
        x = F.reshape(x, (0, -4, -1, first * second * third, 0, 0, 0))
        x = F.swapaxes(x, 2, 3)
        x = F.reshape(x, (0, 0, 0, -4, first, second * third, 0, 0))
        x = F.reshape(x, (0, 0, -3, 0, 0, 0))
        x = F.swapaxes(x, 3, 4)
        x = F.reshape(x, (0, 0, 0, 0, -4, second, third, 0))
        x = F.reshape(x, (0, 0, 0, -3, 0, 0))
        x = F.swapaxes(x, 4, 5)
        return F.reshape(x, (0, 0, 0, 0, -3))
