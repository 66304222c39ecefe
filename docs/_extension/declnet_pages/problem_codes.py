"""The problem codes, from the catalogue that `declnet explain` reads."""

from __future__ import annotations

import re
import tomllib

from declnet.codes.catalogue import Code, catalogue
from declnet_pages.markdown import block, code, prose, table


def problem_codes() -> str:
    """Return a table of all codes, followed by a section for each."""
    codes = catalogue().values()
    rows = [(f"[{code(each.code)}](#{label(each)})", prose(each.title)) for each in codes]
    return "\n".join([table(("code", "what is wrong"), rows), *map(_section, codes)])


def label(entry: Code) -> str:
    """Return the link target of a code's section."""
    return f"problem-{entry.code.lower()}"


def _section(entry: Code) -> str:
    return "\n".join(
        [
            f"({label(entry)})=\n## {entry.code}: {prose(entry.title)}\n",
            prose(entry.text) + "\n",
            "Wrong:\n",
            _example(entry.wrong),
            "Right:\n",
            _example(entry.right),
        ]
    )


def _example(example: str) -> str:
    """Return a block for a command line or TOML; show deliberately invalid TOML as plain text."""
    if re.match(r"declnet [a-z]", example):
        return block(example, "sh")
    try:
        tomllib.loads(example)
    except ValueError:
        return block(example, "text")
    return block(example, "toml")
