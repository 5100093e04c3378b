"""Loops and conditions in graphs: `mx.sym.contrib.foreach`, `while_loop` and `cond`.

The user's functions are called once, on symbols. What they make becomes a graph of its own inside one
node; what they use from around becomes an input of that node.
"""
from .. import _core
from .._core import Symbol
from ..attribute import AttrScope
from ..name import NameManager
from ..nested import flatten, regroup
from .symbol import Group, var

__all__ = ["foreach", "while_loop", "cond"]

_scope_counts = {}


def _scope_name(name):
    """A new name for a subgraph, that begins with the names of those around it."""
    outer = AttrScope.current._attr.get("__subgraph_name__", "")
    full = f"{outer}${name}" if outer else name
    count = _scope_counts.get(full, 0)
    _scope_counts[full] = count + 1
    return f"{full}{count}"


def _flatten(value, what):
    return flatten(value, Symbol, "Symbol", what)


def _stand_in(symbol):
    """The variable that stands for one of the loop's values inside its body."""
    return var(f"{symbol.name}-{symbol._output_index()}")


def _own_outputs(outputs, scope):
    """The outputs of a subgraph; what was not computed in it is copied, so that it has a node there."""
    identity = _core.operator_function("identity", True)
    return [one if one.attr("__subgraph_name__") == scope and not one._is_variable() else identity(one)
            for one in outputs]


def _index_of(symbol, symbols):
    for i, other in enumerate(symbols):
        if symbol._is_same(other):
            return i
    return -1


class _Inputs:
    """The inputs of a control flow node, each once."""

    def __init__(self):
        self.symbols = []
        self._keys = []

    def place(self, symbol, key=None):
        """The number of an input; `key` tells loop variables from what has the same value at first."""
        for i, (other, own) in enumerate(zip(self.symbols, self._keys)):
            if key == own and (key is not None or symbol._is_same(other)):
                return i
        self.symbols.append(symbol)
        self._keys.append(key)
        return len(self.symbols) - 1


def _create(op, graphs, inputs, **attributes):
    attributes = {key: str(value) for key, value in attributes.items()}
    attributes["num_args"] = str(len(inputs) + len(graphs))
    name = NameManager.current.get(None, op)
    attributes.update(AttrScope.current.get(None))
    return _core.create_with_subgraphs(op, name, attributes, inputs, graphs)


def foreach(body, data, init_states, name="foreach"):
    """Call `body` on every row of `data`, with states that flow from row to row.

    Parameters
    ----------
    body : function (data, states) -> (outputs, new states)
        Called once, on symbols nested like `data` and `init_states`.
    data : Symbol or nested list of Symbol
        Iterated over along axis 0.
    init_states : Symbol or nested list of Symbol
    name : str
        What the names of the subgraph start with.

    Returns
    -------
    outputs, states
        The outputs of all iterations stacked along a new axis 0, and the last states; nested as `body`
        returned them.
    """
    flat_data, data_form = _flatten(data, "foreach input")
    flat_states, state_form = _flatten(init_states, "foreach states")
    scope = _scope_name(name)
    with AttrScope(__subgraph_name__=scope):
        data_inside = [_stand_in(one) for one in flat_data]
        states_inside = [_stand_in(one) for one in flat_states]
        outputs, states = body(regroup(data_inside, data_form), regroup(states_inside, state_form))
        flat_outputs, output_form = _flatten(outputs, "foreach output")
        new_states, new_form = _flatten(states, "foreach loop_vars")
        if new_form != state_form:
            raise AssertionError("The input and output loop_vars have different format")
        heads = _own_outputs(flat_outputs + new_states, scope)
    graph, outside = _core.cut_subgraph(Group(heads), scope)
    data_locations = [_index_of(one, outside) for one in data_inside]
    if -1 in data_locations:
        raise AssertionError("the data arrays have to be used in the loop body")
    state_locations = [_index_of(one, outside) for one in states_inside]
    if -1 in state_locations:
        raise AssertionError("the state arrays have to be used in the loop body")
    used = set(data_locations) | set(state_locations)
    others = [i for i in range(len(outside)) if i not in used]
    node = _create("_foreach", [graph], flat_data + flat_states + [outside[i] for i in others],
                   num_outputs=len(heads), num_out_data=len(flat_outputs), in_data_locs=data_locations,
                   in_state_locs=state_locations, remain_locs=others)
    results = [node[i] for i in range(len(heads))]
    count = len(flat_outputs)
    return regroup(results[:count], output_form), regroup(results[count:], state_form)


