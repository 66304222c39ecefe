"""Sections that plugins add to a run's page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any, ClassVar

from declnet import (
    Component,
    DeclnetError,
    Misfit,
    Registry,
    RegistryError,
    ResultTable,
    StoredRun,
    attributing_errors,
    error_summary,
    verified,
    verify_tables,
)
from declnet_plugins.report.page.content import PanelSection

VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905
)
"""HTML void elements, which have no end tag."""


class ReportPanel(Component):
    """A section on the page of each run, after the report's own.

    Register it like any component, in `declnet_register`. The page instantiates the class without
    arguments, so all fields need defaults.
    """

    kind = "report_panel"
    conformance_checks = "declnet_plugins.report.page.panel_checks"

    title: ClassVar[str] = ""
    """The section's heading; default: the type, as words."""

    def tables(self, run: StoredRun) -> Sequence[ResultTable]:
        """Return tables that the section shows, each drawn as its `chart` says; default: none.

        They have what the report's own have: an axis that suits the values, both themes, paper, and
        numbers and descriptions for screen readers.

        Args:
            run: as for `render`.
        """
        return ()

    def verify_tables(self, tables: Sequence[ResultTable], _: StoredRun) -> None:
        """Raise Misfit for an invalid table, or two of one title."""
        verify_tables(tables)

    def render(self, run: StoredRun) -> str | None:
        """Return HTML above the tables, or None if there is none; default: None.

        The page loads nothing and runs only its own scripts: images must be inline (`<svg>`,
        `data:` URLs), and text from a run must be escaped (`html.escape`). `<p>`, `<table>` and
        `<div class="card">` are styled like the rest of the page. A panel with neither HTML nor
        tables is left out.

        Args:
            run: a run, which may have failed or lack its data; reading anything missing raises a
                DeclnetError, which the page shows in place of the panel.
        """
        return None

    def verify_render(self, html: str | None, _: StoredRun) -> None:
        """Raise Misfit for HTML with a tag or a comment that is not closed."""
        if html is None:
            return
        if html.rfind("<!--") > html.rfind("-->"):
            raise Misfit("HTML", " with a comment that is not closed")
        reader = _TagReader()
        reader.feed(html)
        reader.close()
        if reader.open:
            raise Misfit("HTML", f" in which <{reader.open[-1]}> is not closed")

    @classmethod
    def verify_contract(cls) -> None:
        """Raise RegistryError also for a class with neither `render` nor `tables`."""
        super().verify_contract()
        if cls.render is ReportPanel.render and cls.tables is ReportPanel.tables:
            raise RegistryError(f"{cls.__name__} implements neither render() nor tables()")


def panel_sections(run: StoredRun, registry: Registry) -> tuple[PanelSection, ...]:
    """Return the sections of all plugins' panels for a run, by type.

    A panel that fails becomes a section with its plugin's name and the error.
    """
    sections = [*_rendered(run, registry), *_unusable(registry)]
    return tuple(
        replace(section, id=f"panel-{number}") for number, section in enumerate(sections, start=1)
    )


def _rendered(run: StoredRun, registry: Registry) -> Iterator[PanelSection]:
    """Yield the section of each panel, with its content or its error."""
    from declnet_plugins.report.page.analyses import drawn

    for entry in registry.entries(ReportPanel.kind):
        title = entry.component.title or entry.type.replace("_", " ").capitalize()
        try:
            with attributing_errors(registry):
                panel = entry.component()
                html = verified(ReportPanel.render, panel, run)
                tables = verified(ReportPanel.tables, panel, run)
            if html is not None or tables:
                yield PanelSection("", title, html or "", "", *drawn(tables))
        except DeclnetError as error:
            yield PanelSection("", title, error=f"This panel cannot be shown: {error}")
        except (Exception, SystemExit) as error:  # the page is written whatever a panel raises
            cause = error_summary(error)
            message = f"This panel cannot be shown: plugin {entry.plugin} raised {cause}"
            yield PanelSection("", title, error=message)


def _unusable(registry: Registry) -> Iterator[PanelSection]:
    """Yield sections on panels that cannot be imported or are offered by several distributions."""
    for failure in registry.failures:
        if failure.kind == ReportPanel.kind:
            message = f"This panel cannot be shown: {failure}"
            yield PanelSection("", str(failure.type), error=message)
    for conflict in registry.conflicts():
        if conflict.kind == ReportPanel.kind and conflict.chosen is None:
            names = ", ".join(map(str, conflict.plugins))
            message = f"This panel is not shown: several plugins offer it: {names}"
            yield PanelSection("", conflict.type, error=message)


class _TagReader(HTMLParser):
    """A parser that tracks open elements.

    Attributes:
        open: the elements' names, innermost last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # the parser's
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        if "svg" not in self.open:  # in HTML, `<p/>` opens a paragraph
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise Misfit("HTML", f" in which </{tag}> closes nothing")
