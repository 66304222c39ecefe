"""Code blocks on the pages, with the marker comment above each.

A comment line directly above a block, which readers do not see, makes the block testable:

- `% runs`: standalone Python; `% runs after COMMAND`: run after a `declnet` command;
  `% continues`: run in the namespace of the previous block.
- `% file PROJECT/PATH`: a file of a project, e.g. of an example plugin.
- `% spec`: a complete spec; `% spec using PROJECT`: with the plugin of a project on the pages;
  with `, run` at the end, it is also trained.
- `% signatures CLASS`: the attributes and methods of a class of declnet.

On a page that shows output, the blocks run in order, in one folder:

- `% saved`: a file that later blocks read; its first line is a comment with its name.
- `% runs` and `% continues`: Python, as above; `% runs need MODULE` as for commands.
- `% commands`: `declnet` commands, one a line; `% commands need MODULE`: skip the rest of the page
  where a module is not installed; `% commands fail`: their exit code is 1.
- `% prints`: the output of the block before. A line `…` stands for any number of lines; the seconds
  that a run took may differ.
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
        line: the line number of its first line on the page, from 1.
        marker: the comment above it, without `% `; empty if there is none.
        language: the text after the opening fence.
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
        """The rest of the marker after its first word."""
        return self.marker.partition(" ")[2].strip()


def code_blocks(page: Path) -> Iterator[CodeBlock]:
    """Yield every block of a page, in order."""
    content = page.read_text("utf-8")
    for match in _BLOCK.finditer(content):
        line = content.count("\n", 0, match.start("text")) + 1
        marker = match["marker"] or ""
        yield CodeBlock(page, line, marker, match["language"], match["text"])


def written_pages(docs: Path) -> list[Path]:
    """Return the hand-written pages."""
    generated = {"components", "generated"}
    pages = [
        page for page in docs.rglob("*.md") if page.relative_to(docs).parts[0] not in generated
    ]
    return sorted(pages)
