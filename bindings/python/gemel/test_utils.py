"""Helpers of tests: comparison of arrays, random arrays, and checks of gradients."""
import contextlib
import functools
import json
import os
import sys
import time

import numpy as np

from . import ndarray as nd
from .context import Context, current_context, num_gpus
from .data_sets import (download, get_bz2_data, get_cifar10, get_mnist, get_mnist_iterator,  # noqa: F401
                        get_mnist_pkl, get_mnist_ubyte, get_zip_data)
from .generator_checks import (chi_square_check, gen_buckets_probs_with_ppf,  # noqa: F401
                               mean_check, var_check, verify_generator)
from .symbol import Symbol

__all__ = ["default_context", "set_default_context", "default_dtype", "get_rtol", "get_atol",
           "random_arrays", "rand_ndarray", "rand_shape_2d", "rand_shape_3d", "rand_shape_nd",
           "same", "almost_equal", "assert_almost_equal", "assert_allclose", "assert_exception",
           "simple_forward", "numeric_grad", "check_numeric_gradient", "check_symbolic_forward",
           "check_symbolic_backward", "same_array", "list_gpus", "retry"]

_RTOL = {"float16": 1e-2, "bfloat16": 5e-2, "float32": 1e-4, "float64": 1e-5}
_ATOL = {"float16": 1e-1, "bfloat16": 1e-1, "float32": 1e-3, "float64": 1e-20}
_default = [None]


def default_context():
    """The device that tests run on."""
    return _default[0] or current_context()


def set_default_context(ctx):
    """Set the device that tests run on."""
    _default[0] = ctx


def default_dtype():
    """The dtype that tests use."""
    return np.float32


def list_gpus():
    """The numbers of the GPUs that can be used."""
    return list(range(num_gpus()))


def _tolerance(given, table, *arrays):
    if given is not None:
        return given
    return max(table.get(str(array.dtype), 0) for array in arrays)


def get_rtol(rtol=None, dtype=np.dtype(np.float64)):
    """The relative tolerance, by dtype where it is not given."""
    return _RTOL.get(np.dtype(dtype).name, 0) if rtol is None else rtol


def get_atol(atol=None, dtype=np.dtype(np.float64)):
    """The absolute tolerance, by dtype where it is not given."""
    return _ATOL.get(np.dtype(dtype).name, 0) if atol is None else atol


def random_arrays(*shapes):
    """Normal float32 arrays of these shapes; one array for one shape."""
    arrays = [np.array(np.random.randn(), dtype=np.float32) if not shape else
              np.random.randn(*shape).astype(np.float32) for shape in shapes]
    return arrays[0] if len(arrays) == 1 else arrays


def rand_ndarray(shape, stype="default", density=None, dtype=None, modifier_func=None,
                 shuffle_csr_indices=False, distribution=None, ctx=None):
    """A uniform array from [-1, 1); of a sparse `stype` with the share `density` of its values or rows stored."""
    values = np.random.uniform(-1, 1, size=shape)
    if stype != "default":
        stored = np.random.uniform(size=shape if stype == "csr" else shape[:1])
        kept = stored < (np.random.uniform() if density is None else density)
        values = values * kept.reshape(kept.shape + (1,) * (values.ndim - kept.ndim))
    if modifier_func is not None:
        values = np.vectorize(modifier_func)(values)
    return nd.array(values, ctx=ctx, dtype=dtype or np.float32).tostype(stype)


def rand_sparse_ndarray(shape, stype, density=None, dtype=None, distribution=None, data_init=None,
                        rsp_indices=None, modifier_func=None, shuffle_csr_indices=False, ctx=None):
    """A random sparse array, and its parts: (values, rows) for row_sparse, (indptr, columns, values) for csr.

    `rsp_indices` are the rows to store, `data_init` is the number that all stored values have.
    """
    if stype not in ("row_sparse", "csr"):
        raise AssertionError(f"unknown storage type {stype}")
    if rsp_indices is not None:
        values = np.zeros(shape)
        values[np.asarray(rsp_indices)] = np.random.uniform(size=(len(rsp_indices), *shape[1:]))
    else:
        values = rand_ndarray(shape, stype, density, distribution=distribution).asnumpy()
    if data_init is not None:
        values = np.where(values != 0, data_init, 0)
    if modifier_func is not None:
        values = np.where(values != 0, np.vectorize(modifier_func, otypes=[float])(values), 0)
    array = nd.array(values, ctx=ctx, dtype=dtype or np.float32).tostype(stype)
    if stype == "row_sparse":
        return array, (array.data.asnumpy(), array.indices.asnumpy())
    return array, (array.indptr, array.indices, array.data)


