"""Declarative: the network is a graph, and Module.fit runs it."""

import numpy as np

import digits
import gemel as mx


def train(epochs, batch_end_callback=None, epoch_end_callback=None):
    """A Module that has been trained; the callbacks are those of Module.fit."""
    images, labels = digits.load("train", augment=True)
    batches = mx.io.NDArrayIter(images, labels, digits.BATCH, shuffle=True)
    steps = len(labels) // digits.BATCH
    module = mx.mod.Module(digits.symbol_network(), context=mx.cpu())
    module.fit(
        batches,
        num_epoch=epochs,
        initializer=mx.init.Xavier(),
        optimizer="adam",
        optimizer_params={
            "learning_rate": 0.002,
            "lr_scheduler": mx.lr_scheduler.FactorScheduler(
                step=2 * steps, factor=0.5, base_lr=0.002
            ),
        },
        eval_metric="acc",
        batch_end_callback=batch_end_callback,
        epoch_end_callback=epoch_end_callback,
    )
    return module


def accuracy(module):
    """The share of the held-out digits that the module names right."""
    images, labels = digits.load("test")
    predictions = module.predict(mx.io.NDArrayIter(images, batch_size=digits.BATCH)).asnumpy()
    return float(np.mean(predictions.argmax(axis=1) == labels))


def main():
    args = digits.arguments(__doc__)

    def show(param):
        if (param.nbatch + 1) % 40 == 0:
            print(
                f"epoch {param.epoch + 1}/{args.epochs}  batch {param.nbatch + 1}"
                f"  training accuracy {param.eval_metric.get()[1]:.4f}",
                flush=True,
            )

    module = train(args.epochs, batch_end_callback=show)
    print(f"test accuracy: {accuracy(module):.4f}")


if __name__ == "__main__":
    main()
