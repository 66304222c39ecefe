"""`load_spec` and `parse_spec`: validation of a file or document, with diagnostics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from declnet.contracts.network.loss import Loss
from declnet.contracts.network.optimizer import Optimizer
from declnet.contracts.strict_model import StrictModel
from declnet.errors import Diagnostic, KeyPath, SpecError, dotted
from declnet.registry.recorded import registry_beside
from declnet.registry.registry import Registry
from declnet.registry.spelling import closest
from declnet.spec.blocks import LAYERS, Block
from declnet.spec.calibration import CalibrationSpec
from declnet.spec.compose import EXTENDS, Composed, compose, overridden
from declnet.spec.data_section import DataSpec
from declnet.spec.document import TOO_DEEP, large_numbers, too_deep_path, without_large_numbers
from declnet.spec.expansion import ExpandedMap, Expansion, expand
from declnet.spec.messages import shown
from declnet.spec.model import ModelSpec, RunSpec, TrainingSpec, fit_name, resolved_document
from declnet.spec.overrides import Override, override_of
from declnet.spec.partial import PartialSpec, valid_parts
from declnet.spec.source_map import SourceMap, value_at
from declnet.spec.sweep import SWEEP, Point, SweptValue, sweep_of, swept_value
from declnet.spec.tuning import TUNE, UNMATCHED, tuning_of, without_tune
from declnet.spec.variables import VARIABLES, names_in


@dataclass(frozen=True, eq=False)
class ParsedSpec:
    """The result of validating a document.

    Attributes:
        source_map: the document that was validated and the locations of its values.
        spec: the spec, or None if anything is invalid.
        diagnostics: all errors, most without a place, with paths as written.
        context: the validation context: `registry` and `folder`.
        is_incomplete: whether a file that the spec extends could not be read.
    """

    source_map: ExpandedMap
    spec: RunSpec | None
    diagnostics: tuple[Diagnostic, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    is_incomplete: bool = False

    @classmethod
    def of(cls, spec: RunSpec) -> ParsedSpec:
        """Return the result for a valid spec."""
        return cls(spec.source_map, spec)

    @cached_property
    def partial(self) -> PartialSpec:
        """The parts that are valid on their own; computed on first use, by checks only."""
        if self.spec is not None:
            return self._with_blocks(valid_parts(dict(self.spec), self.context))
        document = without_large_numbers(self.source_map.document)
        partial = self._with_blocks(valid_parts(document, self.context))
        return replace(partial, lacks_data=False) if self.is_incomplete else partial

    def _with_blocks(self, partial: PartialSpec) -> PartialSpec:
        """Add to layers what their blocks say about them."""
        written = self.source_map
        layers = tuple(
            replace(
                part,
                position=dotted(written.written_path((*LAYERS, index))[len(LAYERS) :]),
                closes_residual=written.closes_residual(index),
                short_names=written.short_names(index),
            )
            for index, part in enumerate(partial.layers)
        )
        return replace(partial, layers=layers)

    def _repr_html_(self) -> str:
        from declnet.display.diagnostics import diagnostics_view

        if self.spec is not None:
            return self.spec._repr_html_()
        return diagnostics_view(self.source_map.locate(self.diagnostics))

    def require(self) -> RunSpec:
        """Return the spec.

        Raises:
            SpecError: it is invalid; contains every error with its place.
        """
        if self.spec is None:
            raise SpecError(self.source_map.locate(self.diagnostics))
        return self.spec


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
    if overrides:
        composed = overridden(_tables(document), _overrides(overrides))
    else:
        composed = Composed(SourceMap(dict(document)))
    return validate(composed, registry, folder or Path.cwd()).require()


def _tables(spec: object) -> dict[str, Any]:
    """Return a spec, validated or not, as tables."""
    return resolved_document(spec) if isinstance(spec, RunSpec) else dict(cast("Any", spec))


def _overrides(given: Mapping[str, Any]) -> list[Override]:
    numbered = enumerate(given.items(), start=1)
    return [override_of(key, value, number) for number, (key, value) in numbered]


GivenSpec = RunSpec | Mapping[str, Any] | str | Path
"""A spec, or what `parse_spec` or `load_spec` makes one of."""


def as_spec(spec: GivenSpec, registry: Registry | None = None) -> RunSpec:
    """Return the spec in a mapping or a file; a `RunSpec` is returned as it is.

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
    """Read and validate a spec file like `load_spec`, and return its valid parts.

    Raises:
        SpecError: the file cannot be read or parsed.
    """
    path = Path(path)
    composed = _named(path, overrides)
    return validate(composed, registry_beside(path, registry), path.parent.absolute())


def _named(path: Path, overrides: Sequence[Override]) -> Composed:
    composed = compose(path, overrides)
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
    composed = _named(path, overrides)
    registry, folder = registry_beside(path, registry), path.parent.absolute()
    sweep, problems = sweep_of(composed.source_map)
    if problems:
        validate(composed, registry, folder).require()
    fixed = [[swept_value(each)] for each in overrides if each.key in sweep.keys]
    for values in (*fixed, *varied):
        sweep = sweep.varying(values)
    used = composed.variables_used | frozenset(names_in(composed.source_map.document.get(SWEEP)))
    for point in sweep.points():
        found = [*composed.diagnostics, *point.problems]
        made = Composed(point.source_map, found, composed.is_incomplete, used)
        yield point, validate(made, registry, folder)


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


