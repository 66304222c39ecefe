"""The gallery of wrong specs: the test cases with declnet's output for each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from declnet.codes.catalogue import catalogue
from declnet_pages.markdown import block, prose
from declnet_pages.problem_codes import label

CASES = Path(__file__).parents[3] / "tests" / "gallery"
"""The folder with one subfolder per case; its `cases.py` documents the files of a case."""

EXPECTED = {"spec.toml": "expected.txt", "spec.json": "expected_json.txt"}

_SEVERAL = "Several problems in one spec"
_CODE = re.compile(r"^\w+\[(\w+)\]", re.MULTILINE)


def wrong_specs() -> str:
    """Return a section for each code with its cases, and one for cases with several codes."""
    sections: dict[str, list[str]] = {code: [] for code in (*catalogue(), _SEVERAL)}
    for folder in sorted(CASES.iterdir()):
        said = [folder / name for name in EXPECTED.values() if (folder / name).is_file()]
        if said:
            codes = set(_CODE.findall(said[0].read_text("utf-8")))
            sections[codes.pop() if len(codes) == 1 else _SEVERAL].append(_case(folder))
    return "\n".join(
        "\n".join([f"## {_title(name)}\n", *cases]) for name, cases in sections.items() if cases
    )


def _title(section: str) -> str:
    if section == _SEVERAL:
        return section
    entry = catalogue()[section]
    return f"[{section}](#{label(entry)}): {prose(entry.title)}"


def _case(folder: Path) -> str:
    """Return declnet's output with the spec collapsed, also for JSON if the case covers both."""
    title = folder.name.replace("_", " ").replace("json", "JSON").replace("toml", "TOML")
    parts = [f"### {title[0].upper()}{title[1:]}\n", *_command(folder)]
    written = [name for name, expected in EXPECTED.items() if (folder / expected).is_file()]
    first, *also = written
    others = sorted(each.name for each in folder.glob("*.toml") if each.name not in EXPECTED)
    parts.append(_said(folder, first))
    parts += [_folded(name, _text(folder / name)) for name in (*others, first)]
    parts += [_folded(name, _text(folder / name) + _said(folder, name)) for name in also]
    return "\n".join(parts)


def _command(folder: Path) -> Iterator[str]:
    """Yield the command, if it has overrides or options."""
    more = folder / "arguments.txt"
    if more.is_file():
        yield block(f"declnet check spec.toml {more.read_text('utf-8')}", "sh")


def _said(folder: Path, spec: str) -> str:
    return block((folder / EXPECTED[spec]).read_text("utf-8"), "text")


def _text(file: Path) -> str:
    if not file.is_file():
        return ""
    text = file.read_bytes().decode("utf-8-sig", "replace").replace("\r\n", "\n")
    return block(text, "text") if text.strip() else "(It is empty.)\n"


def _folded(summary: str, content: str) -> str:
    if not content:
        return ""
    return f"<details><summary>{escape(summary)}</summary>\n\n{content}\n</details>\n"
