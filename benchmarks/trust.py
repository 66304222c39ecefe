"""Do intervals and sets cover what they promise, and does a temperature improve the log loss?

`python benchmarks/trust.py` trains the network of `declnet new --preset mlp` on tables of
`tabular/sets.py`, calibrates it on the validation rows, and evaluates it on rows that it never saw.
Each finished run is a line of `--results`, so it can be interrupted; `--report` prints the table of
these lines.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tabular.presets import spec_of
from tabular.results import all_records, append_record
from tabular.tasks import task_of

SETS = (
    *("banana", "magic", "letter", "optdigits", "penbased", "spambase", "marketing", "twonorm"),
    *("texture", "splice", "Default", "Bikeshare", "diamonds", "ames"),
)
"""Those with 2,900 rows or more, of which a fifth are calibrated on and a fifth are evaluated."""

MOST_ROWS = 5000
"""Rows that are used of a larger set."""


def main() -> None:
    """Run what is not in the results yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--coverage", type=float, default=0.9)
    parser.add_argument("--preset", default="mlp", help="of `declnet new` (default mlp)")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "trust.jsonl")
    parser.add_argument("--report", action="store_true", help="only print the table")
    options = parser.parse_args()
    done = {(record["set"], record["split"]) for record in all_records(options.results)}
    for split in range(0 if options.report else options.splits):
        for name in options.sets:
            if (name, split) not in done:
                record = _measured(name, split, options.coverage, options.preset)
                append_record(options.results, record)
    _print(all_records(options.results))


def _measured(name: str, split: int, coverage: float, preset: str) -> dict[str, Any]:
    """Return what calibrators do on the test rows of one split of a set."""
    import declnet

    task = task_of(name, split, MOST_ROWS)
    steps: list[Any] = [{"type": "conformal", "coverage": coverage}]
    steps[:0] = ["temperature"] if task.data.classes else []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for part, rows in task.rows.items():
            task.data.write(folder / f"{part}.csv", rows)
        document = spec_of(task, folder, preset) | {"calibration": {"steps": steps}}
        declnet.run(declnet.parse_spec(document, folder=folder), out=folder / "run")
        evaluation = declnet.load_predictor(folder / "run").evaluate(folder / "test.csv")
    measured = evaluation.as_data()["calibration"]
    for part in ("before", "after", "coverage"):
        values = measured.get(part, {})
        values |= {metric: float(f"{value:.6g}") for metric, value in values.items()}
    return {"set": name, "split": split, "rows": evaluation.samples, **measured}


def _print(records: list[dict[str, Any]]) -> None:
    """Print the means over the splits of each set, and over the sets."""
    print(f"{'':40}{'log loss':>10}{'calibration error':>20}")
    _print_cells("set", ("coverage", "size", *TIMES, *TIMES))
    rows: list[list[float | None]] = []
    for name in dict.fromkeys(record["set"] for record in records):
        runs = [run for run in records if run["set"] == name]
        row: list[float | None] = [_mean(runs, "coverage", "coverage")]
        size = "mean_set_size" if "mean_set_size" in runs[0]["coverage"] else "mean_width"
        row.append(_mean(runs, "coverage", size))
        for metric in ("log_loss", "expected_calibration_error"):
            row += [_mean(runs, when, metric) if when in runs[0] else None for when in TIMES]
        rows.append(row)
        _print_row(name, row)
    columns = list(zip(*rows, strict=True))
    known = [[value for value in column if value is not None] for column in columns]
    means = [statistics.fmean(values) if values else None for values in known]
    _print_row("mean", [means[0], None, *means[2:]])


TIMES = ("before", "after")


def _mean(records: list[dict[str, Any]], *path: str) -> float:
    return statistics.fmean(float(record[path[0]][path[1]]) for record in records)


def _print_row(name: str, row: list[float | None]) -> None:
    _print_cells(name, ["" if value is None else f"{value:.3g}" for value in row])


def _print_cells(name: str, cells: Sequence[str]) -> None:
    print(f"{name:10}{''.join(f'{cell:>10}' for cell in cells)}".rstrip())


if __name__ == "__main__":
    main()
