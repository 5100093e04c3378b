"""Bad calls end in an exception that names the operator, what was expected and what came."""

import pytest

import gemel as mx
from harness import calls
from harness.cases import OPERATORS, Case, cases

FIRST = [case for case in cases() if case.index == 0]
ERRORS = (mx.base.MXNetError, TypeError, ValueError)


def message_of(case, arrays, attributes):
    with pytest.raises(ERRORS) as caught:
        for output in calls.imperative(mx, case.name, arrays, attributes):
            output.wait_to_read()
    return str(caught.value)


def float_arrays(case: Case):
    return case.arrays(case.dtypes("float32"))


def fixed_inputs(case):
    return case.shapes and len(case.op["inputs"] or ()) == len(case.shapes)


@pytest.mark.parametrize("case", [c for c in FIRST if fixed_inputs(c)], ids=str)
def test_too_few_inputs(case):
    message = message_of(case, float_arrays(case)[:-1], case.attributes)
    assert case.name in message, message
    assert str(len(case.shapes)) in message and str(len(case.shapes) - 1) in message, message


@pytest.mark.parametrize("case", [c for c in FIRST if c.op["parameters"]], ids=str)
def test_unknown_parameter(case):
    """An operator without parameters ignores what it is given, as 1.9.1 does."""
    attributes = {**case.attributes, "no_such_parameter": "1"}
    message = message_of(case, float_arrays(case), attributes)
    assert case.name in message, message
    assert "no_such_parameter" in message, message


def is_text(parameter):
    return parameter["type"].startswith("string")


@pytest.mark.parametrize("case", [c for c in FIRST if c.op["parameters"]], ids=str)
def test_wrong_parameter_value(case):
    """Every parameter that is not free text refuses nonsense and names itself and the value."""
    for parameter in case.op["parameters"]:
        if is_text(parameter) or parameter["name"] in ("num_args", "ctx"):
            continue
        attributes = {**case.attributes, parameter["name"]: "nonsense!"}
        message = message_of(case, float_arrays(case), attributes)
        for part in (case.name, parameter["name"], "nonsense!"):
            assert part in message, f"{part} is not in: {message}"


@pytest.mark.parametrize("case", FIRST, ids=str)
def test_missing_parameter(case):
    for parameter in case.op["parameters"]:
        if parameter["default"] is not None or parameter["name"] == "num_args":
            continue
        attributes = {k: v for k, v in case.attributes.items() if k != parameter["name"]}
        message = message_of(case, float_arrays(case), attributes)
        assert case.name in message and parameter["name"] in message, message


@pytest.mark.parametrize("case", [c for c in FIRST if fixed_inputs(c)], ids=str)
def test_input_is_no_array(case):
    arrays = [object(), *float_arrays(case)[1:]]
    message = message_of(case, arrays, case.attributes)
    assert "object" in message, message


@pytest.mark.parametrize("name", ["Convolutoin", "no_such_operator"])
def test_unknown_operator(name):
    """A graph that names an operator that is not there: the message says which."""
    variable = '{"op": "null", "name": "x", "inputs": []}'
    node = '{"op": "%s", "name": "y", "inputs": [[0, 0, 0]]}' % name
    text = '{"nodes": [%s, %s], "arg_nodes": [0], "heads": [[1, 0, 0]]}' % (variable, node)
    with pytest.raises(mx.base.MXNetError) as caught:
        mx.sym.load_json(text)
    assert name in str(caught.value)


def test_every_operator_is_documented():
    bare = [op["name"] for op in OPERATORS if not op["doc"].strip()]
    assert not bare
