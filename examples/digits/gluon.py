"""Gluon: run as Python, recorded for the gradient; hybridize() turns the blocks into one graph."""

import numpy as np

import digits
import gemel as mx
from gemel import autograd, gluon


def train(epochs):
    images, labels = digits.load("train", augment=True)
    data = gluon.data.ArrayDataset(mx.nd.array(images), mx.nd.array(labels))
    batches = gluon.data.DataLoader(data, digits.BATCH, shuffle=True, last_batch="discard")
    net = digits.gluon_network()
    net.initialize(mx.init.Xavier())
    net.hybridize()
    loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.002})
    for epoch in range(epochs):
        if epoch and epoch % 2 == 0:
            trainer.set_learning_rate(trainer.learning_rate / 2)
        total = 0
        for image, label in batches:
            with autograd.record():
                loss = loss_of(net(image), label)
            loss.backward()
            trainer.step(digits.BATCH)
            total += loss.mean()
        print(f"epoch {epoch + 1}/{epochs}  loss {total.asscalar() / len(batches):.4f}", flush=True)
    return net


def main():
    args = digits.arguments(__doc__)
    net = train(args.epochs)
    images, labels = digits.load("test")
    predictions = net(mx.nd.array(images)).asnumpy()
    print(f"test accuracy: {np.mean(predictions.argmax(axis=1) == labels):.4f}")


if __name__ == "__main__":
    main()
