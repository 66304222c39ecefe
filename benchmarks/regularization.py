"""Measure what docs/explanation/regularization.md shows, or check that it is still so.

    python benchmarks/regularization.py [--jobs 2] [--sweep FOLDER]
    python benchmarks/regularization.py --check [--jobs 2]

The first sweeps `specs/regularization` with seeds 0 to 5 (or reads the folder of such a sweep),
trains a wider network with dropout and the notebook's own run, and writes `regularization.json`,
which the docs' tests compare with the page, and `docs/images/regularization.png`.

The notebook's run has the data and the initial weights that NumPy's seed 0 gives the notebook's
code. It is repeated with the weights of the first layer moved by about 1e-7 of their size, which
float32 hardly resolves: this is how far rounding alone moves the result.

The second sweeps, and fails if the mean accuracy of a spec is not the page's. Rounding differs
between machines, so the means may differ by three standard errors of their difference, or by 0.03.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import declnet
import numpy as np
from declnet.runs.many.series import spread
from safetensors.numpy import save_file

from measuring.options import positive

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_suffix(".json")
PICTURE = ROOT / "docs" / "images" / "regularization.png"
SPECS = ROOT / "specs" / "regularization"
SEEDS = "0..5"
NUDGED, NUDGE = 40, 1e-7
PRINTED = {"accuracy": 0.873, "loss": 0.485}
"""What the notebook prints for its test data."""


def sweep(folder: Path, jobs: int) -> None:
    """Sweep the specs with the kernels that every installation has."""
    numpy = ("--set", "engine.kernels=numpy")
    options = ("--seeds", SEEDS, "--jobs", str(jobs), *numpy, "--out", str(folder))
    command = [sys.executable, "-m", "declnet", "sweep", str(SPECS), *options]
    subprocess.run(command, check=True)


def trimmed(summary: Any) -> dict[str, Any]:
    """Return the metrics of each run of a sweep's `summary.json`, best spec first."""
    return {
        spec["name"]: [
            {"seed": run["seed"], "seconds": run["seconds"], "metrics": rounded(run["metrics"])}
            for run in spec["runs"]
        ]
        for spec in summary["specs"]
    }


def rounded(metrics: Any) -> Any:
    """Return metrics with nine significant digits."""
    return {
        data: {name: float(f"{value:.9g}") for name, value in values.items()}
        for data, values in metrics.items()
    }


def write_notebook_data(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Write the notebook's data sets, and return its initial weights, all drawn in its order."""
    from nnfs.datasets import spiral_data

    np.random.seed(0)
    x, y = spiral_data(samples=1000, classes=3)
    weights = 0.01 * np.random.randn(2, 64), 0.01 * np.random.randn(64, 3)
    x_test, y_test = spiral_data(samples=100, classes=3)
    np.savez(folder / "train.npz", x=x, y=y)
    np.savez(folder / "test.npz", x=x_test, y=y_test)
    return weights


def notebook_test(
    folder: Path, kernels: str, first: np.ndarray, second: np.ndarray
) -> dict[str, float]:
    """Train the notebook's network from these weights, and return its metrics on the test data."""
    weights = {
        "dense_1.weights": first.astype(np.float32),
        "dense_1.biases": np.zeros(64, np.float32),
        "dense_2.weights": second.astype(np.float32),
        "dense_2.biases": np.zeros(3, np.float32),
    }
    save_file(weights, folder / "initial.safetensors")
    changes = {
        "data.train": {"type": "npz", "path": str(folder / "train.npz")},
        "data.test": {"type": "npz", "path": str(folder / "test.npz")},
        "model.initial_weights": str(folder / "initial.safetensors"),
        "engine.kernels": kernels,
    }
    result = declnet.run(declnet.load_spec(SPECS / "l2_1000.toml", changes))
    metrics: dict[str, float] = rounded(result.metrics)["test"]
    return metrics


def nudged(
    folder: Path, kernels: str, first: np.ndarray, second: np.ndarray
) -> dict[str, list[float]]:
    """Return the range of each metric of the notebook's run over nudged weights."""
    runs = []
    for seed in range(NUDGED):
        noise = np.random.default_rng(seed).standard_normal(first.shape)
        runs.append(notebook_test(folder, kernels, first * (1 + NUDGE * noise), second))
        print(f"{kernels}, nudged {seed + 1} of {NUDGED}: {runs[-1]}", file=sys.stderr)
    values = {name: [metrics[name] for metrics in runs] for name in runs[0]}
    return {name: [min(column), max(column)] for name, column in values.items()}


def notebook(folder: Path) -> dict[str, Any]:
    """Return the notebook's run, and how far nudges move it, with each kind of kernels."""
    weights = write_notebook_data(folder)
    return {
        "printed": PRINTED,
        "run": notebook_test(folder, "numpy", *weights),
        "nudged": nudged(folder, "numpy", *weights),
        "nudged_jit": nudged(folder, "jit", *weights),
    }


def wider_dropout() -> dict[str, float]:
    """Return the accuracies of `dropout_100` with 256 units, by data set."""
    changes = {"model.layers.0.units": 256, "engine.kernels": "numpy"}
    result = declnet.run(declnet.load_spec(SPECS / "dropout_100.toml", changes))
    return {data: metrics["accuracy"] for data, metrics in rounded(result.metrics).items()}


def as_text(results: dict[str, Any]) -> str:
    """Return the results as JSON with a line for each run."""
    specs = [
        json.dumps(name) + ": [\n" + ",\n".join(map(json.dumps, runs)) + "\n]"
        for name, runs in results["sweep"].items()
    ]
    others = (f'"{name}": {json.dumps(data)}' for name, data in results.items() if name != "sweep")
    return '{"sweep": {\n' + ",\n".join(specs) + "\n},\n" + ",\n".join(others) + "}\n"


def differences(results: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Return what is not as expected, a line for each mean accuracy."""
    lines = [] if set(results) == set(expected) else [f"specs: {sorted(results)}"]
    for name in results.keys() & expected.keys():
        for data in ("train", "test"):
            ours, theirs = (
                spread([run["metrics"][data]["accuracy"] for run in runs])
                for runs in (results[name], expected[name])
            )
            error = math.hypot(ours.standard_deviation or 0, theirs.standard_deviation or 0)
            margin = max(0.03, 3 * error / math.sqrt(len(expected[name])))
            if abs(ours.mean - theirs.mean) > margin:
                lines.append(f"{name}, {data}: {ours.mean:.3f} instead of {theirs.mean:.3f}")
    return lines


def main() -> int:
    """Measure, or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=positive, default=1, help="runs in parallel (default 1)")
    parser.add_argument("--sweep", type=Path, help="a finished sweep, in place of a new one")
    parser.add_argument("--check", action="store_true", help="compare with regularization.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.sweep or Path(temporary) / "sweep"
        if arguments.sweep is None:
            sweep(folder, arguments.jobs)
        runs = trimmed(json.loads((folder / "summary.json").read_text("utf-8")))
        if arguments.check:
            lines = differences(runs, json.loads(RESULTS.read_text("utf-8"))["sweep"])
            print("\n".join(lines or ["as in regularization.json"]))
            return int(bool(lines))
        draw = [sys.executable, "-m", "declnet", "plot", str(folder), "--output", str(PICTURE)]
        subprocess.run(draw, check=True)
        results = {
            "sweep": runs,
            "wider_dropout": wider_dropout(),
            "notebook": notebook(Path(temporary)),
        }
    RESULTS.write_text(as_text(results), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
