"""Reading and checking the spec passed to a command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from declnet.cli.display.passes import passes_followed
from declnet.cli.options import several_values
from declnet.contracts.attribution import attributing_errors
from declnet.errors import Diagnostic, SpecError
from declnet.registry.registry import Registry
from declnet.spec.document.overrides import SOURCE, Override, parse_override
from declnet.spec.members import require_no_members
from declnet.spec.model import RunSpec
from declnet.spec.partial import ParsedSpec
from declnet.spec.requirements import registry_for
from declnet.spec.validate import read_points, read_spec
from declnet.spec.varying_keys import Point, swept_value
from declnet.training.checks.check import Checked, check_spec
from declnet.training.checks.tuning import study_problems


def read(spec: Path, overrides: Iterable[str], registry: Registry) -> ParsedSpec:
    """Read and validate a spec with its overrides.

    Raises:
        SpecError: overrides cannot be parsed, or the file cannot be read.
    """
    parsed = _parsed((text, number) for number, text in enumerate(overrides, start=1))
    with attributing_errors(registry):
        return read_spec(spec, parsed, registry)


def _parsed(overrides: Iterable[tuple[str, int]]) -> list[Override]:
    """Parse overrides with their numbers; one error reports all that are invalid."""
    parsed: list[Override] = []
    errors: list[Diagnostic] = []
    for text, number in overrides:
        try:
            parsed.append(parse_override(text, number))
        except SpecError as error:
            errors += error.problems
    if errors:
        raise SpecError(errors)
    return parsed


def checked_spec(spec: Path, overrides: Iterable[str], registry: Registry) -> Checked:
    """Read a spec and check its valid parts; the result has all errors and warnings.

    Of a spec with a sweep, all of its points are checked too; of one with a study, those at the
    ends of its ranges and with each of its choices.

    Raises:
        SpecError: an override cannot be parsed, or the file cannot be read.
    """
    overrides = tuple(overrides)
    parsed = read(spec, overrides, registry)
    checked = _checked(parsed, registry)
    if parsed.spec is None or checked.errors:
        return checked
    problems = dict.fromkeys(checked.problems)
    if parsed.spec.sweep is not None:
        for _, _, of_point in checked_points(spec, overrides, registry):
            problems |= dict.fromkeys(of_point.problems)
    spec_registry = registry_for(parsed.spec.plugins, registry)
    problems |= dict.fromkeys(study_problems(parsed.spec, spec_registry))
    return replace(checked, problems=parsed.source_map.locate(problems))


def checked_points(
    spec: Path, overrides: Sequence[str], registry: Registry
) -> Iterator[tuple[Point, ParsedSpec, Checked]]:
    """Yield the points of a spec's sweep, each validated and checked.

    Args:
        spec: the file.
        overrides: changes of every point; one of several values varies its key.
        registry: where names are looked up.

    Raises:
        SpecError: an override, the file or its section `[sweep]` is invalid.
    """
    fixed, varied = [], []
    for number, text in enumerate(overrides, start=1):
        key, values = text.partition("=")[0], several_values(text)
        if len(values) > 1:
            texts = [f"{key}={value}" for value in values]
            varied.append([swept_value(parse_override(override, number)) for override in texts])
        else:
            fixed.append((text, number))
    changes = _parsed(fixed)
    with attributing_errors(registry):
        for point, parsed in read_points(spec, changes, varied, registry):
            yield point, parsed, _checked(parsed, registry)


def valid_spec(
    spec: Path,
    overrides: Iterable[str],
    registry: Registry,
    *,
    members: bool = False,
    quiet: bool = False,
) -> tuple[RunSpec, Checked]:
    """Read and check a spec that must be valid.

    Args:
        spec: the file.
        overrides: its changes.
        registry: where names are looked up.
        members: whether it may have members.
        quiet: whether to show no progress, even on a terminal.

    Raises:
        SpecError: there is an error; contains all errors and warnings.
    """
    parsed = read(spec, overrides, registry)
    checked = _checked(parsed, registry, quiet=quiet)
    if checked.errors or parsed.spec is None:
        raise SpecError(checked.problems)
    if not members:
        require_no_members(parsed.spec)
    return parsed.spec, checked


def _checked(parsed: ParsedSpec, registry: Registry, *, quiet: bool = False) -> Checked:
    with passes_followed(quiet=quiet):
        checked = check_spec(parsed, registry)
    return replace(checked, problems=tuple(map(_with_help_for_several, checked.problems)))


def _with_help_for_several(problem: Diagnostic) -> Diagnostic:
    """Return the error of an override such as `seed=0,1` with what trains several values."""
    import re

    if problem.place is None or problem.place.file != SOURCE or "a list" in problem.message:
        return problem
    key, _, value = problem.place.text.partition("=")
    if key.strip() == "seed" and re.fullmatch(r"[^\s,]+(,[^\s,]+)+|\d+\.\.\d+", value.strip()):
        return replace(problem, help=f"train with each seed: --seeds {value.strip()}")
    if len(several_values(problem.place.text)) < 2:
        return problem
    return replace(problem, help="only `declnet sweep` takes several values, and trains with each")
