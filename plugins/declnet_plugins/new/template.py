"""Template: a commented spec that `declnet new` writes; choosing one, and checking its output."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, ClassVar, Literal

from declnet import (
    BrokenContractError,
    Component,
    Misfit,
    OutputError,
    Registry,
    RegistryError,
    SpecError,
    Table,
    UnknownTypeError,
    escaped,
    extended_document,
    substituted,
    verified,
)
from declnet_plugins.new.arrays import ArraysProfile
from declnet_plugins.new.profile import TableProfile, TargetKind, column_profile

Use = Literal["example", "table", "series", "arrays"]
"""What a template writes: an example, or a spec for a table, whose rows may be a series, or for
arrays, e.g. of images."""

USES = {"example": "examples", "table": "tables", "series": "series", "arrays": "arrays"}

PASSED = {"type": "passed"}
"""The data source that templates see of a table that a program passed; it is not in the spec."""


@dataclass(frozen=True)
class TemplateSpec:
    """A spec that a template wrote.

    Attributes:
        text: commented TOML, with control characters as escapes.
        document: the text parsed and merged into the preset that it extends, before variables are
            replaced.
        features: the columns that it predicts from; None for all, or without a table.
    """

    text: str
    document: dict[str, Any]
    features: tuple[str, ...] | None = None


class Template(Component):
    """A commented spec that `declnet new` writes: an example, a spec for a table or for arrays.

    `declnet new --help` shows the first line of the class's docstring.
    """

    kind = "template"
    conformance_checks = "declnet_plugins.new.checks"

    requires: ClassVar[tuple[str, ...]] = ()
    """What `spec` needs besides declnet, as PEP 508 requirements, e.g. `("scikit-learn>=1.5",)`;
    `declnet new` reports which of them are not installed."""
    default_for: ClassVar[Use | None] = None
    """When `declnet new` uses it by default: without data, for a table, a series, or arrays."""
    several_targets: ClassVar[bool] = False
    """Whether `spec_for_table` takes a table with several targets, `TableProfile.targets`."""
    takes_series: ClassVar[bool] = False
    """Whether `spec_for_table` takes the rows of a table in order, `TableProfile.series`, and only
    such tables."""

    @classmethod
    def verify_contract(cls) -> None:
        """Check that the class can be registered; it writes a spec for something."""
        super().verify_contract()
        if not cls.has_example() and not cls.takes_tables() and not cls.takes_arrays():
            raise RegistryError(
                f"{cls.__name__} has neither spec() nor spec_for_table() nor spec_for_arrays(), "
                "one of which a template needs"
            )

    @classmethod
    def has_example(cls) -> bool:
        """Return whether it has an example spec."""
        return cls.spec is not Template.spec

    @classmethod
    def takes_tables(cls) -> bool:
        """Return whether it writes a spec for any table."""
        return cls.spec_for_table is not Template.spec_for_table

    @classmethod
    def takes_arrays(cls) -> bool:
        """Return whether it writes a spec for arrays."""
        return cls.spec_for_arrays is not Template.spec_for_arrays

    @classmethod
    def serves(cls, use: Use) -> bool:
        """Return whether it writes specs for a use."""
        if use == "example":
            return cls.has_example()
        if use == "series":
            return cls.takes_series
        return cls.takes_tables() if use == "table" else cls.takes_arrays()

    def spec(self) -> str:
        """Return a spec as commented TOML that runs unchanged or says what it needs."""
        raise NotImplementedError

    def files(self) -> dict[str, bytes]:
        """Return files that come with the example, e.g. the data that it reads.

        `declnet new` writes those that do not exist yet.

        Returns:
            The content of each, by its path relative to the spec, with `/`.
        """
        return {}

    def verify_files(self, files: dict[str, bytes]) -> None:
        """Check that every file is below the folder of the spec."""
        for name in files:
            parts = PurePosixPath(name).parts
            if not parts or name.startswith("/") or ".." in parts or {*name} & {*"\\:\0"}:
                raise Misfit(repr(name), ", not a relative path below the folder of the spec")

    def spec_for_table(self, table: TableProfile, registry: Registry) -> str:
        """Return a spec for a table as commented TOML that runs unchanged.

        Args:
            table: the table's profile.
            registry: the installed components.

        Raises:
            DataError: the table has nothing to learn from.
        """
        raise NotImplementedError

    def notes_for_table(self, table: TableProfile) -> tuple[str, ...]:
        """Return sentences about the choices for a table, which `declnet new` prints."""
        return ()

    def spec_for_arrays(self, arrays: ArraysProfile, registry: Registry) -> str:
        """Return a spec for arrays, e.g. of images, as commented TOML that runs unchanged.

        Args:
            arrays: what the arrays are.
            registry: the installed components.

        Raises:
            DataError: it is not for arrays of such shapes.
        """
        raise NotImplementedError

    def notes_for_arrays(self, arrays: ArraysProfile) -> tuple[str, ...]:
        """Return sentences about the choices for arrays, which `declnet new` prints."""
        return ()

    @staticmethod
    def write_spec(
        table: Table,
        tasks: Mapping[str, TargetKind],
        registry: Registry,
        preset: str | None = None,
    ) -> TemplateSpec:
        """Return the spec that a preset writes for a table of a program, without data sources.

        Args:
            table: at least the features and the targets. Integers that count its rows are features
                too, since a program may have chosen the rows.
            tasks: the kind of prediction for each target column: `"binary"`, `"classes"` or
                `"values"`.
            registry: the installed components.
            preset: the preset's name; default: the one that `declnet new` takes.

        Raises:
            UnknownTypeError: no such preset is installed.
            OutputError: it is not for tables, or not for several targets.
            DataError: the table has nothing to learn from.
        """
        template = choose_template(preset, "table", registry)
        target, *others = tasks
        if others and not template.several_targets:
            raise OutputError(f'preset "{template.type}" takes one target, not {len(tasks)}')
        columns = {
            name: replace(column_profile(name, table.columns[name]), counts_rows=False)
            for name in (*table.feature_columns, *tasks)
        }
        for name, classes in table.classes.items():
            columns[name] = replace(columns[name], distinct=len(classes))
        targets = {"targets": list(tasks)} if others else {"target": target}
        profile = TableProfile(
            {**PASSED, **targets},
            columns,
            target,
            tasks[target],
            others={name: tasks[name] for name in others},
            folds=1,
        )
        written = spec_for_profile(template, profile, registry)
        written.document["data"].pop("train")
        return written


def templates_for(use: Use, registry: Registry) -> Iterator[type[Template]]:
    """Yield the installed templates for a use, by type."""
    for entry in registry.entries(Template.kind):
        if entry.component.serves(use):
            yield entry.component


def choose_template(name: str | None, use: Use, registry: Registry) -> Template:
    """Return the named or default template.

    Raises:
        UnknownTypeError: no such template is installed.
        OutputError: the template does not suit the use, or the use has no default.
    """
    if name is None:
        return _default_for(use, registry)
    try:
        template: type[Template] = registry.find(Template.kind, name)
    except UnknownTypeError as error:
        several = len(registry.offering(Template.kind, name)) > 1
        hint = "disable the others with --no-plugin" if several else error.hint
        raise UnknownTypeError(error.message, hint, error.code) from None
    if template.serves(use):
        return template()
    if use == "example":
        needs = (
            "tables: give --data FILE --target COLUMN"
            if template.takes_tables()
            else "arrays: give --data FILE"
        )
        raise OutputError(f'template "{name}" is for {needs}')
    raise OutputError(
        f'template "{name}" does not write specs for {USES[use]} (those that do: '
        f"{_types_for(use, registry)})"
    )


def _default_for(use: Use, registry: Registry) -> Template:
    """Return the template that declares itself the default; declnet's own come first."""

    def is_foreign(name: str) -> bool:
        return not any(plugin.is_of("declnet") for plugin in registry.offering("template", name))

    for name in sorted(registry.types(Template.kind), key=is_foreign):
        template: type[Template] = registry.find(Template.kind, name)
        if template.default_for == use:
            return template()
    option = "--template" if use == "example" else "--preset"
    raise OutputError(
        f"no default template: choose one with {option} ({_types_for(use, registry)})"
    )


