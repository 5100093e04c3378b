"""Gradients against finite differences, through autograd and through an executor."""

import numpy as np
import pytest

import gemel as mx
from harness import calls, inputs
from harness.cases import array_of, cases, dtype_name, numpy_of
from harness.compare import assert_close
from harness.exceptions import excused

MOST_DIRECTIONS = 12


def has_finite_difference(op):
    loss = op.get("ignores_head_gradient", False)
    return op["differentiable"] and not (calls.draws(op) or op["mutates"] or loss)


DIFFERENTIABLE = cases(has_finite_difference)
RECORDABLE = cases(lambda op: op["differentiable"] and not calls.draws(op) and not op["mutates"])


def floating_types(case):
    """float64 where the operator has it, with the step and tolerance that go with the type."""
    for dtype, step, tolerance in (("float64", 1e-5, 1e-5), ("float32", 1e-2, 3e-2)):
        dtypes = case.dtypes(dtype)
        # The coarsest type among the inputs says how far a difference can be trusted.
        if dtypes is not None and not {"float16", "float32"} & set(dtypes) - {dtype}:
            return dtypes, step, tolerance
    pytest.skip("no floating type")


def training_forward(case, arrays):
    with mx.autograd.train_mode():
        return [numpy_of(output).astype(np.float64) for output in case.call(arrays)]


def autograd_gradients(case, dtypes, numbers, heads, request="write", runs=1):
    arrays = [array_of(n, d) for n, d in zip(numbers, dtypes)]
    for array in arrays:
        array.attach_grad(grad_req=request)
    for _ in range(runs):
        with mx.autograd.record():
            outputs = case.call(arrays)
        given = [mx.nd.array(h, dtype=o.dtype) for h, o in zip(heads, outputs)]
        mx.autograd.backward(outputs, given)
    return [numpy_of(array.grad) for array in arrays]


def executor_gradients(case, dtypes, numbers, heads, request="write", runs=1):
    symbol = calls.symbolic(mx, case.name, len(numbers), case.attributes)
    arrays = {f"x{i}": array_of(n, d) for i, (n, d) in enumerate(zip(numbers, dtypes))}
    arguments = {name: arrays[name] for name in symbol.list_arguments()}
    gradients = {name: mx.nd.zeros(a.shape, dtype=a.dtype) for name, a in arguments.items()}
    auxiliary = {name: arrays[name] for name in symbol.list_auxiliary_states()}
    executor = symbol.bind(mx.cpu(), arguments, gradients, request, auxiliary)
    for _ in range(runs):
        outputs = executor.forward(is_train=True)
        executor.backward([mx.nd.array(h, dtype=o.dtype) for h, o in zip(heads, outputs)])
    return {int(name[1:]): numpy_of(gradient) for name, gradient in gradients.items()}


def directions(case, position, shape):
    """Unit vectors of a small input; of a large one a few, and random directions through all of it."""
    size = int(np.prod(shape))
    if size <= MOST_DIRECTIONS:
        return [unit.reshape(shape) for unit in np.eye(size)]
    numbers = inputs.generator(case.name, case.index, f"direction{position}")
    some = [
        np.eye(1, size, k).reshape(shape) for k in numbers.permutation(size)[: MOST_DIRECTIONS - 2]
    ]
    return some + [numbers.uniform(-1, 1, shape) for _ in range(2)]


def auxiliary_positions(case):
    symbol = calls.symbolic(mx, case.name, len(case.shapes), case.attributes)
    return {int(name[1:]) for name in symbol.list_auxiliary_states()}


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)
def test_finite_difference(case):
    if excused("finite difference", case):
        pytest.skip(excused("finite difference", case))
    dtypes, step, tolerance = floating_types(case)
    numbers = case.numbers(dtypes)
    plain = case.call([array_of(n, d) for n, d in zip(numbers, dtypes)])
    if not all(dtype_name(output).startswith("float") for output in plain):
        pytest.skip("the output is no real number")
    heads = case.heads([output.shape for output in plain])
    analytic = autograd_gradients(case, dtypes, numbers, heads)

    def loss(changed):
        outputs = training_forward(case, [array_of(n, d) for n, d in zip(changed, dtypes)])
        return sum(float((head * output).sum()) for head, output in zip(heads, outputs))

    for position in sorted(set(range(len(numbers))) - auxiliary_positions(case)):
        if dtypes[position] not in inputs.FLOATS:
            continue
        for direction in directions(case, position, case.shapes[position]):
            ends = []
            for sign in (1, -1):
                moved = list(numbers)
                moved[position] = numbers[position] + sign * step * direction
                ends.append(loss(moved))
            numeric = (ends[0] - ends[1]) / (2 * step)
            exact = float((analytic[position] * direction).sum())
            allowed = tolerance * max(1.0, abs(numeric), abs(exact))
            assert abs(numeric - exact) <= allowed, (
                f"input {position}: finite difference {numeric}, gradient {exact}, {direction}"
            )


@pytest.mark.parametrize("case", RECORDABLE, ids=str)
def test_executor_gradient(case):
    """An executor gives autograd's gradients; grad_req="add" adds, with both."""
    if excused("executor", case):
        pytest.skip(excused("executor", case))
    dtypes, _, _ = floating_types(case)
    numbers = case.numbers(dtypes)
    with mx.autograd.train_mode():
        plain = case.call([array_of(n, d) for n, d in zip(numbers, dtypes)])
    heads = case.heads([output.shape for output in plain])
    once = autograd_gradients(case, dtypes, numbers, heads)
    bound = executor_gradients(case, dtypes, numbers, heads)
    for position, gradient in bound.items():
        assert_close(gradient, once[position], dtypes[position], f"gradient of input {position}")
    if excused("add", case):
        return
    twice = autograd_gradients(case, dtypes, numbers, heads, "add", 2)
    bound_twice = executor_gradients(case, dtypes, numbers, heads, "add", 2)
    for position, gradient in bound_twice.items():
        what = f"twice the gradient of input {position}"
        assert_close(twice[position], 2 * once[position], dtypes[position], what)
        assert_close(gradient, 2 * once[position], dtypes[position], what + " (executor)")


@pytest.mark.parametrize("case", RECORDABLE, ids=str)
def test_executor_forward(case):
    """An executor gives the values of the imperative call, in both modes."""
    if excused("executor", case):
        pytest.skip(excused("executor", case))
    dtypes = case.dtypes("float32")
    symbol = calls.symbolic(mx, case.name, len(case.shapes), case.attributes)
    for training in (False, True):
        arrays = {f"x{i}": a for i, a in enumerate(case.arrays(dtypes))}
        arguments = {name: arrays[name] for name in symbol.list_arguments()}
        auxiliary = {name: arrays[name] for name in symbol.list_auxiliary_states()}
        executor = symbol.bind(mx.cpu(), arguments, None, "null", auxiliary)
        outputs = executor.forward(is_train=training)
        fresh = case.arrays(dtypes)
        if training:
            expected = training_forward(case, fresh)
        else:
            expected = [numpy_of(output) for output in case.call(fresh)]
        for position, output in enumerate(outputs):
            assert_close(numpy_of(output), expected[position], "float32", f"output {position}")
