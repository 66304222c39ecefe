"""Pydantic's errors as diagnostics: codes, messages, and hints on what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from declnet.contracts.component import Component
from declnet.contracts.network.layer import Layer
from declnet.contracts.network.loss import Loss
from declnet.contracts.network.metric import Metric
from declnet.contracts.network.optimizer import Optimizer
from declnet.contracts.network.parameter import Regularizer
from declnet.contracts.network.schedule import Schedule
from declnet.contracts.number_or import reads_as_number
from declnet.contracts.runs.callback import Callback
from declnet.contracts.strict_model import StrictModel
from declnet.display.words import with_article
from declnet.errors import Diagnostic, KeyPath, UnknownTypeError
from declnet.registry.registry import Registry
from declnet.registry.spelling import closest, is_misspelling
from declnet.spec.data_section import DataSpec
from declnet.spec.document.blocks import LAYERS, Block
from declnet.spec.document.compose import EXTENDS
from declnet.spec.document.expansion import Expansion
from declnet.spec.document.source_map import value_at
from declnet.spec.heads import CalibrationSpec
from declnet.spec.model import ModelSpec, RunSpec, TrainingSpec
from declnet.spec.repairs import Repair
from declnet.spec.shown_values import shown

_ERRORS: dict[str, tuple[str, str]] = {
    "unknown_key": ("E010", ""),
    "earlier_key": ("W015", ""),
    "missing_key": ("E011", ""),
    "missing": ("E011", "is missing"),
    "int_type": ("E012", "must be an integer, not {value}"),
    "int_from_float": ("E012", "must be an integer, not {value}"),
    "int_parsing_size": ("E012", "must be an integer of fewer digits, not {value}"),
    "float_type": ("E012", "must be a number, not {value}"),
    "bool_type": ("E012", "must be true or false, not {value}"),
    "string_type": ("E012", "must be a string, not {value}"),
    "model_type": ("E012", "must be a table, not {value}"),
    "dict_type": ("E012", "must be a table, not {value}"),
    "tuple_type": ("E012", "must be a list, not {value}"),
    "list_type": ("E012", "must be a list, not {value}"),
    "path_type": ("E012", "must be a path, not {value}"),
    "finite_number": ("E013", "must be finite, not {value}"),
    "number": ("E013", ""),
    "greater_than": ("E013", "must be greater than {gt}, not {value}"),
    "greater_than_equal": ("E013", "must be at least {ge}, not {value}"),
    "less_than": ("E013", "must be less than {lt}, not {value}"),
    "less_than_equal": ("E013", "must be at most {le}, not {value}"),
    "multiple_of": ("E013", ""),
    "literal_error": ("E014", "must be {expected}, not {value}"),
    "enum": ("E014", ""),
    "string_pattern_mismatch": ("E014", "must match the pattern {pattern}, not {value}"),
    "string_too_short": ("E014", ""),
    "string_too_long": ("E014", ""),
    "name": ("E014", ""),
    "contradiction": ("E017", ""),
    "value_error": ("E017", "{error}"),
    "too_short": ("E018", "must have at least {min_length} item{plural}"),
    "too_long": ("E018", "must have at most {max_length} item{plural}"),
    "names": ("E019", ""),
    "requirement": ("E008", ""),
    "version": ("E007", ""),
}
"""The code and the message of each type of error, pydantic's or ours.

