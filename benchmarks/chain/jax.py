"""A pointwise chain over 10 million float32."""
import jax
import jax.numpy as jnp
import numpy as np

VERSION = jax.__version__
SIZE = 10_000_000


def _jit():
    @jax.jit
    def chain(a, b, c, d):
        return jax.nn.relu(a * b + c) * 0.5 - jnp.exp(-d)
    generator = np.random.default_rng(0)
    arrays = [jnp.asarray(generator.uniform(-1, 1, SIZE).astype(np.float32)) for _ in range(4)]

    def repeat(count):
        for _ in range(count):
            chain(*arrays).block_until_ready()
    return repeat


CASES = {"jit": _jit}
