"""One training step of an LSTM layer: 650 units, 35 steps, batch 20, plain SGD."""
import jax
import jax.numpy as jnp
import numpy as np

VERSION = jax.__version__
STEPS, BATCH, UNITS = 35, 20, 650


def _jit():
    generator = np.random.default_rng(0)

    def draw(*shape):
        return jnp.asarray(generator.uniform(-0.05, 0.05, shape).astype(np.float32))

    parameters = draw(UNITS, 4 * UNITS), draw(UNITS, 4 * UNITS), draw(4 * UNITS)
    data, head = draw(STEPS, BATCH, UNITS) * 20, draw(STEPS, BATCH, UNITS) * 20

    def loss(parameters, data):
        inputs, hidden, bias = parameters
        products = data @ inputs + bias

        def one(carried, product):
            state, cell = carried
            i, f, g, o = jnp.split(product + state @ hidden, 4, axis=1)
            cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
            state = jax.nn.sigmoid(o) * jnp.tanh(cell)
            return (state, cell), state

        zero = jnp.zeros((BATCH, UNITS), jnp.float32)
        return (jax.lax.scan(one, (zero, zero), products)[1] * head).sum()

    @jax.jit
    def step(parameters, data):
        of_parameters, of_data = jax.grad(loss, (0, 1))(parameters, data)
        return tuple(p - 0.01 * g for p, g in zip(parameters, of_parameters)), of_data

    def repeat(count):
        nonlocal parameters
        for _ in range(count):
            parameters, of_data = step(parameters, data)
            of_data.block_until_ready()
    return repeat


CASES = {"jit": _jit}
