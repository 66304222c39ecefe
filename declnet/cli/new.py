"""`declnet new`: write a commented spec to start from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from declnet.cli.display.streams import print_line
from declnet.cli.options import DATA, PATH, PluginOptions, data_of, gathered, no_plugin_option

if TYPE_CHECKING:
    from declnet.contracts.data.data_source import DataSource
    from declnet.contracts.data.table import TableProfile
    from declnet.contracts.runs.template import Template
    from declnet.data.presets import TemplateSpec, Use
    from declnet.registry.registry import Registry


TITLES: dict[str, Use] = {"Templates": "example", "Presets, with --data": "table"}

FEWEST_IDENTIFIERS = 30
"""Rows in which different whole numbers may be identifiers."""

MOST_SHOWN = 10
"""Maximum number of columns named in a note."""


@dataclass(frozen=True)
class NewOptions(PluginOptions):
    """The options of `declnet new`, as in its help."""

    template: str | None = None
    preset: str | None = None
    data: Path | str | None = None
    targets: tuple[str, ...] = ()
    task: Literal["classification", "regression"] | None = None
    features: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    folds: int | None = None
    no_header: bool = False
    force: bool = False

    def require_consistent(self) -> None:
        """Raise UsageError for options that exclude each other."""
        lists = self.targets, self.features, self.exclude
        if self.data is None and (
            self.preset or self.task or self.no_header or self.folds is not None or any(lists)
        ):
            raise click.UsageError(
                "--preset, --target, --task, --features, --exclude, --folds and --no-header go "
                "with --data, a table"
            )
        if self.preset and self.template:
            raise click.UsageError("with --data, --template and --preset are the same; give one")


class _WithTemplates(click.Command):
    """A command whose help lists the installed templates and presets."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write a line for each template, and one for each preset."""
        from declnet.data.presets import serves
        from declnet.registry.discovery import default_registry

        entries = list(default_registry().entries("template"))
        for title, use in TITLES.items():
            rows = [
                (entry.type, _summary(entry.component, use))
                for entry in entries
                if serves(entry.component, use)
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


@click.command(cls=_WithTemplates, short_help="Write a commented spec to start from.")
@click.argument("spec", type=PATH)
@click.option(
    "--template", metavar="NAME", help="Template to start from, one of those listed below."
)
@click.option(
    "--preset",
    metavar="NAME",
    help="How to model the table of --data, one of the presets listed below.",
)
@click.option(
    "--data",
    type=DATA,
    help="Table to write the spec for: a file that an installed data source reads, or a source "
    "as in a spec, e.g. '{ type = …, … }'.",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="COLUMN",
    help="Column to predict; repeat to predict several columns with one network.",
)
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    help="Predict classes or a number.  [default: decided from the values of the target]",
)
@click.option(
    "--features",
    multiple=True,
    metavar="COLUMNS",
    help="Columns to predict from, e.g. size,age; repeatable.  [default: all useful columns]",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="COLUMNS",
    help="Columns to leave out, e.g. name,code; repeatable.",
)
@click.option(
    "--folds",
    type=click.IntRange(min=0),
    metavar="N",
    help="Train N models, each with a different part of the table as validation data, and "
    "average their predictions; 1: a single model.  [default: chosen by the preset, e.g. 5 for a "
    "small table]",
)
@click.option(
    "--no-header",
    is_flag=True,
    help="Treat the first row as data, and name the columns column_1, column_2 and so on.",
)
@click.option("--force", is_flag=True, help="Overwrite SPEC if it exists.")
@no_plugin_option
@gathered(NewOptions)
def new(options: NewOptions, spec: Path) -> None:
    """Write a small commented spec to SPEC, to run or edit.

    SPEC ends in .toml, or in .json, which has no comments. With --data and --target, the spec is
    written for your own table, whose contents determine preparation, layers, loss and sizes.
    """
    import shlex

    from declnet.contracts.attribution import attributing_errors
    from declnet.data.presets import chosen_template, example_of
    from declnet.errors import OutputError
    from declnet.runs.storage.writing import whole_file

    suffix = spec.suffix.lower()
    if suffix not in (".toml", ".json"):
        raise OutputError(f"{spec}: a spec's name ends in .toml or .json")
    options.require_consistent()
    registry = options.registry
    with attributing_errors(registry):
        if options.data is None:
            template = chosen_template(options.template, "example", registry)
            template_spec, notes = example_of(template), [*_lacking(template)]
        else:
            template = chosen_template(options.preset or options.template, "table", registry)
            template_spec, notes = _for_table(
                template, data_of(options.data, "--data", registry), spec, options
            )
    document = template_spec.document
    text = _as_json(spec, document) if suffix == ".json" else template_spec.text
    try:
        with whole_file(spec, options.force) as file:
            file.write(text.encode())
    except OSError as error:  # from a name that is too long
        raise OutputError(f"{spec}: cannot be written: {error.strerror}") from None
    for note in (*notes, *_missing_files(document, spec.parent, registry)):
        print_line(f"note: {note}", err=True)
    print_line(f"{spec}: written. Next:")
    print_line(f"  declnet run {shlex.quote(str(spec))}")