def validate(composed: Composed, registry: Registry | None, folder: Path) -> ParsedSpec:
    """Validate a document in one pass.

    Args:
        composed: the document, and the errors found so far.
        registry: where names are looked up; default: all installed plugins.
        folder: the base of relative paths.
    """
    written = composed.source_map.document
    sweep, in_sweep = sweep_of(composed.source_map)
    used = {*composed.variables_used, *names_in([written.get(SWEEP), written.get(TUNE)])}
    expansion = expand(without_tune(sweep.base), registry, used)
    context = {"registry": expansion.registry, "folder": folder}
    tuning, in_tune = tuning_of(sweep.base, context)
    source_map, document = expansion.source_map, expansion.source_map.document
    earlier = [*composed.diagnostics, *in_sweep, *in_tune.found, *expansion.diagnostics]
    earlier += [diagnostic_of(each, written) for each in in_tune.details]
    if sweep.axes and tuning is not None:
        message, hint = "a spec has either [sweep] or [tune]", "move one to another file"
        earlier.append(Diagnostic(message, hint, (TUNE,), UNMATCHED, focus="key"))
    in_blocks = [diagnostic_of(each, expansion.plain) for each in expansion.errors]
    earlier += map(source_map.with_notes, in_blocks)
    too_large = large_numbers(written)
    if too_large:
        earlier += too_large
        document = without_large_numbers(document)
    found: list[Diagnostic] = []
    try:
        spec = RunSpec.model_validate(document, context=context)
    except ValidationError as error:
        details = [diagnostic_of(each, document, expansion) for each in _details(error)]
        found = list(source_map.as_written(_without_redundant(details)))
    else:
        if not earlier:
            spec.locate_in(source_map)
            spec.vary_by(sweep if sweep.axes else None, tuning, folder)
            return ParsedSpec.of(spec)
    reported = {each.path for each in earlier}
    found = [
        each
        for each in found
        if each.path not in reported
        and expansion.invalid.isdisjoint((each.path, each.path[:-1]))
        and not (composed.is_incomplete and each.code == "E011")
    ]
    if composed.is_incomplete:  # the file that could not be read may define or use variables
        earlier = [each for each in earlier if each.code not in ("E070", "E071")]
    errors = (*earlier, *found)
    return ParsedSpec(source_map, None, errors, context, composed.is_incomplete)


_CODES = {
    "unknown_key": "E010",
    "missing_key": "E011",
    "missing": "E011",
    "finite_number": "E013",
    "number": "E013",
    "greater_than": "E013",
    "greater_than_equal": "E013",
    "less_than": "E013",
    "less_than_equal": "E013",
    "multiple_of": "E013",
    "literal_error": "E014",
    "enum": "E014",
    "string_pattern_mismatch": "E014",
    "string_too_short": "E014",
    "string_too_long": "E014",
    "name": "E014",
    "contradiction": "E017",
    "value_error": "E017",
    "too_short": "E018",
    "too_long": "E018",
    "names": "E019",
    "requirement": "E008",
    "version": "E007",
}
"""Codes by error type, pydantic's or ours; any other is E012, wrong type of value."""

_EXPECTED = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be a string",
    "finite_number": "must be finite",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "path_type": "must be a path",
}
_BOUNDS = {
    "greater_than": ("must be greater than", "gt"),
    "greater_than_equal": ("must be at least", "ge"),
    "less_than": ("must be less than", "lt"),
    "less_than_equal": ("must be at most", "le"),
}
_SECTIONS: dict[str, type[StrictModel]] = {
    "data": DataSpec,
    "model": ModelSpec,
    "loss": Loss,
    "optimizer": Optimizer,
    "training": TrainingSpec,
    "calibration": CalibrationSpec,
}


def _details(error: ValidationError) -> Iterable[ErrorDetails]:
    """Yield pydantic's errors, except for lists that are long enough if invalid items count."""
    for detail in error.errors():
        items, least = detail["input"], detail.get("ctx", {}).get("min_length", 0)
        is_list = isinstance(items, list | tuple)
        if detail["type"] != "too_short" or not is_list or len(items) < least:
            yield detail


def diagnostic_of(
    detail: ErrorDetails, document: Any, expansion: Expansion | None = None
) -> Diagnostic:
    """Return one of pydantic's errors of a document, without a place."""
    path = _key_path(detail["loc"], document)
    written = expansion.source_map.written_path(path) if expansion is not None else path
    context = detail.get("ctx", {})
    code = context.get("code", _CODES.get(detail["type"], "E012"))
    message = _message(detail)
    hint = context.get("hint") or _value_hint(detail)
    if code == "E010" and path:
        message, hint = f'unknown key "{path[-1]}"', _right_place(path) or hint
    elif code == "E011" and path:
        plain = expansion.plain if expansion is not None else document
        hint = _missing_hint(written, plain, context) or hint
    if code == "E017" and message.startswith("must "):
        code = "E012"  # from a field's own validator
    if message.startswith(("must ", "is missing")):
        message = f"{_subject(written)} {message}"
    has_key = bool(path) and isinstance(path[-1], str)  # items of lists have none
    is_table = code == "E012" and isinstance(detail["input"], dict) and has_key  # marked by its key
    focus: Literal["key", "value"] = "key" if code == "E010" or is_table else "value"
    return Diagnostic(message, hint, path, code, focus=focus)