def _types_for(use: Use, registry: Registry) -> str:
    return ", ".join(template.type for template in templates_for(use, registry)) or "none"


def example_spec(template: Template, registry: Registry) -> TemplateSpec:
    """Return the example that a template writes.

    Raises:
        BrokenContractError: it is not TOML, or extends a preset that it cannot.
    """
    return _parsed(template, "spec", verified(Template.spec, template), registry)


def spec_for_profile(template: Template, table: TableProfile, registry: Registry) -> TemplateSpec:
    """Return the spec that a template writes for a table.

    Raises:
        BrokenContractError: it is not TOML, extends a preset that it cannot, or reads other data
            than the table and its columns.
        DataError: the table has nothing to learn from.
    """
    method = "spec_for_table"
    written = verified(Template.spec_for_table, template, table, registry)
    spec = _parsed(template, method, written, registry)
    source = _source_in(template, method, spec, table.source)
    features = source.get("features")
    for name in features or ():
        if name not in table.columns:
            fault = f"returned a spec with the feature {name!r}, which the table does not have"
            raise BrokenContractError(template, method, fault)
    return replace(spec, features=None if features is None else tuple(features))


def spec_for_arrays(template: Template, arrays: ArraysProfile, registry: Registry) -> TemplateSpec:
    """Return the spec that a template writes for arrays.

    Raises:
        BrokenContractError: it is not TOML, or reads other data than the arrays.
        DataError: the template is not for such arrays.
    """
    method = "spec_for_arrays"
    written = verified(Template.spec_for_arrays, template, arrays, registry)
    spec = _parsed(template, method, written, registry)
    _source_in(template, method, spec, arrays.source)
    return spec


def _source_in(
    template: Template, method: str, spec: TemplateSpec, expected: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the training source of a spec; raise BrokenContractError if it is another one."""
    data = substituted(spec.document).document.get("data")
    source = data.get("train") if isinstance(data, dict) else None
    source = source if isinstance(source, dict) else {}
    for key, value in expected.items():
        if source.get(key) != value:
            fault = f"returned a spec whose data.train.{key} is {source.get(key)!r}, not {value!r}"
            raise BrokenContractError(template, method, fault)
    return source


def _parsed(template: Template, method: str, text: str, registry: Registry) -> TemplateSpec:
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
    try:
        return TemplateSpec(readable, extended_document(document, registry))
    except SpecError as error:
        fault = f"returned a spec whose preset is not valid: {error.problems[0]}"
        raise BrokenContractError(template, method, fault) from None
