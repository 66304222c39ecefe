"""ReportPanel: a section of the report's page that a plugin adds."""

from __future__ import annotations

from typing import ClassVar

from declnet import Component, StoredRun


class ReportPanel(Component):
    """A section on the page of each run, after the report's own.

    Registered as every component is, by `declnet_register`. The page makes an instance of the class
    without arguments, so its fields, if any, need defaults.
    """

    kind = "report_panel"
    required_methods = ("render",)

    title: ClassVar[str] = ""
    """The section's heading; default: the type in words."""

    def render(self, run: StoredRun) -> str | None:
        """Return the section's content as HTML, or None for a run that it says nothing of.

        The page loads nothing and runs no scripts but its own: pictures are inline (`<svg>`,
        `data:` addresses), and text from a run must be escaped (`html.escape`). `<p>`, `<table>`
        and `<div class="card">` look like the page's own.

        Args:
            run: which may have failed or miss its data; what cannot be had of it raises a
                DeclnetError, and the page then says so in the panel's place.
        """
        raise NotImplementedError
