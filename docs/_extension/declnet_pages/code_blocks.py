"""The blocks of code on the pages, and what the comment above each says of it.

A comment line directly above a block, which readers do not see, makes it more than text:

- `% runs`: Python that runs by itself; `% runs after COMMAND`: once a `declnet` command has run;
  `% continues`: in the namespace of the block before.
- `% file PROJECT/PATH`: a file of a project, e.g. of an example plugin.
- `% spec`: a whole spec; `% spec using PROJECT` with the plugin of a project on the pages; with
  `, run` at the end it is trained as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"(?:^% (?P<marker>[^\n]*)\n)?^(?P<fence>```+)(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class CodeBlock:
    """A block of code.

    Attributes:
        page: the page's file.
        line: of its first line within the page, from 1.
        marker: the comment above it, without `% `; empty if there is none.
        language: after the fence.
        text: its lines.
    """

    page: Path
    line: int
    marker: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.stem}-{self.line}"

    @property
    def verb(self) -> str:
        """The marker's first word."""
        return self.marker.partition(" ")[0]

    @property
    def argument(self) -> str:
        """What follows the marker's first word."""
        return self.marker.partition(" ")[2].strip()


def code_blocks(page: Path) -> Iterator[CodeBlock]:
    """Every block of a page, in order."""
    content = page.read_text("utf-8")
    for match in _BLOCK.finditer(content):
        line = content.count("\n", 0, match.start("text")) + 1
        marker = match["marker"] or ""
        yield CodeBlock(page, line, marker, match["language"], match["text"])


def written_pages(docs: Path) -> list[Path]:
    """The pages that people wrote."""
    generated = {"components", "generated"}
    pages = [
        page for page in docs.rglob("*.md") if page.relative_to(docs).parts[0] not in generated
    ]
    return sorted(pages)
