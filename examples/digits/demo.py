"""Trains on the digits and puts a checkpoint and pictures of what happened into build/demo.

Run by scripts/demo.
"""

import argparse
import contextlib
import os
import time

import numpy as np
from tqdm import tqdm

import digits
import gemel as mx
import pictures
from reading import ReadAhead

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
TRACED = range(8, 13)  # batches of the third epoch that are on the trace


class Watch:
    """The callbacks of Module.fit: progress bar, learning curve, trace of a few batches."""

    def __init__(self, epochs, steps, trace_path):
        self.bar = tqdm(total=epochs * steps, unit="batch", desc="training", ncols=88)
        self.trace_path = trace_path
        self.tracing = contextlib.ExitStack()
        self.training, self.held_out = [], []

    def batch(self, param):
        self.bar.update()
        self.accuracy = param.eval_metric.get()[1]
        if param.epoch == 2 and param.nbatch == TRACED.start - 1:
            self.tracing.enter_context(mx.engine.trace(self.trace_path))
        if param.epoch == 2 and param.nbatch == TRACED.stop - 1:
            self.tracing.close()

    def evaluated(self, param):
        self.training.append(self.accuracy)
        self.held_out.append(param.eval_metric.get()[1])
        self.bar.set_postfix_str(f"held out {self.held_out[-1]:.4f}")


def train(epochs, prefix, trace_path):
    """Module.fit; returns the module and the Watch that saw it train."""
    batches = ReadAhead(digits.BATCH)
    watch = Watch(epochs, batches.steps, trace_path)
    module = mx.mod.Module(digits.symbol_network(), context=mx.cpu())
    module.fit(
        batches,
        eval_data=mx.io.NDArrayIter(*digits.load("test"), digits.BATCH),
        num_epoch=epochs,
        initializer=mx.init.Xavier(),
        optimizer="adam",
        optimizer_params={
            "learning_rate": 0.003,
            "lr_scheduler": mx.lr_scheduler.FactorScheduler(
                step=batches.steps * max(1, epochs // 5), factor=0.5, base_lr=0.003
            ),
        },
        batch_end_callback=watch.batch,
        eval_end_callback=watch.evaluated,
        epoch_end_callback=mx.callback.do_checkpoint(prefix, epochs),
    )
    watch.bar.close()
    return module, watch


def predict(prefix, epoch):
    """The probabilities of the held-out digits, by the network as the checkpoint has it."""
    images, _ = digits.load("test")
    module = mx.mod.Module.load(prefix, epoch, label_names=[])
    module.bind([("data", (digits.BATCH, 1, 8, 8))], for_training=False)
    return module.predict(mx.io.NDArrayIter(images, batch_size=digits.BATCH)).asnumpy()


def memory_of_plan():
    """The plan's internal memory for one training step: {mode: [(step, live bytes)]} and totals."""
    network = digits.symbol_network()
    weights = [name for name in network.list_arguments() if name not in ("data", "softmax_label")]
    executor = network.simple_bind(
        mx.cpu(), dict.fromkeys(weights, "write"), data=(digits.BATCH, 1, 8, 8)
    )
    totals = executor.memory_plan()
    return {mode: executor.memory_timeline(mode) for mode in totals}, totals


def main():
    started = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=40, help="at least 3")
    parser.add_argument("--output", default=os.path.join(ROOT, "build", "demo"))
    args = parser.parse_args()
    args.epochs = max(3, args.epochs)
    np.random.seed(args.seed)
    mx.random.seed(args.seed)
    os.makedirs(args.output, exist_ok=True)

    def path(name):
        return os.path.join(args.output, name)

    prefix = path("digits")
    module, watch = train(args.epochs, prefix, path("trace.json"))
    before = module.predict(
        mx.io.NDArrayIter(digits.load("test")[0], batch_size=digits.BATCH)
    ).asnumpy()

    probabilities = predict(prefix, args.epochs)
    if not np.array_equal(probabilities, before):
        raise SystemExit("the checkpoint does not predict what the trained network did")
    _, labels = digits.load("test")
    pixels = digits.read_idx(os.path.join(digits.FOLDER, "test-images-idx3-ubyte"))
    right = probabilities.argmax(axis=1) == labels

    shown = [
        (
            pictures.digits(pixels, labels, probabilities, path("digits.png")),
            "the held-out digits and what the network reads",
        ),
        (
            pictures.learning_curve(watch.training, watch.held_out, path("learning.png")),
            "accuracy over the epochs",
        ),
        (pictures.network(module.symbol, path("network.png")), "the network"),
        (
            pictures.memory(*memory_of_plan(), path("memory.png")),
            "memory of one training step, planned in four ways",
        ),
        (
            pictures.trace(path("trace.json"), path("trace.png")),
            "the engine's tasks: files are read while it computes",
        ),
        (path("trace.json"), "the same for https://ui.perfetto.dev"),
    ]
    print(
        f"\n{right.sum()} of {len(right)} held-out digits are read right "
        f"(again after loading {os.path.relpath(prefix)}-{args.epochs:04d}.params)\n"
    )
    for file, meaning in shown:
        print(f"  {os.path.relpath(file):<28} {meaning}")
    print(f"\ntest accuracy: {right.mean():.4f}, {time.monotonic() - started:.1f} s in all")
    print(
        "next: .venv/bin/gemel predict "
        f"{os.path.relpath(prefix)} data/digits/test-images-idx3-ubyte | head"
    )


if __name__ == "__main__":
    main()
