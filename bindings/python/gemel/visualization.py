"""Networks as pictures and as tables."""
import json
import re

from .symbol import Symbol

__all__ = ["plot_network", "print_summary"]

_COLORS = ("#8dd3c7", "#fb8072", "#ffffb3", "#bebada", "#80b1d3", "#fdb462", "#b3de69", "#fccde5")
_PARAMETER_ENDINGS = ("_weight", "_bias", "_gamma", "_beta")
_COLUMN = 28  # operators in a column of the picture of a large network
_HIDDEN_ENDINGS = _PARAMETER_ENDINGS + ("_moving_var", "_moving_mean", "_running_var",
                                        "_running_mean")


class _Digraph:
    """A directed graph in the language of Graphviz, with the part of `graphviz.Digraph`'s
    interface that drawing networks needs; `render` runs the program `dot`."""

    def __init__(self, name="plot", format="pdf"):  # pylint: disable=redefined-builtin
        self.name = name
        self.format = format
        self.filename = f"{name}.gv"
        self.body = []

    @staticmethod
    def _quote(text):
        text = str(text)
        if re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*|-?(\.\d+|\d+(\.\d*)?)", text):
            return text
        return '"' + text.replace('"', '\\"') + '"'

    def _attributes(self, label, attributes):
        pairs = [] if label is None else [("label", label)]
        pairs += sorted(attributes.items())
        return " [" + " ".join(f"{key}={self._quote(value)}" for key, value in pairs) + "]" \
            if pairs else ""

    def node(self, name, label=None, **attributes):
        """Add a node."""
        self.body.append(f"\t{self._quote(name)}{self._attributes(label, attributes)}")

    def edge(self, tail_name, head_name, label=None, **attributes):
        """Add an edge."""
        self.body.append(f"\t{self._quote(tail_name)} -> {self._quote(head_name)}"
                         f"{self._attributes(label, attributes)}")

    @property
    def source(self):
        """The text of the graph."""
        return "\n".join([f"digraph {self._quote(self.name)} {{", *self.body, "}"])

    def __str__(self):
        return self.source

    def save(self, filename=None):
        """Write the text; returns the path."""
        path = filename or self.filename
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(self.source + "\n")
        return path

    def pipe(self, format=None):  # pylint: disable=redefined-builtin
        """The picture as bytes; `FileNotFoundError` where Graphviz is not installed."""
        import subprocess
        return subprocess.run(["dot", f"-T{format or self.format}"], input=self.source.encode(),
                              stdout=subprocess.PIPE, check=True).stdout

    def render(self, filename=None, view=False, cleanup=False,
               format=None):  # pylint: disable=redefined-builtin
        """Write the text and the picture beside it; returns the picture's path."""
        import os
        path = self.save(filename)
        picture = f"{path}.{format or self.format}"
        data = self.pipe(format)
        with open(picture, "wb") as stream:
            stream.write(data)
        if cleanup:
            os.remove(path)
        return picture

    def _repr_svg_(self):
        return self.pipe("svg").decode()


def _new_digraph(name, save_format):
    try:
        from graphviz import Digraph
    except ImportError:
        return _Digraph(name=name, format=save_format)
    return Digraph(name=name, format=save_format)


def _numbers(text):
    return re.findall(r"\d+", text)


def _style(node):
    """`(label, colour)` of an operator's node."""
    operator, attributes, name = node["op"], node.get("attrs") or {}, node["name"]
    if operator == "Convolution":
        kernel = "x".join(_numbers(attributes["kernel"]))
        stride = "x".join(_numbers(attributes["stride"])) if "stride" in attributes else "1"
        return f"Convolution\n{kernel}/{stride or '1'}, {attributes['num_filter']}", _COLORS[1]
    if operator == "FullyConnected":
        return f"FullyConnected\n{attributes['num_hidden']}", _COLORS[1]
    if operator == "BatchNorm":
        return name, _COLORS[3]
    if operator == "Activation":
        return f"Activation\n{attributes.get('act_type', '')}", _COLORS[2]
    if operator == "LeakyReLU":
        kind = attributes.get("act_type", "Leaky")
        return f"LeakyReLU\n{kind}", _COLORS[2]
    if operator == "Pooling":
        kernel = "x".join(_numbers(attributes.get("kernel", "")))
        stride = "x".join(_numbers(attributes["stride"])) if "stride" in attributes else "1"
        return f"Pooling\n{attributes.get('pool_type', 'max')}, {kernel}/{stride}", _COLORS[4]
    if operator in ("Concat", "Flatten", "Reshape"):
        return name, _COLORS[5]
    if operator == "Softmax":
        return name, _COLORS[6]
    return name, _COLORS[7]


def _internal_shapes(symbol, shape):
    internals = symbol.get_internals()
    _, outputs, _ = internals.infer_shape(**shape)
    if outputs is None:
        raise ValueError("Input shape is incomplete")
    return dict(zip(internals.list_outputs(), outputs))


def _shape_of(shapes, node, index=0):
    name = node["name"]
    for key in (name, f"{name}_output", f"{name}_output{index}"):
        if key in shapes:
            return shapes[key]
    return None


