"""Train on an array in its file and on the same array in memory: speed and memory use.

    python benchmarks/mapped_arrays.py [--gigabytes 4] [--folder DIR] [--repeats 3]

Each sample is a separate process, and both variants take turns. The file is made in DIR and removed
afterwards.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

FEATURES, UNITS, BATCH = 784, 512, 128
"""The same as the work `wide` of training.py."""


def make_data(folder: Path, gigabytes: float) -> None:
    """Write x.npy, random float32, part by part, and y.npy."""
    rows = int(gigabytes * 1e9 / (4 * FEATURES))
    rng = np.random.default_rng(0)
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (rows, FEATURES))
    for start in range(0, rows, 50_000):
        x[start : start + 50_000] = rng.random(
            (len(x[start : start + 50_000]), FEATURES), np.float32
        )
    x.flush()
    np.save(folder / "y.npy", rng.integers(0, 10, rows))


def sample(folder: Path, mapped: bool, seconds: float) -> dict[str, float]:
    """Train for some seconds; return samples per second, and MB of memory added since the start."""
    import declnet
    from declnet.training.preparation import prepare
    from declnet.training.trainer import Trainer

    dense = {"type": "dense", "units": UNITS}
    document: dict[str, Any] = {
        "declnet": 1,
        "data": {
            "train": {
                "type": "npy",
                "x": str(folder / "x.npy"),
                "y": str(folder / "y.npy"),
                "mapped": mapped,
            }
        },
        "model": {"layers": [dense, "relu", dense, "relu", {**dense, "units": 10}, "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "training": {"epochs": 1000, "batch_size": BATCH, "log_every": 1000},
    }
    registry = declnet.default_registry()
    spec = declnet.parse_spec(document)
    declnet.run(
        declnet.parse_spec({**document, "training": {"epochs": 1, "batch_size": 8}}),
        data=(np.zeros((64, FEATURES)), np.arange(64) % 10),
    )
    before = resident()
    prepared = prepare(spec, registry)
    trainer = Trainer(prepared)
    most, begun, first, last = 0, time.perf_counter(), None, None
    next(events := trainer.events())
    for _ in events:
        last = time.perf_counter(), time.process_time(), trainer.step
        first = first or last
        most = max(most, resident() - before)
        if last[0] - begun > seconds:
            break
    assert first is not None
    assert last is not None
    wall, cpu, steps = (end - start for start, end in zip(first, last, strict=True))
    return {
        "samples_a_second": steps * BATCH / wall,
        "samples_a_cpu_second": steps * BATCH / cpu,
        "resident_mb": most / 1e6,
    }


def resident() -> int:
    """Return the resident memory of this process, in bytes."""
    status = Path("/proc/self/status").read_text("ascii")
    line = next(each for each in status.splitlines() if each.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def main() -> None:
    """Make the data, measure both in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--gigabytes", type=float, default=4.0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--sample", choices=["mapped", "memory"])
    arguments = parser.parse_args()
    if arguments.sample:
        mapped = arguments.sample == "mapped"
        print(json.dumps(sample(arguments.folder, mapped, arguments.seconds)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        make_data(Path(name), arguments.gigabytes)
        found: dict[str, list[dict[str, float]]] = {"mapped": [], "memory": []}
        for _ in range(arguments.repeats):
            for way, samples in found.items():
                options = ["--folder", name, "--sample", way, "--seconds", str(arguments.seconds)]
                output = subprocess.run(
                    [sys.executable, __file__, *options], check=True, capture_output=True, text=True
                ).stdout
                samples.append(json.loads(output))
                print(way, samples[-1], file=sys.stderr)
    medians = {
        way: {key: statistics.median(each[key] for each in samples) for key in samples[0]}
        for way, samples in found.items()
    }
    for way, figures in medians.items():
        print(way, *(f"{name} {figure:,.0f}" for name, figure in figures.items()), sep=", ")
    for name in ("samples_a_second", "samples_a_cpu_second"):
        ratio = medians["mapped"][name] / medians["memory"][name]
        print(f"{name}: mapped is {ratio:.2f} times as fast as memory")


if __name__ == "__main__":
    main()
