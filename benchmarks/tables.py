"""Compare the network that `declnet new` writes with scikit-learn's models on real tables.

    python benchmarks/tables.py [--sets pima wdbc] [--splits 3] [--models "declnet new" linear]

Each split trains on 80 % of the rows and tests on the rest; the same rows for all models. Printed
is the mean over the splits of: 1 - AUC for two classes, the share of wrong predictions for more,
and 1 - R2 for numbers. All are errors: smaller is better. The last lines count sets and give the
geometric mean of the ratios of errors, where errors below 0.002 count as 0.002. The models of
scikit-learn have their default settings. `tabular/sets.py` says which packages carry the tables;
sets whose package is missing are skipped.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from tabular.models import MODELS, Split
from tabular.sets import TableSet, load, names

Array = Any


def halves(data: TableSet, seed: int, most_rows: int) -> tuple[list[int], list[int]]:
    """Return the rows to train on and those to test on, stratified by class."""
    from sklearn.model_selection import train_test_split

    target = np.array(data.columns[data.target])
    rows = np.flatnonzero(target != "")
    labels = target[rows] if data.classes else None
    most = min(most_rows, len(rows))
    train, test = train_test_split(
        rows,
        train_size=int(0.8 * most),
        test_size=most - int(0.8 * most),
        random_state=seed,
        stratify=labels,
    )
    return train.tolist(), test.tolist()


def error_of(data: TableSet, predicted: Array, rows: list[int]) -> float:
    """Return 1 - AUC, the share of wrong predictions, or 1 - R2."""
    from sklearn.metrics import roc_auc_score

    target = np.array(data.columns[data.target])[rows]
    classes = np.array(data.classes)
    if len(classes) == 0:
        y = target.astype(float)
        return float(np.sum((predicted - y) ** 2) / np.sum((y - y.mean()) ** 2))
    if len(classes) == 2:
        return 1 - float(roc_auc_score(target == classes[1], predicted[:, 1]))
    return float(np.mean(classes[predicted.argmax(axis=1)] != target))


def measure(
    name: str, models: list[str], splits: int, most_rows: int
) -> dict[str, dict[str, list[float]]]:
    """Return the errors and the seconds of each model, one for each split."""
    data = load(name)
    found: dict[str, dict[str, list[float]]] = {
        model: {"error": [], "seconds": []} for model in models
    }
    for seed in range(splits):
        train, test = halves(data, seed, most_rows)
        with tempfile.TemporaryDirectory() as folder:
            split = Split(data, Path(folder) / "train.csv", Path(folder) / "test.csv", seed)
            data.write(split.train, train)
            data.write(split.test, test)
            for model in models:
                start = time.perf_counter()
                predicted = MODELS[model](split)
                found[model]["seconds"].append(time.perf_counter() - start)
                found[model]["error"].append(error_of(data, predicted, test))
    return found


def print_row(name: str, data: TableSet, found: dict[str, dict[str, list[float]]]) -> None:
    """Print the mean error of each model, and its time."""
    kind = {0: "1 - R2", 2: "1 - AUC"}.get(len(data.classes), "wrong")
    cells = [
        f"{np.mean(each['error']):9.4f} {np.mean(each['seconds']):6.1f} s"
        for each in found.values()
    ]
    print(f"{name:16}{data.rows:7} {kind:8}", *cells, flush=True)


def print_summary(results: dict[str, dict[str, dict[str, list[float]]]], models: list[str]) -> None:
    """Print, for the first model, how often and by how much it beats each other one."""
    first, *others = models
    for other in others:
        ours = np.array([np.mean(found[first]["error"]) for found in results.values()])
        theirs = np.array([np.mean(found[other]["error"]) for found in results.values()])
        ratio = np.exp(np.mean(np.log(np.maximum(ours, 2e-3) / np.maximum(theirs, 2e-3))))
        print(
            f"{first} against {other}: lower error on {np.sum(ours < theirs)} of {len(ours)} sets, "
            f"higher on {np.sum(ours > theirs)}; ratio of errors {ratio:.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", default=[*names()], help="default: all")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=[*MODELS])
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--rows", type=int, default=20_000, help="at most, of each set")
    parser.add_argument("--json", type=Path, help="a file for all results")
    arguments = parser.parse_args()
    print(f"{'set':16}{'rows':>7} {'error':8}", *(f"{each:>18}" for each in arguments.models))
    results = {}
    for name in arguments.sets:
        try:
            results[name] = measure(name, arguments.models, arguments.splits, arguments.rows)
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
            raise
        print_row(name, load(name), results[name])
    print_summary(results, arguments.models)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
