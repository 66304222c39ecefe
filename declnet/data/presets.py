"""Presets and other templates: choosing one, and the spec it writes for a table."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from declnet.contracts.data.table import Table, TableProfile, Task
from declnet.contracts.returned import BrokenContractError
from declnet.contracts.runs.template import Template
from declnet.data.profile import column_profile
from declnet.errors import OutputError, UnknownTypeError
from declnet.registry.plugin import FIRST_PARTY
from declnet.registry.registry import Registry

Use = Literal["example", "table"]
"""What a template is for: a spec as an example, or one for a table."""

PASSED = {"type": "passed"}
"""The data source that templates see of a table that a program passed; it is not in the spec."""


def serves(template: type[Template], use: Use) -> bool:
    """Return whether a template writes such specs."""
    return template.has_example() if use == "example" else template.takes_tables()


def able_templates(use: Use, registry: Registry) -> list[str]:
    """Return the names of the installed templates for a use."""
    return [each.type for each in registry.entries("template") if serves(each.component, use)]


def chosen_template(name: str | None, use: Use, registry: Registry) -> Template:
    """Return the named or default template.

    Raises:
        UnknownTypeError: no such template is installed.
        OutputError: it does not suit the use, or there is no default.
    """
    if name is None:
        return _default_for(use, registry)
    try:
        found: type[Template] = registry.find("template", name)
    except UnknownTypeError as error:
        several = len(registry.offering("template", name)) > 1
        hint = "disable the others with --no-plugin" if several else error.hint
        raise UnknownTypeError(error.message, hint, error.code) from None
    if serves(found, use):
        return found()
    if use == "example":
        raise OutputError(f'template "{name}" is for tables: give --data FILE --target COLUMN')
    raise OutputError(
        f'template "{name}" does not write specs for tables (those that do: '
        f"{', '.join(able_templates(use, registry)) or 'none'})"
    )


def _default_for(use: Use, registry: Registry) -> Template:
    """Return the template that declares itself the default; declnet's own come first."""

    def is_other(name: str) -> bool:
        offered_by = [each.distribution for each in registry.offering("template", name)]
        return FIRST_PARTY not in offered_by

    for name in sorted(registry.types("template"), key=is_other):
        found: type[Template] = registry.find("template", name)
        if found.default_for == use:
            return found()
    option, names = "--preset" if use == "table" else "--template", able_templates(use, registry)
    raise OutputError(
        f"there is no default template: choose one with {option} ({', '.join(names) or 'none'})"
    )


def parsed(template: Template, method: str, text: object) -> dict[str, Any]:
    """Return the document that a template wrote; raise BrokenContractError if it is not TOML."""
    if not isinstance(text, str):
        raise BrokenContractError(template, method, f"returned {text!r}, not the text of a spec")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BrokenContractError(template, method, f"returned invalid TOML: {error}") from None


@dataclass(frozen=True)
class WrittenSpec:
    """A spec that a preset wrote for a table.

    Attributes:
        document: the spec, without data sources.
        features: the columns that it predicts from; None for all.
    """

    document: dict[str, Any]
    features: tuple[str, ...] | None


def spec_for_table(
    table: Table, tasks: Mapping[str, Task], registry: Registry, preset: str | None = None
) -> WrittenSpec:
    """Return the spec that a preset writes for a table passed by a program.

    Args:
        table: at least the features and the targets. Integers that count its rows are features too,
            since a program may have chosen the rows.
        tasks: the kind of prediction for each target column.
        preset: the preset's name; default: the one that `declnet new` takes.

    Raises:
        UnknownTypeError: no such preset is installed.
        OutputError: it is not for tables, or not for several targets.
        DataError: the table has nothing to learn from.
    """
    template = chosen_template(preset, "table", registry)
    names = (*table.feature_columns, *tasks)
    profiles = (column_profile(name, table.columns[name]) for name in names)
    columns = {each.name: replace(each, counts_rows=False) for each in profiles}
    for name, known in table.classes.items():
        columns[name] = replace(columns[name], distinct=len(known))
    target, *others = tasks
    source = {**PASSED, "target": target} if not others else {**PASSED, "targets": list(tasks)}
    kinds = {name: tasks[name] for name in others}
    if others and not template.several_targets:
        raise OutputError(f'preset "{template.type}" takes one target, not {len(tasks)}')
    profile = TableProfile(source, columns, target, tasks[target], others=kinds, folds=1)
    text = template.spec_for_table(profile, registry)
    document = parsed(template, "spec_for_table", text)
    features = document.get("data", {}).pop("train", {}).get("features")
    return WrittenSpec(document, tuple(features) if features is not None else None)
