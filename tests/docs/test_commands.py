"""`declnet` commands and options: the pages show only existing ones, and all of them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from declnet_pages.code_blocks import CodeBlock, written_pages
from declnet_pages.command_reference import command_contexts

from declnet.cli.main import command

CONTEXTS = {context.command_path: context for context in command_contexts()}


def check(line: str) -> None:
    """Fail if a command line has an unknown command or option."""
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    assert words.pop(0) == "declnet"
    subcommand: click.Command = command
    context = CONTEXTS["declnet"]
    while isinstance(subcommand, click.Group) and words and not words[0].startswith("-"):
        name = words.pop(0)
        path = f"{context.command_path} {name}"
        assert path in CONTEXTS, f"no command {name} in: {line}"
        context = CONTEXTS[path]
        subcommand = context.command
    options = {option for param in subcommand.get_params(context) for option in param.opts}
    for word in words:
        if word.startswith("-"):
            assert word.partition("=")[0] in options, f"no option {word} in: {line}"
    arguments = [param for param in subcommand.params if isinstance(param, click.Argument)]
    if any(argument.required for argument in arguments) and words:
        assert any(not word.startswith("-") for word in words)


def test_shell_blocks(shell_block: CodeBlock) -> None:
    for line in shell_block.text.splitlines():
        if re.match(r"([A-Z_]+=\S+ )*declnet ", line):
            check(line)


def test_commands_within_the_text(docs: Path) -> None:
    shown = [
        line
        for page in written_pages(docs)
        for line in re.findall(r"(?<!`)`(declnet [a-z-][^`]*)`(?!`)", page.read_text("utf-8"))
    ]
    assert len(shown) > 5
    for line in shown:
        check(line)


def test_files_that_shell_blocks_name_exist(shell_block: CodeBlock, repository: Path) -> None:
    for name in re.findall(r"\bspecs/\S+", shell_block.text):
        assert (repository / name).exists()


def test_the_quick_start_installs_what_the_examples_use(repository: Path) -> None:
    text = (repository / "README.md").read_text("utf-8")
    installed = re.search(r"^pip install '\.\[(.*)\]'$", text, re.M)
    assert installed is not None
    assert "declnet report" not in text or "report" in installed[1].split(",")


@pytest.mark.parametrize("path", CONTEXTS)
def test_every_command_and_option_is_in_the_reference(path: str, generated: dict[str, str]) -> None:
    context = CONTEXTS[path]
    text = generated["generated/commands.md"]
    section = re.split(r"^\(command-", text.split(f" {path}\n\n", 1)[1], maxsplit=1, flags=re.M)[0]
    assert (context.command.help or "").split(".")[0].split("\n")[0] in section
    for option in context.command.get_params(context):
        if isinstance(option, click.Option):
            assert option.opts[-1] in section
