"""api/ops.json is current; names, inputs and parameters are those of 1.9.1."""

import importlib.util
from pathlib import Path

import pytest

from harness.cases import OPERATORS
from harness.declarations import DIFFERENCES, reference_rows, same_default, same_type

ROOT = Path(__file__).resolve().parents[2]
ROWS = reference_rows(Path(__file__).parent / "reference_operators.tsv")


def test_ops_json_is_current():
    spec = importlib.util.spec_from_file_location("generate_api", ROOT / "tools/generate_api.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    current = tool.ops_json(tool.public_operators())
    committed = (ROOT / "api/ops.json").read_text()
    assert committed == current, "run tools/generate_api.py"


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op["name"])
def test_declaration(op):
    """Aliases, inputs, parameters, their types and defaults against 1.9.1's declaration."""
    excused = DIFFERENCES.get(op["name"], {})
    row = ROWS.get(op["name"])
    if row is None:
        assert "operator" in excused, f"{op['name']} is not in 1.9.1 under that name"
        return
    differences = {}
    # The names of the numpy front end and of sparse arrays come with those.
    mainstream = {a for a in row.aliases if not a.startswith(("_np", "_sparse_"))}
    missing = mainstream - set(op["aliases"])
    if missing:
        differences["aliases"] = f"lacks {sorted(missing)}"
    ours = {parameter["name"]: parameter for parameter in op["parameters"]}
    for name, (type_text, default) in row.parameters.items():
        if name not in ours:
            differences[name] = "lacking"
        elif not same_type(ours[name]["type"], type_text):
            differences[name] = f"type {ours[name]['type']}, 1.9.1 has {type_text}"
        elif not same_default(ours[name]["default"], default):
            differences[name] = f"default {ours[name]['default']!r}, 1.9.1 has {default!r}"
    for name in set(ours) - set(row.parameters):
        differences[name] = "not in 1.9.1"
    if op["inputs"] is not None and row.arguments:
        names = [name for name in op["inputs"] if name not in op["auxiliary"]]
        if names != row.arguments:
            differences["inputs"] = f"{names}, 1.9.1 has {row.arguments}"
    unexplained = {k: v for k, v in differences.items() if k not in excused}
    assert not unexplained, unexplained
    stale = set(excused) - set(differences)
    assert not stale, f"no difference any more: {stale}"
