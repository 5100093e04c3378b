"""One training step of a transformer encoder layer: width 512, 8 heads, 2048 inner units, sequences of 128,
batch 8, gelu, dropout 0.1, normalised after each part, plain SGD."""
from subject import mx

autograd, gluon = mx.autograd, mx.gluon
nn = gluon.nn
VERSION = mx.__version__
BATCH, LENGTH, WIDTH, HEADS, INNER, DROPOUT = 8, 128, 512, 8, 2048, 0.1
RATE = 0.01


class Attention(gluon.HybridBlock):
    """Each position of (batch, length, width) attends to all of its sequence."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.project = nn.Dense(3 * WIDTH, flatten=False, in_units=WIDTH)
            self.join = nn.Dense(WIDTH, flatten=False, in_units=WIDTH)
            self.dropout = nn.Dropout(DROPOUT)

    def hybrid_forward(self, F, x):  # pylint: disable=arguments-differ,invalid-name
        """The joined heads, (batch, length, width)."""
        # (3, batch, heads, length, width of a head)
        parts = F.transpose(F.reshape(self.project(x), (0, 0, 3, HEADS, -1)), (2, 0, 3, 1, 4))
        query, key, value = F.split(F.reshape(parts, (3, -1, LENGTH, WIDTH // HEADS)), num_outputs=3, axis=0,
                                    squeeze_axis=True)
        scores = F.batch_dot(query * (WIDTH // HEADS) ** -0.5, key, transpose_b=True)
        heads = F.batch_dot(self.dropout(F.softmax(scores)), value)
        heads = F.transpose(F.reshape(heads, (-1, HEADS, LENGTH, WIDTH // HEADS)), (0, 2, 1, 3))
        return self.join(F.reshape(heads, (0, 0, -1)))


class Layer(gluon.HybridBlock):
    """Attention and two dense layers, each added to its input and normalised."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.attention = Attention()
            self.norms = [nn.LayerNorm(in_channels=WIDTH), nn.LayerNorm(in_channels=WIDTH)]
            for norm in self.norms:
                self.register_child(norm)
            self.widen = nn.Dense(INNER, flatten=False, in_units=WIDTH)
            self.narrow = nn.Dense(WIDTH, flatten=False, in_units=INNER)
            self.dropout = nn.Dropout(DROPOUT)

    def hybrid_forward(self, F, x):  # pylint: disable=arguments-differ,invalid-name
        """(batch, length, width), as x."""
        x = self.norms[0](x + self.dropout(self.attention(x)))
        inner = self.dropout(F.LeakyReLU(self.widen(x), act_type="gelu"))
        return self.norms[1](x + self.dropout(self.narrow(inner)))


def _layer():
    layer = Layer()
    layer.initialize(mx.init.Xavier())
    layer.hybridize(static_alloc=True, static_shape=True)
    trainer = gluon.Trainer(layer.collect_params(), "sgd", {"learning_rate": RATE})
    data = mx.nd.random.uniform(-1, 1, shape=(BATCH, LENGTH, WIDTH))
    # What comes before a layer wants its gradient.
    data.attach_grad()
    head = mx.nd.random.uniform(-1, 1, shape=(BATCH, LENGTH, WIDTH))
    weights = list(layer.collect_params().values())

    def repeat(count):
        for _ in range(count):
            with autograd.record():
                out = layer(data)
            out.backward(head)
            trainer.step(BATCH)
            for parameter in weights:
                parameter.data().wait_to_read()
    return repeat


CASES = {"transformer encoder layer": _layer}
