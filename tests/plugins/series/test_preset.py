"""The preset for series: from a file to its forecast, and its errors."""

from __future__ import annotations

import csv
import json
import tomllib

import numpy as np
import pytest

ROWS, SEASON, SHARE = 163, 12, 0.15
TEST = round(ROWS * SHARE)


def months(count=ROWS):
    return (np.datetime64("2010-01") + np.arange(count)).astype(str)


def sales(count=ROWS, level=4.0, seed=0):
    at = np.arange(count)
    noise = np.random.default_rng(seed).normal(0, 0.03, count)
    return np.round(np.exp(level + at / 100 + 0.2 * np.sin(at * np.pi / 6) + noise), 1)


def write(path, **columns):
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def test_a_table_of_months_becomes_a_forecast_of_the_next_year(declnet_cli, tmp_path):
    values = sales()
    write(tmp_path / "sales.csv", month=months(), sales=values)
    new = declnet_cli("new", "spec.toml", "--data", "sales.csv", "--target", "sales")
    assert new.returncode == 0, new.stderr
    assert 'column "month" has monthly times' in new.stderr
    text = (tmp_path / "spec.toml").read_text("utf-8")
    assert len(text.splitlines()) <= 40
    windows = tomllib.loads(text)["data"]["windows"]
    assert (windows["horizon"], windows["season"]) == (12, SEASON)

    ran = declnet_cli("run", "spec.toml", "--out", "run")
    assert ran.returncode == 0, ran.stderr
    assert any(line.endswith("declnet predict run") for line in ran.stdout.splitlines())
    printed = " ".join(ran.stdout.split())
    assert "(always the median)" in printed
    assert "(seasonal naive, 12 rows)" in printed
    evaluated = json.loads(declnet_cli("evaluate", "run", "--format", "json").stdout)
    (naive,), metrics = evaluated["references"], evaluated["metrics"]
    starts = np.arange(ROWS - TEST, ROWS - 12 + 1)  # windows whose targets are test rows
    targets = values[starts[:, None] + np.arange(12)]
    before = values[starts[:, None] + np.arange(12) - SEASON]
    error = np.abs(targets - before).mean()
    assert evaluated["samples"] == len(starts)
    assert naive["metrics"]["mean_absolute_error"] == pytest.approx(error, rel=1e-6)
    assert metrics["mean_absolute_error"] < error
    trained = values[: int(0.7 * (ROWS - 1)) + 1]
    scale = np.abs(trained[SEASON:] - trained[:-SEASON]).mean()
    assert naive["metrics"]["mase"] == pytest.approx(error / scale, rel=1e-4)

    predicted = declnet_cli("predict", "run")
    assert (predicted.returncode, predicted.stderr) == (0, "")  # though the values are new
    rows = list(csv.DictReader(predicted.stdout.splitlines()))
    assert [row["month"] for row in rows] == months(ROWS + 12)[ROWS:].tolist()
    at = np.arange(ROWS, ROWS + 12)
    truth = np.exp(4 + at / 100 + 0.2 * np.sin(at * np.pi / 6))
    forecast = np.array([float(row["prediction"]) for row in rows])
    assert np.abs(forecast / truth - 1).mean() < 0.1
    whole = declnet_cli("predict", "run", "sales.csv")
    assert whole.stdout == predicted.stdout


def test_series_of_one_table_are_forecast_with_their_names_and_covariates(declnet_cli, tmp_path):
    shops = {"north": sales(90), "south": -sales(90, seed=1)}
    table = {"shop": [], "day": [], "visitors": [], "sales": []}
    for name, values in shops.items():
        table["shop"] += [name] * 90
        table["day"] += (np.datetime64("2024-01-01") + np.arange(90)).astype(str).tolist()
        table["visitors"] += np.roll(values, 1).tolist()
        table["sales"] += values.tolist()
    write(tmp_path / "sales.csv", **table)
    options = "--time", "day", "--series", "shop", "--horizon", "5"
    new = declnet_cli("new", "spec.toml", "--data", "sales.csv", "--target", "sales", *options)
    assert new.returncode == 0, new.stderr
    ran = declnet_cli("run", "spec.toml", "--out", "run", "--quiet", "--set", "training.epochs=2")
    assert ran.returncode == 0, ran.stderr
    rows = list(csv.DictReader(declnet_cli("predict", "run").stdout.splitlines()))
    assert list(rows[0]) == ["shop", "day", "prediction"]
    assert [row["shop"] for row in rows] == ["north"] * 5 + ["south"] * 5
    assert [row["day"] for row in rows[:5]] == [f"2024-03-{day}" for day in range(31, 32)] + [
        f"2024-04-0{day}" for day in range(1, 5)
    ]
    folds = declnet_cli(
        *("new", "folds.toml", "--data", "sales.csv", "--target", "sales", *options),
        *("--folds", "3", "--test", "0"),
    )
    assert folds.returncode == 0, folds.stderr
    assert declnet_cli("check", "folds.toml").returncode == 0


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({5: None}, [], '"month" is 2010-07, which does not follow 2010-05 at the distance'),
        ({5: "2010-05"}, [], '"month" is 2010-05, not after the 2010-05 of row 5'),
        ({}, ["--series", "shpo"], 'there is no column "shpo"'),
        ({}, ["--series", "shop", "--horizon", "40"], "50 rows are too few to forecast 40"),
    ],
)
def test_errors_name_what_is_wrong_with_a_series(change, options, message, declnet_cli, tmp_path):
    when = [change.get(at, month) for at, month in enumerate(months(50).tolist())]
    rows = [at for at, month in enumerate(when) if month is not None]
    write(
        tmp_path / "sales.csv",
        month=[when[at] for at in rows],
        shop=["one"] * len(rows),
        sales=sales(50)[rows],
    )
    new = declnet_cli(
        "new", "spec.toml", "--data", "sales.csv", "--target", "sales", "--time", "month", *options
    )
    assert new.returncode != 0
    assert message in new.stderr
    assert not (tmp_path / "spec.toml").exists()
