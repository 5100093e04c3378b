"""TensorFlow as a graph, images in the order (N, H, W, C), the only one that its CPU kernels know."""
import numpy as np
import tensorflow as tf
from convnet import graph

VERSION = tf.__version__


def _run(step, weights, training, *inputs):
    """One step."""
    data = inputs[0]
    if step.op == "Convolution":
        pad = step.get("pad", (0, 0))
        data = tf.nn.conv2d(data, weights[0], step.get("stride", (1, 1)),
                            [[0, 0], [pad[0]] * 2, [pad[1]] * 2, [0, 0]])
        return data if len(weights) == 1 else tf.nn.bias_add(data, weights[1])
    if step.op == "FullyConnected":
        return tf.nn.bias_add(tf.matmul(_flat(data), weights[0], transpose_b=True), weights[1])
    if step.op == "Activation":
        return tf.nn.relu(data)
    if step.op == "BatchNorm":
        gamma, beta, mean, variance = weights
        return tf.compat.v1.nn.fused_batch_norm(
            data, gamma, beta, None if training else mean, None if training else variance,
            step.get("eps", 1e-3), is_training=training)[0]
    if step.op == "Dropout":
        return tf.nn.dropout(data, step.get("p", 0.5)) if training else data
    if step.op == "Flatten":
        return _flat(data)
    if step.op == "Concat":
        return tf.concat(inputs, 3)
    if step.op in ("elemwise_add", "_Plus"):
        return inputs[0] + inputs[1]
    if step.op == "Pooling":
        if step.get("global_pool", False):
            return tf.reduce_mean(data, (1, 2), keepdims=True)
        kernel, stride, pads = graph.pooling(step, *data.shape[1:3])
        if step.get("pool_type") != "max" and any(pads):
            raise NotImplementedError("average of a padded image")
        explicit = [[0, 0], [pads[0], pads[2]], [pads[1], pads[3]], [0, 0]] if any(pads) else "VALID"
        pool = tf.nn.max_pool2d if step.get("pool_type") == "max" else tf.nn.avg_pool2d
        return pool(data, kernel, stride, explicit)
    raise NotImplementedError(step.op)


def _flat(data):
    """(N, C * H * W), in that order."""
    if len(data.shape) == 4:
        data = tf.transpose(data, (0, 3, 1, 2))
    return tf.reshape(data, (data.shape[0], -1))


def _make(network, mode, batch, threads):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    variables = {name: tf.Variable(array.transpose(2, 3, 1, 0) if array.ndim == 4 else array)
                 for name, array in network.arrays.items()}
    data = tf.constant(graph.images(batch).transpose(0, 2, 3, 1))
    training = mode == "training"

    def scores():
        values = {"data": data}
        for step in network.steps:
            values[step.name] = _run(step, [variables[name] for name in step.weights], training,
                                     *[values[name] for name in step.inputs])
        return values[network.steps[-1].name]

    if not training:
        infer = tf.function(scores)
        return graph.runs(lambda: infer().numpy()[0])
    label = tf.constant(graph.labels(batch))
    wanted = [variable for name, variable in variables.items()
              if not name.endswith(("mean", "var"))]

    @tf.function
    def train():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(label, scores()))
        return tape.gradient(loss, wanted)

    def once():
        np.asarray(train()[0])
    return graph.runs(once)


CASES = graph.cases(_make)