def _for_table(
    template: Template, data: Path | DataSource, spec: Path, options: NewOptions
) -> tuple[TemplateSpec, list[str]]:
    """Return the spec that a preset writes for a table, and notes on it."""
    from declnet.contracts.returned import verified
    from declnet.contracts.runs.template import Template
    from declnet.data.presets import written_for_table
    from declnet.data.profile import TableChoices, profile_of
    from declnet.data.sources.files import naming

    target, *others = options.targets or (None,)
    choices = TableChoices(
        options.task, options.features, options.exclude, not options.no_header, tuple(others)
    )
    registry, folds = options.registry, options.folds
    with naming(data):
        table = _in_folds(profile_of(data, target, spec.parent, registry, choices), folds)
        if table.others and not template.several_targets:
            raise click.UsageError(_one_target(template, registry))
        template_spec = written_for_table(template, table, registry)
        if folds is not None and template_spec.document["data"].get("folds", 1) != max(folds, 1):
            raise click.UsageError(f'the preset "{template.type}" does not take --folds')
        return template_spec, [
            *(f'column "{name}" {note.text}' for name, note in table.notes.items()),
            *verified(Template.notes_for_table, template, table),
            *_unused(table, template_spec, spec),
            *_like_identifiers(table),
        ]


def _as_json(spec: Path, document: dict[str, Any]) -> str:
    """Return a spec as JSON, parsed again."""
    import json

    from declnet.display.characters import escaped
    from declnet.errors import OutputError

    text = escaped(json.dumps(document, indent=2, ensure_ascii=False, default=str)) + "\n"
    if json.loads(text) != document:
        raise OutputError(f"{spec}: JSON cannot express this spec; name a .toml file")
    return text


def _in_folds(table: TableProfile, folds: int | None) -> TableProfile:
    from dataclasses import replace

    from declnet.contracts.data.table import class_name

    if folds is not None and 2 * folds > table.rows:
        raise click.UsageError(
            f"--folds {folds} is too many for {table.rows} rows; at most half as many"
        )
    for name, task in table.targets.items():
        counts = table.columns[name].counts if task != "values" else {}
        single = [value for value, count in counts.items() if count < 2]
        if single and folds is not None and folds > 1:
            only = class_name(single[0])
            raise click.UsageError(
                f'--folds {folds} needs two rows of each class, but "{name}" is "{only}" in one '
                "row only; leave that row out, or give --folds 1"
            )
    return replace(table, folds=folds)


def _one_target(chosen: Template, registry: Registry) -> str:
    """Return the message that a template does not take several targets."""
    entries = registry.entries("template")
    able = [entry.type for entry in entries if entry.component.several_targets]
    named = f", but {', '.join(able)} take more" if able else ""
    return f'the preset "{chosen.type}" takes one --target{named}'


def _like_identifiers(table: TableProfile) -> Iterator[str]:
    """Yield a sentence for each target of numbers that may identify the rows."""
    for name, task in table.targets.items():
        column = table.columns[name]
        differs = column.whole and column.distinct == column.rows >= FEWEST_IDENTIFIERS
        if task == "values" and (column.counts_rows or differs):
            yield (
                f'the target "{name}" has another whole number in each row: an identifier cannot '
                "be predicted, an amount can"
            )


def _unused(table: TableProfile, template_spec: TemplateSpec, spec: Path) -> list[str]:
    """Return a sentence about the columns that a template did not use, if any."""
    used = template_spec.features
    names = [
        feature.name for feature in table.features if used is not None and feature.name not in used
    ]
    if not names:
        return []
    shown = ", ".join(f'"{name}"' for name in names[:MOST_SHOWN])
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return [f"not used to predict: {shown}{more}; see {spec}"]


def _lacking(template: Template) -> Iterator[str]:
    """Yield a sentence for each requirement of a template's spec that is not installed."""
    from pydantic_core import PydanticCustomError

    from declnet.spec.requirements import check_requirement

    for requirement in template.requires:
        try:
            check_requirement(requirement)
        except PydanticCustomError as error:
            yield f"{error.message()} ({(error.context or {}).get('hint')})"


def _missing_files(document: dict[str, Any], folder: Path, registry: Registry) -> Iterator[str]:
    """Yield a sentence for each missing file that a spec's data sources read."""
    from pydantic_core import PydanticCustomError, ValidationError

    from declnet.contracts.data.data_source import DataSource

    for declared in document.get("data", {}).values():
        if not isinstance(declared, dict) or "type" not in declared:
            continue
        try:
            context = {"registry": registry, "folder": folder}
            source = DataSource.from_declaration(declared, context)
        except (ValidationError, PydanticCustomError):
            continue  # running it will report the error
        for name in type(source).model_fields:
            path = getattr(source, name)
            if isinstance(path, Path) and not path.exists():
                yield f"it reads {path}, which does not exist yet"


def _summary(template: type[Template], use: Use) -> str:
    """Return the first line of a template's docstring, marked if it is the default for a use."""
    import inspect

    lines = (inspect.getdoc(template) or "").splitlines()
    summary = lines[0].removesuffix(".") if lines else ""
    return f"{summary}  [default]" if template.default_for == use else summary
