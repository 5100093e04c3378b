"""Calls on small arrays."""
import jax
import jax.numpy as jnp

VERSION = jax.__version__


def _add(wait):
    a, b = jnp.ones(10), jnp.ones(10)

    def repeat(count):
        for _ in range(count):
            c = a + b
            if wait:
                c.block_until_ready()
        c.block_until_ready()
    return repeat


def _dot():
    a, b = jnp.ones((8, 8)), jnp.ones((8, 8))

    def repeat(count):
        for _ in range(count):
            c = jnp.dot(a, b)
        c.block_until_ready()
    return repeat


CASES = {"a + b": lambda: _add(False), "a + b, waited for": lambda: _add(True), "dot 8x8": _dot}
