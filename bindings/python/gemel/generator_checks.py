"""Statistical checks of random generators; `test_utils` offers them under its own name."""
import numpy as np

__all__ = ["gen_buckets_probs_with_ppf", "mean_check", "var_check", "chi_square_check",
           "verify_generator"]


def _draw(generator, count):
    samples = generator(count)
    return (samples.asnumpy() if hasattr(samples, "asnumpy") else np.asarray(samples)).ravel()


def gen_buckets_probs_with_ppf(ppf, nbuckets):
    """Intervals of equal probability `(buckets, probs)` from a quantile function.

    Parameters
    ----------
    ppf : callable
        From a probability to the value that is exceeded with one minus it.
    nbuckets : int
    """
    assert nbuckets > 0
    edges = [ppf(i / nbuckets) for i in range(nbuckets + 1)]
    return list(zip(edges[:-1], edges[1:])), [1 / nbuckets] * nbuckets


def mean_check(generator, mu, sigma, nsamples=1000000):
    """Whether the mean of samples is within three standard errors of `mu`."""
    mean = _draw(generator, nsamples).mean(dtype="float64")
    return bool(abs(mean - mu) < 3 * sigma / np.sqrt(nsamples))


def var_check(generator, sigma, nsamples=1000000):
    """Whether the variance of samples is within three standard errors of `sigma` squared."""
    variance = _draw(generator, nsamples).var(ddof=1, dtype="float64")
    error = 3 * np.sqrt(2 * sigma ** 4 / (nsamples - 1))
    return bool(abs(variance - sigma ** 2) < error)


def _upper_tail(chi_square, degrees):
    """The probability that a chi-square variable exceeds a value, by the series of the incomplete
    gamma function (Abramowitz and Stegun, 6.5.29)."""
    from math import exp, lgamma, log
    a, x = degrees / 2, chi_square / 2
    if x <= 0:
        return 1.0
    term = total = 1 / a
    n = 0
    while term > total * 1e-16:
        n += 1
        term *= x / (a + n)
        total += term
    return max(0.0, 1 - total * exp(a * log(x) - x - lgamma(a)))


def chi_square_check(generator, buckets, probs, nsamples=1000000):
    """Compare how often samples fall into buckets with what is expected.

    Parameters
    ----------
    generator : callable
        `generator(n)` gives n independent samples.
    buckets : list of (low, high), or list of number
        Intervals without their upper end, or single values, in ascending order.
    probs : list of float
        The probability of each bucket.
    nsamples : int

    Returns `(p-value, counts found, counts expected)`.
    """
    assert isinstance(buckets, list) and buckets and len(buckets) == len(probs)
    samples = _draw(generator, nsamples)
    if isinstance(buckets[0], (list, tuple)):
        found = [int(((samples >= low) & (samples < high)).sum()) for low, high in buckets]
    else:
        found = [int((samples == value).sum()) for value in buckets]
    expected = (len(samples) * np.array(probs, dtype="float64")).astype("int64").tolist()
    statistic = sum((a - b) ** 2 / b for a, b in zip(found, expected) if b)
    # What falls beside all buckets counts against the generator.
    outside = len(samples) - sum(found)
    statistic += max(0.0, outside - len(samples) * (1 - min(1.0, sum(probs)))) ** 2
    return _upper_tail(statistic, len(buckets) - 1), found, expected


def verify_generator(generator, buckets, probs, nsamples=1000000, nrepeat=5, success_rate=0.2,
                     alpha=0.05):
    """Repeat `chi_square_check`; `AssertionError` where too few repetitions pass.

    Parameters
    ----------
    generator, buckets, probs, nsamples
        As for `chi_square_check`.
    nrepeat : int
    success_rate : float
        The share of repetitions that must pass.
    alpha : float
        A p-value above it passes.

    Returns the list of p-values.
    """
    results = [chi_square_check(generator, buckets, probs, nsamples) for _ in range(nrepeat)]
    values = [p for p, _, _ in results]
    passed = sum(p > alpha for p in values)
    assert passed >= nrepeat * success_rate, (
        f"Generator test fails, chi-square p={values}, found={[r[1] for r in results]}, "
        f"expected={[r[2] for r in results]}.\nbuckets={buckets}, probs={probs}")
    return values
