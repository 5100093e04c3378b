"""Who owns each byte of a plan over time: as text and as a picture."""
from collections import namedtuple

from .base import MXNetError
from .memory_picture import svg_of

__all__ = ["MemoryExplanation", "MemoryUse", "explain"]

MemoryUse = namedtuple("MemoryUse", "owner operator bytes offset begin end stage workspace")
MemoryUse.__doc__ = """A value's (or a kernel's workspace's) place in the arena.

`owner` is the step that makes it and `operator` that step's operator; it has `bytes` bytes from
`offset` on, from step `begin` to step `end` (both included). `stage` is 0 if only the forward pass
uses it, 1 if the backward pass does.
"""

COLUMNS, ROWS = 72, 12


def _amount(count):
    """Bytes in MB (2^20) or KB, three digits."""
    return f"{count / 2**20:.1f} MB" if count >= 2**20 / 10 else f"{count / 2**10:.1f} KB"


def _live_bytes(uses, steps):
    """Occupied bytes of the arena during each step; what is written over its input counts once."""
    starting, live, active = [[] for _ in range(steps)], [], []
    for use in uses:
        starting[use.begin].append(use)
    for step in range(steps):
        active = [use for use in active if use.end >= step] + starting[step]
        top = total = 0
        for use in sorted(active, key=lambda one: one.offset):
            end = use.offset + use.bytes
            total += max(0, end - max(top, use.offset))
            top = max(top, end)
        live.append(total)
    return live


class MemoryExplanation:
    """What `explain` returns.

    Attributes
    ----------
    uses : list of MemoryUse
        In the order in which they are made.
    steps : list of str
        Names of the plan's steps, in their order.
    live : list of int
        Bytes in use during each step.
    bytes : int
        The arena's size.
    peak : int
        The step during which most bytes are in use.
    """

    def __init__(self, uses, steps):
        self.uses, self.steps = [MemoryUse(*use) for use in uses if use[2] > 0], steps
        self.live = _live_bytes(self.uses, len(steps))
        self.bytes = max((use.offset + use.bytes for use in self.uses), default=0)
        self.peak = max(range(len(steps)), key=self.live.__getitem__) if steps else 0

    def owners(self, step=None):
        """The uses during a step (the peak, if None), the largest first."""
        step = self.peak if step is None else step
        return sorted((use for use in self.uses if use.begin <= step <= use.end),
                      key=lambda use: -use.bytes)

    def svg(self):
        """The picture: steps from left to right, the arena's bytes from bottom to top."""
        return svg_of(self)

    _repr_svg_ = svg

    def save(self, filename):
        """Write the picture to an .svg file."""
        if not str(filename).endswith(".svg"):
            raise ValueError(f"[memory.explain] expected the name of an .svg file, got '{filename}'")
        with open(filename, "w", encoding="utf-8") as file:
            file.write(self.svg())

    def _chart(self):
        """Bytes in use over the steps, as rows of text."""
        if not self.steps or not self.bytes:
            return
        columns = min(COLUMNS, len(self.steps))
        parts = [range(column * len(self.steps) // columns, (column + 1) * len(self.steps) // columns)
                 for column in range(columns)]
        most = [max(self.live[step] for step in part) for part in parts]
        for row in range(ROWS, 0, -1):
            scale = f"{_amount(self.bytes * row / ROWS):>10} |" if row % 3 == 0 else " " * 11 + "|"
            filled = [min(8, max(0, round((one / self.bytes * ROWS - row + 1) * 8))) for one in most]
            yield (scale + "".join(" ▁▂▃▄▅▆▇█"[eighths] for eighths in filled)).rstrip()
        peak = next(column for column, part in enumerate(parts) if self.peak in part)
        yield " " * 11 + "+" + "-" * peak + "^" + "-" * (columns - peak - 1)

    def lines(self, top=10):
        """The text of `explain`, line by line."""
        if not self.steps:
            yield "The plan has no steps."
            return
        yield from self._chart()
        yield (f"{_amount(self.bytes)} in {len(self.steps)} steps; most in use: "
               f"{_amount(self.live[self.peak])} during step {self.peak}, '{self.steps[self.peak]}':")
        owners = self.owners()
        for use in owners[:top]:
            what = f"workspace of {use.operator}" if use.workspace else use.operator
            until = "" if use.end == use.begin else f" to {use.end} '{self.steps[use.end]}'"
            yield (f"  {_amount(use.bytes):>10}  {use.owner}  ({what}), steps {use.begin}{until}, "
                   f"at {_amount(use.offset)}")
        if len(owners) > top:
            yield f"  {_amount(sum(use.bytes for use in owners[top:])):>10}  in {len(owners) - top} others"

    def __str__(self):
        return "\n".join(self.lines())


def _memory_of(owner):
    """(uses, steps) of what has a plan: an executor, a module or a hybridized block."""
    cached = getattr(owner, "_cached", None)
    if cached is not None:
        return getattr(cached.op, "_memory_uses", None)
    group = getattr(owner, "_exec_group", None)
    for holder in (owner, *getattr(group, "execs", ())):
        core = getattr(holder, "_core", None)
        if core is not None:
            return core._memory_uses
    inner = getattr(owner, "_curr_module", None)
    return _memory_of(inner) if inner is not None else getattr(owner, "_memory_uses", None)


def explain(owner, filename=None, top=10):
    """Print and draw who owns each byte of a plan's memory over time.

    Parameters
    ----------
    owner : Executor, Module or hybridized Block
        A module must be bound (its first device's executor is shown), a block must have been called;
        its last plan is shown. Where gradients are computed, forward and backward steps are shown.
    filename : str, optional
        An .svg file for the picture: steps from left to right, the arena's bytes from bottom to top,
        coloured by the family of operators, with the peak marked. Notebooks show the picture of the
        returned object without it.
    top : int
        How many owners at the peak are printed.

    Returns
    -------
    MemoryExplanation

    Raises
    ------
    TypeError
        For anything else than these.
    MXNetError
        For a module that is not bound, a block that was not called.
    """
    uses = _memory_of(owner)
    if uses is None:
        if hasattr(owner, "hybridize") or hasattr(owner, "bind"):
            raise MXNetError("[memory.explain] expected a plan, got none: bind the module, or hybridize "
                             "the block and call it, first")
        raise TypeError("[memory.explain] expected an Executor, a Module or a hybridized Block, got "
                        f"{type(owner).__name__}")
    explanation = MemoryExplanation(*uses())
    print("\n".join(explanation.lines(top)))
    if filename is not None:
        explanation.save(filename)
    return explanation
