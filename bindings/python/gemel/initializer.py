"""First values of parameters."""
import json
import logging
import re
import warnings
from math import sqrt

import numpy as np

from . import registry
from .ndarray import NDArray

__all__ = ["InitDesc", "Initializer", "Load", "Mixed", "Zero", "One", "Constant", "Uniform",
           "Normal", "Orthogonal", "Xavier", "MSRAPrelu", "Bilinear", "LSTMBias", "FusedRNN",
           "register", "create"]


class InitDesc(str):
    """A parameter's name, with the attributes of its variable.

    Parameters
    ----------
    name : str
    attrs : dict of str to str, optional
        The variable's attributes; `__init__` names an initializer that is used instead.
    global_init : Initializer, optional
        What a parameter falls back on.
    """

    def __new__(cls, name, attrs=None, global_init=None):
        self = super().__new__(cls, name)
        self.attrs = attrs or {}
        self.global_init = global_init
        return self


class Initializer:
    """The base of all initializers: called with a name and the array to fill.

    The end of the name decides: "weight" asks the subclass's `_init_weight`, "bias", "beta" and
    "min" give zeros, "gamma" and "max" ones; any other name raises `ValueError`. Names of the type
    `str` (deprecated) know further patterns, such as moving means and variances.

    Keyword arguments are kept for `dumps`, the JSON text that `create` reads.
    """

    def __init__(self, **kwargs):
        self._kwargs = kwargs
        self._verbose = False
        self._print_func = None

    def set_verbosity(self, verbose=False, print_func=None):
        """Log each initialisation; `print_func(array)` makes the text, the norm by default."""
        self._verbose = verbose
        if print_func is None:
            def print_func(values):
                return str((np.linalg.norm(values.asnumpy()) / sqrt(values.size)).astype("float32"))
        self._print_func = print_func
        return self

    def _verbose_print(self, desc, init, arr):
        if self._verbose and self._print_func:
            logging.info("Initialized %s as %s: %s", desc, init, self._print_func(arr))

    def dumps(self):
        """The JSON text `[name, arguments]`."""
        return json.dumps([self.__class__.__name__.lower(), self._kwargs])

    def __eq__(self, other):
        return isinstance(other, Initializer) and self.__class__ is other.__class__ \
            and self._kwargs == other._kwargs

    __hash__ = None

    def __call__(self, desc, arr):
        if not isinstance(desc, InitDesc):
            self._legacy_init(desc, arr)
            return
        if desc.global_init is None:
            desc.global_init = self
        init = desc.attrs.get("__init__", "")
        if init:
            create(init)._init_weight(desc, arr)
            self._verbose_print(desc, init, arr)
            return
        for suffix, method, label in _SUFFIXES:
            if desc.endswith(suffix):
                getattr(self, method)(desc, arr)
                self._verbose_print(desc, label, arr)
                return
        self._init_default(desc, arr)

    def _legacy_init(self, name, arr):
        warnings.warn("Calling initializer with init(str, NDArray) has been deprecated."
                      "please use init(mx.init.InitDesc(...), NDArray) instead.",
                      DeprecationWarning, stacklevel=3)
        if not isinstance(name, str):
            raise TypeError("name must be string")
        if not isinstance(arr, NDArray):
            raise TypeError("arr must be NDArray")
        if name.startswith("upsampling"):
            self._init_bilinear(name, arr)
            return
        if name.startswith("stn_loc"):
            if name.endswith("weight"):
                self._init_zero(name, arr)
                return
            if name.endswith("bias"):
                self._init_loc_bias(name, arr)
                return
        for suffix, method in _LEGACY_SUFFIXES:
            if name.endswith(suffix):
                getattr(self, method)(name, arr)
                return
        self._init_default(name, arr)

    def _init_bilinear(self, _, arr):
        shape = arr.shape
        columns = np.arange(shape[3])
        rows = np.arange(shape[2])
        half = np.ceil(shape[3] / 2.0)
        centre = (2 * half - 1 - half % 2) / (2.0 * half)
        kernel = np.outer(1 - np.abs(rows / half - centre), 1 - np.abs(columns / half - centre))
        arr[:] = np.broadcast_to(kernel.astype("float32"), shape)

    def _init_loc_bias(self, _, arr):
        assert arr.shape[0] == 6
        arr[:] = np.array([1.0, 0, 0, 0, 1.0, 0], dtype="float32")

    def _init_zero(self, _, arr):
        arr[:] = 0.0

    def _init_one(self, _, arr):
        arr[:] = 1.0

    def _init_bias(self, _, arr):
        arr[:] = 0.0

    def _init_quantized_bias(self, _, arr):
        arr[:] = 0

    def _init_gamma(self, _, arr):
        arr[:] = 1.0

    def _init_beta(self, _, arr):
        arr[:] = 0.0

    def _init_weight(self, name, arr):
        raise NotImplementedError("Must override it")

    def _init_quantized_weight(self, _, arr):
        arr[:] = np.random.randint(-127, 128, size=arr.shape).astype("int8")

    def _init_default(self, name, _):
        raise ValueError(
            f"Unknown initialization pattern for {name}. Default initialization is now limited to "
            '"weight", "bias", "gamma" (1.0), and "beta" (0.0).'
            "Please use mx.sym.Variable(init=mx.init.*) to set initialization pattern")


