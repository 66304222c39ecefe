"""ReportPanel: a section that a plugin adds to the report's page."""

from __future__ import annotations

from typing import ClassVar

from declnet import Component, StoredRun


class ReportPanel(Component):
    """A section on the page of each run, after the report's own.

    Register it like any component, in `declnet_register`. The page instantiates the class without
    arguments, so all fields need defaults.
    """

    kind = "report_panel"
    required_methods = ("render",)

    title: ClassVar[str] = ""
    """The section's heading; default: the type in words."""

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
