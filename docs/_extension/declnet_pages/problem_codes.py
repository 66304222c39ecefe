"""The codes of problems, from the catalogue that `declnet explain` reads."""

from __future__ import annotations

import re
import tomllib

from declnet.codes.catalogue import Code, catalogue
from declnet_pages.markdown import block, code, prose, table


def problem_codes() -> str:
    """A table of all codes, then a section for each."""
    codes = catalogue().values()
    rows = [(f"[{code(each.code)}](#{label(each)})", prose(each.title)) for each in codes]
    return "\n".join([table(("code", "what is wrong"), rows), *map(_section, codes)])


def label(entry: Code) -> str:
    """The name that links to a code's section use."""
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
    """A command line, or TOML; what is malformed on purpose is shown as plain text."""
    if re.match(r"declnet [a-z]", example):
        return block(example, "sh")
    try:
        tomllib.loads(example)
    except ValueError:
        return block(example, "text")
    return block(example, "toml")
