"""Results in a notebook show the values of their attributes."""

from __future__ import annotations

import math

import pytest

import declnet
from declnet.display.tables import format_metric, format_spread
from declnet.runs.display.results import MOST_POINTS, curves

from ...html_views import HtmlView


@pytest.fixture
def result(document, changed, tmp_path):
    document["training"] = {"epochs": 6, "metrics": ["accuracy"]}
    document["data"]["validation"] = 0.25
    return declnet.run({**document, "name": "<i>"}, out=tmp_path / "run")


def test_a_result_has_its_metrics_model_spec_and_curve(result):
    view = HtmlView(result._repr_html_())
    rows = {row[0]: row[1:] for row in view.tables[0]}
    baseline = result.baselines["validation"]
    last = f"validation baseline: {baseline.prediction}"
    assert rows[""] == [*result.metrics, last]
    for name in ("accuracy", "loss"):
        columns = [*result.metrics.values(), baseline.metrics]
        assert rows[name] == [format_metric(values.get(name)) for values in columns]
    assert view.text.startswith("<i>, 6 epochs")
    assert view.names.count("polyline") == 2 * 2  # in the chart and in its legend
    assert view.names.count("svg") == 2 + 2
    assert ["layer", "type", "output", "parameters"] in [rows[0] for rows in view.tables]


def test_a_stored_run_shows_the_same_and_names_damaged_files(result):
    run = declnet.open_run(result.directory)
    view = HtmlView(run._repr_html_())
    shown = HtmlView(result._repr_html_())
    assert view.tables[0] == shown.tables[0]
    assert run.spec_text in view.text
    (result.directory / "metrics.json").write_text("{}", "utf-8")
    damaged = HtmlView(declnet.open_run(result.directory)._repr_html_())
    assert "metrics.json" in damaged.text
    assert "<i>" in damaged.text


def test_an_evaluation_has_scores_by_class_and_the_confusion(result):
    evaluation = declnet.open_run(result.directory).evaluate("train")
    view = HtmlView(evaluation._repr_html_())
    assert ["accuracy", format_metric(evaluation.metrics["accuracy"])] in [
        row[:2] for row in view.tables[0]
    ]
    counts = [list(map(int, row[1:])) for row in view.tables[-1][1:]]
    assert counts == evaluation.counts.tolist()
    assert [int(row[-1]) for row in view.tables[-2][1:]] == [sum(row) for row in counts]


def test_folds_have_their_spread(document, tmp_path):
    document["training"] = {"epochs": 2, "metrics": ["accuracy"]}
    document["data"]["folds"] = 3
    folds = declnet.run(document, out=tmp_path / "folds")
    mean = folds.metrics["validation"]["accuracy"]
    together, runs = HtmlView(folds._repr_html_()).tables
    number = runs[0].index("validation.accuracy")
    rows = {row[0]: row[number] for row in runs[1:]}
    assert list(rows) == ["1", "2", "3", "mean", "standard deviation"]
    deviation = folds.spreads["validation"]["accuracy"].standard_deviation
    assert f"{rows['mean']} ± {rows['standard deviation']}" == format_spread(mean, deviation)
    evaluation = declnet.open_group(tmp_path / "folds").evaluate()
    assert together[0] == ["metric", "value", f"baseline: {evaluation.baseline.prediction}"]
    assert ["accuracy", format_metric(evaluation.metrics["accuracy"])] in [r[:2] for r in together]


def test_a_sweep_and_a_study_have_the_tables_of_the_command_line(document, tmp_path):
    document["data"]["validation"] = 0.25
    rates = {"optimizer.learning_rate": [0.1, 0.5]}
    swept = declnet.sweep({**document, "sweep": rates}, out=tmp_path / "sweep", jobs=1)
    section = {"trials": 2, "search": "random", "space": rates}
    study = declnet.tune({**document, "tune": section}, out=tmp_path / "study")
    for group, heading in ((swept, "spec"), (study, "trial")):
        tables = HtmlView(group._repr_html_()).tables
        assert tables[0][0][0] == heading
        assert [rows[0] for rows in tables] == [[*t.columns] for t in group.tables()]
        assert len(tables[0]) == 3


def test_a_curve_has_few_points_and_leaves_out_what_is_not_finite():
    history = [{"epoch": at, "loss": 1 / (at + 1)} for at in range(10_000)]
    history[3]["loss"] = math.inf
    drawn = curves(history)
    assert drawn.count(",") < MOST_POINTS + 5
    assert "inf" not in drawn
    assert "Line chart of loss by epoch, from 0.0001000 to 1.000" in drawn
    assert curves([]) == curves(history[:1]) == ""
    assert "75.0" in curves([{"epoch": 0, "loss": 1}, {"epoch": 1, "loss": 1}])
