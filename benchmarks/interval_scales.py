"""Intervals of skewed, positive targets, with errors measured in values or in logarithms.

`python benchmarks/interval_scales.py` trains the network of `declnet new --preset mlp`, for the
target's values and for their logarithms, and fits intervals of both scales to the same predictions
for the validation rows. Each finished network is a line of `--results`, so it can be interrupted;
`--report` prints the table of these lines.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tabular.presets import spec_of
from tabular.results import all_records, append_record
from tabular.tasks import task_of

Array = Any

SETS = ("diamonds", "ames", "Bikeshare")
LEARNED = {"values": None, "log": ("clamp", "log", "standardize")}
"""What the network learns, and the transforms of the target; None: those that the preset writes."""
SCALES = ("values", "log")
MOST_ROWS = 5000
"""Rows that are used of a larger set."""
MEASURES = ("coverage", "lowest_fifth", "highest_fifth", "below_0", "width", "score")


def main() -> None:
    """Run what is not in the results yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--coverage", type=float, default=0.9)
    parser.add_argument("--preset", default="mlp", help="of `declnet new` (default mlp)")
    results = Path(__file__).parent / "interval_scales.jsonl"
    parser.add_argument("--results", type=Path, default=results)
    parser.add_argument("--report", action="store_true", help="only print the table")
    options = parser.parse_args()
    done = {(row["set"], row["split"], row["learned"]) for row in all_records(options.results)}
    for split in range(0 if options.report else options.splits):
        for name in options.sets:
            for learned in LEARNED:
                if (name, split, learned) not in done:
                    record = _measured(name, split, learned, options.coverage, options.preset)
                    append_record(options.results, record)
    _print(all_records(options.results))


def _measured(name: str, split: int, learned: str, coverage: float, preset: str) -> dict[str, Any]:
    """Return what intervals of both scales do on the test rows of one split of a set."""
    import declnet

    task = task_of(name, split, MOST_ROWS)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for part, rows in task.rows.items():
            task.data.write(folder / f"{part}.csv", rows)
        document = spec_of(task, folder, preset)
        if LEARNED[learned] is not None:
            document["data"]["prepare_targets"] = {task.data.target: LEARNED[learned]}
        declnet.run(declnet.parse_spec(document, folder=folder), out=folder / "run")
        predictor = declnet.load_predictor(folder / "run")
        predictions = {
            part: np.asarray(predictor.predict(task.features(part)).prediction, float).ravel()
            for part in ("validation", "test")
        }
    conformal = declnet.default_registry().find("calibrator", "conformal")
    scales = {}
    for scale in SCALES:
        calibrator = conformal.model_validate({"coverage": coverage, "scale": scale})
        state = calibrator.fit(predictions["validation"], task.target("validation"), "values")
        lower, upper = calibrator.intervals(predictions["test"], state)
        measures = _measures(predictions["test"], lower, upper, task.target("test"), 1 - coverage)
        scales[scale] = {key: float(f"{value:.6g}") for key, value in measures.items()}
    counts = {part: len(rows) for part, rows in predictions.items()}
    return {"set": name, "split": split, "learned": learned, "rows": counts, "scales": scales}


def _measures(
    y_pred: Array, lower: Array, upper: Array, y: Array, missed: float
) -> dict[str, float]:
    """Return the measures of intervals that should miss a share of the targets.

    The score is the width, plus 2 / missed times how far the target is outside (Gneiting and
    Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation, 2007).
    """
    held = (lower <= y) & (y <= upper)
    low, high = np.quantile(y_pred, [0.2, 0.8])
    outside = np.maximum(np.maximum(lower - y, y - upper), 0)
    return {
        "coverage": held.mean(),
        "lowest_fifth": held[y_pred <= low].mean(),
        "highest_fifth": held[y_pred >= high].mean(),
        "below_0": (lower < 0).mean(),
        "width": (upper - lower).mean(),
        "score": (upper - lower + 2 / missed * outside).mean(),
    }


def _print(records: list[dict[str, Any]]) -> None:
    """Print the means over the splits for each set, what was learned, and the scale."""
    print(f"{'set':10}{'learned':>8}{'scale':>8}{''.join(f'{name:>15}' for name in MEASURES)}")
    for name in dict.fromkeys(run["set"] for run in records):
        for learned in LEARNED:
            runs = [run for run in records if (run["set"], run["learned"]) == (name, learned)]
            for scale in SCALES if runs else ():
                rows = [run["scales"][scale] for run in runs]
                means = [statistics.fmean(row[measure] for row in rows) for measure in MEASURES]
                cells = "".join(f"{mean:>15.3g}" for mean in means)
                print(f"{name:10}{learned:>8}{scale:>8}{cells}")


if __name__ == "__main__":
    main()