Any other is E012, wrong type of value; without a message here, the error has one.
"""

_SECTIONS: dict[str, type[StrictModel]] = {
    "data": DataSpec,
    "model": ModelSpec,
    "loss": Loss,
    "optimizer": Optimizer,
    "training": TrainingSpec,
    "calibration": CalibrationSpec,
}


def pydantic_errors(error: ValidationError) -> Iterable[ErrorDetails]:
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
    code = _code(detail)
    message = _message(detail)
    hint: str | None = _variable_hint(detail["input"]) or context.get("hint") or _value_hint(detail)
    if code == "E010" and path:
        message, belongs = f'unknown key "{path[-1]}"', _right_place(path, document, expansion)
        hint = _place_hint(path, belongs) or hint
        if expansion is not None and (hint or "").startswith("keys "):
            hint = f"{_with_kind(str(path[-1]), expansion.registry)}{hint}"
    elif code == "E011" and path:
        plain = expansion.plain if expansion is not None else document
        hint = _missing_hint(written, plain, context) or hint
    if code == "E017" and message.startswith("must "):
        code = "E012"  # from a field's own validator
    if message.startswith(("must ", "is missing")):
        message = f"{_subject(written)} {message}"
    has_key = bool(path) and isinstance(path[-1], str)  # items of lists have none
    is_table = code == "E012" and isinstance(detail["input"], dict) and has_key  # marked by its key
    by_key = code in ("E010", "W015") or is_table
    focus: Literal["key", "value"] = "key" if by_key else "value"
    return Diagnostic(message, hint, path, code, focus=focus)


def repairs_of(
    detail: ErrorDetails, document: Any, expansion: Expansion | None = None
) -> Iterator[Repair]:
    """Yield what the name in an error must mean, unless that is unknown or only a guess."""
    path, code = _key_path(detail["loc"], document), _code(detail)
    written = expansion.source_map.written_path(path) if expansion is not None else path
    meant = detail.get("ctx", {}).get("meant")
    if code == "E015" and path and meant is not None:
        yield Repair(written, type=meant)
    elif code == "W015":
        yield Repair(written, (*written[:-1], meant) if meant else None, is_earlier=True)
    elif code == "E010" and path:
        belongs = _right_place(path, document, expansion)
        if belongs is not None:
            yield Repair(written, belongs)
        elif meant is not None:
            yield Repair(written, (*written[:-1], meant))


def _code(detail: ErrorDetails) -> str:
    code, _ = _ERRORS.get(detail["type"], ("E012", ""))
    return str(detail.get("ctx", {}).get("code", code))


def _message(detail: ErrorDetails) -> str:
    context, value = detail.get("ctx", {}), shown(detail["input"])
    _, template = _ERRORS.get(detail["type"], ("", ""))
    if template:
        plural = "" if 1 in (context.get("min_length"), context.get("max_length")) else "s"
        words = {key: f"{item:g}" if type(item) is float else item for key, item in context.items()}
        words["expected"] = str(context.get("expected")).replace("'", '"')
        return template.format(value=value, plural=plural, **words)
    message = detail["msg"].removeprefix("Input should ").removeprefix("Value should ")
    return detail["msg"] if message == detail["msg"] else f"must {message}, not {value}"


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
    if isinstance(value, str | dict):
        return _text_or_table_hint(kind, value)
    if isinstance(value, list | tuple):
        is_table = kind in ("model_type", "dict_type")
        if is_table or (len(value) == 1 and kind in _NO_LISTS):
            tables = "it is a table, not a list of tables"
            is_list_of_tables = value and isinstance(value[0], dict)
            return (
                f"remove one pair of brackets: {tables}"
                if is_list_of_tables
                else "remove the brackets"
            )
    elif kind == "string_type" and isinstance(value, int | float):
        return "put it in quotation marks"
    elif kind == "bool_type" and value in (0, 1):
        return f"write {'true' if value else 'false'}"
    elif kind in ("int_type", "int_from_float") and isinstance(value, float):
        return f"write {int(value)}" if value.is_integer() else None
    return None


def _variable_hint(value: Any) -> str | None:
    """Return a hint for a value that looks like a variable of another language."""
    if isinstance(value, str) and _VARIABLE.fullmatch(value):
        return f'for the value of a variable write "${{{value.strip("${}")}}}"'
    return None


def _text_or_table_hint(kind: str, value: str | dict[str, Any]) -> str | None:
    if kind in ("tuple_type", "list_type"):
        if isinstance(value, str) and value.startswith("["):
            return 'put the items in quotation marks: ["…"]'
        section = ", or as a section: [[ … ]]" if isinstance(value, dict) else ""
        return f"put it in brackets: [ … ]{section}"
    if kind in ("int_type", "float_type", "bool_type") and isinstance(value, str):
        is_literal = value in ("true", "false") or reads_as_number(value)
        return "remove the quotation marks" if is_literal else None
    return None


_VARIABLE = re.compile(r"\$\w+|\{\w+\}|\{\{\w+\}\}")
"""Ways to write a variable in other languages."""

_NO_LISTS = (
    "int_type",
    "float_type",
    "bool_type",
    "string_type",
    "path_type",
    "component",
    "number_or",
)
"""Error types of fields that take one value."""


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


def _right_place(path: KeyPath, document: Any, expansion: Expansion | None) -> KeyPath | None:
    """Return where an unknown key of the spec or of a section belongs, or None."""
    *outer, key = path
    if len(outer) > 1 or (outer and outer[0] not in _SECTIONS) or path == (EXTENDS,):
        return None
    models = _models(document, expansion)
    section, value, key = models.pop(tuple(outer)), value_at(document, path), str(key)
    near = closest(key, section.model_fields)
    is_section = not outer and isinstance(value, dict) and "type" not in value
    if is_section and near is not None and near not in document and is_misspelling(key, near):
        return None
    if section.known_key(key) is not None:
        return None
    names = [(place, key) for place in models]
    names += [(place, model.known_key(key) or "") for place, model in models.items()]
    places = ((*place, name) for place, name in names if name in models[place].model_fields)
    return next(places, None)


def _models(document: Any, expansion: Expansion | None) -> dict[KeyPath, type[StrictModel]]:
    """Return the classes of the sections by their paths, and of the spec, which is the last."""
    models: dict[KeyPath, type[StrictModel]] = {}
    for name, model in _SECTIONS.items():
        models[(name,)] = model
        section = value_at(document, (name,))
        written = section.get("type") if isinstance(section, dict) else section
        if expansion is not None and issubclass(model, Component) and isinstance(written, str):
            with suppress(UnknownTypeError):
                models[(name,)] = expansion.registry.find(model.kind, written)
    return {**models, (): RunSpec}


def _with_kind(key: str, registry: Registry) -> str:
    """Return the beginning of a hint if an unknown key is a type of component."""
    kinds = [kind for kind in _KINDS if key in registry.types(kind)]
    return f'"{key}" is {with_article(kinds[0])}; ' if kinds else ""


_KINDS = (Layer.kind, Callback.kind, Metric.kind, Regularizer.kind, Schedule.kind)
"""Kinds whose types other libraries have as keys, such as a layer's dropout."""


def _place_hint(path: KeyPath, belongs: KeyPath | None) -> str | None:
    """Return a hint on where an unknown key belongs, if anywhere."""
    key = path[-1]
    if path == (EXTENDS,):
        return "only spec files can extend others (use load_spec), and no sweep varies it"
    if path[:-2] == LAYERS and key in Block.model_fields:
        return "it belongs in a block, which has no type: { repeat = …, layers = [ … ] }"
    if belongs is None:
        return None
    name = None if belongs[-1] == key else belongs[-1]
    if len(belongs) == 1:
        if name is None:
            return "it belongs at the top of the spec, outside all sections"
        return f"write {name} at the top of the spec, outside all sections"
    return f"it belongs in [{belongs[0]}]" + (f", as {name}" if name else "")


def without_redundant(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Drop diagnostics for missing keys that are only misspelled."""
    hints = {
        (diagnostic.path[:-1], diagnostic.help)
        for diagnostic in diagnostics
        if diagnostic.code == "E010"
    }
    return [
        diagnostic
        for diagnostic in diagnostics
        if diagnostic.code != "E011"
        or not diagnostic.path
        or (diagnostic.path[:-1], f'did you mean "{diagnostic.path[-1]}"?') not in hints
    ]
