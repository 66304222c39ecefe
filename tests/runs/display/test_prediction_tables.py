"""Predictions in a notebook: how often each value was predicted, and the first rows."""

from __future__ import annotations

import numpy as np

from declnet import Predictions
from declnet.errors import DataError
from declnet.runs.display.prediction_tables import MOST_ROWS

from ...html_views import HtmlView

HOSTILE = "<script>alert(1)</script> &"


def test_classes_are_counted_and_their_rows_are_escaped():
    kinds = np.array([HOSTILE, "b", HOSTILE, "b", HOSTILE] * 5, object)
    probabilities = np.tile([0.25, 0.75], (25, 1))
    identifiers = {"<i>": np.arange(25)}
    predictions = Predictions(kinds, probabilities, (HOSTILE, "b"), probabilities, identifiers)
    shown = HtmlView(predictions._repr_html_())
    counts, rows = shown.tables
    assert counts[1:] == [[HOSTILE, "15", "60.0 %"], ["b", "10", "40.0 %"]]
    assert rows[0] == ["<i>", "prediction", f"probability_{HOSTILE}", "probability_b"]
    assert rows[1] == ["0", HOSTILE, "0.2500", "0.7500"]
    assert len(rows) == 1 + MOST_ROWS
    assert f"the first {MOST_ROWS} of 25 rows" in shown.text
    assert shown.names.count("rect") == 2


def test_values_have_a_histogram_and_intervals():
    values = np.linspace(0, 1, 33)
    predictions = Predictions(values, None, None, values, lower=values - 1, upper=values + 1)
    counts, rows = HtmlView(predictions._repr_html_()).tables
    assert sum(int(count) for _, count in counts[1:]) == 33
    assert rows[0] == ["prediction", "lower", "upper"]


def test_rows_without_a_prediction_are_shown_but_not_counted():
    kinds = np.array(["a", None, "b"], object)
    errors = {1: DataError("<b> is missing")}
    predictions = Predictions(kinds, None, ("a", "b"), np.zeros((3, 2)), errors=errors)
    counts, rows = HtmlView(predictions._repr_html_()).tables
    assert [row[0] for row in counts[1:]] == ["a", "b"]
    assert rows[2] == ["-", "<b> is missing"]


def test_several_outputs_and_no_rows_have_only_rows():
    flags = Predictions(np.zeros((4, 2), int), np.zeros((4, 2)), None, np.zeros((4, 2)))
    (rows,) = HtmlView(flags._repr_html_()).tables
    assert rows[0] == ["prediction_1", "prediction_2", "probability_1", "probability_2"]
    nothing = Predictions(np.zeros(0), None, None, np.zeros(0))
    assert HtmlView(nothing._repr_html_()).tables == [[["prediction"]]]
