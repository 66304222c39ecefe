"""Measured rates of this machine, with the number of threads set in the environment."""

from collections.abc import Callable
from threading import Thread
from time import perf_counter

import numpy as np

from limits.counts import Product
from works.data import Floats

SQUARES = (256, 512, 1024, 2048)


def best_time(call: Callable[[], object], seconds: float) -> float:
    """Return the shortest time of a call, over calls for that many seconds."""
    call()
    best, began = float("inf"), perf_counter()
    while True:
        start = perf_counter()
        call()
        end = perf_counter()
        best = min(best, end - start)
        if end - began >= seconds:
            return best


def product_seconds(product: Product, seconds: float, dtype: str) -> float:
    """Return NumPy's time for one product of matrices."""
    m, k, n = product
    rng = np.random.default_rng(0)
    a, b = rng.random((m, k)).astype(dtype), rng.random((k, n)).astype(dtype)
    out = np.empty((m, n), dtype)
    return best_time(lambda: np.matmul(a, b, out=out), seconds)


def product_rates(seconds: float, sizes: tuple[int, ...], dtype: str) -> dict[int, float]:
    """Return operations per second for products of square matrices, by size."""
    return {
        size: 2 * size**3 / product_seconds((size, size, size), seconds, dtype) for size in sizes
    }


def bandwidth(footprint: int, threads: int, seconds: float) -> float:
    """Return bytes per second of c = a + b over arrays of `footprint` bytes, one part per thread.

    Counts two reads and a write, as the program requests them. Takes the best of one thread and
    all, since small arrays do not gain from a second thread.
    """
    rates = [one_bandwidth(footprint, count, seconds) for count in {1, threads}]
    return max(rates)


def one_bandwidth(footprint: int, threads: int, seconds: float) -> float:
    """Return the same rate with exactly that many threads."""
    length = max(64, footprint // (3 * 4 * threads))
    repeats = max(1, int(2e7) // (12 * length))  # so that starting threads does not matter

    def add(a: Floats, b: Floats, c: Floats) -> None:
        for _ in range(repeats):
            np.add(a, b, out=c)

    parts = [tuple(np.ones(length, np.float32) for _ in range(3)) for _ in range(threads)]

    def all_parts() -> None:
        started = [Thread(target=add, args=part) for part in parts[1:]]
        for thread in started:
            thread.start()
        add(*parts[0])
        for thread in started:
            thread.join()

    return 12 * length * threads * repeats / best_time(all_parts, seconds)
