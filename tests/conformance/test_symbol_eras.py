"""Symbol files of older versions, read as 1.9.1 reads them (recorded from it), and damaged ones."""
import copy
import json
import pathlib

import gemel as mx
import pytest

_ERAS = json.loads((pathlib.Path(__file__).parent / "expected/symbol_eras.json").read_text())


@pytest.mark.parametrize("era", _ERAS, ids=lambda era: era["title"])
def test_older_files_become_current_ones(era):
    symbol = mx.sym.load_json(json.dumps(era["file"]))
    assert symbol.list_arguments() == era["arguments"]
    assert symbol.list_auxiliary_states() == era["states"]
    assert symbol.attr_dict() == era["attributes"]
    graph = json.loads(symbol.tojson())
    nodes = [[node["op"], node["name"], node.get("attrs", {}), node["inputs"]] for node in graph["nodes"]]
    assert nodes == era["nodes"]
    assert graph["heads"] == era["heads"]
    assert mx.sym.load_json(symbol.tojson()).tojson() == symbol.tojson()


def _file():
    return json.loads(mx.sym.FullyConnected(mx.sym.var("x"), num_hidden=2, name="fc").tojson())


def _damaged(change):
    graph = copy.deepcopy(_file())
    change(graph)
    with pytest.raises(mx.MXNetError) as caught:
        mx.sym.load_json(json.dumps(graph))
    return str(caught.value)


def test_damaged_files_are_errors_that_say_where():
    def operator(graph):
        graph["nodes"][3]["op"] = "NoSuchOperator"

    def index(graph):
        graph["nodes"][3]["inputs"][0][0] = 99

    def output(graph):
        graph["heads"] = [[3, 7, 0]]

    def cycle(graph):
        graph["nodes"][3]["inputs"][0][0] = 3

    def parameter(graph):
        graph["nodes"][3]["attrs"]["num_hiden"] = "3"

    def key(graph):
        graph["nodes"][3]["surprise"] = 1
    text = _damaged(operator)
    assert "fc" in text and "NoSuchOperator" in text
    assert "99" in _damaged(index)
    assert "output 7" in _damaged(output)
    assert "cycle" in _damaged(cycle)
    assert "num_hiden" in _damaged(parameter)
    assert "surprise" in _damaged(key)
    for text in ("", "[]", "{", '{"nodes": []}', "null"):
        with pytest.raises(mx.MXNetError, match="symbol file"):
            mx.sym.load_json(text)


def test_attributes_of_any_name_between_underscores_are_kept():
    graph = _file()
    graph["nodes"][3]["attrs"]["__mine__"] = "1"
    symbol = mx.sym.load_json(json.dumps(graph))
    assert symbol.attr("__mine__") == "1"
    assert json.loads(symbol.tojson())["nodes"][3]["attrs"]["__mine__"] == "1"
