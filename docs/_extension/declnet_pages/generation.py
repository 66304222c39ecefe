"""Generation of all sources that come from code."""

from __future__ import annotations

from pathlib import Path

from declnet import default_registry
from declnet_pages.command_reference import command_reference
from declnet_pages.component_pages import component_pages
from declnet_pages.problem_codes import problem_codes
from declnet_pages.spec_tables import spec_tables
from declnet_pages.wrong_specs import wrong_specs

PAGES = "components"
"""The folder of generated pages; it contains no hand-written files."""

FRAGMENTS = "generated"
"""The folder of generated fragments, which pages include."""


def generated_sources() -> dict[str, str]:
    """Return every generated source, by its path within the docs."""
    sources = {
        f"{PAGES}/{file}": page for file, page in component_pages(default_registry()).items()
    }
    sources |= {f"{FRAGMENTS}/spec_{name}.md": text for name, text in spec_tables().items()}
    sources[f"{FRAGMENTS}/commands.md"] = command_reference()
    sources[f"{FRAGMENTS}/problems.md"] = problem_codes()
    sources[f"{FRAGMENTS}/gallery.md"] = wrong_specs()
    return sources


def write_generated(docs: Path) -> None:
    """Write the sources that changed, and remove those no longer generated."""
    sources = generated_sources()
    for folder in (PAGES, FRAGMENTS):
        (docs / folder).mkdir(exist_ok=True)
        for stale in set((docs / folder).glob("*.md")) - {docs / each for each in sources}:
            stale.unlink()
    for path, text in sources.items():
        file = docs / path
        if not file.is_file() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")
