"""`declnet explain`: one code in full, or all of them."""

from __future__ import annotations

import re
import textwrap

import pytest
from click.testing import CliRunner, Result

from declnet.cli.explain import explain
from declnet.codes.catalogue import catalogue


def run(*arguments: str, columns: int = 80) -> Result:
    return CliRunner().invoke(explain, arguments, env={"COLUMNS": str(columns)})


@pytest.mark.parametrize("code", catalogue())
def test_a_code_is_told_whole(code: str) -> None:
    told, entry = run(code), catalogue()[code]
    assert told.exit_code == 0
    heading, rest = told.output.split("\n\n", 1)
    text, rest = rest.split("\n\nWrong:\n\n", 1)
    wrong, right = rest.split("\n\nRight:\n\n", 1)
    assert heading.endswith(f"[{code}]: {entry.title}")
    assert " ".join(text.split()) == entry.text
    assert textwrap.dedent(wrong) == entry.wrong
    assert textwrap.dedent(right) == entry.right + "\n"


def test_its_heading_is_that_of_the_problem() -> None:
    assert run("E012").output.startswith("error[E012]: wrong type of value\n")
    assert run("W003").output.startswith("warning[W003]: no activation")


@pytest.mark.parametrize(("columns", "widest"), [(50, 50), (300, 90)])
def test_prose_fits_the_terminal_and_is_never_too_wide(columns: int, widest: int) -> None:
    text = run("E051", columns=columns).output.split("\n\n")[1]
    assert widest - 15 < max(map(len, text.splitlines())) <= widest


@pytest.mark.parametrize("written", ["e012", "E012"])
def test_case_does_not_matter(written: str) -> None:
    assert run(written).output == run("E012").output


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("E12", 'did you mean "E012"?'),
        ("012", 'did you mean "E012"?'),
        ("w03", 'did you mean "W003"?'),
        ("nonsense", "`declnet explain` lists all"),
        ("", "`declnet explain` lists all"),
    ],
)
def test_an_unknown_code_is_refused_with_a_suggestion(written: str, hint: str) -> None:
    told = run(written)
    assert told.exit_code == 2
    assert f'there is no code "{written}" ({hint})' in told.output


def test_all_codes_are_listed_with_their_titles() -> None:
    listed = [
        re.split(r"\s{2,}", line.strip(), maxsplit=1)
        for line in run().output.splitlines()
        if re.match(r" ?[EW]\d", line)
    ]
    assert listed == [[each.code, each.title] for each in catalogue().values()]


def test_what_a_check_says_leads_here(declnet_cli, spec_file, document) -> None:
    """The last line of a refusal names a command that works."""
    document["training"]["epochs"] = "3"
    said = declnet_cli("check", spec_file(document)).stderr
    line = re.search(r"`declnet (explain [EW]\d+)`", said)
    assert line is not None
    told = declnet_cli.succeeds(*line[1].split())
    assert told.startswith("error[E012]: ")
