from __future__ import annotations

import pytest

from declnet_plugins.report.plot.curves import set_scale

DECADES, SHARES = [1.0, 0.5, 1 / 31], [0.01, 0.9]
SPIKED = [*[11.0, 10.0] * 30, 200.0, *[11.0, 10.0] * 30]


@pytest.mark.parametrize(
    ("name", "line", "scales"),
    [
        ("loss", DECADES, "log log zero"),
        ("loss", [1.0, 1 / 29], "zero log zero"),
        ("loss", [0.0, 1.0], "zero zero zero"),
        ("loss", [-1.0, 1.0], "values values values"),
        ("loss", [float("nan")], "values values values"),
        ("loss", SPIKED, "cut log zero"),
        ("learning_rate", DECADES, "log log zero"),
        ("learning_rate", [1.0, 2.0], "zero zero zero"),
        ("root_mean_squared_error", DECADES, "log log values"),
        ("accuracy", SHARES, "values values values"),
    ],
)
def test_axes_are_those_of_the_report_unless_a_scale_is_named(name, line, scales):
    figure = pytest.importorskip("matplotlib.figure", reason="needs the extra plot")
    for scale, expected in zip(("auto", "log", "linear"), scales.split(), strict=True):
        axes = figure.Figure().subplots()
        axes.plot(line)
        set_scale(axes, [line], scale, name=name, linear=name == "accuracy")
        low, high = axes.get_ylim()
        kind = "zero" if low == 0 else "cut" if high < max(line) else "values"
        assert (axes.get_yscale() if axes.get_yscale() == "log" else kind) == expected, scale
