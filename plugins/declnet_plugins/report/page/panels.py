"""Sections that plugins add to a run's page."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, ClassVar

from declnet import (
    Component,
    DeclnetError,
    Misfit,
    Registry,
    StoredRun,
    attributing_errors,
    error_summary,
    verified,
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
    required_methods = ("render",)

    title: ClassVar[str] = ""
    """The section's heading; default: the type, as words."""

    def render(self, run: StoredRun) -> str | None:
        """Return the section's content as HTML, or None if it does not apply to the run.

        The page loads nothing and runs only its own scripts: images must be inline (`<svg>`,
        `data:` URLs), and text from a run must be escaped (`html.escape`). `<p>`, `<table>` and
        `<div class="card">` are styled like the rest of the page.

        Args:
            run: a run, which may have failed or lack its data; reading anything missing raises a
                DeclnetError, which the page shows in place of the panel.
        """
        raise NotImplementedError

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


def panel_sections(run: StoredRun, registry: Registry) -> tuple[PanelSection, ...]:
    """Return the sections of all plugins' panels for a run, by type.

    A panel that fails becomes a section with its plugin's name and the error.
    """
    sections = [*_rendered(run, registry), *_unusable(registry)]
    return tuple(
        PanelSection(f"panel-{number}", title, html, error)
        for number, (title, html, error) in enumerate(sections, start=1)
    )


def _rendered(run: StoredRun, registry: Registry) -> Iterator[tuple[str, str, str]]:
    """Return the title of each panel, with its content or its error."""
    for entry in registry.entries(ReportPanel.kind):
        title = entry.component.title or entry.type.replace("_", " ").capitalize()
        try:
            with attributing_errors(registry):
                html = verified(ReportPanel.render, entry.component(), run)
            if html is not None:
                yield title, html, ""
        except DeclnetError as error:
            yield title, "", f"This panel cannot be shown: {error}"
        except (Exception, SystemExit) as error:  # the page is written whatever a panel raises
            cause = error_summary(error)
            yield title, "", f"This panel cannot be shown: plugin {entry.plugin} raised {cause}"


def _unusable(registry: Registry) -> Iterator[tuple[str, str, str]]:
    """Return panels that cannot be imported or are offered by several distributions."""
    for failure in registry.failures:
        if failure.kind == ReportPanel.kind:
            yield str(failure.type), "", f"This panel cannot be shown: {failure}"
    for conflict in registry.conflicts():
        if conflict.kind == ReportPanel.kind and conflict.chosen is None:
            names = ", ".join(map(str, conflict.plugins))
            yield conflict.type, "", f"This panel is not shown: several plugins offer it: {names}"


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
