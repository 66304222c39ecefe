"""`load_spec` and `parse_spec`: validation of a file or document, with diagnostics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from declnet.errors import Diagnostic, KeyPath, SpecError
from declnet.registry.recorded import registry_beside
from declnet.registry.registry import Registry
from declnet.spec.document.compose import MEMBERS, Composed, compose, composed_from
from declnet.spec.document.document import (
    TOO_DEEP,
    large_numbers,
    too_deep_path,
    without_large_numbers,
)
from declnet.spec.document.expansion import ExpandedMap, Expansion, expand
from declnet.spec.document.overrides import Override, override_of
from declnet.spec.document.source_map import SourceMap, value_at
from declnet.spec.document.variables import VARIABLES, names_in
from declnet.spec.members import (
    MemberReader,
    Members,
    MemberSpec,
    agreement_problems,
    require_no_members,
)
from declnet.spec.model import RunSpec, fit_name, resolved_document
from declnet.spec.partial import ParsedSpec
from declnet.spec.presets import with_overrides
from declnet.spec.repairs import Repair, RepairedMap, repaired
from declnet.spec.sweep import Sweep, sweep_of
from declnet.spec.tuning import UNMATCHED, tuning_of, without_tune
from declnet.spec.validation_errors import (
    diagnostic_of,
    pydantic_errors,
    repairs_of,
    without_redundant,
)
from declnet.spec.varying_keys import SWEEP, TUNE, Point, SweptValue, swept_value

POINTS_OF_A_WRONG_SPEC = 500
"""Maximum number of points that are validated in a spec with other errors; it takes a second."""


def load_spec(
    path: str | Path,
    overrides: Mapping[str, Any] | None = None,
    registry: Registry | None = None,
) -> RunSpec:
    """Read and validate a spec file, TOML or JSON by its suffix, with everything it extends.

    Args:
        path: the file; relative paths in it are relative to its folder.
        overrides: values by dotted key, e.g. `{"model.layers.0.units": 32}`.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        SpecError: the spec is invalid; contains all of its errors.
    """
    if not isinstance(path, str | PathLike):
        raise _wrong_type("the path of a spec must be a string or a Path", path, PARSE_IT)
    return read_spec(path, _overrides(overrides or {}), registry).require()


def parse_spec(
    document: Mapping[str, Any],
    registry: Registry | None = None,
    *,
    folder: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> RunSpec:
    """Validate a spec given as plain tables, lists and scalars.

    Args:
        document: the spec, which is not changed; instances of components are allowed wherever names
            and tables are.
        registry: where names are looked up; default: all installed plugins.
        folder: the base of relative paths; default: the working folder.
        overrides: values by dotted key, as for `load_spec`.

    Raises:
        SpecError: the spec is invalid; contains all of its errors.
    """
    if not isinstance(document, Mapping | RunSpec):
        raise _wrong_type("a spec must be a mapping", document, LOAD_IT)
    if too_deep_path(document) is not None:
        raise SpecError([Diagnostic(TOO_DEEP, None, (), "E004")])
    folder = folder or Path.cwd()
    if overrides:
        composed = composed_from(_tables(document))
    else:
        composed = Composed(SourceMap(dict(document)))
    composed = with_overrides(composed, _overrides(overrides or {}), registry, folder)
    return validate(composed, registry, folder).require()


def _tables(spec: object) -> dict[str, Any]:
    """Return a spec, validated or not, as tables."""
    return resolved_document(spec) if isinstance(spec, RunSpec) else dict(cast("Any", spec))


def _overrides(values: Mapping[str, Any]) -> list[Override]:
    numbered = enumerate(values.items(), start=1)
    return [override_of(key, value, number) for number, (key, value) in numbered]


GivenSpec = RunSpec | Mapping[str, Any] | str | Path
"""A spec, or the argument of `parse_spec` or `load_spec`."""


def as_spec(spec: GivenSpec, registry: Registry | None = None) -> RunSpec:
    """Return the spec in a mapping or a file; a `RunSpec` is returned unchanged.

    Raises:
        SpecError: the spec is invalid; contains all of its errors.
    """
    if isinstance(spec, RunSpec):
        return spec
    if isinstance(spec, str | PathLike):
        return load_spec(spec, registry=registry)
    return parse_spec(spec, registry)


PARSE_IT = "validate a mapping with declnet.parse_spec"
LOAD_IT = "read a file with declnet.load_spec"


def _wrong_type(message: str, value: Any, hint: str) -> SpecError:
    return SpecError([Diagnostic(f"{message}, not {type(value).__name__}", hint, (), "E012")])


def read_spec(
    path: str | Path, overrides: Sequence[Override] = (), registry: Registry | None = None
) -> ParsedSpec:
    """Read and validate a spec file; the result has its valid parts, and every error.

    Raises:
        SpecError: the file cannot be read or parsed.
    """
    path = Path(path)
    registry, folder = registry_beside(path, registry), path.parent.absolute()
    return validate(_named(path, overrides, registry, folder), registry, folder)


def _named(
    path: Path, overrides: Sequence[Override], registry: Registry | None, folder: Path
) -> Composed:
    composed = with_overrides(compose(path), overrides, registry, folder)
    composed.source_map.document.setdefault("name", fit_name(path.stem))
    return composed


def read_points(
    path: Path,
    overrides: Sequence[Override] = (),
    varied: Sequence[Sequence[SweptValue]] = (),
    registry: Registry | None = None,
) -> Iterator[tuple[Point, ParsedSpec]]:
    """Read a spec file with its section `[sweep]`; yield each point and its validated spec.

    Args:
        path: the file.
        overrides: changes of every point.
        varied: keys that vary in addition or otherwise than in the section, with their values.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        SpecError: the file or the section is invalid.
    """
    registry, folder = registry_beside(path, registry), path.parent.absolute()
    composed = _named(path, overrides, registry, folder)
    if MEMBERS in composed.source_map.document:
        require_no_members(validate(composed, registry, folder).require())
    sweep, problems = sweep_of(composed.source_map)
    if problems or (sweep.axes and TUNE in composed.source_map.document):
        validate(composed, registry, folder).require()
    fixed = [[swept_value(override)] for override in overrides if override.key in sweep.keys]
    for values in (*fixed, *varied):
        sweep = sweep.varying(values)
    documents = _composed_points(sweep, composed)
    return ((point, validate(document, registry, folder)) for point, document in documents)


def _composed_points(sweep: Sweep, composed: Composed) -> Iterator[tuple[Point, Composed]]:
    """Yield each point of a document's sweep and its own document."""
    used = composed.variables_used | frozenset(names_in(composed.source_map.document.get(SWEEP)))
    for point in sweep.points():
        diagnostics = [*composed.diagnostics, *point.problems]
        yield point, Composed(point.source_map, diagnostics, composed.is_incomplete, used)


