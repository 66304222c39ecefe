"""Predict the rows of a CSV file with declnet and scikit-learn: speed and peak memory.

    python benchmarks/predicting.py [--rows 1 5] [--folder DIR]

`--rows` is in millions; each row has ten numbers and a word, and there are three classes. Both read
CSV, prepare (standardize, one-hot), run two hidden layers of 64 units, and write classes and
probabilities as CSV. Each sample is a separate process. The scikit-learn one reads the whole file
at a time, with polars. Files are made in DIR and removed afterwards.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

NUMBERS = [f"x{at}" for at in range(10)]
COLORS = np.array(["red", "green", "blue", "black"])
LEVELS = np.array(["low", "middle", "high"])

SPEC = """
declnet = 1
data.train = { type = "csv", path = "train.csv", target = "level" }
data.prepare = ["standardize", "one_hot"]
loss.type = "categorical_crossentropy"
optimizer = { type = "adam", learning_rate = 0.003 }
training = { epochs = 5, batch_size = 200, log_every = 5 }
model.layers = [
  { type = "dense", units = 64 }, "relu", { type = "dense", units = 64 }, "relu",
  { type = "dense", units = 3 }, "softmax",
]
"""


def make_table(path: Path, rows: int, seed: int) -> None:
    """Write a table, part by part."""
    import polars as pl

    rng = np.random.default_rng(seed)
    weights = np.random.default_rng(0).normal(size=len(NUMBERS))
    with path.open("wb") as file:
        for start in range(0, rows, 500_000):
            count = min(500_000, rows - start)
            x, color = rng.normal(size=(count, len(NUMBERS))).round(4), rng.integers(0, 4, count)
            level = np.digitize(x @ weights + color, [0, 2.5])
            columns = dict(zip(NUMBERS, x.T, strict=True))
            frame = pl.DataFrame({**columns, "color": COLORS[color], "level": LEVELS[level]})
            frame.write_csv(file, include_header=start == 0)


def with_declnet(folder: Path, table: str) -> None:
    """Predict as the command line does."""
    from declnet.cli.main import command

    words = ["predict", folder / "run", folder / table, "-o", folder / "out.csv", "--force"]
    command.main([*map(str, words)], standalone_mode=False)


def with_scikit_learn(folder: Path, table: str) -> None:
    """Predict with a pipeline trained on the same rows."""
    import pickle

    import polars as pl

    model = pickle.loads((folder / "model.pickle").read_bytes())
    frame = pl.read_csv(folder / table)
    probabilities = model.predict_proba(frame.drop("level"))
    found = {"prediction": model.classes_[probabilities.argmax(axis=1)].tolist()}
    for at, name in enumerate(model.classes_):
        found[f"probability_{name}"] = probabilities[:, at]
    pl.DataFrame(found).write_csv(folder / "out.csv")


def train(folder: Path) -> None:
    """Train both on 20 000 rows."""
    import pickle

    import declnet
    import polars as pl
    from sklearn.compose import make_column_transformer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    make_table(folder / "train.csv", 20_000, seed=1)
    (folder / "spec.toml").write_text(SPEC)
    declnet.run(declnet.load_spec(folder / "spec.toml"), out=folder / "run")
    frame = pl.read_csv(folder / "train.csv")
    words = OneHotEncoder(sparse_output=False)
    prepared = make_column_transformer((StandardScaler(), NUMBERS), (words, ["color"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make_pipeline(prepared, MLPClassifier((64, 64), max_iter=5))
        model.fit(frame.drop("level"), frame["level"])
    (folder / "model.pickle").write_bytes(pickle.dumps(model))


WAYS = {"declnet": with_declnet, "scikit-learn": with_scikit_learn}


def measure(way: str, folder: Path, table: str) -> tuple[float, float]:
    """Return seconds from the process's start to its end, and its peak memory in MB."""
    words = [sys.executable, __file__, "--way", way, "--folder", str(folder), "--table", table]
    start = time.perf_counter()
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, float(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 5], help="in millions")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--way", choices=WAYS, help="for the processes that this one starts")
    parser.add_argument("--table")
    arguments = parser.parse_args()
    if arguments.way:
        WAYS[arguments.way](arguments.folder, arguments.table)
        # the peak from getrusage would start at the parent process's
        (peak,) = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
        print(int(peak) / 1024)
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        train(folder)
        for millions in arguments.rows:
            make_table(folder / "table.csv", millions * 1_000_000, seed=2)
            for way in WAYS:
                seconds, peak = measure(way, folder, "table.csv")
                speed = millions * 1_000_000 / seconds
                print(
                    f"{millions} M rows, {way}: {seconds:.1f} s, {speed:,.0f} rows/s, {peak:.0f} MB"
                )


if __name__ == "__main__":
    main()
