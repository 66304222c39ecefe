"""Use of the pages: with a keyboard, with a screen reader, and with hostile content."""

from __future__ import annotations

import pytest


def test_the_theme_changes_by_keyboard_and_is_remembered(open_page, classifier_page):
    opened = open_page(classifier_page.html)
    button = opened.page.get_by_role("button", name="Dark theme")
    light = opened.ground()
    button.focus()
    opened.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    assert opened.ground() != light
    opened.page.reload()
    opened.page.wait_for_selector("html[data-drawn]")
    assert button.get_attribute("aria-pressed") == "true"
    button.focus()
    opened.press("Space")
    assert (button.get_attribute("aria-pressed"), opened.ground()) == ("false", light)
    assert opened.messages == []


def test_the_log_scale_changes_by_keyboard_and_back(open_page, classifier_page):
    opened = open_page(classifier_page.html)
    plot = opened.page.locator("figure:has(h3:text-is('Loss')) .plot")

    def labels():
        return plot.locator(".role-axis-label text").all_text_contents()

    linear = labels()
    button = opened.page.get_by_role("button", name="Logarithmic scale of Loss")
    button.focus()
    opened.press("Space")
    opened.until(lambda: labels() not in (linear, []))
    assert button.get_attribute("aria-pressed") == "true"
    opened.press("Space")
    opened.until(lambda: labels() == linear)
    assert opened.messages == []


def test_the_keyboard_reaches_everything_in_order(open_page, classifier_page):
    opened = open_page(classifier_page.html)
    requested = opened.page.evaluate(
        "[...document.querySelectorAll('a, button, summary, [tabindex=\"0\"]')]"
        ".filter(element => element.checkVisibility()).length"
    )
    opened.page.evaluate(
        "window.reached = new Set();"
        "addEventListener('focusin', event => window.reached.add(event.target))"
    )
    opened.press("Tab")
    focused = "document.activeElement.textContent.trim()"
    assert opened.page.evaluate(focused) == "Skip to the content"
    assert opened.page.locator(".skip").is_visible()
    for _ in range(requested + 5):
        opened.press("Tab")
    assert opened.page.evaluate("window.reached.size") >= requested


@pytest.mark.parametrize("which", ["regression", "comparison", "panel"])
def test_axe_finds_nothing(open_page, request, which):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-core")
    opened = open_page(request.getfixturevalue(f"{which}_page").html)
    opened.open_all()
    faults_only = {"resultTypes": ["violations"]}  # the list of passed checks has megabytes
    for _ in ("light", "dark"):
        result = axe.Axe().run(opened.page, options=faults_only).response["violations"]
        violations = [
            (violation["id"], [node["target"] for node in violation["nodes"]][:5])
            for violation in result
        ]
        assert violations == []
        opened.page.get_by_role("button", name="Dark theme").click()


def test_a_hostile_file_runs_nothing(open_page, page_of, hostile):
    page = page_of(hostile)
    opened = open_page(page.html)
    opened.open_all()
    opened.page.locator(".plot svg").first.hover()
    opened.page.wait_for_timeout(300)
    assert opened.page.evaluate("window.hacked") is None
    assert opened.messages == []
    assert len(opened.requests) == 1
    assert opened.page.get_attribute("html", "data-drawn") == str(len(page.root.all("figure")))
    opened.page.set_viewport_size({"width": 360, "height": 740})
    opened.page.wait_for_timeout(200)
    assert opened.width() <= 360


def test_the_policy_stops_what_escaping_would_miss(open_page, classifier_page):
    injected = classifier_page.html.replace(
        "<h1>", "<img src=x onerror='window.hacked = 1'><script>window.hacked = 1</script><h1>", 1
    )
    opened = open_page(injected)
    assert opened.page.evaluate("window.hacked") is None
    assert any("Content Security Policy" in message for message in opened.messages)