def _errors_in_values(
    sweep: Sweep, composed: Composed, registry: Registry | None, folder: Path
) -> Iterator[Diagnostic]:
    """Yield the errors in a sweep's keys and values, with their places.

    Contradictions between keys are left out, since the spec has other errors.
    """
    with suppress(SpecError):  # too many points
        points = islice(_composed_points(sweep, composed), POINTS_OF_A_WRONG_SPEC)
        for _, document in points:
            parsed, _ = _validated(document, registry, folder)
            for error in parsed.source_map.locate(parsed.diagnostics):
                writer = parsed.source_map.writer_of(error.path)
                is_fault = error.severity == "error" and error.code != "E017"
                if is_fault and isinstance(writer, SweptValue):
                    yield replace(error, path=writer.key_at)


def validate_point(point: Point, registry: Registry | None, folder: Path) -> ParsedSpec:
    """Validate a spec of a study that is valid with its own values.

    Args:
        point: the spec with other values, which may use fewer of its variables.
        registry: where names are looked up.
        folder: the base of relative paths.
    """
    used = frozenset(point.source_map.document.get(VARIABLES, ()))
    composed = Composed(point.source_map, list(point.problems), variables_used=used)
    return validate(composed, registry, folder)


ROUNDS = 3
"""How often names are repaired to validate the rest: a misspelled section may have misspelled keys,
and these may have some."""


