"""Functions of `mx.nd.contrib` and `mx.sym.contrib` that are written over operators."""
import math

import numpy as np

__all__ = ["install"]


def _adamw_arguments(rescale_grad, like, arguments):
    """The operators take the scale as an array, so that a scale that is not finite skips the step."""
    if not hasattr(rescale_grad, "shape") and not hasattr(rescale_grad, "list_arguments"):
        rescale_grad = like(rescale_grad)
    return rescale_grad, {key: value for key, value in arguments.items() if value is not None}


def install(namespace, operators, number, arrays):
    """Add the functions to a namespace.

    Parameters
    ----------
    namespace : module
        `nd.contrib` or `sym.contrib`.
    operators : module
        `nd` or `sym`.
    number : callable
        From a number to an array (or symbol) with one element.
    arrays : bool
        Whether the namespace is that of arrays.
    """
    internal = operators._internal

    def adamw_update(weight, grad, mean, var, rescale_grad, lr, eta, beta1=0.9, beta2=0.999,
                     epsilon=1e-8, wd=0, clip_gradient=-1, out=None, name=None, **kwargs):
        """One step of AdamW (Loshchilov and Hutter, 2017); skipped where `rescale_grad` (a number or an
        array) is 0, nan or infinite. See `_adamw_update`."""
        scale, options = _adamw_arguments(rescale_grad, number, {"out": out, "name": name, **kwargs})
        return internal._adamw_update(
            weight, grad, mean, var, scale, lr=lr, eta=eta, beta1=beta1, beta2=beta2,
            epsilon=epsilon, wd=wd, clip_gradient=clip_gradient, **options)

    def mp_adamw_update(weight, grad, mean, var, weight32, rescale_grad, lr, eta, beta1=0.9,
                        beta2=0.999, epsilon=1e-8, wd=0, clip_gradient=-1, out=None, name=None,
                        **kwargs):
        """`adamw_update` on a float32 copy `weight32` of a weight of half precision."""
        scale, options = _adamw_arguments(rescale_grad, number, {"out": out, "name": name, **kwargs})
        return internal._mp_adamw_update(
            weight, grad, mean, var, weight32, scale, lr=lr, eta=eta, beta1=beta1, beta2=beta2,
            epsilon=epsilon, wd=wd, clip_gradient=clip_gradient, **options)

    def rand_zipfian(true_classes, num_sampled, range_max, ctx=None):
        """Classes drawn with replacement from a log-uniform (Zipf's) distribution.

        Parameters
        ----------
        true_classes : NDArray or Symbol
            Classes of `[0, range_max)`, shape (n,).
        num_sampled : int
        range_max : int

        Returns the drawn classes (int64), how often each of the true classes is expected among them,
        and how often each drawn one is (float64).
        """
        scale = math.log(range_max + 1)
        options = {"ctx": ctx} if arrays else {}
        drawn = operators.random.uniform(0, scale, shape=(num_sampled,), dtype="float64", **options)
        sampled = (operators.exp(drawn) - 1).astype("int64") % range_max

        def expected(classes):
            classes = classes.astype("float64")
            return operators.log((classes + 2) / (classes + 1)) / scale * num_sampled
        return sampled, expected(true_classes), expected(sampled)

    def isinf(data):
        """1 where an element is infinite, else 0; of the type of `data`."""
        return data.abs() == np.inf

    def isnan(data):
        """1 where an element is nan, else 0; of the type of `data`."""
        return data != data

    def isfinite(data):
        """1 where an element is neither nan nor infinite, else 0; of the type of `data`."""
        return (data.abs() != np.inf) * (data == data)

    functions = [adamw_update, mp_adamw_update, rand_zipfian]
    for function in functions + ([isinf, isnan, isfinite] if arrays else []):
        setattr(namespace, function.__name__, function)
