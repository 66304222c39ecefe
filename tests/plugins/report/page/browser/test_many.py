"""The page of 10,000 runs: the size of its document, keyboard control and accessibility."""

from __future__ import annotations

import json

import pytest

from declnet_plugins.report.many.page import many_runs_page
from declnet_plugins.report.many.reported import ReportedRun

COUNT = 10_000


@pytest.fixture(scope="module")
def many_html(tmp_path_factory):
    pytest.importorskip("jinja2", reason="needs the extra report")
    history = tmp_path_factory.mktemp("history") / "history.jsonl"
    rows = [
        {"epoch": epoch, "accuracy": 1 - 1 / (2 + epoch), "loss": 1 / (1 + epoch)}
        for epoch in range(200)
    ]
    history.write_text("".join(json.dumps(row) + "\n" for row in rows))
    better = {"test.accuracy": "higher", "test.loss": "lower", "train.accuracy": "higher"}

    def reported(number):
        rate, width, seed = 0.001 * 1.25 ** (number // 10 % 20), number // 200 % 8, number % 10
        accuracy = 0.5 + rate + (number * 7919 % 1000) / 20_000
        name = f"wide-learning_rate={rate:.4g}-width={width}/{number}-seed-{seed}"
        values = {"optimizer.learning_rate": rate, "variables.width": width, "seed": seed}
        metrics = dict(zip(better, (accuracy, 1 - accuracy, accuracy), strict=True))
        status = "finished" if number % 500 else "failed"
        return ReportedRun(name, status, values, metrics, better, 1.5, history)

    return many_runs_page("many", [reported(number) for number in range(COUNT)])


def shown(opened):
    return opened.page.locator("#shown").text_content()


def first_row(opened):
    return opened.page.locator("#body tr:not(.space)").first.locator("td").all_text_contents()


def test_ten_thousand_runs_stay_usable(open_page, many_html, record_property):
    opened = open_page(many_html)
    drawn = opened.page.evaluate("performance.getEntriesByName('drawn')[0].startTime")
    record_property("megabytes", round(len(many_html) / 1e6, 2))
    record_property("seconds to interactive", round(drawn / 1000, 2))
    assert opened.messages == []
    assert len(opened.requests) == 1
    assert shown(opened) == "10,000 of 10,000 runs, 8 selected"
    assert opened.page.locator("#body tr").count() < 80
    assert opened.page.locator("#rows table").get_attribute("aria-rowcount") == "10001"
    assert opened.page.locator("#curves path.curve").count() == 8
    assert opened.page.locator(".effect").count() == 3
    opened.page.evaluate("document.getElementById('rows').scrollTop = 1e9")
    opened.until(lambda: opened.page.locator("tr[aria-rowindex='10001']").count() == 1)
    assert opened.page.locator("#body tr").count() < 80
    opened.page.get_by_label("Filter").fill("learning_rate<0.002 seed=3 wide")
    opened.until(lambda: shown(opened).startswith("200 of"))
    opened.page.get_by_label("Filter").fill("nothing=3")
    opened.until(lambda: "no column for nothing=3" in shown(opened))
    opened.page.get_by_label("Filter").fill("")
    opened.page.locator("#metric").select_option("test.loss")
    opened.until(lambda: "test.loss" in opened.page.locator(".effect").first.text_content())
    opened.page.set_viewport_size({"width": 360, "height": 740})
    opened.page.wait_for_timeout(300)
    assert opened.width() <= 360
    assert opened.messages == []


def test_runs_are_sorted_and_selected_by_keyboard(open_page, many_html):
    opened = open_page(many_html)
    page = opened.page
    head = page.get_by_role("columnheader", name="test.loss")
    head.get_by_role("button").focus()
    opened.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    low = float(first_row(opened)[5])
    opened.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert float(first_row(opened)[5]) > low
    page.locator("#none").focus()
    opened.press("Space")
    assert "0 selected" in shown(opened)
    page.locator("#body input").first.focus()
    opened.press("Space")
    assert "1 selected" in shown(opened)
    assert page.locator("#legend li, #curve-note").first.text_content()
    page.locator("#rows").focus()
    for _ in range(6):
        opened.press("PageDown")
    opened.until(lambda: page.evaluate("document.getElementById('rows').scrollTop") > 500)


def test_axe_finds_nothing_on_the_page_of_many_runs(open_page, many_html):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-core")
    opened = open_page(many_html)
    opened.open_all()
    for _ in ("light", "dark"):
        result = axe.Axe().run(opened.page, options={"resultTypes": ["violations"]}).response
        violations = [
            (violation["id"], [node["target"] for node in violation["nodes"]][:5])
            for violation in result["violations"]
        ]
        assert violations == []
        opened.page.get_by_role("button", name="Dark theme").click()


def test_the_run_whose_metric_is_closest_to_its_best_number_comes_first(open_page):
    pytest.importorskip("jinja2", reason="needs the extra report")
    slopes = [0.2, 1.1, None, -3.0, 0.95, 4.0]
    runs = [
        ReportedRun(f"run-{slope}", "finished", {}, {"test.slope": slope}, {"test.slope": 1.0})
        for slope in slopes
    ]
    opened = open_page(many_runs_page("slopes", runs))
    rows = opened.page.locator("#body tr:not(.space)")
    opened.until(lambda: rows.count() == len(slopes))
    order = [0.95, 1.1, 0.2, 4.0, -3.0, None]
    for row, slope in zip(rows.all(), order, strict=True):
        assert f"run-{slope}" in row.text_content()
    assert opened.messages == []


def test_print_has_the_first_runs_and_cuts_nothing_off(open_page, many_html):
    opened = open_page(many_html, (703, 1000), "dark")  # A4 with margins of 12 mm
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    opened.page.emulate_media(media="print")
    opened.page.wait_for_timeout(200)
    assert opened.page.locator("#body tr:not(.space)").count() == 100
    assert "the first 100 are printed" in shown(opened)
    assert opened.page.get_by_role("columnheader", name="test.loss").is_visible()
    assert opened.width() <= 703
    assert opened.ground() == "rgb(255, 255, 255)"
    opened.page.emulate_media(media="screen")
    opened.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.page.locator("#body tr:not(.space)").count() < 80
    assert opened.messages == []