def while_loop(cond, func, loop_vars, max_iterations=None, name="while_loop"):
    """Call `func` as long as `cond` holds, at most `max_iterations` times.

    Parameters
    ----------
    cond : function (*loop_vars) -> Symbol of one number
    func : function (*loop_vars) -> (outputs, new loop_vars)
    loop_vars : Symbol or nested list of Symbol
    max_iterations : int
        The outputs have that many rows; those that were not reached hold zeros.
    name : str
        What the names of the subgraphs start with.

    Returns
    -------
    outputs, loop_vars
        The stacked outputs and the last loop variables.
    """
    if max_iterations is None:
        raise ValueError("max_iterations should be specified")
    try:
        max_iterations = int(max_iterations)
    except (TypeError, ValueError) as error:
        raise ValueError("max_iterations must be convertible to int") from error
    flat, form = _flatten(loop_vars, "while loop_vars")
    if not flat:
        raise ValueError("loop_vars should contain at least one element")

    def trace(function, scope, with_states):
        with AttrScope(__subgraph_name__=scope):
            inside = [_stand_in(one) for one in flat]
            nested = regroup(inside, form)
            result = function(*nested) if isinstance(nested, (list, tuple)) else function(nested)
            if not with_states:
                heads, output_form, count = [result], None, 0
            else:
                outputs, states = result
                outputs, output_form = _flatten([] if outputs is None else outputs, "while output")
                states, new_form = _flatten(states, "while loop_vars")
                if len(states) != len(flat):
                    raise ValueError("The number of loop_vars should be consistent during the loop")
                if new_form != form:
                    raise ValueError("The input and output loop_vars have different format")
                heads, count = outputs + states, len(outputs)
            heads = _own_outputs(heads, scope)
        graph, outside = _core.cut_subgraph(Group(heads), scope)
        return inside, graph, outside, output_form, count

    tested, condition, condition_outside, _, _ = trace(cond, _scope_name(name + "_cond"), False)
    inside, body, outside, output_form, count = trace(func, _scope_name(name + "_func"), True)
    inputs = _Inputs()

    def places(variables, symbols):
        found = []
        for one in symbols:
            which = _index_of(one, variables)
            found.append(inputs.place(flat[which], which) if which >= 0 else inputs.place(one))
        return found

    condition_places = places(tested, condition_outside)
    body_places = places(inside, outside)
    variable_places = [_index_of(one, outside) for one in inside]
    if -1 in variable_places:
        raise ValueError(f"The {variable_places.index(-1)}-th loop_var doesn't involve into the computation")
    total = count + len(flat)
    node = _create("_while_loop", [condition, body], inputs.symbols, max_iterations=max_iterations,
                   cond_input_locs=condition_places, func_input_locs=body_places,
                   func_var_locs=variable_places, num_out_data=count, num_outputs=total)
    results = [node[i] for i in range(total)]
    return regroup(results[:count], output_form), regroup(results[count:], form)


def cond(pred, then_func, else_func, name="cond"):
    """The outputs of `then_func` where `pred` is not zero, else those of `else_func`.

    Parameters
    ----------
    pred : Symbol of one number
    then_func, else_func : function () -> Symbol or nested list of Symbol
        Both are called once; they give equally many outputs, of the same shapes and types.
    name : str
        What the names of the subgraphs start with.
    """
    def trace(function, scope):
        with AttrScope(__subgraph_name__=scope):
            flat, form = _flatten(function(), "cond outputs")
            flat = _own_outputs(flat, scope)
        return _core.cut_subgraph(Group(flat), scope), form, len(flat)

    (condition, condition_outside), _, _ = trace(lambda: pred, _scope_name(name + "_pred"))
    (first, first_outside), form, count = trace(then_func, _scope_name(name + "_then"))
    (second, second_outside), _, other = trace(else_func, _scope_name(name + "_else"))
    if count != other:
        raise ValueError("Number of outputs differs between then-branch and else-branch")
    inputs = _Inputs()
    node = _create("_cond", [condition, first, second], inputs.symbols,
                   cond_input_locs=[inputs.place(one) for one in condition_outside],
                   then_input_locs=[inputs.place(one) for one in first_outside],
                   else_input_locs=[inputs.place(one) for one in second_outside], num_outputs=count)
    return regroup([node[i] for i in range(count)], form)
