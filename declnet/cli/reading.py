"""Reads the spec that a command is given, with all checks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from declnet.registry.registry import Registry
    from declnet.spec.load import Reading
    from declnet.spec.override import Override
    from declnet.spec.run_spec import RunSpec
    from declnet.training.checks.check import Checked


def read(spec: Path, overrides: tuple[str, ...], registry: Registry) -> Reading:
    """Reads a spec with its overrides.

    Raises:
        SpecError: an override is none, or a file cannot be read at all.
    """
    from declnet.components.attribution import attributing_errors
    from declnet.spec.load import read_spec

    with attributing_errors(registry):
        return read_spec(spec, _parsed(overrides), registry)


def checked_spec(spec: Path, overrides: tuple[str, ...], registry: Registry) -> Checked:
    """Reads a spec and checks all that is right of it; what is wrong is in the result.

    Raises:
        SpecError: an override is none, or a file cannot be read at all.
    """
    return _checked(read(spec, overrides, registry), registry)


def right_spec(
    spec: Path, overrides: tuple[str, ...], registry: Registry
) -> tuple[RunSpec, Checked]:
    """Reads a spec that must be right.

    Raises:
        SpecError: with every error and warning.
    """
    from declnet.errors import SpecError

    reading = read(spec, overrides, registry)
    checked = _checked(reading, registry)
    if checked.errors or reading.spec is None:
        raise SpecError(checked.problems)
    return reading.spec, checked


def _checked(reading: Reading, registry: Registry) -> Checked:
    from declnet.components.attribution import attributing_errors
    from declnet.training.checks.check import check_reading

    with attributing_errors(registry):
        return check_reading(reading, registry)


def _parsed(overrides: tuple[str, ...]) -> list[Override]:
    """All overrides; those that are none are told together."""
    from declnet.errors import Diagnostic, SpecError
    from declnet.spec.override import parse_override

    parsed: list[Override] = []
    problems: list[Diagnostic] = []
    for number, text in enumerate(overrides, start=1):
        try:
            parsed.append(parse_override(text, number))
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return parsed
