"""Appearance of the pages: on a desktop, on a phone, in the dark theme and in print."""

from __future__ import annotations

import random
import re
import struct
from importlib.resources import files

import pytest

from declnet import axis_scale

DESKTOP, PHONE = (1280, 900), (360, 740)

FITS = """selector => [...document.querySelectorAll(selector)]
  .filter(plot => plot.checkVisibility())
  .map(plot => plot.querySelector('svg').viewBox.baseVal.width - plot.clientWidth)
  .every((difference, _, all) => all.length >= 6 && Math.abs(difference) < 3)"""
"""Whether at least six charts are drawn for the width that they have."""


@pytest.mark.parametrize(
    ("which", "size", "scheme"),
    [
        ("classifier", DESKTOP, "light"),
        ("classifier", PHONE, "dark"),
        ("regression", PHONE, "light"),
        ("comparison", DESKTOP, "dark"),
    ],
)
def test_all_charts_are_drawn_without_a_request_or_an_error(
    open_page, screenshots, request, which, size, scheme
):
    page = request.getfixturevalue(f"{which}_page")
    opened = open_page(page.html, size, scheme)
    figures = len(page.root.all("figure"))
    assert opened.page.get_attribute("html", "data-drawn") == str(figures)
    assert opened.page.locator(".plot svg").count() == figures
    marks = opened.page.evaluate(
        "[...document.querySelectorAll('.plot')].map("
        "plot => plot.querySelectorAll('.role-mark path, .role-mark image').length)"
    )
    assert min(marks) >= 1
    path = screenshots / f"{which}_{'desktop' if size == DESKTOP else 'phone'}_{scheme}.png"
    opened.page.screenshot(path=path, full_page=True)
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    assert width == size[0]
    assert height > 2000
    assert path.stat().st_size > 100_000  # the screenshot is not empty
    assert opened.messages == []
    (part,) = opened.requests
    assert part.startswith("file:///")


@pytest.mark.parametrize("which", ["classifier", "comparison"])
def test_nothing_scrolls_sideways_and_charts_fit_any_window(open_page, request, which):
    opened = open_page(request.getfixturevalue(f"{which}_page").html, PHONE)
    assert opened.page.evaluate(FITS, ".plot")
    for state in ("as loaded", "all open"):
        for width in (320, 412, 768):
            opened.page.set_viewport_size({"width": width, "height": 740})
            opened.page.wait_for_timeout(100)
            assert opened.width() <= width, (width, state)
        opened.open_all()
    opened.until(lambda: opened.page.evaluate(FITS, ".plot"))


def test_the_pointer_shows_values(open_page, classifier_page):
    opened = open_page(classifier_page.html)
    opened.page.locator("figure:has(h3:text-is('Loss')) .plot svg").hover()
    tip = opened.page.locator("#vg-tooltip-element.visible")
    tip.wait_for()
    result = re.fullmatch(
        r"data\s+(train|validation)\s+epoch\s+(\d+)\s+loss\s+(\S+)", tip.inner_text()
    )
    assert result, tip.inner_text()
    values = classifier_page.spec("Loss")["data"]["values"]
    assert (result[1], int(result[2]), result[3]) in {
        (value["series"], value["x"], value["sy"]) for value in values
    }


def test_print_is_white_and_shows_everything(open_page, comparison_page):
    opened = open_page(comparison_page.html, DESKTOP, "dark")
    opened.page.emulate_media(media="print", color_scheme="dark")
    assert opened.ground() == "rgb(255, 255, 255)"
    for hidden in ("nav", "button", "details.numbers"):
        assert not opened.page.locator(hidden).first.is_visible()
    opened.page.emulate_media(media="screen")
    pdf = opened.page.pdf(format="A4", print_background=True)
    pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))
    assert 3 <= pages <= 30
    assert len(pdf) > 30_000
    assert opened.messages == []


def test_printing_opens_everything_and_restores_it_afterwards(open_page, comparison_page):
    opened = open_page(comparison_page.html)
    state = "[...document.querySelectorAll('details.fold')].map(fold => fold.open)"
    before = opened.page.evaluate(state)
    assert False in before
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert all(opened.page.evaluate(state))
    widths = opened.page.evaluate(
        "[...document.querySelectorAll('.plot svg')].map(chart => chart.viewBox.baseVal.width)"
    )
    assert max(widths) <= 690
    opened.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.page.evaluate(state) == before


CUT = """() => [...document.querySelectorAll('main *')].filter(element => element.checkVisibility())
  .filter(element => element.getBoundingClientRect().right > innerWidth + 1)
  .map(element => element.tagName + ' ' + element.className)"""
"""Elements beyond the right edge of the paper."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_in_print(open_page, panel_page, screenshots, scheme):
    """Charts and tables of many columns fit the paper, including a third party's."""
    opened = open_page(panel_page.html, (703, 1000), scheme)  # A4 with margins of 12 mm
    opened.page.emulate_media(media="print", color_scheme=scheme)
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    opened.page.wait_for_timeout(200)
    assert opened.page.evaluate(CUT) == []
    assert opened.ground() == "rgb(255, 255, 255)"
    sizes = opened.page.evaluate(
        "[...document.querySelectorAll('main table')].map(table => "
        "parseFloat(getComputedStyle(table).fontSize))"
    )
    assert min(sizes) < 6 < max(sizes) < 11
    opened.page.screenshot(path=screenshots / f"paper_{scheme}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_without_a_color_is_readable_in_both_themes(open_page, panel_page, scheme):
    opened = open_page(panel_page.html, DESKTOP, scheme)
    fill, ink = opened.page.evaluate(
        "[getComputedStyle(document.querySelector('.panel > svg text')).fill,"
        " getComputedStyle(document.body).color]"
    )
    assert fill == ink
    assert opened.width() <= DESKTOP[0]


def test_a_cut_axis_has_marks_and_a_switch(open_page, panel_page):
    opened = open_page(panel_page.html)
    figure = opened.page.locator("figure:has(h3:text-is('Rate'))")
    labels = figure.locator(".role-axis-label text")
    marks = figure.locator(".beyond_above_marks path, .beyond_below_marks path")
    assert marks.count() == 3
    assert "1e+5" not in "".join(labels.all_text_contents())
    assert "3 of the values are beyond it" in figure.locator("figcaption").inner_text()
    button = opened.page.get_by_role("button", name="All values of Rate")
    button.focus()
    opened.press("Space")
    opened.until(lambda: marks.count() == 0)
    assert button.get_attribute("aria-pressed") == "true"
    opened.press("Space")
    opened.until(lambda: marks.count() == 3)
    assert opened.messages == []


def test_the_page_of_many_runs_has_the_same_scale(open_page, classifier_page):
    """Its script chooses the axis of the selected runs as `axis_scale` does."""
    rng = random.Random(4)
    lines = [[rng.lognormvariate(0, rng.choice([0.1, 3])) for _ in range(40)] for _ in range(30)]
    lines += [[1e6, *line] for line in lines] + [[0.1, *line[:8]] for line in lines]
    script = (files("declnet_plugins.report.page") / "templates" / "scale.js").read_text("utf-8")
    opened = open_page(classifier_page.html)
    for first, second in zip(lines[::2], lines[1::2], strict=True):
        for linear in (False, True):
            call = f"axisScale({[first, second]}, {str(linear).lower()})"
            chosen = opened.page.evaluate(f"(() => {{ {script}; return {call} }})()")
            expected = vars(axis_scale([first, second], linear=linear))
            assert chosen == pytest.approx(expected, rel=1e-9)