def _message(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    found = f", not {shown(detail['input'])}"
    if kind in _EXPECTED:
        return _EXPECTED[kind] + found
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        bound = context.get(key)
        return f"{words} {f'{bound:g}' if isinstance(bound, float) else bound}{found}"
    if kind in ("too_short", "too_long"):
        bound = context.get("min_length", context.get("max_length"))
        which = "at least" if kind == "too_short" else "at most"
        return f"must have {which} {bound} item{'s' if bound != 1 else ''}"
    choices = str(context.get("expected")).replace("'", '"')
    others = {
        "missing": "is missing",
        "string_pattern_mismatch": f"must match the pattern {context.get('pattern')}{found}",
        "literal_error": f"must be {choices}{found}",
        "value_error": str(context.get("error")),
    }
    if kind in others:
        return others[kind]
    message = detail["msg"].removeprefix("Input should ").removeprefix("Value should ")
    return detail["msg"] if message == detail["msg"] else f"must {message}{found}"


def _subject(path: KeyPath) -> str:
    """Return the subject of a sentence about a value."""
    if not path:
        return "the spec"
    last = path[-1]
    if isinstance(last, str):
        return f'"{last}"'
    list_name = next((part for part in reversed(path) if isinstance(part, str)), "the list")
    return f'item {last} of "{list_name}"'


def _key_path(location: tuple[str | int, ...], document: Any) -> KeyPath:
    """Return a location without pydantic's additions, such as the branch of a union."""
    keys: list[str | int] = []
    place = document
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if isinstance(place, str):
            place = {"type": place}
        if isinstance(place, dict) and (part in place or last):
            keys.append(part)
            place = place.get(part)
        elif isinstance(place, list | tuple) and isinstance(part, int):
            keys.append(part)
            place = place[part] if part < len(place) else None
    return tuple(keys)


def _value_hint(detail: ErrorDetails) -> str | None:
    """Return a hint for a value of the wrong type, if the value suggests one."""
    kind, value = detail["type"], detail["input"]
    if kind in ("int_type", "float_type", "bool_type") and isinstance(value, str):
        return "remove the quotation marks" if _is_literal(value) else None
    if kind == "string_type" and isinstance(value, int | float):
        return "put it in quotation marks"
    if kind in ("int_type", "int_from_float") and isinstance(value, float):
        return f"write {int(value)}" if value.is_integer() else None
    if kind in ("tuple_type", "list_type") and isinstance(value, str | dict):
        section = ", or as a section: [[ … ]]" if isinstance(value, dict) else ""
        return f"put it in brackets: [ … ]{section}"
    if kind in ("model_type", "dict_type") and isinstance(value, list | tuple):
        return "remove one pair of brackets: it is a table, not a list of tables" if value else None
    return None


def _is_literal(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text in ("true", "false")
    return True


def _missing_hint(path: KeyPath, document: Any, context: Mapping[str, Any]) -> str | None:
    """Return which section to add, or what to write instead of a bare name; None otherwise."""
    if len(path) == 1 and path[0] in _SECTIONS:
        return f"add [{path[0]}], {RunSpec.model_fields[str(path[0])].description}"
    name, required = value_at(document, path[:-1]), context.get("required")
    if not isinstance(name, str) or not required:
        return None
    meaning = context["meaning"]
    about = f"; {path[-1]}: {meaning}" if meaning else ""
    return f'write {{ type = "{name}", {required} }}{about}'


def _right_place(path: KeyPath) -> str | None:
    """Return where a misplaced key belongs."""
    *outer, key = path
    if path == (EXTENDS,):
        return "only spec files can extend others; use load_spec"
    if tuple(outer[:-1]) == LAYERS and key in Block.model_fields:
        return "it belongs in a block, which has no type: { repeat = …, layers = [ … ] }"
    if len(outer) > 1 or (outer and outer[0] not in _SECTIONS):
        return None
    for section, model in _SECTIONS.items():
        if key in model.model_fields and outer != [section]:
            return f"it belongs in [{section}]"
    if outer and key in RunSpec.model_fields:
        return "it belongs at the top of the spec, outside all sections"
    is_misspelled = closest(str(key), [*RunSpec.model_fields, VARIABLES]) == VARIABLES
    return f'did you mean "{VARIABLES}"?' if is_misspelled and not outer else None


def _without_redundant(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Drop diagnostics for missing keys that are only misspelled."""
    hints = {(each.path[:-1], each.help) for each in diagnostics if each.code == "E010"}
    return [
        each
        for each in diagnostics
        if each.code != "E011"
        or not each.path
        or (each.path[:-1], f'did you mean "{each.path[-1]}"?') not in hints
    ]
