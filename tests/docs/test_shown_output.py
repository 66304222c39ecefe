"""Output that pages show, which equals the output of their blocks, run in order."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from declnet_pages.code_blocks import CodeBlock, code_blocks, written_pages

from tests.command_line import COMPILING

LINKS = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def output_of(block: CodeBlock, namespace: dict[str, Any], command_line: Any) -> str:
    """Run a block of Python or of commands, and return what it prints."""
    if block.verb == "commands":
        lines = [shlex.split(line, comments=True) for line in block.text.splitlines()]
        if block.argument == "fail":
            done = [command_line(*words[1:]) for words in lines]
            assert {process.returncode for process in done} == {1}
            return "".join(process.stdout for process in done)
        done = [command_line(*words[1:]) for words in lines]
        errors = [process.stderr.removeprefix(COMPILING) for process in done]
        assert not [error for error in errors if error and not error.startswith("note: ")]
        assert {process.returncode for process in done} == {0}
        return "".join(process.stdout for process in done)
    if block.verb == "runs":
        namespace.clear()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.text, str(block), "exec"), namespace)
    return printed.getvalue()


NEXT = re.compile(r"(?m)^next: declnet .*(?:\n {6}declnet .*)*")


def matches(shown: str, printed: str) -> bool:
    """Return whether output is as shown, except for lines `…`, times, and suggested commands.

    Commands of extras that are not installed are not suggested.
    """
    shown, printed = (NEXT.sub("next:", text) for text in (shown, printed))
    pattern = re.escape(f"{shown.strip()}\n")
    pattern = pattern.replace("…\\\n", r"(?:.*\n)*?").replace("…\n", r"(?:.*\n)*?")
    pattern = re.sub(r"\d+\\\.\d+(?=\\ s\b)", r"\\d+\\.\\d+", pattern)
    pattern = re.sub(r"[\d,]+(?=\\ rows/s\b)", r"[\\d,]+", pattern)
    return re.fullmatch(pattern, f"{printed.strip()}\n") is not None


def test_a_page_prints_what_it_shows(
    page_with_output: Path,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    declnet_cli: Any,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").symlink_to(repository / "specs")
    namespace: dict[str, Any] = {}
    printed = ""
    blocks = list(code_blocks(page_with_output))
    for at, block in enumerate(blocks):
        if block.verb == "saved":
            name = block.text.splitlines()[0].removeprefix("# ")
            later = "".join(block.text for block in blocks[at + 1 :] if block.verb != "prints")
            assert name in later, f"nothing reads {name}"
            (tmp_path / name).write_text(block.text, "utf-8")
        elif block.verb == "prints":
            assert matches(block.text, printed), f"{block} should be:\n{printed}"
            printed = ""
        elif block.verb in {"runs", "continues", "commands"}:
            assert not printed, f"output before {block} that the page does not show:\n{printed}"
            if block.argument.startswith("need "):
                pytest.importorskip(block.argument.removeprefix("need "))
            printed = output_of(block, namespace, declnet_cli)
    assert not printed


def numbers_outside_blocks(page: Path) -> list[str]:
    """Return the decimal numbers in the prose that no block contains or prints."""
    text = page.read_text("utf-8")
    in_blocks = "".join(block.text for block in code_blocks(page))
    prose = re.sub(r"^(```+).*?^\1$|\]\([^)]*\)|`[^`\n]*`", "", text, flags=re.M | re.S)
    numbers = re.findall(r"(?<![\w.])\d+\.\d+(?![\w.]*\d)", prose)
    return [number for number in numbers if number not in in_blocks]


def test_numbers_in_the_text_are_in_the_blocks(page_with_output: Path) -> None:
    assert numbers_outside_blocks(page_with_output) == []


WITH_LINKS = ("README.md", "CONTRIBUTING.md", "AGENTS.md", "SECURITY.md", "llms.txt")
"""Files of the repository's top level that link to others."""


def test_link_targets_exist(docs: Path, repository: Path) -> None:
    generated = {"components", "generated"}
    missing = []
    others = [repository / name for name in WITH_LINKS]
    for page in [*written_pages(docs), *others]:
        for link in LINKS.findall(page.read_text("utf-8")):
            target = (page.parent / link).resolve()
            inside = target.is_relative_to(docs) and target.relative_to(docs).parts[0] in generated
            if not inside and not target.exists():
                missing.append(f"{page.relative_to(repository)}: {link}")
    assert missing == []
