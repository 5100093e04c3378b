"""Helpers of tests: comparison of arrays, random arrays, and checks of gradients."""
import functools

import numpy as np

from . import ndarray as nd
from .context import Context, current_context, num_gpus
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
