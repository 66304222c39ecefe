"""The scale of a chart by epoch, and the marks and notes for values beyond it."""

from __future__ import annotations

import pytest

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


def test_an_early_spike_is_marked_and_mentioned():
    loss = [1e6, 3e3, *(1 - epoch / 100 for epoch in range(60))]
    (chart,) = curve_charts(histories(loss=loss))
    low, high = chart.spec["encoding"]["y"]["scale"]["domain"]
    assert 0 < low < 0.41 < 1 < high < 2
    assert chart.note == (
        "The axis is cut (▲▼): 2 values are beyond it, e.g. 1,000,000 at epoch 0."
    )
    assert chart.note in chart.description
    filters = [layer["transform"][0]["filter"] for layer in chart.spec["layer"][2:]]
    assert filters == [f"datum.y > {high!r}"]
    assert all(layer["mark"]["clip"] for layer in chart.spec["layer"][:2])
    drawn = [point["y"] for point in chart.spec["data"]["values"]]
    assert max(drawn) == 1e6  # `All values` shows it


def test_only_metrics_to_minimize_are_logarithmic():
    fall = [2.0 * 0.9**epoch for epoch in range(80)]
    charts = curve_charts(histories(loss=fall, share=fall), {"share"})
    types = [chart.spec["encoding"]["y"]["scale"].get("type") for chart in charts]
    assert (types, [chart.note for chart in charts]) == (["log", None], ["", ""])
    assert all(chart.logarithmic for chart in charts)  # a reader may choose it


def test_missing_values_do_not_change_the_scale():
    loss = [1e3, *(1 - epoch / 99 for epoch in range(60))]
    loss[30] = None
    (chart,) = curve_charts(histories(loss=loss))
    assert (chart.scale.hidden, chart.scale.high < 2, chart.logarithmic) == (1, True, True)


DECADES, SPIKED = [1.0, 0.5, 1 / 31], [*[11.0, 10.0] * 30, 200.0, *[11.0, 10.0] * 30]


@pytest.mark.parametrize(
    ("name", "line", "scales"),
    [
        ("loss", DECADES, "log log linear"),
        ("loss", [1.0, 1 / 29], "linear log linear"),
        ("loss", [0.0, 1.0], "linear linear linear"),
        ("loss", [float("nan")], "linear linear linear"),
        ("loss", SPIKED, "cut log linear"),
        ("learning_rate", DECADES, "linear linear linear"),
        ("root_mean_squared_error", DECADES, "log log linear"),
        ("accuracy", DECADES, "linear linear linear"),
    ],
)
def test_a_scale_may_be_named(name, line, scales):
    for requested, expected in zip(("auto", "log", "linear"), scales.split(), strict=True):
        (chart,) = curve_charts(histories(**{name: line}), {"accuracy"}, requested)
        scale = chart.spec["encoding"]["y"]["scale"]
        kind = "cut" if "domain" in scale else scale.get("type", "linear")
        assert kind == expected, requested
