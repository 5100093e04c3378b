"""Second derivatives: of a weighted sum of the first gradients, against their finite differences."""

import numpy as np
import pytest

import gemel as mx
from harness import inputs
from harness.cases import array_of, dtype_name, numpy_of
from harness.exceptions import excused
from test_gradient import DIFFERENTIABLE, auxiliary_positions, directions, floating_types

MOST_DIRECTIONS = 5
# As in 1.9.1, these say so when a gradient of theirs is differentiated.
ONCE = {
    "RNN": "cells that are unrolled are differentiable twice",
    "ROIPooling": "a second derivative of positions that are chosen by size is of little use",
    "Correlation": "its gradient has kernels of its own",
    "BilinearSampler": "its gradient has kernels of its own",
    "SpatialTransformer": "its gradient is that of BilinearSampler",
}


class Gradients:
    """The first gradients of a sample, weighted and summed, as a function of its inputs."""

    def __init__(self, case, dtypes, numbers):
        self.case, self.dtypes = case, dtypes
        plain = case.call([array_of(n, d) for n, d in zip(numbers, dtypes)])
        if not all(dtype_name(output).startswith("float") for output in plain):
            pytest.skip("the output is no real number")
        self.heads = case.heads([output.shape for output in plain])
        auxiliary = auxiliary_positions(case)
        self.wanted = [
            i for i, d in enumerate(dtypes) if i not in auxiliary and d in inputs.FLOATS
        ]
        draw = inputs.generator(case.name, case.index, "second")
        self.weights = {i: draw.uniform(-1, 1, case.shapes[i]) for i in self.wanted}

    def first(self, arrays, create_graph):
        outputs = self.case.call(arrays)
        heads = [mx.nd.array(h, dtype=o.dtype) for h, o in zip(self.heads, outputs)]
        variables = [arrays[i] for i in self.wanted]
        return mx.autograd.grad(
            outputs, variables, heads, create_graph=create_graph, retain_graph=create_graph
        )

    def value(self, numbers):
        arrays = [array_of(n, d) for n, d in zip(numbers, self.dtypes)]
        for array in arrays:
            array.attach_grad()
        with mx.autograd.record():
            gradients = self.first(arrays, False)
        return sum(
            float((numpy_of(g).astype(np.float64) * self.weights[i]).sum())
            for g, i in zip(gradients, self.wanted)
        )

    def gradient(self, numbers):
        """Zeros where the first gradients depend on no input."""
        arrays = [array_of(n, d) for n, d in zip(numbers, self.dtypes)]
        for array in arrays:
            array.attach_grad()
        with mx.autograd.record():
            gradients = self.first(arrays, True)
            # (x * 0) makes the sum depend on an input where all gradients are constants.
            total = (arrays[self.wanted[0]] * 0).sum()
            for g, i in zip(gradients, self.wanted):
                weight = mx.nd.array(self.weights[i], dtype=g.dtype)
                total = total + (g * weight).sum().astype(total.dtype)
        total.backward()
        return {i: numpy_of(arrays[i].grad) for i in self.wanted}


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)
def test_second_difference(case):
    if excused("finite difference", case):
        pytest.skip(excused("finite difference", case))
    dtypes, step, tolerance = floating_types(case)
    numbers = case.numbers(dtypes)
    gradients = Gradients(case, dtypes, numbers)
    if case.name in ONCE:
        with pytest.raises(mx.base.MXNetError, match="cannot be differentiated again"):
            gradients.gradient(numbers)
        return
    second = gradients.gradient(numbers)
    for position in gradients.wanted:
        for direction in directions(case, position, case.shapes[position])[-MOST_DIRECTIONS:]:
            ends = []
            for sign in (1, -1):
                moved = list(numbers)
                moved[position] = numbers[position] + sign * step * direction
                ends.append(gradients.value(moved))
            numeric = (ends[0] - ends[1]) / (2 * step)
            exact = float((second[position] * direction).sum())
            allowed = 2 * tolerance * max(1.0, abs(numeric), abs(exact))
            assert abs(numeric - exact) <= allowed, (
                f"input {position}: finite difference {numeric}, second gradient {exact}"
            )
