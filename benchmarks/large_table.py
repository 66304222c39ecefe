"""Compare training on a CSV file of more than 100 MB with scikit-learn, which loads the whole file.

    python benchmarks/large_table.py [--epochs 1]

The file has 1.6 million rows of eight numbers and a city; the target is a sum of their products and
noise. `declnet new --preset mlp` writes a spec that reads it in parts. The table has the error on
test rows, a twentieth of all, the seconds from the file to the metrics, and the peak of memory.
Needs the extra data, pandas and scikit-learn; takes some minutes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from measuring.table import aligned

ROWS, BLOCK, NUMBERS, CITIES = 1_600_000, 100_000, 8, 5
NOISE = 0.1
"""The standard deviation of the noise: no model has a lower error."""

PEER = """
import sys
import numpy as np, pandas
from sklearn.ensemble import HistGradientBoostingRegressor
table = pandas.read_csv(sys.argv[1], dtype={"city": "category"})
test = np.random.default_rng(0).random(len(table)) < 0.05
x, y = table.drop(columns="y"), table["y"].to_numpy()
model = HistGradientBoostingRegressor(categorical_features="from_dtype", random_state=0)
model.fit(x[~test], y[~test])
print(np.sqrt(np.mean(np.square(model.predict(x[test]) - y[test]))))
"""

MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000)
"""


def write_table(path: Path) -> None:
    """Write the file, from fixed seeds."""
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join([*(f"x{at}" for at in range(NUMBERS)), "city", "y"]) + "\n")
        for _ in range(ROWS // BLOCK):
            x, city = rng.normal(size=(BLOCK, NUMBERS)), rng.integers(0, CITIES, BLOCK)
            y = x[:, 0] * x[:, 1] + x[:, 2] + city + rng.normal(0, NOISE, BLOCK)
            for numbers, name, value in zip(x.tolist(), city.tolist(), y.tolist(), strict=True):
                cells = [f"{number:.5f}" for number in numbers]
                file.write(",".join([*cells, "ABCDE"[name], f"{value:.4f}"]) + "\n")


def measured(*command: str) -> tuple[str, float, float]:
    """Return what a command prints, its seconds, and the peak of its memory in MB."""
    begin = time.perf_counter()
    arguments = [sys.executable, "-c", MEASURED, sys.executable, *command]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    *lines, memory = done.stdout.splitlines()
    return "\n".join(lines), time.perf_counter() - begin, float(memory)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table, spec, run = (Path(folder, name) for name in ("table.csv", "spec.toml", "run"))
        write_table(table)
        print(f"{table.stat().st_size / 1e6:.0f} MB, {ROWS:,} rows", file=sys.stderr)
        new = ("new", str(spec), "--data", str(table), "--target", "y", "--preset", "mlp")
        subprocess.run([sys.executable, "-m", "declnet", *new], check=True)
        epochs = ("--set", f"training.epochs={options.epochs}")
        command = ("-m", "declnet", "run", str(spec), "--quiet", "--out", str(run), *epochs)
        _, seconds, memory = measured(*command)
        metrics = json.loads((run / "metrics.json").read_text("utf-8"))
        error = metrics["test"]["root_mean_squared_error"]
        rows = [("", "RMSE", "seconds", "MB"), ("noise", f"{NOISE:g}", "", "")]
        rows.append(("declnet", f"{error:.3f}", f"{seconds:.0f}", f"{memory:.0f}"))
        printed, seconds, memory = measured("-c", PEER, str(table))
        rows.append(("boosting", f"{float(printed):.3f}", f"{seconds:.0f}", f"{memory:.0f}"))
    print(*aligned(rows), sep="\n")


if __name__ == "__main__":
    main()
