"""Transforms that follow each other as one call: what `transforms.Compose` runs.

A transform takes part where its own class, not one that it inherits from, has `size_after(height,
width)`: the size of an image of that size afterwards, None where the result is no image any more.
Those with `part(height, width)` (left edge, upper edge, width, height) choose a part by Python's
generator and resize it to `size_after`; their numbers are an input of the traced graph.
"""
from .... import ndarray as nd
from ...block import HybridBlock
from ...nn import HybridSequential

__all__ = ["runs_of"]


def _takes_part(block):
    return "size_after" in vars(type(block)) and not block._forward_hooks \
        and not block._forward_pre_hooks


def _chooses(block):
    return hasattr(block, "part")


class _Run(HybridBlock):
    """Some transforms, traced together."""

    def __init__(self, steps):
        super().__init__()
        self._steps = tuple(steps)
        self.hybridize()

    def _parts(self, x):
        """The parts that this call's choices give, in order."""
        height, width = x.shape[:2]
        parts = []
        for one in self._steps:
            if _chooses(one):
                parts.append(nd.array(one.part(height, width), x.context, "int32"))
            size = one.size_after(height, width)
            if size is None:
                break
            height, width = size
        return parts

    def apply(self, x):
        """What the transforms make of x one after the other."""
        if len(x.shape) == 3:
            return self(x, *self._parts(x))
        for one in self._steps:
            x = one(x)
        return x

    def hybrid_forward(self, F, x, *parts):
        parts = iter(parts)
        for one in self._steps:
            x = one.hybrid_part(F, x, next(parts)) if _chooses(one) else \
                one.hybrid_forward(F, x)
        return x


def runs_of(transforms):
    """Functions that do together what the transforms do one after the other."""
    flat = []
    for one in transforms:
        together = type(one) is HybridSequential and all(map(_takes_part, one))
        flat.extend(one if together else [one])
    functions, steps, is_image = [], [], True

    def end():
        if len(steps) > 1 or (steps and _chooses(steps[0])):
            functions.append(_Run(steps).apply)
        else:
            functions.extend(steps)
        steps.clear()

    for one in flat:
        if not _takes_part(one):
            end()
            functions.append(one)
            is_image = True
            continue
        if _chooses(one) and not is_image:
            end()
        steps.append(one)
        is_image = (is_image or len(steps) == 1) and one.size_after(1, 1) is not None
    end()
    return functions
