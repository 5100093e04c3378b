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

    def multi_update(name, lists, last, **options):
        arrays_of_each = [array for group in zip(*lists) for array in group]
        options = {key: value for key, value in options.items() if value is not None}
        return getattr(internal, name)(*arrays_of_each, *last, **options)

    def multi_adamw_update(weights, grads, mean, var, rescale_grad, lrs, wds, etas, out=None,
                           name=None, size=0, **kwargs):
        """`adamw_update` of several weights in one call; all but `rescale_grad` are lists with an item
        for each weight. `size`: how many there are (0: all). See `_multi_adamw_update`."""
        scale, options = _adamw_arguments(rescale_grad, number, {"out": out, "name": name, **kwargs})
        return multi_update("_multi_adamw_update", (weights, grads, mean, var), (scale,), lrs=lrs,
                            wds=wds, etas=etas, num_weights=size or len(weights), **options)

    def multi_mp_adamw_update(weights, grads, mean, var, weights32, rescale_grad, lrs, wds, etas,
                              out=None, name=None, size=0, **kwargs):
        """`multi_adamw_update` on float32 copies `weights32` of weights of half precision."""
        scale, options = _adamw_arguments(rescale_grad, number, {"out": out, "name": name, **kwargs})
        return multi_update("_multi_mp_adamw_update", (weights, grads, mean, var, weights32),
                            (scale,), lrs=lrs, wds=wds, etas=etas,
                            num_weights=size or len(weights), **options)

    def multi_lamb_update(weights, grads, mean, var, step_count, lrs, wds, out=None, num_tensors=0,
                          **kwargs):
        """One step of LAMB (You et al., 2020) for several weights in one call; the arguments are lists
        with an item for each weight. `num_tensors`: how many there are (0: all). See
        `_multi_lamb_update`."""
        return multi_update("_multi_lamb_update", (weights, grads, mean, var), (),
                            step_count=step_count, learning_rates=lrs, wds=wds, out=out,
                            num_tensors=num_tensors or len(weights), **kwargs)

    def multi_mp_lamb_update(weights, grads, mean, var, weights32, step_count, lrs, wds, out=None,
                             num_tensors=0, **kwargs):
        """`multi_lamb_update` on float32 copies `weights32` of weights of half precision."""
        return multi_update("_multi_mp_lamb_update", (weights, grads, mean, var, weights32), (),
                            step_count=step_count, learning_rates=lrs, wds=wds, out=out,
                            num_tensors=num_tensors or len(weights), **kwargs)

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
    if arrays:
        functions += [isinf, isnan, isfinite, multi_adamw_update, multi_mp_adamw_update,
                      multi_lamb_update, multi_mp_lamb_update]
    for function in functions:
        setattr(namespace, function.__name__, function)
