"""Measure what the callback `watch` adds to a step: `python benchmarks/watching.py`.

    python benchmarks/watching.py [--rounds 9] [--log-every 10] [--works spiral …]

The same run, with and without `watch`, in turns; both log the same epochs, and nothing is written.
A ratio is the median over all rounds of the pair's times minus 1.
"""

from __future__ import annotations

import argparse
from statistics import median
from time import perf_counter
from typing import Any

import declnet

EPOCHS = {
    "spiral 300 × 64": 5000,
    "spiral 3000 × 64": 1000,
    "minibatch 32": 300,
    "deep 6 × 64": 800,
}


def dense(units: int) -> dict[str, Any]:
    """Return a dense layer."""
    return {"type": "dense", "units": units}


def document(work: str, kernels: str, log_every: int, *, watched: bool) -> dict[str, Any]:
    """Return the spec of a work."""
    samples = 1000 if "3000" in work else 100
    layers: list[Any] = [dense(64), "relu"] * (6 if "deep" in work else 1)
    batch = 32 if "minibatch" in work else None  # log_every counts epochs, here of 10 steps
    training = {"epochs": EPOCHS[work], "log_every": log_every, "batch_size": batch}
    return {
        "data": {"train": {"type": "nnfs_spiral", "samples": samples, "classes": 3}},
        "model": {"layers": [*layers, dense(3), "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": {"type": "adam", "learning_rate": 0.01},
        "training": training | {"callbacks": ["watch"] if watched else []},
        "engine": {"kernels": kernels},
    }


def seconds(spec: Any) -> float:
    """Return the duration of a run's training and evaluation."""
    start = perf_counter()
    declnet.run(spec)
    return perf_counter() - start


def main() -> None:
    """Measure each work with NumPy and with compiled kernels, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--log-every", type=int, default=10)
    parser.add_argument("--works", nargs="+", choices=EPOCHS, default=list(EPOCHS))
    arguments = parser.parse_args()
    print(f"{'work':20} {'kernels':8} {'without':>9} {'watched':>9}  added")
    for work in arguments.works:
        for kernels in ("numpy", "jit"):
            pair = [
                declnet.parse_spec(document(work, kernels, arguments.log_every, watched=watched))
                for watched in (False, True)
            ]
            for spec in pair:  # compiles kernels
                seconds(spec)
            times = [[seconds(spec) for spec in pair] for _ in range(arguments.rounds)]
            added = median(watched / without - 1 for without, watched in times)
            without, watched = (median(each) for each in zip(*times, strict=True))
            row = f"{work:20} {kernels:8} {without * 1e3:6.0f} ms {watched * 1e3:6.0f} ms"
            print(f"{row}  {added:+.1%}", flush=True)


if __name__ == "__main__":
    main()
