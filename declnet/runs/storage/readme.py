"""`README.md` of a run or a group: metadata, a generated part between marks, and a person's text.

A person may add keys to the metadata and text outside the marks; both stay when the file is
written again. Whoever removes the marks keeps the whole text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from declnet.display.markdown import yaml
from declnet.runs.storage.writing import read_bytes

README = "README.md"

BEGIN = "<!-- declnet: this part is generated; text below it stays -->"
END = "<!-- declnet: end of the generated part -->"

_FENCE = "---"
_KEY = re.compile(r"([A-Za-z_][\w-]*)\s*:")


class Card(NamedTuple):
    """A model card.

    Attributes:
        metadata: plain values by key.
        text: Markdown.
    """

    metadata: Mapping[str, Any]
    text: str

    def document(self, former: str = "") -> str:
        """Return the content of the file.

        Args:
            former: its content so far, whose other metadata and text stay.
        """
        generated = f"{BEGIN}\n\n{self.text.strip()}\n\n{END}"
        metadata, text = _divided(former)
        if not former.strip():
            text = f"\n{generated}\n"
        elif text.count(BEGIN) == text.count(END) == 1 and text.index(BEGIN) < text.index(END):
            before, _, rest = text.partition(BEGIN)
            text = f"{before}{generated}{rest.partition(END)[2]}"
        if metadata is None:
            if former.strip():
                return former  # a file that declnet did not write
            metadata = ""
        return f"{_FENCE}\n{_renewed(metadata, self.metadata)}{_FENCE}\n{text}"

    def content(self, folder: Path) -> bytes | None:
        """Return the content of the file in a folder, with what a person wrote there.

        None if a link or something other than text is there, which stays.
        """
        path = folder / README
        try:
            former = read_bytes(path).decode() if os.path.lexists(path) else ""
        except (OSError, ValueError):
            return None
        return self.document(former.replace("\r\n", "\n")).encode()


def _divided(text: str) -> tuple[str | None, str]:
    """Return the metadata, None without any, and the text after it."""
    start, end = f"{_FENCE}\n", f"\n{_FENCE}\n"
    at = text.find(end, len(start) - 1)
    if not text.startswith(start) or at < 0:
        return None, text
    return text[len(start) : at + 1], text[at + len(end) :]


def _renewed(former: str, metadata: Mapping[str, Any]) -> str:
    """Return metadata with new values of some keys, first in their order, and all other lines."""
    lines, is_renewed = [], False
    for line in former.splitlines(keepends=True):
        key = _KEY.match(line)
        if key is not None:
            is_renewed = key[1] in metadata
        elif line[:1] not in (" ", "-", "\n"):
            is_renewed = False  # e.g. a comment
        if not is_renewed:
            lines.append(line)
    return yaml(metadata) + "".join(lines)
