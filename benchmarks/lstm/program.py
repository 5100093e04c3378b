"""One training step of an LSTM layer: 650 units, 35 steps, batch 20, plain SGD."""
from subject import mx

autograd, gluon = mx.autograd, mx.gluon
VERSION = mx.__version__
STEPS, BATCH, UNITS = 35, 20, 650
RATE = 0.01


def _layer():
    layer = gluon.rnn.LSTM(UNITS, input_size=UNITS)
    layer.initialize(mx.init.Uniform(0.05))
    layer.hybridize(static_alloc=True, static_shape=True)
    trainer = gluon.Trainer(layer.collect_params(), "sgd", {"learning_rate": RATE})
    data = mx.nd.random.uniform(-1, 1, shape=(STEPS, BATCH, UNITS))
    # What comes before a layer wants its gradient.
    data.attach_grad()
    head = mx.nd.random.uniform(-1, 1, shape=(STEPS, BATCH, UNITS))
    state = layer.begin_state(BATCH)
    weights = list(layer.collect_params().values())

    def repeat(count):
        for _ in range(count):
            with autograd.record():
                out, _ = layer(data, state)
            out.backward(head)
            trainer.step(BATCH)
            for parameter in weights:
                parameter.data().wait_to_read()
    return repeat


CASES = {"LSTM layer": _layer}
