"""Presets that specs extend: their fields in `[preset]`, and their documents under a spec's keys.

A preset is the lowest layer of a document, below all files. It is resolved once these are merged,
so a file may change the fields of a preset that another file extends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from declnet.contracts.plain_values import copied, leaves
from declnet.contracts.returned import verified
from declnet.contracts.runs.preset import Preset
from declnet.errors import Diagnostic, KeyPath, Place, SpecError
from declnet.registry.registry import Registry
from declnet.spec.document.compose import (
    EXTENDS,
    MEMBERS,
    PRESET,
    PRESET_PREFIX,
    Composed,
    composed_from,
    merged,
    names_preset,
)
from declnet.spec.document.overrides import Override, apply_override
from declnet.spec.document.source_map import Focus, Origin, SourceMap, value_at
from declnet.spec.document.variables import VARIABLES, literal_value, names_in, substituted
from declnet.spec.requirements import registry_for
from declnet.spec.shown_values import shown
from declnet.spec.validation_errors import (
    diagnostic_of,
    pydantic_errors,
    without_redundant,
)


@dataclass(frozen=True, eq=False)
class PresetWriter:
    """The writer of a preset's values: the key `extends` of the spec that names it.

    Attributes:
        spec: the document of that spec.
        document: the preset's document.
    """

    spec: SourceMap
    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name of the file with the key, or `--set`; empty if a program passed it."""
        writer = self.spec.writer_of((EXTENDS,))
        return writer.name if writer is not None else ""

    def place_of(self, path: KeyPath, focus: Focus) -> Place | None:
        """Return where a key that the preset writes comes from.

        That is the field that has the value, a text such as the name of a column, or else where the
        preset is named.
        """
        value = value_at(self.document, path)
        if value is None:
            return None
        if isinstance(value, str):
            for field, text in leaves(self.spec.document.get(PRESET), (PRESET,)):
                if text == value:
                    return self.spec.exact_place(field)
        return self.spec.exact_place((EXTENDS,), focus)


def with_overrides(
    composed: Composed, overrides: Sequence[Override], registry: Registry | None, folder: Path
) -> Composed:
    """Return a document with its preset, if it extends one, and with overrides applied.

    Overrides of the preset and of its fields decide which document it is, and the others change
    keys of that document.

    Args:
        composed: the document, which is changed.
        overrides: the overrides.
        registry: where names are looked up; default: all installed plugins.
        folder: the base of relative paths.
    """
    of_preset = [override for override in overrides if override.path[0] in (EXTENDS, PRESET)]
    _apply(of_preset, composed)
    others = [override for override in overrides if override not in of_preset]
    composed = with_preset(composed, registry, folder, others)
    _apply(others, composed)
    return composed


def _apply(overrides: Sequence[Override], composed: Composed) -> None:
    failed = (apply_override(composed.source_map, override) for override in overrides)
    composed.diagnostics += [error for error in failed if error is not None]


def with_preset(
    composed: Composed,
    registry: Registry | None,
    folder: Path,
    overrides: Sequence[Override] = (),
) -> Composed:
    """Return a document merged into the preset that it extends; unchanged without one.

    Args:
        composed: the document.
        registry: where names are looked up; default: all installed plugins.
        folder: the base of relative paths.
        overrides: those to apply to the result, which also concern all members of the preset.
    """
    source_map = composed.source_map
    document, declared = source_map.document, source_map.document.get(EXTENDS)
    if not names_preset(declared):
        return composed
    written = {key: value for key, value in document.items() if key not in (EXTENDS, PRESET)}
    over = replace(source_map, document=written)
    used = composed.variables_used | frozenset(names_in(document.get(PRESET)))
    composed = replace(composed, source_map=over, variables_used=used)
    name = declared.removeprefix(PRESET_PREFIX)
    context = {"registry": registry_for(document.get("plugins"), registry), "folder": folder}
    preset = _preset(name, document, context)
    if not isinstance(preset, Preset):
        composed.diagnostics += source_map.locate(preset)
        composed.is_incomplete = True
        return composed
    below = literal_value(verified(Preset.document, preset))
    if MEMBERS in below:
        changed = SourceMap(copied(written))
        for override in overrides:
            apply_override(changed, override)
        below[MEMBERS] = [_without(member, changed.document) for member in below[MEMBERS]]
    writer = PresetWriter(source_map, below)
    under = SourceMap(below, Origin(writer), writers=(writer,))
    return replace(composed, source_map=merged(under, over))


def _preset(
    name: str, document: Mapping[str, Any], context: Mapping[str, Any]
) -> Preset | Sequence[Diagnostic]:
    """Return the preset with the fields in a document, or what is wrong with them."""
    fields = document.get(PRESET, {})
    if not isinstance(fields, dict):
        message = f'"{PRESET}" must be a table, not {shown(fields)}'
        return [Diagnostic(message, f"write [{PRESET}]", (PRESET,), "E012")]
    if "type" in fields:
        message, hint = 'unknown key "type"', f'name the preset in {EXTENDS} = "{PRESET_PREFIX}…"'
        return [Diagnostic(message, hint, (PRESET, "type"), "E010", focus="key")]
    variables = {key: document[key] for key in (VARIABLES,) if key in document}
    result = substituted({**variables, PRESET: fields}, variables.get(VARIABLES, ()))
    wrong = [error for error in result.diagnostics if error.path[:1] == (PRESET,)]
    if wrong:
        return wrong
    declaration = {**result.document[PRESET], "type": name}
    try:
        return Preset.from_declaration(declaration, context)
    except ValidationError as failure:
        details = [
            cast("ErrorDetails", {**detail, "loc": (PRESET, *detail["loc"])})
            for detail in pydantic_errors(failure)
        ]
        errors = [diagnostic_of(detail, {PRESET: declaration}) for detail in details]
        return [
            replace(error, path=(EXTENDS,), focus="value")
            if error.path == (PRESET, "type") or PRESET not in document
            else error
            for error in without_redundant(errors)
        ]


def _without(member: dict[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """Return a member of a preset without the keys that a spec writes for all members.

    A table of the spec with a `type` replaces the member's, as in `merged`.
    """
    rest = {}
    for key, value in member.items():
        over = written.get(key)
        if isinstance(over, dict) and isinstance(value, dict) and "type" not in over:
            rest[key] = _without(value, over)
        elif key not in written or key == "name":
            rest[key] = value
    return rest


def extended_document(
    document: Mapping[str, Any], registry: Registry | None = None, folder: Path | None = None
) -> dict[str, Any]:
    """Return a document merged into the preset that it extends, if any.

    Args:
        document: the spec, as for `parse_spec`, which is not changed.
        registry: where names are looked up; default: all installed plugins.
        folder: the base of relative paths; default: the working folder.

    Raises:
        SpecError: there is no such preset, or its fields are not valid.
    """
    composed = with_preset(composed_from(document), registry, folder or Path.cwd())
    if composed.diagnostics:
        raise SpecError(composed.diagnostics)
    return composed.source_map.document
