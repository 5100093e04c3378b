"""One training step of a 784-128-64-10 perceptron, batch 32, plain SGD."""
from networks import bound_perceptron, step_of
from subject import mx

autograd, gluon = mx.autograd, mx.gluon
VERSION = mx.__version__
BATCH = 32
RATE = 0.01


def _by_executor():
    executor, pairs = bound_perceptron(mx, BATCH)
    step, update = step_of(executor), mx.nd.sgd_update

    def repeat(count):
        for _ in range(count):
            step()
            for weight, gradient in pairs:
                update(weight, gradient, out=weight, lr=RATE, rescale_grad=1 / BATCH)
            weight.wait_to_read()
            pairs[0][0].wait_to_read()
    return repeat


def _by_gluon():
    net = gluon.nn.HybridSequential()
    net.add(gluon.nn.Dense(128, activation="relu"), gluon.nn.Dense(64, activation="relu"), gluon.nn.Dense(10))
    net.initialize(mx.init.Xavier())
    net.hybridize(static_alloc=True, static_shape=True)
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    loss.hybridize(static_alloc=True, static_shape=True)
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": RATE})
    data = mx.nd.random.uniform(shape=(BATCH, 784))
    label = mx.nd.ones((BATCH,)) * 3
    net(data)
    weights = [parameter.data() for parameter in net.collect_params().values()]

    def repeat(count):
        for _ in range(count):
            with autograd.record():
                value = loss(net(data), label)
            value.backward()
            trainer.step(BATCH)
            weights[0].wait_to_read()
            weights[-1].wait_to_read()
    return repeat


CASES = {"executor, fused update": _by_executor, "Gluon hybridised, Trainer": _by_gluon}
