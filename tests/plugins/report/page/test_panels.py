"""Panels that plugins add to the page of a run."""

from __future__ import annotations

import re

import pytest

import declnet
from declnet import ComponentError, ResultTable, StoredRun, TableChart, verified
from declnet.registry.entry import Entry
from declnet.registry.plugin import Plugin
from declnet.testing.examples import registry_with
from declnet_plugins.report import ReportPanel
from declnet_plugins.report.page.panels import panel_sections

JUICE = Plugin("juice", "declnet-juice", "0.4.0")


def panel(answer, type_name="answer", heading=""):
    """Return a panel class that returns or raises a given value."""

    class Answer(ReportPanel):
        type = type_name
        title = heading

        def render(self, run: StoredRun) -> str | None:
            if isinstance(answer, BaseException):
                raise answer
            return answer(run) if callable(answer) else answer

    return Answer


@pytest.fixture
def registry():
    return declnet.Registry()


@pytest.fixture
def sections(registry, classifier):
    """Register panels of one plugin and return their sections on a run's page."""

    def make(*panels):
        for panel in panels:
            registry.register(panel, JUICE)
        return panel_sections(declnet.open_run(classifier), registry)

    return make


def test_panels_have_their_titles_and_those_without_content_are_left_out(sections):
    result = sections(
        panel("<p>2</p>", "b", "Second"),
        panel("<p>1</p>", "a"),
        panel(None, "none"),
        panel("", "c"),
    )
    assert [(section.id, section.title, section.html) for section in result] == [
        ("panel-1", "A", "<p>1</p>"),
        ("panel-2", "Second", "<p>2</p>"),
        ("panel-3", "C", ""),
    ]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (ValueError("no"), r" raised ValueError in render\(\) \(.+\): no"),
        (SystemExit(3), r" raised SystemExit in render\(\) \(.+\): 3"),
        (3, r": render\(\) returned 3, not a string or None \(.+\)"),
        ("<p>", r": render\(\) returned HTML in which <p> is not closed \(.+\)"),
        ("</div>", r": render\(\) returned HTML in which </div> closes nothing \(.+\)"),
    ],
)
def test_a_panel_that_fails_is_named_with_its_plugin(sections, answer, cause):
    good, bad = sections(panel("<p>good</p>", "a"), panel(answer, "b"))
    assert (good.html, good.error) == ("<p>good</p>", "")
    plugin = r'report_panel "b" of plugin juice \(declnet-juice 0.4.0\)'
    assert bad.html == ""
    assert re.fullmatch(f"This panel cannot be shown: {plugin}{cause}", bad.error)


def test_panels_that_cannot_be_imported_or_are_offered_twice_are_named(sections, registry):
    registry.add(Entry(ReportPanel.kind, "gone", JUICE, "a_module_that_is_missing:Gone"))
    registry.register(panel("<p>wine</p>", "twice"), Plugin("wine", "declnet-wine", "1.0"))
    gone, twice = sections(panel("<p>juice</p>", "twice"))
    assert gone.title == "gone"
    assert gone.error.startswith(
        "This panel cannot be shown: plugin juice (declnet-juice 0.4.0): ModuleNotFoundError"
    )
    assert twice.title == "twice"
    assert twice.error == (
        "This panel is not shown: several plugins offer it: "
        "wine (declnet-wine 1.0), juice (declnet-juice 0.4.0)"
    )


def test_a_panel_of_tables_has_charts_with_their_numbers(page_with, classifier):
    """Like the report's charts, they have a suitable scale, a description and a table."""

    class Decay(ReportPanel):
        type = "decay"

        def tables(self, run):
            rows = tuple((step, 0.8**step) for step in range(60))
            chart = TableChart("lines", "step", ("rate",), axis="auto")
            other = ResultTable("<b>", ("a",), ((str(run.name),),))
            return ResultTable("Decay", ("step", "rate"), rows, chart=chart), other

    page = page_with(registry_with([Decay]), classifier)
    figure = page.chart("Decay")
    assert "panel" in figure.parent.parent.attributes["class"]
    assert page.spec("Decay")["encoding"]["y"]["scale"]["type"] == "log"
    assert figure.one("button").attributes["aria-pressed"] == "true"
    assert len(figure.one("table").rows()) == 61
    assert ["spots"] in figure.parent.parent.all("table")[-1].rows()


def test_invalid_tables_of_a_panel_are_refused(sections):
    class Wrong(ReportPanel):
        type = "wrong"

        def tables(self, run):
            return (ResultTable("t", ("a",), ((1, 2),)),)

    (section,) = sections(Wrong)
    assert "tables() returned an invalid table" in section.error


def test_a_panel_needs_a_method(registry):
    with pytest.raises(declnet.RegistryError, match=r"neither render\(\) nor tables\(\)"):
        registry.register(type("Empty", (ReportPanel,), {"type": "empty"}), JUICE)


@pytest.mark.parametrize(
    "html",
    [
        "",
        "text & more",
        "<p>one<br>two<img src='data:,'></p>",
        '<svg viewBox="0 0 1 1"><path d="M0 0"/><g><circle r="1"/></g></svg>',
        "<!-- a <p> in a comment --><table><tr><td>1</td></tr></table>",
        "<style>p > b { color: red }</style>",
    ],
)
def test_fragments_that_disturb_nothing(html):
    assert verified(ReportPanel.render, panel(html)(), None) == html


@pytest.mark.parametrize(
    "html",
    [
        "<p>one<p>two",
        "<div><p></div></p>",
        "</section>",
        "<div/>",
        "<p>fine</p><!-- not closed",
        "<table><tr><td>1</table>",
    ],
)
def test_fragments_that_would_disturb_the_page_are_refused(html):
    with pytest.raises(ComponentError, match=r"render\(\) returned HTML "):
        verified(ReportPanel.render, panel(html)(), None)
