"""The charts of reliability and coverage, compared with the counts of `evaluate`."""

from __future__ import annotations

import pytest

import declnet

CONFORMAL = {"type": "conformal", "coverage": 0.5}


def rows_of(page, title):
    """The rows of the table below a chart, without its heading."""
    tables = page.section("predictions").all("table")
    return next(table.rows()[1:] for table in tables if table.one("caption").text == title)


def test_probabilities_before_and_after_with_the_sets(page_of, runs):
    folder = runs.classifier(calibration=["temperature", CONFORMAL])
    result = declnet.open_run(folder).evaluate().calibration
    page = page_of(folder)
    text = page.chart("Reliability").text
    for metrics in (result.before, result.after):
        assert f"log loss {metrics['log_loss']:.4g}" in text
    names, counts = zip(
        *((row[0], int(row[-1])) for row in rows_of(page, "Reliability")), strict=True
    )
    assert list(dict.fromkeys(names)) == ["uncalibrated", "calibrated"]
    assert sum(counts) == 2 * 90
    rows = rows_of(page, "Coverage of the sets")
    assert [row[0] for row in rows] == ["0", "1", "2"]
    share = sum(float(row[1]) * int(row[3]) for row in rows) / 90
    assert share == pytest.approx(result.coverage["coverage"], abs=1e-3)
    rule = page.spec("Coverage of the sets")["layer"][1]
    assert rule["data"]["values"] == [{"share": 0.5}]


def test_intervals_by_fifths_of_the_prediction(page_of, runs):
    folder = runs.regression(calibration=[CONFORMAL])
    result = declnet.open_run(folder).evaluate().calibration
    page = page_of(folder)
    rows = rows_of(page, "Coverage of the intervals")
    assert [row[3] for row in rows] == ["16"] * 5
    assert sum(float(row[1]) for row in rows) / 5 == pytest.approx(
        result.coverage["coverage"], abs=1e-3
    )
    assert "0.500 promised" in page.chart("Coverage of the intervals").text