def create_sparse_array(shape, stype, data_init=None, rsp_indices=None, dtype=None, modifier_func=None,
                        density=.5, shuffle_csr_indices=False):
    """A sparse array as of `rand_sparse_ndarray`, without its parts."""
    return rand_sparse_ndarray(shape, stype, density, dtype, None, data_init, rsp_indices, modifier_func)[0]


def rand_shape_nd(num_dim, dim=10, allow_zero_size=False):
    """A random shape with `num_dim` dimensions of at most `dim`."""
    low = 0 if allow_zero_size else 1
    return tuple(int(size) for size in np.random.randint(low, dim + 1, size=num_dim))


def rand_shape_2d(dim0=10, dim1=10, allow_zero_size=False):
    """A random shape of two dimensions."""
    low = 0 if allow_zero_size else 1
    return tuple(int(np.random.randint(low, dim + 1)) for dim in (dim0, dim1))


def rand_shape_3d(dim0=10, dim1=10, dim2=10, allow_zero_size=False):
    """A random shape of three dimensions."""
    low = 0 if allow_zero_size else 1
    return tuple(int(np.random.randint(low, dim + 1)) for dim in (dim0, dim1, dim2))


def _numpy(array):
    return array.asnumpy() if isinstance(array, nd.NDArray) else np.asarray(array)


def same(a, b):
    """Whether two arrays are equal."""
    return np.array_equal(_numpy(a), _numpy(b))


def almost_equal(a, b, rtol=None, atol=None, equal_nan=False, use_broadcast=True):
    """Whether two arrays are equal within tolerances that depend on the dtype."""
    a, b = _numpy(a), _numpy(b)
    if not use_broadcast and a.shape != b.shape:
        return False
    return bool(np.allclose(a.astype("float64"), b.astype("float64"),
                            _tolerance(rtol, _RTOL, a, b), _tolerance(atol, _ATOL, a, b),
                            equal_nan))


def assert_almost_equal(a, b, rtol=None, atol=None, names=("a", "b"), equal_nan=False,
                        use_broadcast=True, mismatches=(10, 10)):
    """Raise an `AssertionError` that shows the worst elements where two arrays differ.

    Parameters
    ----------
    a, b : NDArray or array
    rtol, atol : float, optional
        By the dtype where they are not given.
    names : tuple of str
        What to call the arrays.
    equal_nan, use_broadcast : bool
    mismatches : tuple of int
        The first is how many elements to show.
    """
    a, b = _numpy(a), _numpy(b)
    if not use_broadcast:
        assert a.shape == b.shape, \
            f"{names[0]} has shape {a.shape}, {names[1]} has shape {b.shape}"
    rtol, atol = _tolerance(rtol, _RTOL, a, b), _tolerance(atol, _ATOL, a, b)
    if almost_equal(a, b, rtol, atol, equal_nan):
        return
    wide_a, wide_b = np.broadcast_arrays(a.astype("float64"), b.astype("float64"))
    with np.errstate(all="ignore"):
        excess = np.abs(wide_a - wide_b) / (atol + rtol * np.abs(wide_b))
    excess = np.where(np.isnan(excess), np.inf, excess)
    if equal_nan:
        excess = np.where(np.isnan(wide_a) & np.isnan(wide_b), 0, excess)
    order = np.argsort(excess.ravel())[::-1][:mismatches[0]]
    shown = "\n".join(
        f"  {np.unravel_index(i, excess.shape)}: {wide_a.ravel()[i]!r} {wide_b.ravel()[i]!r}"
        for i in order if excess.ravel()[i] > 1)
    raise AssertionError(
        f"Items are not equal:\nError {float(excess.max()):f} exceeds tolerance rtol={rtol:e}, "
        f"atol={atol:e}.\nMismatch {int((excess > 1).sum())} of {excess.size} elements, "
        f"location: {names[0]} {names[1]}\n{shown}")


