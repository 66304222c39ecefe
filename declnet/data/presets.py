"""Presets and other templates: choosing one, and the spec it writes for a table."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from declnet.contracts.data.table import Table, TableProfile, Task
from declnet.contracts.returned import BrokenContractError, verified
from declnet.contracts.runs.template import Template
from declnet.data.profile import column_profile
from declnet.display.characters import escaped
from declnet.errors import OutputError, UnknownTypeError
from declnet.registry.plugin import FIRST_PARTY
from declnet.registry.registry import Registry
from declnet.spec.document.variables import substituted

Use = Literal["example", "table"]
"""What a template is for: a spec as an example, or one for a table."""

PASSED = {"type": "passed"}
"""The data source that templates see of a table that a program passed; it is not in the spec."""


def serves(template: type[Template], use: Use) -> bool:
    """Return whether a template writes such specs."""
    return template.has_example() if use == "example" else template.takes_tables()


def able_templates(use: Use, registry: Registry) -> list[str]:
    """Return the names of the installed templates for a use."""
    return [entry.type for entry in registry.entries("template") if serves(entry.component, use)]


def chosen_template(name: str | None, use: Use, registry: Registry) -> Template:
    """Return the named or default template.

    Raises:
        UnknownTypeError: no such template is installed.
        OutputError: it does not suit the use, or there is no default.
    """
    if name is None:
        return _default_for(use, registry)
    try:
        template: type[Template] = registry.find("template", name)
    except UnknownTypeError as error:
        several = len(registry.offering("template", name)) > 1
        hint = "disable the others with --no-plugin" if several else error.hint
        raise UnknownTypeError(error.message, hint, error.code) from None
    if serves(template, use):
        return template()
    if use == "example":
        raise OutputError(f'template "{name}" is for tables: give --data FILE --target COLUMN')
    raise OutputError(
        f'template "{name}" does not write specs for tables (those that do: '
        f"{', '.join(able_templates(use, registry)) or 'none'})"
    )


def _default_for(use: Use, registry: Registry) -> Template:
    """Return the template that declares itself the default; declnet's own come first."""

    def is_other(name: str) -> bool:
        offered_by = [plugin.distribution for plugin in registry.offering("template", name)]
        return FIRST_PARTY not in offered_by

    for name in sorted(registry.types("template"), key=is_other):
        template: type[Template] = registry.find("template", name)
        if template.default_for == use:
            return template()
    option, names = "--preset" if use == "table" else "--template", able_templates(use, registry)
    raise OutputError(
        f"there is no default template: choose one with {option} ({', '.join(names) or 'none'})"
    )


@dataclass(frozen=True)
class TemplateSpec:
    """A spec that a template wrote.

    Attributes:
        text: commented TOML, with control characters as escapes.
        document: the text parsed, before variables are replaced.
        features: the columns that it predicts from; None for all, or without a table.
    """

    text: str
    document: dict[str, Any]
    features: tuple[str, ...] | None = None


def example_of(template: Template) -> TemplateSpec:
    """Return the example that a template writes.

    Raises:
        BrokenContractError: it is not TOML.
    """
    return _parsed(template, "spec", verified(Template.spec, template))


def written_for_table(template: Template, table: TableProfile, registry: Registry) -> TemplateSpec:
    """Return the spec that a template writes for a table.

    Raises:
        BrokenContractError: it is not TOML, or reads other data than the table and its columns.
        DataError: the table has nothing to learn from.
    """
    method = "spec_for_table"
    written = verified(Template.spec_for_table, template, table, registry)
    spec = _parsed(template, method, written)
    data = substituted(spec.document).document.get("data")
    source = data.get("train") if isinstance(data, dict) else None
    source = source if isinstance(source, dict) else {}
    for key, value in table.source.items():
        if source.get(key) != value:
            fault = f"returned a spec whose data.train.{key} is {source.get(key)!r}, not {value!r}"
            raise BrokenContractError(template, method, fault)
    features = source.get("features")
    for name in features or ():
        if name not in table.columns:
            fault = f"returned a spec with the feature {name!r}, which the table does not have"
            raise BrokenContractError(template, method, fault)
    return replace(spec, features=tuple(features) if features is not None else None)


def _parsed(template: Template, method: str, text: str) -> TemplateSpec:
    """Return the spec in a text that a template wrote, with control characters as escapes."""
    readable = escaped(text.replace("\r\n", "\n"))
    try:
        document = tomllib.loads(text)
        is_same = tomllib.loads(readable) == document
    except tomllib.TOMLDecodeError as error:
        raise BrokenContractError(template, method, f"returned invalid TOML: {error}") from None
    if not is_same:
        fault = "returned TOML with control characters that are not in a basic string"
        raise BrokenContractError(template, method, fault)
    return TemplateSpec(readable, document)


def spec_for_table(
    table: Table, tasks: Mapping[str, Task], registry: Registry, preset: str | None = None
) -> TemplateSpec:
    """Return the spec that a preset writes for a table passed by a program, without data sources.

    Args:
        table: at least the features and the targets. Integers that count its rows are features too,
            since a program may have chosen the rows.
        tasks: the kind of prediction for each target column.
        preset: the preset's name; default: the one that `declnet new` takes.

    Returns:
        The spec: `text` is commented TOML, `document` its tables, and `features` the columns that
        it predicts from, None for all.

    Raises:
        UnknownTypeError: no such preset is installed.
        OutputError: it is not for tables, or not for several targets.
        DataError: the table has nothing to learn from.
    """
    template = chosen_template(preset, "table", registry)
    names = (*table.feature_columns, *tasks)
    profiles = (column_profile(name, table.columns[name]) for name in names)
    columns = {profile.name: replace(profile, counts_rows=False) for profile in profiles}
    for name, known in table.classes.items():
        columns[name] = replace(columns[name], distinct=len(known))
    target, *others = tasks
    source = {**PASSED, "target": target} if not others else {**PASSED, "targets": list(tasks)}
    kinds = {name: tasks[name] for name in others}
    if others and not template.several_targets:
        raise OutputError(f'preset "{template.type}" takes one target, not {len(tasks)}')
    profile = TableProfile(source, columns, target, tasks[target], others=kinds, folds=1)
    written = written_for_table(template, profile, registry)
    written.document["data"].pop("train")
    return written
