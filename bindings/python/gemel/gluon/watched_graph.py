"""A graph that shows every value in it to a function; used where `register_op_hook` was called."""
import json

from .. import _core, symbol
from ..ndarray import NDArray

__all__ = ["WatchedGraph"]


def _input_names():
    """{operator: names of its inputs}, under all its names."""
    return {name: one["inputs"] or () for one in _core.list_operators()
            for name in (one["name"], *one["aliases"])}


class WatchedGraph:
    """Called like a `CachedOp`: it computes all values inside as outputs and hands them on.

    Parameters
    ----------
    output : Symbol
    flags : dict
    callback : callable
        Gets the name of the value, the name of its operator (both bytes), and the array.
    monitor_all : bool
        Whether each operator's inputs are shown before its outputs.
    """

    def __init__(self, output, flags, callback, monitor_all):
        self._callback = callback
        self._heads = len(output.list_outputs())
        self._inputs = {name: i for i, name in enumerate(output.list_inputs())}
        nodes = json.loads(output.tojson())["nodes"]
        internals = output.get_internals()
        values, places = [], {}  # places: name of a node -> numbers of its outputs among the values
        for i, name in enumerate(internals.list_outputs()):
            if internals[i].name not in self._inputs:
                places.setdefault(internals[i].name, []).append((len(values), name))
                values.append(internals[i])
        input_names = _input_names() if monitor_all else {}
        self._shown = []  # (name, operator, is it an input of the graph, its number)
        for node in nodes:
            if node["op"] == "null":
                continue
            operator = node["op"].encode()
            if monitor_all:
                for k, (source, index, *_) in enumerate(node["inputs"]):
                    own = input_names.get(node["op"], ())
                    name = f"{node['name']}_{own[k] if k < len(own) else f'arg{k}'}".encode()
                    given = nodes[source]["name"]
                    if nodes[source]["op"] == "null":
                        self._shown.append((name, operator, True, self._inputs[given]))
                    else:
                        self._shown.append((name, operator, False, places[given][index][0]))
            for place, name in places.get(node["name"], ()):
                self._shown.append((name.encode(), operator, False, place))
        self._op = _core.CachedOp(symbol.Group([output, *values]), flags)

    def __call__(self, *inputs):
        values = self._op(*inputs)
        values = [values] if isinstance(values, NDArray) else values
        for name, operator, is_input, place in self._shown:
            self._callback(name, operator,
                           inputs[place] if is_input else values[self._heads + place])
        return values[:self._heads]
