"""The same with torch's optimizers, in their three forms."""
import importlib.util
from pathlib import Path

import torch

SPEC = importlib.util.spec_from_file_location("optimizer_shapes", Path(__file__).parent / "shapes.py")
SHAPES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SHAPES)
VERSION = torch.__version__


def _case(optimizer, shapes, form):
    def make():
        parameters = [torch.nn.Parameter(torch.ones(*shape)) for shape in shapes]
        for one in parameters:
            one.grad = torch.randn_like(one) * 0.01
        step = getattr(torch.optim, optimizer)(parameters, **SHAPES.RATES[optimizer], **{form: True}).step

        def repeat(count):
            for _ in range(count):
                step()
        return repeat
    return make


CASES = {f"{optimizer}, {name}, {form}": _case(optimizer, shapes, form) for optimizer in SHAPES.RATES
         for name, shapes in SHAPES.SETS.items() for form in ("fused", "foreach")}
