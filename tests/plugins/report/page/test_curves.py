"""The scale of a chart by epoch: what is drawn, what is beyond it, and that the page says so."""

from __future__ import annotations

import json

from declnet_plugins.report.page.curves import curve_charts


def histories(**values):
    """The history of a run with these metrics by epoch."""
    rows = zip(*values.values(), strict=True)
    return {
        "run": [
            {"epoch": epoch, **dict(zip(values, row, strict=True))}
            for epoch, row in enumerate(rows)
        ]
    }


def test_an_early_spike_is_marked_and_told():
    loss = [1e6, 3e3, *(1 - epoch / 100 for epoch in range(60))]
    (chart,) = curve_charts(histories(loss=loss))
    low, high = chart.spec["encoding"]["y"]["scale"]["domain"]
    assert 0 < low < 0.41 < 1 < high < 2
    assert chart.note == (
        "The axis is cut (▲▼): 2 values are beyond it, e.g. 1,000,000 at epoch 0."
    )
    assert chart.note in chart.description
    filters = [layer["transform"][0]["filter"] for layer in chart.spec["layer"][2:]]
    assert filters == [f"datum.y > {high!r}", f"datum.y < {low!r}"]
    assert all(layer["mark"]["clip"] for layer in chart.spec["layer"][:2])
    drawn = [point["y"] for point in chart.spec["data"]["values"]]
    assert max(drawn) == 1e6  # `All values` shows it


def test_only_what_is_better_when_lower_is_logarithmic():
    fall = [2.0 * 0.9**epoch for epoch in range(80)]
    charts = curve_charts(histories(loss=fall, share=fall), {"share"})
    types = [chart.spec["encoding"]["y"]["scale"].get("type") for chart in charts]
    assert (types, [chart.note for chart in charts]) == (["log", None], ["", ""])
    assert all(chart.logarithmic for chart in charts)  # a reader may choose it


def test_values_that_are_not_finite_do_not_decide(page_of, runs):
    folder = runs.classifier(epochs=3)
    rows = [{"epoch": e, "loss": 1e3 if e == 0 else 1 - e / 99} for e in range(60)]
    rows[30]["loss"] = None
    text = "".join(json.dumps(row) + "\n" for row in rows).replace("null", "Infinity")
    (folder / "history.jsonl").write_text(text, "utf-8")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    del manifest["files"]
    manifest["status"] = "running"
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    page = page_of(folder)
    switches = [button.text for button in page.chart("Loss").all("button")]
    assert switches == ["All values", "Log scale"] or switches == ["All values"]
    assert "1 value is beyond it" in page.chart("Loss").one("figcaption").text
