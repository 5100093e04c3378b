"""One training step of a 784-128-64-10 perceptron, batch 32, plain SGD."""
import jax
import jax.numpy as jnp
import numpy as np

VERSION = jax.__version__
BATCH = 32


def _jit():
    generator = np.random.default_rng(0)
    sizes = (784, 128, 64, 10)
    parameters = [(jnp.asarray(generator.uniform(-0.05, 0.05, (n, m)).astype(np.float32)), jnp.zeros(m))
                  for n, m in zip(sizes, sizes[1:])]
    data = jnp.asarray(generator.uniform(size=(BATCH, 784)).astype(np.float32))
    label = jnp.full((BATCH,), 3)

    def loss(parameters, data, label):
        for weight, bias in parameters[:-1]:
            data = jax.nn.relu(data @ weight + bias)
        weight, bias = parameters[-1]
        return -jnp.take_along_axis(jax.nn.log_softmax(data @ weight + bias), label[:, None], 1).mean()

    @jax.jit
    def step(parameters, data, label):
        gradients = jax.grad(loss)(parameters, data, label)
        return jax.tree_util.tree_map(lambda p, g: p - 0.01 * g, parameters, gradients)

    def repeat(count):
        nonlocal parameters
        for _ in range(count):
            parameters = step(parameters, data, label)
            parameters[0][0].block_until_ready()
    return repeat


CASES = {"jit": _jit}
