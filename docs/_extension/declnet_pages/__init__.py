"""The Sphinx extension of declnet's documentation.

Before Sphinx reads the pages, it generates those that come from code: a page for each kind of
component, and fragments that other pages include (tables of spec keys, the commands). It also makes
autodoc accept docstrings with Markdown-style code spans.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from declnet_pages.generation import write_generated

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to a build."""
    from declnet_pages import autodoc_events

    app.connect("builder-inited", _generate)
    app.connect("autodoc-process-docstring", autodoc_events.on_docstring, priority=100)
    app.connect("autodoc-process-signature", autodoc_events.on_signature)
    app.connect("missing-reference", autodoc_events.on_missing_reference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _generate(app: Sphinx) -> None:
    write_generated(Path(app.srcdir))
