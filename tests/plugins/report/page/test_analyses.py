"""A run's analyses on its page: charts where an analysis declares one, otherwise tables."""

from __future__ import annotations

import json

import numpy as np
import vl_convert

import declnet
from declnet import ResultTable, TableChart
from declnet.runs.inference.analyzing import AnalysisResult
from declnet_plugins.report.page.analyses import analysis_section


def test_tables_are_drawn_as_declared(tmp_path, page_of):
    rng = np.random.default_rng(0)
    city = np.array(["<b>", "Lyon", "Turin"], object)[rng.integers(0, 3, 90)]
    table = {"size": rng.normal(size=90), "city": city}
    document = {
        "analyses": ["importance", "partial_dependence", {"type": "groups", "by": "city"}],
        "data": {"prepare": ["one_hot"]},
        "model": {"layers": [{"type": "dense", "units": 3}, "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "training": {"epochs": 20, "metrics": ["accuracy"]},
    }
    classes = np.array(["low", "middle", "high"], object)[np.digitize(table["size"], [-0.5, 0.5])]
    declnet.run(declnet.parse_spec(document), (table, classes.tolist()), tmp_path / "run")
    page = page_of(tmp_path / "run")
    section = page.section("analyses")
    assert "On the train data, 90 samples" in section.text
    titles = [title for title in page.titles() if title in section.text]
    assert {"Permutation importance", "Partial dependence on city"} < set(titles)
    bars = page.spec("Permutation importance")
    assert {item["x"] for item in bars["data"]["values"]} == {"size", "city"}
    assert len(bars["layer"]) == 2  # with lines of one standard deviation
    lines = page.spec("Partial dependence on size")
    assert len({item["series"] for item in lines["data"]["values"]}) == 3
    for spec in (bars, lines, page.spec("Partial dependence on city")):
        vl_convert.vegalite_to_vega(json.dumps(spec))  # raises for an invalid spec
    tables = [item.rows() for item in section.all("table")]
    (groups,) = [item for item in tables if item[0][:3] == ["city", "samples", "share of samples"]]
    assert [row[0] for row in groups[1:]] == ["<b>", "Lyon", "Turin", "all"]
    assert groups[-1][2] == "100.0 %"


def test_values_that_cannot_be_drawn_are_left_out_and_long_tables_cut():
    rows = tuple((f"c{index}", float(index) if index % 2 else None) for index in range(100))
    table = ResultTable("T", ("c", "v"), rows, "N.", chart=TableChart("bars", "c", ("v",)))
    empty = ResultTable("E", ("c", "v"), (), chart=TableChart("lines", "c", ("v",)))

    class Run:
        analyses = (AnalysisResult({"type": "t"}, "test", 5, (table, empty)),)

    section = analysis_section(Run())
    (chart,) = section.charts
    assert len(chart.spec["data"]["values"]) == 30
    assert chart.note == "N. The first 30 of 50 rows are drawn."
    assert len(chart.table.rows) == 100
    assert [item.title for item in section.tables] == ["E"]
