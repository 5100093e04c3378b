"""What symbols list and files count, for every operator: recorded from 1.9.1.

The record is made by tools/record_symbol_outputs.py. Only operators that exist here are compared.
"""
import json
import pathlib
import re

import pytest
from gemel import _core

_RECORD = pathlib.Path(__file__).parent / "expected/symbol_outputs.json"
_NAMES = set(_core.operator_names())
# 1.9.1 calls every array of a group "weight_0" in these, or takes the states for auxiliary.
_ODD = re.compile("(preloaded_|_)?multi_.*_update")
_ROWS = [row for row in json.loads(_RECORD.read_text())
         if row["operator"] in _NAMES and not _ODD.fullmatch(row["operator"])]


def _title(row):
    return "-".join([row["operator"], *row["attributes"].values()])


@pytest.mark.parametrize("row", _ROWS, ids=_title)
def test_operator_lists_what_mxnet_lists(row):
    symbol = _core.operator_function(row["operator"], True)(name="node", **row["attributes"])
    assert symbol.list_arguments() == row["arguments"]
    assert symbol.list_auxiliary_states() == row["states"]
    assert symbol.list_outputs() == row["outputs"]
    graph = json.loads(symbol.tojson())
    index = [node["name"] for node in graph["nodes"]].index("node")
    assert graph["node_row_ptr"][index + 1] - graph["node_row_ptr"][index] == row["stored"]


def test_the_record_covers_the_operators_here():
    assert len(_ROWS) > 150
    assert {"Dropout", "BatchNorm", "Pooling"} <= {row["operator"] for row in _ROWS}
