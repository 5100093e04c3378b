"""`Trainer.step` on parameters whose gradients are there."""
import importlib.util
from pathlib import Path

from subject import mx

SPEC = importlib.util.spec_from_file_location("optimizer_shapes", Path(__file__).parent / "shapes.py")
SHAPES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SHAPES)
VERSION = mx.__version__


def _case(optimizer, shapes):
    def make():
        rates = dict(SHAPES.RATES[optimizer])
        arguments = {"learning_rate": rates.pop("lr"), "wd": rates.pop("weight_decay", 0), **rates}
        parameters = [mx.gluon.Parameter(f"p{i}_weight", shape=shape, init="ones") for i, shape in enumerate(shapes)]
        for one in parameters:
            one.initialize()
            one.grad()[:] = mx.nd.random.normal(0, 0.01, shape=one.shape)
        trainer = mx.gluon.Trainer(parameters, optimizer.lower(), arguments)
        arrays = [one.data() for one in parameters]

        def repeat(count):
            for _ in range(count):
                for array in arrays:
                    array._fresh_grad = True
                trainer.step(1)
            mx.nd.waitall()
        return repeat
    return make


CASES = {f"{optimizer}, {name}": _case(optimizer, shapes)
         for optimizer in SHAPES.RATES for name, shapes in SHAPES.SETS.items()}