_SUFFIXES = (
    ("weight", "_init_weight", "weight"), ("bias", "_init_bias", "bias"),
    ("gamma", "_init_gamma", "gamma"), ("beta", "_init_beta", "beta"),
    ("min", "_init_zero", "min"), ("max", "_init_one", "max"),
    ("weight_quantize", "_init_quantized_weight", "weight_quantize"),
    ("bias_quantize", "_init_quantized_bias", "bias_quantize"),
)

_LEGACY_SUFFIXES = (
    ("bias", "_init_bias"), ("gamma", "_init_gamma"), ("beta", "_init_beta"),
    ("weight", "_init_weight"), ("moving_mean", "_init_zero"), ("moving_var", "_init_one"),
    ("moving_inv_var", "_init_zero"), ("moving_avg", "_init_zero"), ("min", "_init_zero"),
    ("max", "_init_one"),
)

_register = registry.get_register_func(Initializer, "initializer")
alias = registry.get_alias_func(Initializer, "initializer")
create = registry.get_create_func(Initializer, "initializer")


def register(klass):
    """Register an initializer class under its own name in lower case."""
    return _register(klass)


class Load:
    """Fills parameters from a file or a dictionary.

    Parameters
    ----------
    param : str or dict of str to NDArray
        A file of `mx.nd.save`, or arrays by name; "arg:" and "aux:" before names are dropped.
    default_init : callable, optional
        For names that are not there; without it they are an error.
    verbose : bool
        Log each parameter.
    """

    def __init__(self, param, default_init=None, verbose=False):
        if isinstance(param, str):
            from .ndarray import load
            param = load(param)
        assert isinstance(param, dict)
        self.param = {name[4:] if name.startswith(("arg:", "aux:")) else name: value
                      for name, value in param.items()}
        self.default_init = default_init
        self.verbose = verbose

    def __call__(self, name, arr):
        if name in self.param:
            loaded = self.param[name]
            assert arr.shape == loaded.shape, \
                f"Parameter {name} cannot be initialized from loading. Shape mismatch, " \
                f"target {arr.shape} vs loaded {loaded.shape}"
            arr[:] = loaded
            if self.verbose:
                logging.info("Initialized %s by loading", name)
        else:
            assert self.default_init is not None, \
                f"Cannot Initialize {name}. Not found in loaded param " \
                "and no default Initializer is provided."
            self.default_init(name, arr)
            if self.verbose:
                logging.info("Initialized %s by default", name)


class Mixed:
    """Chooses an initializer by regular expressions on the name; the first that matches counts.

    Parameters
    ----------
    patterns : list of str
    initializers : list of Initializer
        One for each pattern.
    """

    def __init__(self, patterns, initializers):
        assert len(patterns) == len(initializers)
        self.map = list(zip([re.compile(pattern) for pattern in patterns], initializers))

    def __call__(self, name, arr):
        for pattern, init in self.map:
            if pattern.match(name):
                init(name, arr)
                return
        raise ValueError(f"Parameter name {name} did not match any pattern. Consider "
                         'adding a ".*" pattern at the end with a default Initializer.')


@alias("zeros")
@register
class Zero(Initializer):
    """Zeros."""

    def __init__(self):
        super().__init__()

    def _init_weight(self, _, arr):
        arr[:] = 0


@alias("ones")
@register
class One(Initializer):
    """Ones."""

    def __init__(self):
        super().__init__()

    def _init_weight(self, _, arr):
        arr[:] = 1


@register
class Constant(Initializer):
    """One number, or an array of the parameter's shape."""

    def __init__(self, value):
        super().__init__(value=value.asnumpy().tolist() if isinstance(value, NDArray) else value)
        self.value = value

    def _init_weight(self, _, arr):
        arr[:] = np.asarray(self.value, dtype="float32") if isinstance(self.value, (list, tuple)) \
            else self.value


@register
class Uniform(Initializer):
    """Uniform numbers from [-scale, scale)."""

    def __init__(self, scale=0.07):
        super().__init__(scale=scale)
        self.scale = scale

    def _init_weight(self, _, arr):
        _fill_uniform(self.scale, arr)


@register
class Normal(Initializer):
    """Normal numbers of mean 0 and standard deviation `sigma`."""

    def __init__(self, sigma=0.01):
        super().__init__(sigma=sigma)
        self.sigma = sigma

    def _init_weight(self, _, arr):
        _fill_normal(self.sigma, arr)


def _fill_uniform(scale, arr):
    from .ndarray import random
    random.uniform(-scale, scale, out=arr)


def _fill_normal(sigma, arr):
    from .ndarray import random
    random.normal(0, sigma, out=arr)


