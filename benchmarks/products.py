"""Compare declnet's matrix products with OpenBLAS's: `python benchmarks/products.py`.

    python benchmarks/products.py [--rounds 40] [--dtype float32 float64] [--layers 64-128-32 …]

For each layer (inputs-units-samples; `first` if its input has no gradient and, as a batch of the
model's input, is stored sample by sample), the products of a training step: the output
w.T @ x, the gradient of the weights x @ dy.T, and that of the input w @ dy, on one thread. The
figures are GFLOP/s, from the smallest processor time of a call among many rounds in which both
take turns, minus the cost of a call of a product of single numbers. The column `limit` is the speed
of a product that stays in the L1 cache. Errors are the largest difference from float64, divided by
the largest possible sum of absolute products, in units of the rounding of single numbers.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import thread_time
from typing import Any

import numpy as np
from declnet_plugins.jit.engine import NativeEngine
from declnet_plugins.jit.routines.products import product

LAYERS = (
    # the benchmarks' works
    *("2-64-300-first", "64-3-300", "2-64-3000-first", "64-3-3000"),
    *("64-128-32-first", "128-64-32", "64-10-32"),
    *("64-256-128-first", "256-256-128", "256-10-128"),
    *("784-512-128-first", "512-512-128", "512-10-128"),
    *("784-512-1024-first", "512-512-1024", "512-10-1024"),
    *("512-64-128", "64-10-128"),
    # others
    *("13-64-16-first", "30-50-100-first", "32-32-32", "100-100-100", "33-65-17", "8-8-1000"),
    *("128-128-1000", "200-300-50", "256-1024-64", "1024-256-64", "1000-10-256", "1024-1024-128"),
    *("96-96-96", "1-32-500", "32-1-500", "300-300-300", "2048-64-32", "64-2048-32"),
    *("768-768-64", "50-20-7"),
)

SECONDS = 5e-4
"""Duration of a round's calls of each product; shorter than a scheduler's slice."""


def laid_out(dtype: str, layer: str) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield a name and operands for each product of a layer."""
    inputs, units, n = map(int, layer.split("-")[:3])
    first = layer.endswith("first")
    rng = np.random.default_rng(0)
    w, x, dy = (
        rng.standard_normal(shape).astype(dtype)
        for shape in ((inputs, units), (n, inputs) if first else (inputs, n), (units, n))
    )
    x = x.T if first else x
    yield "w.T @ x", w.T, x, np.empty((units, n), dtype)
    yield "x @ dy.T", x, dy.T, np.empty((inputs, units), dtype)
    if not first:
        yield "w @ dy", w, dy, np.empty((inputs, n), dtype)


def smallest(calls: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Return each call's smallest processor time in seconds; they take turns."""
    counts = []
    for call in calls:
        call()
        start = thread_time()
        call()
        counts.append(max(1, int(SECONDS / max(thread_time() - start, 1e-7))))
    times = [np.inf] * len(calls)
    for _ in range(rounds):
        for i, (call, count) in enumerate(zip(calls, counts, strict=True)):
            turns = range(count)
            start = thread_time()
            for _ in turns:
                call()
            times[i] = min(times[i], (thread_time() - start) / count)
    return times


def both(a: Any, b: Any, c: Any) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return NumPy's product, which is OpenBLAS's, and declnet's, both as native calls."""
    blas = NativeEngine().compile([partial(np.matmul, a, b, out=c)], exact=True).native
    native = product(a, b, c)
    if blas is None or native is None:
        raise ValueError("no native call")
    return blas[0], native


def error(call: Callable[[], object], a: Any, b: Any, c: Any) -> float:
    """Return the largest error of a product, in roundings."""
    call()
    a, b = a.astype(float), b.astype(float)
    bound = np.abs(a) @ np.abs(b) * np.finfo(c.dtype).eps
    return float(np.max(np.abs(c - a @ b) / bound))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--dtype", nargs="+", default=["float32", "float64"])
    parser.add_argument("--layers", nargs="+", default=LAYERS)
    options = parser.parse_args()
    for dtype in options.dtype:
        one = np.ones((1, 1), dtype)
        small = [np.ones(shape, dtype) for shape in ((48, 256), (256, 32), (48, 32))]
        costs = smallest(both(one, one, one.copy()), 4 * options.rounds)
        (limit,) = smallest(both(*small)[1:], 4 * options.rounds)
        print(f"\n{dtype}, limit {2 * 48 * 256 * 32 / (limit - costs[1]) / 1e9:.0f} GFLOP/s\n")
        print("| layer | product | MFLOP | OpenBLAS | declnet | ratio | errors |\n|" + "---|" * 7)
        for layer in options.layers:
            for name, a, b, c in laid_out(dtype, layer):
                work = 2 * a.shape[0] * a.shape[1] * b.shape[1]
                calls = both(a, b, c)
                rates = [
                    work / max(time - cost, 1e-8) / 1e9
                    for time, cost in zip(smallest(calls, options.rounds), costs, strict=True)
                ]
                errors = ", ".join(f"{error(call, a, b, c):.2f}" for call in calls)
                print(
                    f"| {layer} | {name} | {work / 1e6:.2f} | {rates[0]:.1f} | {rates[1]:.1f} "
                    f"| {rates[1] / rates[0]:.2f} | {errors} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
