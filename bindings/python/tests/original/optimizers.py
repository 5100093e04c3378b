"""Steps of every optimizer, for the original to record and for the tests to repeat.

With a 1.9.1 wheel: `PYTHON_WITH_THE_WHEEL optimizers.py` writes optimizers.json beside this file.
"""
import json
import sys
from pathlib import Path

import numpy as np

TARGET = Path(__file__).with_suffix(".json")
WATCHED = (0, 1, 7)  # steps after which the weights are recorded
PLAIN = [{}, {"wd": 0.05, "clip_gradient": 0.8, "rescale_grad": 0.5}]
CASES = [(name, arguments) for name in (
    "sgd", "nag", "adam", "adagrad", "adadelta", "adamax", "nadam", "rmsprop", "ftrl", "ftml",
    "signum", "dcasgd", "lamb", "lars", "lbsgd", "groupadagrad") for arguments in PLAIN
    if not (name == "groupadagrad" and arguments)]
CASES += [
    ("sgd", {"momentum": 0.9, "wd": 0.01}), ("nag", {"momentum": 0.9}),
    ("dcasgd", {"momentum": 0.9, "lamda": 0.1}), ("signum", {"momentum": 0.0, "wd": 0.1}),
    ("signum", {"momentum": 0.5, "wd_lh": 0.1, "wd": 0.1}),
    ("rmsprop", {"centered": True, "wd": 0.01}), ("rmsprop", {"clip_weights": 0.5}),
    ("ftrl", {"lamda1": 0.2, "beta": 0.5}), ("adadelta", {"rho": 0.5, "epsilon": 1e-3}),
    ("adagrad", {"eps": 1e-2, "wd": 0.1}), ("nadam", {"schedule_decay": 0.1}),
    ("lamb", {"lower_bound": 0.5, "upper_bound": 0.7, "wd": 0.1}),
    ("lamb", {"bias_correction": False, "wd": 0.1}),
    ("lars", {"momentum": 0.9, "eta": 0.1, "wd": 0.01}),
    ("lars", {"momentum": 0.9, "momentum_correction": False, "learning_rate": 0.5, "eta": 0.3}),
    ("lbsgd", {"momentum": 0.9, "warmup_strategy": "sqrt", "batch_scale": 2, "updates_per_epoch": 2}),
    ("lbsgd", {"momentum": 0.9, "warmup_strategy": "power2", "batch_scale": 2, "updates_per_epoch": 2}),
    ("lbsgd", {"warmup_strategy": "lars", "batch_scale": 1, "wd": 0.01}),
    ("adam", {"wd": 0.1, "beta1": 0.5}), ("adamax", {"learning_rate": 0.1, "beta2": 0.5}),
]


def steps(mx, name, arguments):
    """The weights after each watched step."""
    arguments = {"learning_rate": 0.1, **arguments}
    optimizer = mx.optimizer.create(
        name, param_idx2name={0: "fc_weight", 1: "fc_bias"}, **arguments)
    updater = mx.optimizer.get_updater(optimizer)
    weights = [mx.nd.array(np.cos(np.arange(12).reshape(4, 3))), mx.nd.array(np.cos(np.arange(4)))]
    result = []
    for step in range(max(WATCHED) + 1):
        for index, weight in enumerate(weights):
            grad = 2 * np.sin(np.arange(weight.size) * 0.7 + step * 0.9 + index + 0.3)
            updater(index, mx.nd.array(grad.reshape(weight.shape)), weight)
        if step in WATCHED:
            result.append([weight.asnumpy().ravel().tolist() for weight in weights])
    return result


def main():
    import mxnet as mx
    rows = []
    for name, arguments in CASES:
        try:
            rows.append([name, arguments, steps(mx, name, arguments)])
        except Exception as error:  # the case is left out
            print(name, arguments, error, file=sys.stderr)
    for row in rows:  # six digits are what float32 holds
        row[2] = [[[float(f"{v:.7g}") for v in w] for w in step] for step in row[2]]
    TARGET.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


if __name__ == "__main__":
    main()
