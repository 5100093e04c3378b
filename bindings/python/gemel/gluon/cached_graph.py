"""A traced graph that is called with a block's arguments, and nested arguments as flat lists."""
import warnings

from .. import _core
from ..ndarray import NDArray
from ..symbol import Symbol
from . import parameter as parameter_module
from .watched_graph import WatchedGraph

__all__ = ["CachedGraph", "flatten", "regroup"]


def flatten(args, what):
    """A flat list of arrays from nested lists, and the format to nest it again.

    The format of an array is 0, of None -1, of a symbol with n > 1 outputs n, of a list a list.
    """
    if isinstance(args, NDArray):
        return [args], 0
    if isinstance(args, Symbol):
        length = len(args.list_outputs())
        return [args], length if length > 1 else 0
    if args is None:
        return [None], -1
    if not isinstance(args, (list, tuple)):
        raise ValueError(f"When hybridized, the {what} of HybridBlock must be (nested) list of "
                         f"Symbol or NDArray, but got {args} of type {type(args)}")
    flat, formats = [], []
    for one in args:
        part, own = flatten(one, what)
        flat.extend(part)
        formats.append(own)
    return flat, formats


def regroup(flat, form):
    """Undo `flatten`; returns the nested value and what is left of `flat`."""
    if isinstance(form, int):
        if form in (0, -1):
            return flat[0], flat[1:]
        return flat[:form], flat[form:]
    result = []
    for own in form:
        value, flat = regroup(flat, own)
        result.append(value)
    return result, flat


class CachedGraph:
    """A traced graph with its inputs in order: arrays of parameters, and places for data."""

    __slots__ = ("op", "symbol", "params", "positions", "single", "single_out", "in_format",
                 "out_format", "names", "_templates", "_generation")

    def __init__(self, inputs, output, flags, params, in_format, out_format, hook=None):
        self.symbol = output
        self.op = _core.CachedOp(output, flags) if hook is None else \
            WatchedGraph(output, flags, *hook)
        self.in_format, self.out_format = in_format, out_format
        data = {one.name: i for i, one in enumerate(inputs)}
        self.names = output.list_inputs()
        self.positions = []  # (place among the graph's inputs, number of the flat input)
        self.params = []  # (place, parameter)
        used = set()
        for place, name in enumerate(self.names):
            if name in data:
                self.positions.append((place, data[name]))
                used.add(name)
            else:
                self.params.append((place, params[name]))
        unused = [name for name in data if name not in used]
        if unused:
            warnings.warn(f"Input {', '.join(unused)} to HybridBlock is not used by any "
                          "computation. Is this intended?", stacklevel=6)
        self.single = self.positions[0][0] if len(self.positions) == 1 and len(inputs) == 1 \
            and in_format == [0] else None
        self.single_out = out_format == 0
        self._templates = {}
        self._generation = -1

    def _template(self, ctx):
        """The inputs with the parameters' arrays filled in."""
        if self._generation != parameter_module.generation[0]:
            self._templates.clear()
            self._generation = parameter_module.generation[0]
        template = self._templates.get(ctx)
        if template is None:
            template = [None] * len(self.names)
            for place, one in self.params:
                template[place] = one.data(ctx)
            # Finishing a deferred initialisation counts as a change, too.
            if self._generation == parameter_module.generation[0]:
                self._templates[ctx] = template
        return template

    def __call__(self, args):
        flat = args
        if self.single is not None and len(args) == 1 and isinstance(args[0], NDArray):
            inputs = self._template(args[0].context).copy()
            inputs[self.single] = args[0]
        else:
            flat, form = flatten(args, "input")
            form = form if len(form) else [0]
            if form != self.in_format:
                flat, form = self._without_missing(flat, form)
            if form != self.in_format:
                raise ValueError("The argument structure of HybridBlock does not match the cached "
                                 f"version. Stored format = {self.in_format}, "
                                 f"input format = {form}")
            ctx = next(one for one in flat if one is not None).context
            inputs = self._template(ctx).copy()
            for place, i in self.positions:
                inputs[place] = flat[i]
        out = self.op(*inputs)
        if isinstance(out, NDArray):
            out = [out]
        if self.single_out:
            return out[0]
        return regroup(out, self.out_format)[0]

    def _without_missing(self, flat, form):
        """Trailing inputs that are None are as good as not given."""
        while form and form[-1] == -1 and len(form) > len(self.in_format):
            flat, form = flat[:-1], form[:-1]
        while len(form) < len(self.in_format) and self.in_format[len(form)] == -1:
            flat, form = flat + [None], form + [-1]
        return flat, form
