"""Against what 1.9.1 gave for the same numbers (tools/record_expectations.py)."""

import pytest

import gemel as mx
from harness import calls, inputs, variants
from harness.cases import cases, dtype_name, expected_table, expected_values, numpy_of
from harness.compare import assert_close
from harness.exceptions import excused

RECORDED = cases(lambda op: not calls.draws(op))


def compare(case, kind, arrays):
    for position, value in expected_values(case, kind).items():
        assert_close(numpy_of(arrays[position]), value, "float32", f"{kind} {position}")


@pytest.mark.parametrize("case", RECORDED, ids=str)
def test_expected_value(case):
    if excused("value", case):
        pytest.skip(excused("value", case))
    assert any(expected_values(case, kind) for kind in ("predict", "mutated")), "nothing recorded: run tools/record_expectations.py"
    arrays = case.arrays(case.dtypes("float32") or ["float32"] * len(case.shapes))
    compare(case, "predict", case.call(arrays))
    compare(case, "mutated", arrays)


@pytest.mark.parametrize("case", [c for c in RECORDED if not c.op["mutates"]], ids=str)
def test_expected_training(case):
    """Outputs in train mode, and the gradients of all inputs for drawn head gradients."""
    if excused("gradient", case):
        pytest.skip(excused("gradient", case))
    arrays = case.arrays(case.dtypes("float32") or ["float32"] * len(case.shapes))
    for array in arrays:
        array.attach_grad()
    with mx.autograd.record():
        outputs = case.call(arrays)
    compare(case, "train" if expected_values(case, "train") else "predict", outputs)
    gradients = expected_values(case, "grad")
    if not case.op["differentiable"] or not case.shapes:
        return
    assert gradients, "nothing recorded: run tools/record_expectations.py"
    heads = [
        mx.nd.array(h, dtype=o.dtype)
        for h, o in zip(case.heads([o.shape for o in outputs]), outputs)
    ]
    mx.autograd.backward(outputs, heads)
    compare(case, "grad", [array.grad for array in arrays])


@pytest.mark.parametrize("case", [c for c in RECORDED if not c.op["mutates"]], ids=str)
def test_expected_dtypes(case):
    """Every type that 1.9.1 takes is taken, with outputs of the same types."""
    refused = []
    for dtype, outputs in expected_table(case, "dtypes").items():
        if excused(f"dtype {dtype}", case):
            continue
        dtypes = case.dtypes(dtype) or [dtype] * len(case.shapes)
        try:
            arrays = [mx.nd.ones(shape, dtype=d) for shape, d in zip(case.shapes, dtypes)]
            found = [dtype_name(output) for output in case.call(arrays)]
        except (mx.base.MXNetError, TypeError) as error:
            found = f"{type(error).__name__}: {str(error)[:120]}"
        if found != outputs:
            refused.append(f"{dtype}: expected {outputs}, got {found}")
    assert not refused, "\n".join(refused)


@pytest.mark.parametrize("case", [c for c in RECORDED if not c.op["mutates"]], ids=str)
def test_expected_shapes(case):
    """Shape inference of other input shapes: the same answer, or a refusal where 1.9.1 refuses."""
    wrong = []
    for name, shapes in variants.all_variants(case.shapes):
        recorded = expected_table(case, "shapes")
        if (
            name not in recorded
            or excused(f"shape {name}", case)
            or excused("shape", case)
        ):
            continue
        with mx.util.np_shape(True):
            found = calls.infer_shapes(mx, case.name, case.attributes, shapes)
        if found != recorded[name]:
            wrong.append(f"{name} {shapes}: expected {recorded[name]}, got {found}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("case", RECORDED, ids=str)
def test_wrong_shape_message(case):
    """A call with shapes that 1.9.1 refuses raises at once, with operator and sizes in the message."""
    recorded = expected_table(case, "shapes")
    for name, shapes in variants.damaged_variants(case.shapes):
        if (
            recorded.get(name, 0) is not None
            or excused("shape", case)
            or excused(f"shape {name}", case)
        ):
            continue
        arrays = case.arrays(case.dtypes("float32"), shapes)
        with pytest.raises(mx.base.MXNetError) as caught:
            case.call(arrays)
        message = str(caught.value)
        assert case.name in message, message
        assert "expected" in message and "got" in message, message
        sizes = {str(size) for shape in shapes for size in (*shape, len(shape))}
        assert any(size in message for size in sizes), message


def test_draws_are_stable():
    """The recorder and the tests draw the same numbers only as long as these stay."""
    drawn = inputs.draw("exp", 0, {"low": -2, "high": 2}, [(2, 2)])[0]
    assert drawn[0].tolist() == [0.6821808762150532, -0.6601923199538722]
