"""The JSON of symbols: what 1.9.1 writes is read, and what is written is 1.9.1's form."""

import json

import pytest

import gemel as mx


def network():
    data = mx.sym.Variable("data", lr_mult=0.5)
    conv = mx.sym.Convolution(
        data, name="conv", kernel=(3, 3), num_filter=4, attr={"__mark__": "yes"}
    )
    norm = mx.sym.BatchNorm(conv, name="bn", fix_gamma=False)
    parts = mx.sym.SliceChannel(norm, num_outputs=2, name="parts")
    return mx.sym.Group([parts[1] + parts[0], mx.sym.exp(parts[0], name="e")])


def test_round_trip():
    net = network()
    back = mx.sym.load_json(net.tojson())
    assert back.tojson() == net.tojson()
    assert back.list_arguments() == net.list_arguments()
    assert back.list_auxiliary_states() == ["bn_moving_mean", "bn_moving_var"]
    assert back.attr_dict() == net.attr_dict()


def test_form():
    graph = json.loads(network().tojson())
    assert sorted(graph) == ["arg_nodes", "attrs", "heads", "node_row_ptr", "nodes"]
    assert graph["attrs"] == {"mxnet_version": ["int", 10901]}
    conv = next(node for node in graph["nodes"] if node["name"] == "conv")
    assert conv["op"] == "Convolution"
    assert conv["attrs"]["kernel"] == "(3, 3)" and conv["attrs"]["num_filter"] == "4"
    assert conv["inputs"] == [[0, 0, 0], [1, 0, 0], [2, 0, 0]]
    assert graph["nodes"][0]["op"] == "null"
    assert [graph["nodes"][i]["name"] for i in graph["arg_nodes"]][:2] == ["data", "conv_weight"]


def test_save_and_load(tmp_path):
    path = str(tmp_path / "net-symbol.json")
    network().save(path)
    assert mx.sym.load(path).list_arguments() == network().list_arguments()
    assert mx.sym.load(path).list_outputs()[1] == "e_output"


# 1.9.1's text for FullyConnected(var("x"), num_hidden=2, name="fc").
REFERENCE = r"""{
  "nodes": [
    {
      "op": "null", 
      "name": "x", 
      "inputs": []
    }, 
    {
      "op": "null", 
      "name": "fc_weight", 
      "attrs": {"num_hidden": "2"}, 
      "inputs": []
    }, 
    {
      "op": "null", 
      "name": "fc_bias", 
      "attrs": {"num_hidden": "2"}, 
      "inputs": []
    }, 
    {
      "op": "FullyConnected", 
      "name": "fc", 
      "attrs": {"num_hidden": "2"}, 
      "inputs": [[0, 0, 0], [1, 0, 0], [2, 0, 0]]
    }
  ], 
  "arg_nodes": [0, 1, 2], 
  "node_row_ptr": [0, 1, 2, 3, 4], 
  "heads": [[3, 0, 0]], 
  "attrs": {"mxnet_version": ["int", 10901]}
}"""


def test_text_is_that_of_1_9_1():
    net = mx.sym.FullyConnected(mx.sym.var("x"), num_hidden=2, name="fc")
    assert net.tojson() == REFERENCE


def test_old_form_with_param():
    """Files before 1.0 say "param" where later ones say "attrs", and keep hidden keys bare."""
    text = {
        "nodes": [
            {
                "op": "null",
                "param": {},
                "name": "x",
                "inputs": [],
                "backward_source_id": -1,
                "attr": {"lr_mult": "0.2"},
            },
            {
                "op": "null",
                "param": {},
                "name": "fc_weight",
                "inputs": [],
                "backward_source_id": -1,
            },
            {"op": "null", "param": {}, "name": "fc_bias", "inputs": [], "backward_source_id": -1},
            {
                "op": "FullyConnected",
                "param": {"no_bias": "False", "num_hidden": "2"},
                "name": "fc",
                "inputs": [[0, 0], [1, 0], [2, 0]],
                "backward_source_id": -1,
            },
        ],
        "arg_nodes": [0, 1, 2],
        "heads": [[3, 0]],
    }
    net = mx.sym.load_json(json.dumps(text))
    assert net.list_arguments() == ["x", "fc_weight", "fc_bias"]
    assert net.infer_shape(x=(3, 5))[1] == [(3, 2)]
    assert net.attr_dict()["x"]["__lr_mult__"] == "0.2"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"nodes": 3}', '{"nodes": [], "arg_nodes": [], "heads": [[0, 0, 0]]}'],
)
def test_damaged(text):
    with pytest.raises(mx.base.MXNetError):
        mx.sym.load_json(text)


def test_cycle_and_forward_reference():
    node = {"op": "exp", "name": "a", "inputs": [[1, 0, 0]]}
    other = {"op": "exp", "name": "b", "inputs": [[0, 0, 0]]}
    with pytest.raises(mx.base.MXNetError):
        mx.sym.load_json(
            json.dumps({"nodes": [node, other], "arg_nodes": [], "heads": [[1, 0, 0]]})
        )
