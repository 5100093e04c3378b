"""Loops and conditions on arrays: `mx.nd.contrib.foreach`, `while_loop` and `cond`.

They are Python loops; inside `autograd.record()` they are recorded like any other code.
"""
from ..nested import flatten, regroup
from .ndarray import NDArray

__all__ = ["foreach", "while_loop", "cond"]


def _flatten(value, what):
    return flatten(value, NDArray, "NDArray", what)


def _scalar(value, kind, what):
    try:
        return kind(value.asscalar() if hasattr(value, "asscalar") else value)
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"{what} should be convertible to {kind.__name__}") from error


def _stacked(columns):
    from . import op
    return [op.stack(*rows, axis=0) for rows in columns]


def foreach(body, data, init_states):
    """Call `body(row, states) -> (outputs, new states)` on every row of `data`, along axis 0.

    `data` and `init_states` are arrays or nested lists of arrays. Returns the stacked outputs and the
    last states, nested as `body` returned them.
    """
    flat, form = _flatten(data, "foreach input")
    _flatten(init_states, "foreach states")
    states, rows, output_form = init_states, [], None
    for i in range(flat[0].shape[0]):
        outputs, states = body(regroup([one[i] for one in flat], form), states)
        outputs, output_form = _flatten(outputs, "foreach output")
        rows.append(outputs)
    if not rows:
        return [], states
    return regroup(_stacked(zip(*rows)), output_form), states


def while_loop(cond, func, loop_vars, max_iterations=None):
    """Call `func(*loop_vars) -> (outputs, new loop_vars)` as long as `cond(*loop_vars)` holds.

    Returns the stacked outputs, with zeros in the rows up to `max_iterations` that were not reached
    (an empty list when there was no iteration), and the last loop variables.
    """
    from . import concat, zeros
    if max_iterations is None:
        raise ValueError("max_iterations should be specified")
    max_iterations = _scalar(max_iterations, int, "max_iterations")
    flat, form = _flatten(loop_vars, "while loop_vars")
    if not flat:
        raise ValueError("loop_vars should contain at least one element")

    def call(function):
        nested = regroup(flat, form)
        return function(*nested) if isinstance(nested, list) else function(nested)

    rows, output_form = [], []
    while len(rows) < max_iterations and _scalar(call(cond), bool, "Return value of cond"):
        outputs, new_vars = call(func)
        outputs, output_form = _flatten([] if outputs is None else outputs, "while output")
        new_vars, new_form = _flatten(new_vars, "while loop_vars")
        if len(new_vars) != len(flat):
            raise ValueError("The length of loop_vars should be consistent during the loop")
        if new_form != form:
            raise ValueError("The input and output loop_vars have different format")
        if rows and len(outputs) != len(rows[0]):
            raise ValueError("Number of elements in step_output should be the same in each step")
        flat = new_vars
        rows.append(outputs)
    stacked = _stacked(zip(*rows))
    missing = max_iterations - len(rows)
    if missing:
        stacked = [concat(one, zeros((missing, *one.shape[1:]), ctx=one.context, dtype=one.dtype), dim=0)
                   for one in stacked]
    outputs = regroup(stacked, output_form) if rows else []
    return outputs, regroup(flat, form)


def cond(pred, then_func, else_func):
    """`then_func()` where the number `pred` is not zero, else `else_func()`."""
    return then_func() if _scalar(pred, bool, "pred") else else_func()