def assert_allclose(a, b, rtol=1e-07, atol=0, equal_nan=True):
    """Like `assert_almost_equal`, with NumPy's default tolerances."""
    assert_almost_equal(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


def assert_exception(f, exception_type, *args, **kwargs):
    """Fail unless `f(*args, **kwargs)` raises `exception_type`."""
    try:
        f(*args, **kwargs)
    except exception_type:
        return
    raise AssertionError(f"did not raise {exception_type.__name__}")


def same_array(array1, array2):
    """Whether two arrays share memory (both are changed for the test and put back)."""
    array1[:] += 1
    if not same(array1, array2):
        array1[:] -= 1
        return False
    array1[:] -= 1
    return same(array1, array2)


def retry(n):
    """A decorator that runs a test up to `n` times until it does not fail."""
    assert n > 0

    def decorate(function):
        @functools.wraps(function)
        def inside(*args, **kwargs):
            for attempt in range(n):
                try:
                    return function(*args, **kwargs)
                except AssertionError:
                    if attempt == n - 1:
                        raise
            return None
        return inside
    return decorate


def simple_forward(sym, ctx=None, is_train=False, **inputs):
    """The outputs of a symbol for NumPy inputs; one array for one output."""
    ctx = ctx or default_context()
    arrays = {name: nd.array(value, ctx=ctx) for name, value in inputs.items()}
    executor = sym.simple_bind(ctx, grad_req="null",
                               **{name: value.shape for name, value in arrays.items()})
    for name, value in arrays.items():
        executor.arg_dict[name][:] = value
    outputs = [one.asnumpy() for one in executor.forward(is_train=is_train)]
    return outputs[0] if len(outputs) == 1 else outputs


def _by_name(names, values, ctx, dtype, what):
    """A dictionary of NDArrays from a list in the order of `names`, or from a dictionary."""
    if values is None:
        return {}
    if isinstance(values, dict):
        unknown = set(values) - set(names)
        if unknown:
            raise ValueError(f"Symbol {what} and keys of the given location do not match. "
                             f"Unknown: {sorted(unknown)}, expected {names}")
    else:
        if len(values) != len(names):
            raise ValueError(f"expected {len(names)} values for {names}, got {len(values)}")
        values = dict(zip(names, values))
    return {name: value.as_in_context(ctx) if isinstance(value, nd.NDArray)
            else nd.array(value, ctx=ctx, dtype=dtype) for name, value in values.items()}


def _bound(sym, location, aux_states, grad_req, ctx, dtype):
    ctx = ctx or default_context()
    assert isinstance(ctx, Context)
    arguments = _by_name(sym.list_arguments(), location, ctx, dtype, "arguments")
    auxiliary = _by_name(sym.list_auxiliary_states(), aux_states, ctx, dtype, "auxiliary states")
    names = sym.list_arguments()
    if isinstance(grad_req, (list, tuple)):
        grad_req = dict(zip(names, grad_req))
    elif isinstance(grad_req, str):
        grad_req = {name: grad_req for name in names}
    requests = {name: grad_req.get(name, "null") for name in names}
    gradients = {name: nd.array(np.random.normal(size=arguments[name].shape), ctx=ctx,
                                dtype=arguments[name].dtype)
                 for name in names if requests[name] != "null"}
    executor = sym.bind(ctx, args=arguments, args_grad=gradients, grad_req=requests,
                        aux_states=auxiliary)
    return executor, arguments, gradients


def check_symbolic_forward(sym, location, expected, rtol=None, atol=None, aux_states=None,
                           ctx=None, equal_nan=False, dtype=np.float32):
    """Compare a symbol's outputs with expected values; returns the outputs.

    Parameters
    ----------
    sym : Symbol
    location : list or dict of arrays
        The arguments, in order or by name.
    expected : list or dict of arrays
        The outputs.
    aux_states : list or dict of arrays, optional
    """
    executor, _, _ = _bound(sym, location, aux_states, "null", ctx, dtype)
    executor.forward(is_train=False)
    if isinstance(expected, dict):
        expected = [expected[name] for name in sym.list_outputs()]
    outputs = executor.outputs
    for name, wanted, got in zip(sym.list_outputs(), expected, outputs):
        assert_almost_equal(wanted, got, rtol, atol, (f"EXPECTED_{name}", f"FORWARD_{name}"),
                            equal_nan=equal_nan)
    return outputs


def check_symbolic_backward(sym, location, out_grads, expected, rtol=None, atol=None,
                            aux_states=None, grad_req="write", ctx=None, grad_stypes=None,
                            equal_nan=False, dtype=np.float32):
    """Compare a symbol's gradients with expected values; returns the gradients by name.

    Parameters
    ----------
    out_grads : list or dict of arrays, or None
        Gradients of the outputs; ones where it is None.
    expected : list or dict of arrays
        Gradients of the arguments, in order or by name.
    grad_req : str, list or dict
        With "add" the expected value is added to what was there.
    """
    executor, arguments, gradients = _bound(sym, location, aux_states, grad_req, ctx, dtype)
    before = {name: value.asnumpy() for name, value in gradients.items()}
    executor.forward(is_train=True)
    ctx = ctx or default_context()
    if out_grads is None:
        heads = [nd.ones(one.shape, ctx=ctx, dtype=one.dtype) for one in executor.outputs]
    else:
        names = sym.list_outputs()
        values = [out_grads[name] for name in names] if isinstance(out_grads, dict) \
            else out_grads if isinstance(out_grads, (list, tuple)) else [out_grads]
        heads = [one if isinstance(one, nd.NDArray) else nd.array(one, ctx=ctx, dtype=dtype)
                 for one in values]
    executor.backward(heads)
    if not isinstance(expected, dict):
        expected = dict(zip(sym.list_arguments(), expected))
    requests = grad_req if isinstance(grad_req, dict) else \
        dict.fromkeys(arguments, grad_req) if isinstance(grad_req, str) \
        else dict(zip(sym.list_arguments(), grad_req))
    for name, wanted in expected.items():
        request = requests.get(name, "null")
        if request == "null":
            assert name not in gradients
            continue
        wanted = _numpy(wanted)
        if request == "add":
            wanted = wanted + before[name]
        assert_almost_equal(wanted, gradients[name], rtol, atol,
                            (f"EXPECTED_{name}", f"BACKWARD_{name}"), equal_nan=equal_nan)
    return gradients


def numeric_grad(executor, location, aux_states=None, eps=1e-4, use_forward_train=True,
                 dtype=np.float32):
    """Gradients by central differences of the sum of the first output.

    Parameters
    ----------
    executor : Executor
    location : dict of str to array
        The arguments; gradients of the floating-point ones are returned.
    """
    def total():
        for name, value in (aux_states or {}).items():
            executor.aux_dict[name][:] = value
        executor.forward(is_train=use_forward_train)
        return float(executor.outputs[0].asnumpy().astype("float64").sum())

    for name, value in location.items():
        executor.arg_dict[name][:] = value
    result = {}
    for name, value in location.items():
        values = _numpy(value).astype("float64")
        gradient = np.zeros(values.shape, dtype=dtype)
        for index in np.ndindex(values.shape):
            original = values[index]
            outcome = []
            for step in (eps / 2, -eps / 2):
                values[index] = original + step
                executor.arg_dict[name][:] = values.astype(dtype)
                outcome.append(total())
            values[index] = original
            gradient[index] = (outcome[0] - outcome[1]) / eps
        executor.arg_dict[name][:] = values.astype(dtype)
        result[name] = gradient
    return result


def check_numeric_gradient(sym, location, aux_states=None, numeric_eps=None, rtol=None, atol=None,
                           grad_nodes=None, use_forward_train=True, ctx=None,
                           grad_stype_dict=None, dtype=np.float32):
    """Compare a symbol's gradients with central differences.

    The outputs are multiplied by random numbers first, so that no errors cancel out.

    Parameters
    ----------
    sym : Symbol
    location : list or dict of arrays
    aux_states : list or dict of arrays, optional
    numeric_eps, rtol, atol : float, optional
    grad_nodes : list or dict, optional
        Which arguments to check; all by default.
    use_forward_train : bool
        Whether the differences are taken in training mode.
    """
    from . import symbol
    assert isinstance(sym, Symbol)
    ctx = ctx or default_context()
    numeric_eps = 1e-3 if numeric_eps is None else numeric_eps
    rtol = 1e-2 if rtol is None else rtol
    atol = 1e-3 if atol is None else atol
    arguments = _by_name(sym.list_arguments(), location, ctx, dtype, "arguments")
    checked = list(grad_nodes) if grad_nodes is not None else list(arguments)
    _, out_shapes, _ = sym.infer_shape(**{name: value.shape for name, value in arguments.items()})
    weight = symbol.Variable("__random_proj")
    projected = symbol.sum(symbol.broadcast_mul(sym[0] if len(out_shapes) > 1 else sym, weight))
    everything = dict(arguments)
    everything["__random_proj"] = nd.array(np.random.rand(*out_shapes[0]) + 0.1, ctx=ctx,
                                           dtype=dtype)
    requests = {name: "write" if name in checked else "null" for name in everything}
    executor, _, gradients = _bound(projected, everything, aux_states, requests, ctx, dtype)
    auxiliary = {name: value.asnumpy() for name, value in executor.aux_dict.items()}
    executor.forward(is_train=True)
    executor.backward([nd.ones(executor.outputs[0].shape, ctx=ctx, dtype=dtype)])
    symbolic = {name: gradients[name].asnumpy() for name in checked}
    numeric = numeric_grad(executor, {name: arguments[name].asnumpy() for name in checked},
                           auxiliary, numeric_eps, use_forward_train, dtype)
    for name in checked:
        assert_almost_equal(numeric[name], symbolic[name], rtol, atol,
                            (f"NUMERICAL_{name}", f"BACKWARD_{name}"))


# ---- arrays and shapes ---------------------------------------------------------------------


def default_rtols():
    """The relative tolerance for each dtype."""
    return {np.dtype(name): value for name, value in _RTOL.items() if name != "bfloat16"}


def default_atols():
    """The absolute tolerance for each dtype."""
    return {np.dtype(name): value for name, value in _ATOL.items() if name != "bfloat16"}


def default_numeric_eps():
    """The step of finite differences for each dtype."""
    return {np.dtype("float16"): 2 ** -6, np.dtype("float32"): 2 ** -9, np.dtype("float64"): 2 ** -14}


def get_etol(etol=None):
    """The share of elements that may differ; none by default."""
    return 0 if etol is None else etol


def random_uniform_arrays(*shapes, **kwargs):
    """Uniform NumPy arrays of these shapes; `low`, `high` and `dtype` as keywords."""
    low, high = kwargs.pop("low", 0.0), kwargs.pop("high", 1.0)
    dtype = kwargs.pop("dtype", default_dtype())
    if kwargs:
        raise TypeError(f"Got unexpected argument/s : {sorted(kwargs)}")
    return [np.random.uniform(low, high, size=shape).astype(dtype) for shape in shapes]


def random_sample(population, k):
    """`k` distinct elements of a sequence, in random order."""
    population = list(population)
    assert 0 <= k <= len(population)
    return [population[i] for i in np.random.permutation(len(population))[:k]]


def create_vector(size, dtype=np.int64):
    """The array 0, 1, ... of `size` elements."""
    return nd.arange(0, size, dtype=dtype)


def create_2d_tensor(rows, columns, dtype=np.int64):
    """A matrix whose rows hold their number."""
    return nd.broadcast_to(nd.arange(0, rows, dtype=dtype).reshape((rows, 1)), shape=(rows, columns))


def rand_coord_2d(x_low, x_high, y_low, y_high):
    """Two random integers of `[x_low, x_high)` and `[y_low, y_high)`."""
    return np.random.randint(x_low, x_high, dtype=np.int64), \
        np.random.randint(y_low, y_high, dtype=np.int64)


def assign_each(the_input, function):
    """A NumPy array of `function` of each element; a copy without a function."""
    return np.array(the_input) if function is None else np.vectorize(function)(the_input)


def assign_each2(input1, input2, function):
    """A NumPy array of `function` of each pair of elements; a copy of the first without one."""
    return np.array(input1) if function is None else np.vectorize(function)(input1, input2)


def np_reduce(dat, axis, keepdims, numpy_reduce_func):
    """Apply a NumPy reduction over one axis, several or all."""
    if axis is None:
        axis = range(dat.ndim)
    axes = tuple(axis) if not isinstance(axis, int) else (axis,)
    result = dat
    for one in sorted(axes, reverse=True):
        result = numpy_reduce_func(result, axis=one)
    if keepdims:
        result = np.reshape(result, [1 if i in axes else n for i, n in enumerate(dat.shape)])
    return result


def collapse_sum_like(a, shape):
    """Sum an array over the axes that a `shape` was broadcast along."""
    assert len(a.shape) >= len(shape)
    if np.prod(shape) == 0 or a.size == 0:
        return np.zeros(shape, dtype=a.dtype)
    lead = a.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(lead + i for i, n in enumerate(shape) if n != a.shape[lead + i])
    return a.sum(axis=axes).reshape(shape)


# ---- comparison ----------------------------------------------------------------------------


def assert_almost_equal_ignore_nan(a, b, rtol=None, atol=None, names=("a", "b")):
    """`assert_almost_equal` where neither array is nan."""
    a, b = np.copy(_numpy(a)), np.copy(_numpy(b))
    either = np.isnan(a) | np.isnan(b)
    a[either] = b[either] = 0
    assert_almost_equal(a, b, rtol, atol, names)


def assert_almost_equal_with_err(a, b, rtol=None, atol=None, etol=None, names=("a", "b"),
                                 equal_nan=False, mismatches=(10, 10)):
    """`assert_almost_equal` that lets a share `etol` of the elements differ."""
    allowed = get_etol(etol)
    if not allowed:
        assert_almost_equal(a, b, rtol, atol, names, equal_nan)
        return
    x, y = _numpy(a), _numpy(b)
    close = np.isclose(x, y, get_rtol(rtol, x.dtype), get_atol(atol, x.dtype), equal_nan)
    differing = 1 - close.mean()
    assert differing <= allowed, \
        f"{differing:.2%} of the elements of {names[0]} and {names[1]} differ, {allowed:.2%} may"


def compare_ndarray_tuple(t1, t2, rtol=None, atol=None):
    """`assert_almost_equal` of arrays, or of nested tuples of them; None matches anything."""
    if t1 is None or t2 is None:
        return
    if isinstance(t1, tuple):
        for one, other in zip(t1, t2):
            compare_ndarray_tuple(one, other, rtol, atol)
    else:
        assert_almost_equal(t1, t2, rtol=rtol, atol=atol)


def compare_optimizer(opt1, opt2, shape, dtype, w_stype="default", g_stype="default", rtol=1e-4,
                      atol=1e-5, compare_states=True, ntensors=1):
    """Update random weights once with two optimizers; weights and states must agree."""
    shapes = shape if isinstance(shape, list) else [shape] * ntensors
    indices = list(range(len(shapes)))
    weights = [rand_ndarray(one, w_stype, density=1, dtype=dtype) for one in shapes]
    grads = [rand_ndarray(one, g_stype, density=.3, dtype=dtype) for one in shapes]
    results = []
    for optimizer in (opt1, opt2):
        copies = [weight.copy() for weight in weights]
        states = [optimizer.create_state_multi_precision(i, one) for i, one in zip(indices, copies)]
        for item in zip(indices, copies, [grad.copy() for grad in grads], states):
            optimizer.update_multi_precision(*item)
        results.append((copies, states))
    (weights1, states1), (weights2, states2) = results
    compare_ndarray_tuple(tuple(weights1), tuple(weights2), rtol, atol)
    if compare_states:
        compare_ndarray_tuple(tuple(states1), tuple(states2), rtol, atol)


def same_symbol_structure(sym1, sym2):
    """Whether two symbols have the same operators, connected in the same way."""
    def structure(sym):
        graph = json.loads(sym.tojson())
        return [(node["op"], node.get("inputs")) for node in graph["nodes"]], graph["heads"]
    return structure(sym1) == structure(sym2)


def check_consistency(sym, ctx_list, scale=1.0, grad_req="write", arg_params=None, aux_params=None,
                      rtol=None, atol=None, raise_on_err=True, ground_truth=None, equal_nan=False,
                      use_uniform=False, rand_type=np.float64):
    """Check that a symbol gives the same outputs and gradients on several devices and in several
    dtypes.

    Parameters
    ----------
    sym : Symbol or list of Symbol
    ctx_list : list of dict
        For each run, `ctx`, the shapes of the inputs, and optionally `type_dict`.
    scale : float
        Standard deviation (or bound, with `use_uniform`) of the random inputs.
    grad_req : str or dict
    arg_params, aux_params : dict of str to numpy.ndarray, optional
        Values of inputs that are not drawn.
    rtol, atol : float or dict of dtype to float, optional
    raise_on_err : bool
        Raise, or print the differences.
    ground_truth : dict of str to NDArray, optional
        What to compare with; by default the run in the widest dtype.

    Returns the outputs and gradients that were compared with.
    """
    runs = [dict(one) for one in ctx_list]
    syms = sym if isinstance(sym, (list, tuple)) else [sym] * len(runs)
    executors = []
    for one, options in zip(syms, runs):
        ctx, types = options.pop("ctx"), options.pop("type_dict", {})
        executors.append(one.simple_bind(ctx, grad_req=grad_req, type_dict=types, **options))
    values = {}
    for name, array in executors[0].arg_dict.items():
        drawn = np.random.uniform(-scale, scale, array.shape) if use_uniform else \
            np.random.normal(size=array.shape, scale=scale)
        values[name] = (arg_params or {}).get(name, drawn.astype(rand_type))
    for executor in executors:
        for name, array in executor.arg_dict.items():
            array[:] = np.asarray(values[name]).astype(array.dtype)
        for name, array in executor.aux_dict.items():
            array[:] = (aux_params or {}).get(name, 0)
    found = []
    training = any(one is not None for one in executors[0].grad_arrays)
    for executor in executors:
        executor.forward(is_train=training)
        if training:
            executor.backward([output.copy() for output in executor.outputs])
        arrays = dict(zip(executor._symbol.list_outputs(), executor.outputs))
        arrays.update({f"gradient of {k}": v for k, v in executor.grad_dict.items() if v is not None})
        found.append({name: array.asnumpy() for name, array in arrays.items()})
    dtypes = [np.dtype(executor.outputs[0].dtype) for executor in executors]
    truth = ground_truth
    if truth is None:
        truth = found[max(range(len(found)), key=lambda i: dtypes[i].itemsize)]
    for arrays, dtype in zip(found, dtypes):
        tolerances = [t.get(dtype) if isinstance(t, dict) else t for t in (rtol, atol)]
        relative = _RTOL[dtype.name] if tolerances[0] is None else tolerances[0]
        absolute = _RTOL[dtype.name] if tolerances[1] is None else tolerances[1]
        for name, array in arrays.items():
            try:
                assert_almost_equal(array, _numpy(truth[name]).astype(dtype), relative, absolute,
                                    (name, "ground truth"), equal_nan)
            except AssertionError as error:
                if raise_on_err:
                    raise
                print(f"{name} in {dtype}: {error}")
    return truth


def check_gluon_hybridize_consistency(net_builder, data_l, numpy_func=None, test_grad=True,
                                      rtol=1e-4, atol=1e-4):
    """Check that a block gives the same outputs and gradients hybridized and not.

    Parameters
    ----------
    net_builder : callable
        Makes the block; takes `params` to share parameters.
    data_l : list of NDArray
    numpy_func : callable, optional
        Gives the expected output from NumPy arrays.
    test_grad : bool
        Compare the gradients of the data and of the parameters too.
    """
    from . import autograd
    shared, results = None, []
    for hybridize in (False, True):
        net = net_builder(params=shared) if shared is not None else net_builder()
        if shared is None:
            net.initialize()
            shared = net.collect_params()
        if hybridize:
            net.hybridize()
        data = [one.copy() for one in data_l]
        for one in data:
            one.attach_grad()
        with autograd.record():
            out = net(*data)
        gradients = []
        if test_grad:
            out.backward(nd.ones(out.shape))
            gradients = [one.grad.asnumpy() for one in data]
            gradients += [p.grad().asnumpy() for p in net.collect_params().values()
                          if p.grad_req != "null"]
        results.append((out.asnumpy(), gradients))
    (plain, plain_gradients), (hybrid, hybrid_gradients) = results
    assert_almost_equal(plain, hybrid, rtol, atol)
    for one, other in zip(plain_gradients, hybrid_gradients):
        assert_almost_equal(one, other, rtol, atol)
    if numpy_func is not None:
        assert_almost_equal(numpy_func(*[one.asnumpy() for one in data_l]), hybrid, rtol, atol)


# ---- other -----------------------------------------------------------------------------------


class DummyIter:
    """An iterator that gives the first batch of another one again and again."""

    def __init__(self, real_iter):
        self.real_iter = real_iter
        self.provide_data = real_iter.provide_data
        self.provide_label = real_iter.provide_label
        self.batch_size = real_iter.batch_size
        self.the_batch = next(iter(real_iter))

    def __iter__(self):
        return self

    def next(self):
        """The batch."""
        return self.the_batch

    __next__ = next

    def reset(self):
        """Nothing to go back to."""


def getenv(name):
    """An environment variable, or None."""
    return os.environ.get(name)


def setenv(name, value):
    """Set an environment variable, or with None remove it."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


@contextlib.contextmanager
def environment(*args):
    """Environment variables inside a `with` block: `environment(name, value)` or
    `environment({name: value})`; None removes a variable."""
    if len(args) not in (1, 2):
        raise TypeError(f"environment() expects a dict or a name and a value, got {len(args)} arguments")
    wanted = args[0] if len(args) == 1 else {args[0]: args[1]}
    before = {name: os.environ.get(name) for name in wanted}
    try:
        for name, value in wanted.items():
            setenv(name, value)
        yield
    finally:
        for name, value in before.items():
            setenv(name, value)


@contextlib.contextmanager
def discard_stderr():
    """Send what is written to standard error inside a `with` block nowhere."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


def check_speed(sym, location=None, ctx=None, N=20, grad_req=None, typ="whole", **kwargs):
    """Seconds of one run of a symbol, the mean of `N`; `typ` is "whole" or "forward"."""
    if typ not in ("whole", "forward"):
        raise ValueError('typ can only be "whole" or "forward".')
    ctx = ctx or default_context()
    if location is None:
        executor = sym.simple_bind(ctx, grad_req=grad_req or "write", **kwargs)
        location = {name: np.random.normal(size=array.shape)
                    for name, array in executor.arg_dict.items()}
    else:
        shapes = {name: array.shape for name, array in location.items()}
        executor = sym.simple_bind(ctx, grad_req=grad_req or "write", **shapes)
    for name, values in location.items():
        executor.arg_dict[name][:] = values

    def run():
        executor.forward(is_train=typ == "whole")
        if typ == "whole":
            executor.backward(executor.outputs)
    run()
    nd.waitall()
    start = time.perf_counter()
    for _ in range(N):
        run()
    nd.waitall()
    return (time.perf_counter() - start) / N
