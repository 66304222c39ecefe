"""What strangers write stays text."""

from __future__ import annotations

import pytest


@pytest.fixture
def hostile_page(page_of, hostile, classifier, request):
    return page_of(hostile) if request.param == "alone" else page_of(hostile, classifier)


@pytest.mark.parametrize("hostile_page", ["alone", "with another"], indirect=True)
def test_hostile_names_make_no_elements(hostile_page, classifier_page):
    elements = hostile_page.root.all()
    assert not [each for each in elements if each.tag in ("img", "b")]
    assert not [name for each in elements for name in each.attributes if name.startswith("on")]
    scripts = [each for each in elements if each.tag == "script"]
    assert sum(each.attributes["type"] == "module" for each in scripts) == 2
    for script in scripts:
        if script.attributes["type"] != "module":
            assert "<" not in script.content()


@pytest.mark.parametrize("hostile_page", ["alone"], indirect=True)
def test_hostile_names_are_shown_as_they_are(hostile_page):
    attack = "<script>window.hacked = 1</script>"
    assert attack in hostile_page.root.one("h1").text
    assert attack in hostile_page.root.one("head").one("title").text
    assert attack in hostile_page.section("overview").one("p", class_="bad").text
    assert attack in hostile_page.section("manifest").text
    assert attack in hostile_page.section("spec").one("code").text
    assert any(attack in title for title in hostile_page.titles())
