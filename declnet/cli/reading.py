"""Reading and checking the spec passed to a command."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from declnet.errors import Diagnostic
    from declnet.registry.registry import Registry
    from declnet.spec.model import RunSpec
    from declnet.spec.validate import ParsedSpec
    from declnet.training.checks.check import Checked


def read(spec: Path, overrides: Iterable[str], registry: Registry) -> ParsedSpec:
    """Read and validate a spec with its overrides.

    Raises:
        SpecError: overrides cannot be parsed, or the file cannot be read.
    """
    from declnet.contracts.attribution import attributing_errors
    from declnet.errors import SpecError
    from declnet.spec.overrides import Override, parse_override
    from declnet.spec.validate import read_spec

    parsed: list[Override] = []
    errors: list[Diagnostic] = []
    for number, text in enumerate(overrides, start=1):
        try:
            parsed.append(parse_override(text, number))
        except SpecError as error:
            errors += error.problems
    if errors:
        raise SpecError(errors)
    with attributing_errors(registry):
        return read_spec(spec, parsed, registry)


def checked_spec(spec: Path, overrides: Iterable[str], registry: Registry) -> Checked:
    """Read a spec and check its valid parts; the result has all errors and warnings.

    Raises:
        SpecError: an override cannot be parsed, or the file cannot be read.
    """
    return _checked(read(spec, overrides, registry), registry)


def valid_spec(spec: Path, overrides: Iterable[str], registry: Registry) -> tuple[RunSpec, Checked]:
    """Read and check a spec that must be valid.

    Raises:
        SpecError: there is an error; contains all errors and warnings.
    """
    from declnet.errors import SpecError

    parsed = read(spec, overrides, registry)
    checked = _checked(parsed, registry)
    if checked.errors or parsed.spec is None:
        raise SpecError(checked.problems)
    return parsed.spec, checked


def _checked(parsed: ParsedSpec, registry: Registry) -> Checked:
    from dataclasses import replace

    from declnet.training.checks.check import check_parsed

    checked = check_parsed(parsed, registry)
    return replace(checked, problems=tuple(map(_with_help_for_several, checked.problems)))


def _with_help_for_several(problem: Diagnostic) -> Diagnostic:
    """Return the error of an override such as `seed=0,1` with what trains several values."""
    import re
    from dataclasses import replace

    from declnet.cli.options import several_values
    from declnet.spec.overrides import SOURCE

    if problem.place is None or problem.place.file != SOURCE or "a list" in problem.message:
        return problem
    key, _, value = problem.place.text.partition("=")
    if key.strip() == "seed" and re.fullmatch(r"[^\s,]+(,[^\s,]+)+|\d+\.\.\d+", value.strip()):
        return replace(problem, help=f"train with each seed: --seeds {value.strip()}")
    if len(several_values(problem.place.text)) < 2:
        return problem
    return replace(problem, help="only `declnet sweep` takes several values, and trains with each")
