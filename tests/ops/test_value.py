"""Values: every operator in every type against its reference implementation, sizes, views."""

import numpy as np
import pytest

import gemel as mx
from harness import calls, inputs, variants
from harness.cases import Case, OPERATORS, array_of, cases, dtype_name, expected_table, numpy_of
from harness.compare import assert_close
from harness.exceptions import excused

EXACT = cases(lambda op: not calls.draws(op))
# Their shape comes from `out` alone: tests/conformance/test_internal_operators.py.
WITHOUT_SAMPLE = {"_set_value"}


@pytest.mark.parametrize("op", [op["name"] for op in OPERATORS if op["name"] not in WITHOUT_SAMPLE])
def test_samples(op):
    assert cases(lambda row: row["name"] == op), f"{op} declares no sample: nothing would test it"


def judged(case, numbers, dtypes):
    """The reference's results, from float64 arithmetic where the operator has it."""
    wide = ["float64" if dtype in inputs.FLOATS else dtype for dtype in dtypes]
    arrays = [array_of(n, d) for n, d in zip(numbers, wide)]
    try:
        return [numpy_of(o) for o in case.reference(arrays)], [numpy_of(a) for a in arrays]
    except (mx.base.MXNetError, TypeError):
        arrays = [array_of(n, d) for n, d in zip(numbers, dtypes)]
        return [numpy_of(o) for o in case.reference(arrays)], [numpy_of(a) for a in arrays]


def check_value(case, dtypes, shapes=None):
    numbers = case.numbers(dtypes, shapes)
    arrays = [array_of(n, d) for n, d in zip(numbers, dtypes)]
    outputs = case.call(arrays)
    expected, after = judged(case, numbers, dtypes)
    assert len(expected) >= len(outputs)
    for position, output in enumerate(outputs):
        assert_close(numpy_of(output), expected[position], dtype_name(output), f"output {position}")
    for position in case.op["mutates"]:
        assert_close(
            numpy_of(arrays[position]), after[position], dtypes[position], f"input {position}"
        )
    for position in set(range(len(arrays))) - set(case.op["mutates"]):
        same = np.array_equal(numpy_of(arrays[position]), numbers[position], equal_nan=True)
        assert same, f"input {position} was changed"


@pytest.mark.parametrize("dtype", inputs.DTYPES)
@pytest.mark.parametrize("case", EXACT, ids=str)
def test_value(case, dtype):
    dtypes = case.dtypes(dtype) or [dtype] * len(case.shapes)
    try:
        outputs = case.call(case.arrays(dtypes))
    except (mx.base.MXNetError, TypeError) as error:
        # Which types have to be taken is for test_expected_dtypes; a refusal has to say what it is.
        message = str(error)
        required = dtype in ("float32", "float64") and not excused(f"dtype {dtype}", case)
        assert not required, message
        assert case.name in message and dtype in message, message
        return
    assert outputs or case.op["mutates"]
    check_value(case, dtypes)


@pytest.mark.parametrize("case", [c for c in EXACT if not c.op["mutates"]], ids=str)
def test_size(case):
    """Size 1, odd and empty extents, wherever 1.9.1 takes them."""
    recorded = expected_table(case, "shapes")
    dtypes = case.dtypes("float32")
    with mx.util.np_shape(True):
        for name, shapes in variants.size_variants(case.shapes):
            if excused("size", case) or excused(f"size {name}", case):
                continue
            if recorded.get(name) is not None:
                check_value(case, dtypes, shapes)


def framed(array):
    """A view of the array's values inside a larger array, and that larger array."""
    frame = mx.nd.full((array.shape[0] + 2, *array.shape[1:]), 77, dtype=array.dtype)
    view = frame[1:-1]
    view[:] = array
    return view, frame


@pytest.mark.parametrize("case", [c for c in EXACT if c.shapes and not c.op["mutates"]], ids=str)
def test_view(case):
    """Slices of larger arrays as inputs and as output give the same bits and stay in their bounds."""
    dtypes = case.dtypes("float32")
    plain = case.call(case.arrays(dtypes))
    arrays = [framed(array)[0] if array.shape else array for array in case.arrays(dtypes)]
    viewed = case.call(arrays)
    for position, (view, whole) in enumerate(zip(viewed, plain)):
        assert_close(numpy_of(view), numpy_of(whole), dtype_name(whole), f"output {position}")
    if len(plain) > 1 or not plain[0].shape or not plain[0].shape[0]:
        return
    target, frame = framed(mx.nd.zeros(plain[0].shape, dtype=plain[0].dtype))
    case.call(case.arrays(dtypes), out=target)
    around = numpy_of(frame)
    assert_close(around[1:-1], numpy_of(plain[0]), dtype_name(plain[0]), "output slice")
    edges = np.unique(np.stack([around[0], around[-1]]))
    assert list(edges) == [77], f"{case} wrote outside its output"


@pytest.mark.parametrize("case", [c for c in EXACT if c.shapes and not c.op["mutates"]], ids=str)
def test_inner_slice(case):
    """The same with slices that cut the last axis, whose rows do not follow each other in memory."""
    dtypes = case.dtypes("float32")
    plain = case.call(case.arrays(dtypes))
    arrays = []
    for array in case.arrays(dtypes):
        if array.shape:
            frame = mx.nd.full((*array.shape[:-1], array.shape[-1] + 3), 77, dtype=array.dtype)
            rest = (slice(None),) * (len(array.shape) - 1)
            frame[(*rest, slice(1, -2))] = array
            array = frame[(*rest, slice(1, -2))]
        arrays.append(array)
    for position, (view, whole) in enumerate(zip(case.call(arrays), plain)):
        assert_close(numpy_of(view), numpy_of(whole), dtype_name(whole), f"output {position}")


@pytest.mark.parametrize("case", [c for c in EXACT if c.shapes and not c.op["mutates"]], ids=str)
def test_out_is_input(case):
    """`out=` one of the inputs: the right result, or an error that names the operator."""
    dtypes = case.dtypes("float32")
    plain = case.call(case.arrays(dtypes))
    if len(plain) > 1:
        pytest.skip("several outputs")
    pairs = {source for source, target in case.op["inplace"] if target == 0}
    for position in range(len(case.shapes)):
        arrays = case.arrays(dtypes)
        target = arrays[position]
        if target.shape != plain[0].shape or target.dtype != plain[0].dtype:
            continue
        try:
            case.call(arrays, out=target)
            result = numpy_of(target)
        except mx.base.MXNetError as error:
            assert case.name in str(error) and position not in pairs
            continue
        assert_close(result, numpy_of(plain[0]), dtypes[position], f"in place of input {position}")


@pytest.mark.parametrize("case", cases(calls.draws), ids=str)
def test_random_repeats(case: Case):
    """The same seed gives the same numbers; going on gives others."""
    dtypes = case.dtypes("float32")

    def drawn():
        with mx.autograd.train_mode():
            return [numpy_of(output) for output in case.call(case.arrays(dtypes))]

    mx.random.seed(7)
    first, later = drawn(), [drawn() for _ in range(8)]  # an image is flipped or it is not
    mx.random.seed(7)
    again = drawn()
    for a, b in zip(first, again):
        assert np.array_equal(a, b)
    assert not all(np.array_equal(a, b) for other in later for a, b in zip(first, other))
