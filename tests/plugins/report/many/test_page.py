"""The page of many runs: its data, its escaping and its size."""

from __future__ import annotations

import json
import math
import re

import pytest

from declnet_plugins.report.many.page import (
    MOST_CURVES,
    MOST_POINTS,
    _best_table,
    many_runs_page,
    page_data,
)
from declnet_plugins.report.many.reported import ReportedRun


def reported(number, **more):
    result = {
        "name": f"spec-{number // 10}/seed-{number % 10}",
        "status": "finished",
        "values": {"optimizer.learning_rate": 0.001 * (number // 10 % 20), "seed": number % 10},
        "metrics": {"test.accuracy": (number * 7919 % 1000) / 1000, "test.loss": number / 7},
        "better": {"test.accuracy": "higher", "test.loss": "lower"},
        "seconds": 1 + number / 3,
    }
    return ReportedRun(**(result | more))


def decoded(column):
    return [column["values"][code] for code in column["codes"]]


def test_columns_have_the_values_of_the_runs_in_order():
    runs = [
        reported(30, values={"seed": 10, "optimizer": {"type": "adam", "beta_1": 0.5}}),
        reported(4, values={"seed": 9, "optimizer": "sgd"}, status="failed", metrics={}),
        reported(11, values={"optimizer": "sgd"}, metrics={"test.accuracy": math.nan}),
    ]
    data = page_data(runs)
    assert decoded(data["folders"]) == ["spec-3", "spec-0", "spec-1"]
    assert decoded(data["names"]) == ["seed-0", "seed-4", "seed-1"]
    assert decoded(data["status"]) == ["finished", "failed", "finished"]
    seed, optimizer = data["keys"]
    assert (seed["name"], seed["values"], decoded(seed)) == (
        "seed", [None, 9, 10], [10, 9, None],
    )  # fmt: skip
    assert decoded(optimizer) == ["adam, beta_1 = 0.5", "sgd", "sgd"]
    accuracy, loss = data["metrics"]
    assert (accuracy["better"], accuracy["values"]) == ("higher", [0.57, None, None])
    assert loss["values"] == [4.28571, None, None]
    assert data["metric"] == "test.accuracy"


def test_the_best_may_be_the_closest_to_a_number():
    values = [-3.0, 1.5, 0.25, 1.0]
    runs = [
        reported(number, metrics={"test.bias": value}, better={"test.bias": 1.0})
        for number, value in enumerate(values)
    ]
    assert page_data(runs)["metrics"][0]["better"] == 1.0
    table = _best_table(runs, None)
    assert [row[-1] for row in table.rows] == [1.0, 1.5, 0.25, -3.0]


def test_only_the_best_have_curves_of_a_few_points_with_both_ends(tmp_path):
    rows = [{"epoch": epoch, "loss": 1 / (1 + epoch), "learning_rate": 1} for epoch in range(500)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "history.jsonl").write_text(text + '{"epoch": 500, "lo')
    runs = [reported(number, history=tmp_path / "history.jsonl") for number in range(300)]
    runs[7] = reported(7, history=tmp_path / "absent", metrics={"test.accuracy": 1.0})
    curves = page_data(runs)["curves"]
    best = sorted(range(300), key=lambda at: -runs[at].metrics["test.accuracy"])[:MOST_CURVES]
    assert set(curves["runs"]) == {str(at) for at in best} - {"7"}
    assert curves["keys"] == ["loss"]
    epochs, losses = curves["runs"][str(best[1])]
    assert (len(epochs), epochs[0], epochs[-1]) == (MOST_POINTS, 0, 499)
    assert losses == [float(f"{1 / (1 + epoch):.6g}") for epoch in epochs]


@pytest.mark.usefixtures("needs_report")
def test_ten_thousand_runs_are_one_small_file_that_loads_nothing():
    page = many_runs_page("many", [reported(number) for number in range(10_000)])
    assert len(page) < 1_000_000
    assert not re.search(
        r"(src|href)=\"(?!#|data:,)|https?://(?!www\.w3\.org/)|@import|url\(", page
    )
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert len(json.loads(data[1])["seconds"]) == 10_000
    assert "10,000 finished" in page


@pytest.mark.usefixtures("needs_report")
def test_names_and_values_are_text():
    evil = "</script><img src=x onerror=alert(1)>"
    run = reported(1, name=evil, status=evil, values={evil: evil}, metrics={evil: 1.0}, better={})
    page = many_runs_page(evil, [run])
    assert "<img" not in page
    assert page.count("</script>") == 2


@pytest.mark.usefixtures("needs_report")
def test_a_study_shows_its_search():
    runs = [reported(at, values={"trial": at, "rate": 0.1}) for at in range(3)]
    page = many_runs_page("study", runs, {"low": 0.25, "rate": 0.75})
    assert re.findall(r'<th scope="row">(\w+)</th><td style="--share: [\d.]+">([\d.]+)', page) == [
        ("rate", "75.0"), ("low", "25.0"),
    ]  # fmt: skip
    assert 'id="trials"' in page
    assert 'id="trials"' not in many_runs_page("sweep", [reported(1)])


@pytest.mark.usefixtures("needs_report")
def test_remarks_on_a_study_are_above_its_history():
    runs = [reported(number, values={"trial": number}) for number in range(3)]
    html = many_runs_page("study", runs, remarks=("untuned: <b> 0.1 & more",))
    assert '<p class="note">untuned: &lt;b&gt; 0.1 &amp; more</p>' in html
