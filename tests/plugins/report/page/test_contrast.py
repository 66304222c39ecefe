"""Colors of the page have contrast, by the Web Content Accessibility Guidelines 2.2."""

from __future__ import annotations

import re

import pytest

from declnet_plugins.report.drawing import DARK, LIGHT


@pytest.fixture(scope="module")
def themes(request):
    page = request.getfixturevalue("classifier_page")
    style = page.root.one("style").content()
    blocks = re.findall(r"color-scheme: (light|dark);(.*?)\}", style, re.DOTALL)
    return {
        name: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6}|\d+%)", text)) for name, text in blocks
    }


def luminance(color):
    """Relative luminance of `#rrggbb`."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(one, other, share):
    pairs = [(int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


def test_black_on_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(themes, theme):
    colors = themes[theme]
    for name in (
        "ink",
        "muted",
        "accent",
        "good",
        "bad",
        *(f"toml-{x}" for x in ("key", "string")),
    ):
        for ground in ("page", "card"):
            assert contrast(colors[name], colors[ground]) >= 4.5, (name, ground)
    assert contrast(colors["ink"], colors["bad-page"]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_series_stand_out(themes, theme):
    colors = themes[theme]
    palette = {"light": LIGHT, "dark": DARK}[theme]
    assert [colors[f"series-{index + 1}"] for index in range(8)] == list(palette)
    for color in palette:
        assert contrast(color, colors["card"]) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_counts_in_the_confusion_matrix_can_be_read(themes, theme):
    colors = themes[theme]
    strongest = int(colors["heat"].rstrip("%")) / 100
    cell = mixed(colors["series-1"], colors["card"], strongest)
    assert contrast(colors["ink"], cell) >= 4.5
    assert contrast(colors["ink"], colors["card"]) >= 4.5