@register
class Orthogonal(Initializer):
    """`scale` times a matrix with orthonormal rows (or columns, where there are more rows)."""

    def __init__(self, scale=1.414, rand_type="uniform"):
        super().__init__(scale=scale, rand_type=rand_type)
        self.scale = scale
        self.rand_type = rand_type

    def _init_weight(self, _, arr):
        from .ndarray import zeros
        rows, columns = arr.shape[0], int(np.prod(arr.shape[1:]))
        start = zeros((rows, columns))
        (_fill_uniform if self.rand_type == "uniform" else _fill_normal)(1.0, start)
        left, _unused, right = np.linalg.svd(start.asnumpy(), full_matrices=False)
        matrix = left if left.shape == (rows, columns) else right
        arr[:] = (self.scale * matrix.reshape(arr.shape)).astype("float32")


@register
class Xavier(Initializer):
    """Random numbers whose scale is `sqrt(magnitude / factor)`.

    Parameters
    ----------
    rnd_type : str
        "uniform" or "gaussian".
    factor_type : str
        "avg", "in" or "out": which of the two widths of the layer is the factor.
    magnitude : float
    """

    def __init__(self, rnd_type="uniform", factor_type="avg", magnitude=3):
        super().__init__(rnd_type=rnd_type, factor_type=factor_type, magnitude=magnitude)
        self.rnd_type = rnd_type
        self.factor_type = factor_type
        self.magnitude = float(magnitude)

    def _init_weight(self, name, arr):
        shape = arr.shape
        if len(shape) < 2:
            raise ValueError(f"Xavier initializer cannot be applied to vector {name}. "
                             "It requires at least 2D.")
        window = float(np.prod(shape[2:])) if len(shape) > 2 else 1.0
        fan_in, fan_out = shape[1] * window, shape[0] * window
        if self.factor_type == "avg":
            factor = (fan_in + fan_out) / 2.0
        elif self.factor_type == "in":
            factor = fan_in
        elif self.factor_type == "out":
            factor = fan_out
        else:
            raise ValueError("Incorrect factor type")
        scale = sqrt(self.magnitude / factor)
        if self.rnd_type == "uniform":
            _fill_uniform(scale, arr)
        elif self.rnd_type == "gaussian":
            _fill_normal(scale, arr)
        else:
            raise ValueError("Unknown random type")


@register
class MSRAPrelu(Xavier):
    """Gaussian numbers of variance `2 / ((1 + slope ** 2) * factor)`, for PReLU networks."""

    def __init__(self, factor_type="avg", slope=0.25):
        super().__init__("gaussian", factor_type, 2.0 / (1 + slope ** 2))
        self._kwargs = {"factor_type": factor_type, "slope": slope}


@register
class Bilinear(Initializer):
    """The kernel of bilinear upsampling, for the weight of a transposed convolution."""

    def __init__(self):
        super().__init__()

    def _init_weight(self, _, arr):
        self._init_bilinear(_, arr)


@register
class LSTMBias(Initializer):
    """Zeros, but `forget_bias` for the forget gate (the second quarter)."""

    def __init__(self, forget_bias=1.0):
        super().__init__(forget_bias=forget_bias)
        self.forget_bias = forget_bias

    def _init_weight(self, name, arr):
        values = np.zeros(arr.shape, dtype="float32")
        hidden = arr.shape[0] // 4
        values[hidden:2 * hidden] = self.forget_bias
        arr[:] = values


@register
class FusedRNN(Initializer):
    """The one array of `mx.rnn.FusedRNNCell`: each gate's array by another initializer.

    Parameters
    ----------
    init : Initializer, str or None
        For weights and biases; the one of the whole network where it is None.
    num_hidden, num_layers, mode, bidirectional, forget_bias
        As of the cell.
    """

    def __init__(self, init, num_hidden, num_layers, mode, bidirectional=False, forget_bias=1.0):
        if isinstance(init, str):
            init = create(init)
        super().__init__(init=init.dumps() if init is not None else None, num_hidden=num_hidden,
                         num_layers=num_layers, mode=mode, bidirectional=bidirectional,
                         forget_bias=forget_bias)
        self._init = init
        self._cell = {"num_hidden": num_hidden, "num_layers": num_layers, "mode": mode,
                      "bidirectional": bidirectional, "forget_bias": forget_bias}

    def _init_weight(self, desc, arr):
        from .rnn import FusedRNNCell
        cell = FusedRNNCell(prefix="", **self._cell)
        parts = cell.unpack_weights({"parameters": arr})
        for name, part in parts.items():
            if self._cell["mode"] == "lstm" and name.endswith("_f_bias"):
                part[:] = self._cell["forget_bias"]
            elif self._init is not None:
                self._init(InitDesc(name), part)
            elif getattr(desc, "global_init", None) not in (None, self):
                desc.global_init(InitDesc(name, global_init=desc.global_init), part)
            else:
                raise ValueError("[FusedRNN] expected an initializer for the arrays of the gates: "
                                 "give init, or initialize a network")
        arr[:] = cell.pack_weights(parts)["parameters"]
