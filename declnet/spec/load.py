"""`load_spec` and `parse_spec`: from a file or a document to a `RunSpec`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from declnet.errors import Diagnostic, SpecError
from declnet.registry.registry import Registry
from declnet.spec.belonging import with_homes
from declnet.spec.composition import compose
from declnet.spec.consequences import without_consequences
from declnet.spec.large_numbers import large_numbers, without_large_numbers
from declnet.spec.name import fit_name
from declnet.spec.nesting import TOO_DEEP, is_too_deep
from declnet.spec.override import Override, override_of
from declnet.spec.parts import Parts, parts_of, right_parts
from declnet.spec.problems import problems_of
from declnet.spec.requirements import registry_for
from declnet.spec.run_spec import RunSpec
from declnet.spec.written import Written


@dataclass(frozen=True, eq=False)
class Reading:
    """What came of reading a spec.

    Attributes:
        written: the document, and who wrote what.
        spec: None if anything is wrong.
        parts: those that are right by themselves.
        problems: every fault of the writing and the form, without places.
    """

    written: Written
    spec: RunSpec | None
    parts: Parts
    problems: tuple[Diagnostic, ...]


def load_spec(
    path: str | Path,
    overrides: Mapping[str, Any] | None = None,
    registry: Registry | None = None,
) -> RunSpec:
    """Reads and validates a spec file, TOML or JSON by its suffix, with all that it extends.

    Args:
        path: the file; relative paths in it are relative to its folder.
        overrides: values by dotted key, e.g. `{"model.layers.0.units": 32}`.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        SpecError: with every fault of the spec at once.
    """
    given = enumerate((overrides or {}).items(), start=1)
    changes = [override_of(key, value, number) for number, (key, value) in given]
    return _required(read_spec(path, changes, registry))


def parse_spec(
    document: Mapping[str, Any],
    registry: Registry | None = None,
    *,
    folder: Path | None = None,
) -> RunSpec:
    """Validates a spec that a program holds as plain tables, lists and scalars.

    Args:
        document: the spec; instances of components may stand where names and tables may.
        registry: where names are looked up; default: all installed plugins.
        folder: what relative paths are relative to; default: the working folder.

    Raises:
        SpecError: with every fault of the spec at once.
    """
    if is_too_deep(document):
        raise SpecError([Diagnostic(TOO_DEEP, None, (), "E004")])
    return _required(_validated(Written(dict(document)), registry, folder or Path.cwd()))


def read_spec(
    path: str | Path, overrides: Sequence[Override] = (), registry: Registry | None = None
) -> Reading:
    """Reads a spec file as `load_spec` does, and gives what can be had of a wrong one.

    Raises:
        SpecError: a file cannot be read at all.
    """
    path = Path(path)
    written = compose(path, overrides)
    written.document.setdefault("name", fit_name(path.stem))
    return _validated(written, registry, path.parent.absolute())


def _required(reading: Reading) -> RunSpec:
    if reading.spec is None:
        raise SpecError(reading.written.located(reading.problems))
    return reading.spec


def _validated(written: Written, registry: Registry | None, folder: Path) -> Reading:
    registry = registry_for(written.document.get("plugins"), registry)
    context = {"registry": registry, "folder": folder}
    document, large = written.document, large_numbers(written.document)
    if large:
        written.problems += large
        document = without_large_numbers(document)
    try:
        spec = RunSpec.model_validate(document, context=context)
    except ValidationError as error:
        problems = without_consequences(with_homes(problems_of(error, document)))
    else:
        if not written.problems:
            spec.was_written(written)
            return Reading(written, spec, parts_of(spec), ())
        problems = []
    parts = right_parts(document, context)
    if written.incomplete:
        problems = [each for each in problems if each.code != "E011"]
        parts = replace(parts, needs_source=False)
    return Reading(written, None, parts, _first_of_each(written.problems, problems))


def _first_of_each(writing: list[Diagnostic], form: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """All problems, but of a key whose writing is wrong only that."""
    told = {each.path for each in writing}
    return (*writing, *(each for each in form if each.path not in told))
