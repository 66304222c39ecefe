"""The page as a whole: accessibility, escaping, and that it loads nothing."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
import vl_convert

from declnet_plugins.report.page.rendering import vega_script

LOADING = {"src", "srcset", "data", "poster", "action", "formaction", "background", "xlink:href"}


def test_links_lead_somewhere_and_ids_are_unique(page):
    ids = [element.attributes["id"] for element in page.root.all() if "id" in element.attributes]
    # drawings repeat the id of their arrow heads, which are all the same
    drawings = len(page.root.all("svg"))
    assert len(ids) - len(set(ids)) == max(drawings - 1, 0)
    links = [element.attributes["href"] for element in page.root.all("a")]
    assert "#overview" in links
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_each_chart_has_a_title_a_description_and_numbers(page):
    figures = page.root.all("figure")
    assert len(figures) >= 6
    for figure in figures:
        assert figure.all("h3", "h4")[0].text
        plot = figure.one("div", class_="plot")
        assert plot.attributes["role"] == "img"
        assert len(plot.attributes["aria-label"]) > 30
    for title in {"Loss", "Learning rate"} & set(page.titles()):
        numbers = page.chart(title).one("details", class_="numbers")
        assert len(numbers.one("table").rows()) > 10


def test_tables_have_a_caption_and_headings(page):
    tables = page.root.all("table")
    assert tables
    for table in tables:
        assert table.one("caption").text
        assert all(element.attributes["scope"] in ("col", "row") for element in table.all("th"))
        body = table.one("tbody").all("tr")
        assert all(row.children and row.all("th", scope="row") for row in body)


def test_nothing_is_loaded(page):
    for element in page.root.all():
        assert not LOADING & set(element.attributes), element.tag
        assert element.tag not in ("iframe", "object", "embed", "base", "form")
        if element.tag == "link":
            assert element.attributes == {"rel": "icon", "href": "data:,"}
        elif element.tag == "a":
            assert element.attributes["href"].startswith("#")
        else:
            assert "href" not in element.attributes
        assert "url(" not in element.attributes.get("style", "")
    style = page.root.one("style").content()
    assert "url(" not in style
    assert "@import" not in style
    assert "//" not in style


def test_the_policy_lets_the_pages_own_scripts_run_and_nothing_load(page):
    (meta,) = page.root.all("meta", **{"http-equiv": "Content-Security-Policy"})
    rules = dict(rule.split(" ", 1) for rule in meta.attributes["content"].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert set(rules) == {
        *("default-src", "script-src", "style-src", "img-src", "base-uri", "form-action")
    }
    scripts = [
        element for element in page.root.all("script") if element.attributes["type"] == "module"
    ]
    hashes = [
        base64.b64encode(hashlib.sha256(script.content().encode()).digest()).decode()
        for script in scripts
    ]
    assert rules["script-src"].split() == [f"'sha256-{digest}'" for digest in hashes]
    others = {element.attributes["type"] for element in page.root.all("script")} - {"module"}
    assert others == {"application/json"}


@pytest.fixture
def hostile_page(page_of, hostile, classifier, request):
    return page_of(hostile) if request.param == "alone" else page_of(hostile, classifier)


@pytest.mark.parametrize("hostile_page", ["alone", "with another"], indirect=True)
def test_hostile_names_make_no_elements(hostile_page, classifier_page):
    elements = hostile_page.root.all()
    assert not [element for element in elements if element.tag in ("img", "b")]
    assert not [
        name for element in elements for name in element.attributes if name.startswith("on")
    ]
    scripts = [element for element in elements if element.tag == "script"]
    assert sum(element.attributes["type"] == "module" for element in scripts) == 2
    for script in scripts:
        if script.attributes["type"] != "module":
            assert "<" not in script.content()


def test_the_script_cannot_end_its_element_early():
    assert "</script" not in vega_script()
    assert len(vega_script()) < 1_000_000


def test_every_chart_is_valid_vega_lite(page):
    for script in page.root.all("script", class_="chart-spec"):
        spec = json.loads(script.content()) | {"width": 300}
        spec["$schema"] = "https://vega.github.io/schema/vega-lite/v6.json"
        drawn = vl_convert.vegalite_to_svg(spec)
        assert drawn.count("role-mark") >= len(spec.get("layer", [1]))