def plot_network(symbol, title="plot", save_format="pdf", shape=None, dtype=None, node_attrs={},
                 hide_weights=True):
    """Draw a network.

    Parameters
    ----------
    symbol : Symbol
        Anything else raises `TypeError`.
    title, save_format : str
        Name of the picture and its format.
    shape : dict of str to tuple, optional
        Input shapes; the edges then show shapes (without the batch axis).
    dtype : dict, optional
        Input types; makes no difference to the picture.
    node_attrs : dict
        Graphviz attributes of all nodes.
    hide_weights : bool
        Leave parameters out.

    Returns a `graphviz.Digraph`, or where that package is missing an object like it: `source`,
    `save`, `render`.
    """
    if not isinstance(symbol, Symbol):
        raise TypeError("symbol must be a Symbol")
    shapes = _internal_shapes(symbol, shape) if shape is not None else {}
    nodes = json.loads(symbol.tojson())["nodes"]
    if len(nodes) != len({node["name"] for node in nodes}):
        import warnings
        warnings.warn("There are multiple variables with the same name in your graph, "
                      "this may result in cyclic graph. Repeated names", RuntimeWarning)
    # The width and height are the least ones: a long name widens its box.
    common = {"shape": "box", "fixedsize": "false", "width": "1.3", "height": "0.8034",
              "style": "filled"}
    common.update(node_attrs)
    graph = _new_digraph(title, save_format)
    hidden = set()
    for node in nodes:
        attributes = dict(common)
        name = node["name"]
        if node["op"] == "null":
            if name.endswith(_HIDDEN_ENDINGS):
                if hide_weights:
                    hidden.add(name)
                    continue
            attributes.setdefault("shape", "oval")
            if "shape" not in node_attrs:
                attributes["shape"] = "oval"
            label, colour = name, _COLORS[0]
        else:
            label, colour = _style(node)
        attributes["fillcolor"] = colour
        graph.node(name=name, label=label, **attributes)
    columns = _columns(nodes)
    for node in nodes:
        if node["op"] == "null":
            continue
        for source, index, *_ in node["inputs"]:
            origin = nodes[source]
            if origin["name"] in hidden:
                continue
            label = ""
            found = _shape_of(shapes, origin, index)
            if found is not None:
                label = "x".join(str(size) for size in found[1:])
            # An edge to another column does not push the rest of the network down.
            apart = columns[origin["name"]] != columns[node["name"]]
            graph.edge(tail_name=node["name"], head_name=origin["name"], label=label, dir="back",
                       arrowtail="open", **({"constraint": "false"} if apart else {}))
    return graph


def _columns(nodes):
    """The column of each node: a network of more than a page stands in several, side by side."""
    operators = sum(node["op"] != "null" for node in nodes)
    count = max(1, round(operators / _COLUMN))
    columns, passed = {}, 0
    for node in nodes:
        columns[node["name"]] = passed * count // max(operators, 1)
        passed += node["op"] != "null"
    return columns


def _parameter_count(node, nodes, shapes):
    attributes = node.get("attrs") or {}
    if shapes:
        count = 0
        for source, *_ in node["inputs"]:
            origin = nodes[source]
            if origin["op"] == "null" and origin["name"].endswith(_PARAMETER_ENDINGS):
                size = 1
                for extent in shapes[origin["name"]]:
                    size *= extent
                count += size
        return count
    # Without shapes only the biases are known.
    if attributes.get("no_bias", "False") in ("False", "0"):
        if node["op"] == "Convolution":
            return int(attributes["num_filter"])
        if node["op"] == "FullyConnected":
            return int(attributes["num_hidden"])
    return 0


def print_summary(symbol, shape=None, line_length=120, positions=[.44, .64, .74, 1.]):
    """Print a table of the layers: name, output shape, number of parameters, inputs.

    Parameters
    ----------
    symbol : Symbol
        Anything else raises `TypeError`.
    shape : dict of str to tuple, optional
        Input shapes; without them neither shapes nor parameters are known.
    line_length : int
    positions : list of float
        Where the columns end, in characters, or as parts of the line where the last is at most 1.
    """
    if not isinstance(symbol, Symbol):
        raise TypeError("symbol must be Symbol")
    shapes = _internal_shapes(symbol, shape) if shape is not None else {}
    nodes = json.loads(symbol.tojson())["nodes"]
    if positions[-1] <= 1:
        positions = [int(line_length * position) for position in positions]

    def row(fields):
        line = ""
        for field, position in zip(fields, positions):
            line = (line + str(field))[:position]
            line += " " * (position - len(line))
        print(line)

    print("_" * line_length)
    row(["Layer (type)", "Output Shape", "Param #", "Previous Layer"])
    print("=" * line_length)
    total = 0
    shown = [i for i, node in enumerate(nodes) if node["op"] != "null" or i == 0]
    for i in shown:
        node = nodes[i]
        previous = []
        for source, *_ in node["inputs"]:
            origin = nodes[source]
            if origin["op"] != "null" or source == 0:
                previous.append(origin["name"])
        found = _shape_of(shapes, node)
        text = "x".join(str(size) for size in found[1:]) if found is not None else ""
        count = _parameter_count(node, nodes, shapes) if node["op"] != "null" else 0
        total += count
        row([f"{node['name']}({node['op']})", text, count, previous[0] if previous else ""])
        for name in previous[1:]:
            row(["", "", "", name])
        print(("=" if i == shown[-1] else "_") * line_length)
    print(f"Total params: {total}")
    print("_" * line_length)
