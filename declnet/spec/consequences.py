"""Faults that only follow from others: of a misspelt key, that the right one is missing."""

from __future__ import annotations

from collections.abc import Sequence

from declnet.errors import Diagnostic


def without_consequences(problems: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The problems but for each missing key that an unknown key of the same table stands for."""
    meant = {
        (problem.path[:-1], problem.help)
        for problem in problems
        if problem.code == "E010" and problem.path
    }
    return [problem for problem in problems if not _is_meant(problem, meant)]


def _is_meant(problem: Diagnostic, meant: set[tuple[tuple[str | int, ...], str | None]]) -> bool:
    if problem.code != "E011" or not problem.path:
        return False
    return (problem.path[:-1], f'did you mean "{problem.path[-1]}"?') in meant