def validate(composed: Composed, registry: Registry | None, folder: Path) -> ParsedSpec:
    """Validate a document in one pass.

    Names that can only mean one thing are reported, and everything else is validated as if they
    were right. Keys of earlier versions are only warned of.

    Args:
        composed: the document, and the errors found so far.
        registry: where names are looked up; default: all installed plugins.
        folder: the base of relative paths.
    """
    if MEMBERS in composed.source_map.document:
        return _validated_members(composed, registry, folder)
    written, reported = composed.source_map.document, list[Diagnostic]()
    for _ in range(ROUNDS):
        parsed, repairs = _validated(composed, registry, folder)
        source_map, done = repaired(composed.source_map, list(repairs))
        if not done:
            break
        names = [
            _with_effect(error, repair, source_map)
            for repair, error in repairs.items()
            if repair in done
        ]
        reported += composed.source_map.locate(names)
        source_map.warnings = tuple(error for error in reported if error.severity == "warning")
        known = [error for error in composed.diagnostics if error.path not in source_map.moved]
        composed = replace(composed, source_map=source_map, diagnostics=known)
    else:
        parsed, _ = _validated(composed, registry, folder)
    if parsed.spec is None:  # in a variable's value, keys of earlier versions are not repaired
        parsed = replace(parsed, diagnostics=tuple(map(_as_error, parsed.diagnostics)))
    errors = [error for error in reported if error.severity == "error"]
    if not errors and (parsed.spec is not None or not reported):
        return parsed
    paths = {error.path for error in errors}  # another name may explain a wrong value
    reported += [
        error
        for error in composed.source_map.locate(parsed.diagnostics)
        if error.path not in paths or error.code == "E015"
    ]
    reported.sort(key=lambda error: _position(error.path, written))
    return replace(parsed, spec=None, repaired=parsed.spec, diagnostics=tuple(reported))


def _as_error(problem: Diagnostic) -> Diagnostic:
    """Return an error in place of the warning of a key of an earlier version."""
    return problem if problem.severity == "error" else replace(problem, code="E010")


def _with_effect(error: Diagnostic, repair: Repair, source_map: RepairedMap) -> Diagnostic:
    """Return the diagnostic of a name; for a key without effect, its message says so."""
    if not repair.is_earlier or repair.key is None or repair.key in source_map.moved:
        return error
    message = f"{error.message}, which is written too, and has no effect"
    return replace(error, message=message, help=f'remove "{repair.path[-1]}"')


def _validated_members(composed: Composed, registry: Registry | None, folder: Path) -> ParsedSpec:
    """Validate the members of a document."""
    reader = MemberReader(composed=composed, registry=registry, folder=folder)
    documents, selects = reader.read()
    parsed = tuple(validate(member.composed, registry, folder) for member in documents)
    specs = [member.spec for member in parsed if member.spec is not None]
    whole, problems = composed.source_map, list(reader.problems)
    pairs = zip(documents, specs, strict=False)
    members = Members(
        tuple(MemberSpec(spec, document.weight) for document, spec in pairs), whole, selects
    )
    if len(specs) == len(parsed) and not problems:
        problems += agreement_problems(members)
    located = dict.fromkeys(whole.locate(problems))
    for member in parsed:
        located |= dict.fromkeys(member.source_map.locate(member.diagnostics))
    source_map = parsed[0].source_map if parsed else ExpandedMap(whole.document, whole.origin)
    if located:
        return ParsedSpec(source_map, None, tuple(located), members=parsed)
    first = documents[0].composed.source_map
    named = {**first.document, "name": whole.document.get("name", "run")}
    for_all = replace(documents[0].composed, source_map=replace(first, document=named))
    predictor = validate(for_all, registry, folder)
    if predictor.spec is not None:
        predictor.spec.consist_of(members, folder)
    return replace(predictor, members=parsed)


