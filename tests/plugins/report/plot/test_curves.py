from __future__ import annotations

from types import SimpleNamespace

import pytest

from declnet_plugins.report.plot.curves import set_scale
from declnet_plugins.report.plot.picture import LOGARITHMIC


@pytest.mark.parametrize(
    ("name", "drawn", "scales"),
    [
        ("loss", [1, 1.1 * LOGARITHMIC], "log log 0"),
        ("loss", [1, LOGARITHMIC], "0 log 0"),
        ("loss", [0, 1], "0 0 0"),
        ("loss", [-1, 1], "- - -"),
        ("loss", [], "- - -"),
        ("learning_rate", [1, 1.1 * LOGARITHMIC], "log 0 0"),
        ("learning_rate", [1, 2], "0 0 0"),
        ("accuracy", [1, 1.1 * LOGARITHMIC], "- - -"),
    ],
)
def test_losses_and_rates_begin_at_zero_or_are_logarithmic(name, drawn, scales):
    for scale, expected in zip(("auto", "log", "linear"), scales.split(), strict=True):
        calls = ["-"]
        axes = SimpleNamespace(
            set_yscale=calls.append, set_ylim=lambda bottom, calls=calls: calls.append(str(bottom))
        )
        set_scale(axes, name, drawn, scale)
        assert calls[-1] == expected
