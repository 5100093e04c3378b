#!/usr/bin/env python3
"""Writes api/ops.json (what the operator registry declares) and tests/ops/reference_operators.tsv.

Usage: generate_api.py [--reference OPS_TSV]

The second file is the extract of a table of 1.9.1's operators (one row each: name, group, family,
aliases, inputs, parameters, ...) that holds only the operators that exist here; it is written only
when the table is given. Run it with the package installed; CI proves ops.json current."""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEYS = (
    "name", "aliases", "doc", "inputs", "variadic", "auxiliary", "parameters", "mutates", "group", "random",
    "training_dependent", "differentiable", "zero_gradient", "ignores_head_gradient", "pointwise",
    "inplace", "samples",
)  # fmt: skip


def plain(value):
    """Tuples as lists, so that text and memory compare equal."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value


def public_operators():
    from gemel import _core

    rows = [op for op in _core.list_operators() if not op["hidden"]]
    rows.sort(key=lambda op: op["name"])
    return [{key: plain(op[key]) for key in KEYS if key in op} for op in rows]


def ops_json(operators):
    """One operator a line: a change shows as the lines of the operators that changed."""
    lines = [json.dumps(op, ensure_ascii=False) for op in operators]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def extract(table, operators):
    names = {op["name"] for op in operators}
    header, *rows = table.read_text().splitlines()
    kept = []
    for row in rows:
        name, aliases = row.split("\t")[0], row.split("\t")[3].split(",")
        if name in names or names.intersection(aliases):
            kept.append(row)
    return "\n".join([header, *sorted(kept)]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, help="the table of 1.9.1's operators")
    options = parser.parse_args()
    operators = public_operators()
    (ROOT / "api").mkdir(exist_ok=True)
    (ROOT / "api/ops.json").write_text(ops_json(operators))
    print(f"api/ops.json: {len(operators)} operators", file=sys.stderr)
    if options.reference:
        text = extract(options.reference, operators)
        (ROOT / "tests/ops/reference_operators.tsv").write_text(text)
        print(f"reference_operators.tsv: {text.count(chr(10)) - 1} operators", file=sys.stderr)


if __name__ == "__main__":
    main()