def _position(path: KeyPath, document: Any) -> list[int]:
    """Return the position of a path in a document, by which paths can be sorted."""
    position = []
    for part in path:
        keys = list(document) if isinstance(document, Mapping) else []
        after = part if isinstance(part, int) else len(keys)
        position.append(keys.index(part) if part in keys else after)
        document = value_at(document, (part,))
    return position


def _validated(
    composed: Composed, registry: Registry | None, folder: Path
) -> tuple[ParsedSpec, dict[Repair, Diagnostic]]:
    """Validate a document; also return the possible repairs of names, with their errors."""
    written = composed.source_map.document
    sweep, in_sweep = sweep_of(composed.source_map)
    used = {*composed.variables_used, *names_in([written.get(SWEEP), written.get(TUNE)])}
    expansion = expand(without_tune(sweep.base), registry, used)
    context = {"registry": expansion.registry, "folder": folder}
    tuning, repairs, in_tune = tuning_of(sweep.base, context)
    source_map, document = expansion.source_map, expansion.source_map.document
    earlier = [*composed.diagnostics, *in_sweep, *in_tune, *expansion.diagnostics]
    if sweep.axes and tuning is not None:
        message, hint = "a spec has either [sweep] or [tune]", "move one to another file"
        earlier.append(Diagnostic(message, hint, (TUNE,), UNMATCHED, focus="key"))
    wrong_variables = {error.path for error in expansion.diagnostics}
    for detail in expansion.errors:
        if detail["loc"] not in wrong_variables:
            error = source_map.with_notes(diagnostic_of(detail, expansion.plain))
            earlier.append(error)
            repairs |= dict.fromkeys(repairs_of(detail, expansion.plain), error)
    too_large = large_numbers(written)
    if too_large:
        earlier += too_large
        document = without_large_numbers(document)
    errors: Sequence[Diagnostic] = ()
    try:
        spec = RunSpec.model_validate(document, context=context)
    except ValidationError as failure:
        details = list(pydantic_errors(failure))
        diagnostics = [diagnostic_of(detail, document, expansion) for detail in details]
        errors = source_map.as_written(without_redundant(diagnostics))
        for detail, diagnostic in zip(details, diagnostics, strict=True):
            for repair in repairs_of(detail, document, expansion):
                repairs.setdefault(repair, source_map.as_written([diagnostic])[0])
    else:
        if not earlier and not repairs:
            spec.read_from(source_map, folder, sweep if sweep.axes else None, tuning)
            return ParsedSpec(spec.source_map, spec, source_map.warnings, context), {}
    sure = sweep.without_errors(in_sweep) if sweep.axes else sweep
    if sure.axes and not composed.is_incomplete:
        earlier += dict.fromkeys(_errors_in_values(sure, composed, registry, folder))
    errors = _without_consequences(earlier, errors, composed, expansion)
    return ParsedSpec(source_map, None, errors, context, composed.is_incomplete), repairs


def _without_consequences(
    earlier: Sequence[Diagnostic],
    errors: Sequence[Diagnostic],
    composed: Composed,
    expansion: Expansion,
) -> tuple[Diagnostic, ...]:
    """Return the errors without those that others explain.

    Args:
        earlier: those found before the sections were validated.
        errors: those in the sections.
        composed: the document.
        expansion: its layers, written out.
    """
    reported = {error.path for error in earlier}
    errors = [
        error
        for error in errors
        if error.path not in reported
        and expansion.invalid.isdisjoint((error.path, error.path[:-1]))
        and not (composed.is_incomplete and error.code == "E011")
    ]
    hidden: tuple[str, ...] = ()
    if composed.is_incomplete:
        hidden = ("E070", "E071")  # a file that could not be read may define or use variables
    elif any(error.code == "E011" and len(error.path) == 1 for error in errors):
        hidden = ("E071",)  # a missing section may use variables
    known = composed.diagnostics
    shown = (error for error in earlier if error.code not in hidden or error in known)
    return (*shown, *errors)
