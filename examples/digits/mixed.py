"""Mixed: the graph computes the gradients, and the update is plain arithmetic on arrays."""

import numpy as np

import digits
import gemel as mx


def train(epochs):
    images, labels = digits.load("train", augment=True)
    batches = mx.io.NDArrayIter(
        images, labels, digits.BATCH, shuffle=True, last_batch_handle="discard"
    )
    network = digits.symbol_network()
    weights = [name for name in network.list_arguments() if name not in ("data", "softmax_label")]
    executor = network.simple_bind(
        mx.cpu(), dict.fromkeys(weights, "write"), data=(digits.BATCH, 1, 8, 8)
    )
    for name in weights:
        mx.init.Xavier()(mx.init.InitDesc(name), executor.arg_dict[name])
    pairs = [(executor.arg_dict[name], executor.grad_dict[name]) for name in weights]

    eta = 0.15 / digits.BATCH
    for epoch in range(epochs):
        batches.reset()
        metric = mx.metric.CrossEntropy()
        for batch in batches:
            executor.arg_dict["data"][:] = batch.data[0]
            executor.arg_dict["softmax_label"][:] = batch.label[0]
            executor.forward_backward()
            for w, g in pairs:
                w -= eta * g
            metric.update(batch.label, executor.outputs)
        print(f"epoch {epoch + 1}/{epochs}  loss {metric.get()[1]:.4f}", flush=True)
        if epoch % 2 == 1:
            eta /= 2
    return executor


def main():
    args = digits.arguments(__doc__)
    trained = train(args.epochs)
    images, labels = digits.load("test")
    executor = digits.symbol_network().simple_bind(
        mx.cpu(), grad_req="null", data=images.shape, softmax_label=labels.shape
    )
    executor.copy_params_from(
        {
            name: array
            for name, array in trained.arg_dict.items()
            if name not in ("data", "softmax_label")
        }
    )
    predictions = executor.forward(is_train=False, data=mx.nd.array(images))[0].asnumpy()
    print(f"test accuracy: {np.mean(predictions.argmax(axis=1) == labels):.4f}")


if __name__ == "__main__":
    main()
