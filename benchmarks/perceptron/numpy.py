"""One training step of a 784-128-64-10 perceptron, batch 32, plain SGD, written out."""
import numpy as np

VERSION = np.__version__
BATCH = 32


def _written_out():
    generator = np.random.default_rng(0)
    w1, w2, w3 = (generator.uniform(-0.05, 0.05, shape).astype(np.float32)
                  for shape in ((784, 128), (128, 64), (64, 10)))
    b1, b2, b3 = (np.zeros(n, np.float32) for n in (128, 64, 10))
    data = generator.uniform(size=(BATCH, 784)).astype(np.float32)
    rows, label = np.arange(BATCH), np.full(BATCH, 3)
    rate = np.float32(0.01)

    def repeat(count):
        nonlocal w1, w2, w3, b1, b2, b3
        for _ in range(count):
            h1 = np.maximum(data @ w1 + b1, 0)
            h2 = np.maximum(h1 @ w2 + b2, 0)
            z = h2 @ w3 + b3
            z = np.exp(z - z.max(1, keepdims=True))
            z /= z.sum(1, keepdims=True)
            z[rows, label] -= 1
            z /= np.float32(BATCH)
            g2 = (z @ w3.T) * (h2 > 0)
            g1 = (g2 @ w2.T) * (h1 > 0)
            w3 -= rate * (h2.T @ z)
            b3 -= rate * z.sum(0)
            w2 -= rate * (h1.T @ g2)
            b2 -= rate * g2.sum(0)
            w1 -= rate * (data.T @ g1)
            b1 -= rate * g1.sum(0)
    return repeat


CASES = {"written out": _written_out}
