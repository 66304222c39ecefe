"""`declnet new`: write a commented spec to start from."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from declnet import DataArgument, PluginOptions, print_line

if TYPE_CHECKING:
    from declnet import Registry
    from declnet_plugins.new.arrays import ArraysProfile
    from declnet_plugins.new.profile import Sampling, TableProfile
    from declnet_plugins.new.profiling import TableChoices
    from declnet_plugins.new.template import Template, TemplateSpec, Use

TITLES: dict[str, tuple[Use, ...]] = {
    "Templates": ("example",),
    "Presets, with --data": ("table", "arrays"),
}

FEWEST_IDENTIFIERS = 30
"""Rows in which different whole numbers may be identifiers."""

MOST_SHOWN = 10
"""Maximum number of columns named in a note."""


class _WithTemplates(click.Command):
    """A command whose help lists the installed templates and presets."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a line for each template, and one for each preset."""
        from declnet import default_registry
        from declnet_plugins.new.template import templates_for

        for title, uses in TITLES.items():
            rows = [
                (template.type, _summary(template, use))
                for use in uses
                for template in templates_for(use, default_registry())
                if use != "example" or not [*_lacking(template)]
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


@click.command(cls=_WithTemplates, short_help="Write a commented spec to start from.")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--template", metavar="NAME", help="Template to start from, one of those listed below."
)
@click.option(
    "--preset",
    metavar="NAME",
    help="How to model the data of --data, one of the presets listed below.",
)
@click.option(
    "--data",
    type=DataArgument.click_type,
    help="Data to write the spec for: a file or folder that an installed data source reads, or a "
    "source as in a spec, e.g. '{ type = …, … }'.",
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
    "--test",
    type=click.FloatRange(min=0, max=1, max_open=True),
    metavar="FRACTION",
    help="Hold out a fraction of the rows to measure the finished model; 0: none.  [default: none "
    "with folds, which measure it on all rows; otherwise e.g. 0.2 of a small table]",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="Time for a preset that searches, after which the search ends.  [default: chosen by the "
    "preset, e.g. 30]",
)
@click.option(
    "--time",
    metavar="COLUMN",
    help="Forecast a time series: the column of its dates or times, one for each row, at equal "
    "distances.  [default: such a column of dates, if there is one and no preset is named]",
)
@click.option(
    "--series",
    metavar="COLUMN",
    help="With --time: the column that tells several series apart, e.g. the city.",
)
@click.option(
    "--horizon",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --time: how many rows to forecast.  [default: e.g. 12 of months, 14 of days]",
)
@click.option(
    "--no-header",
    is_flag=True,
    help="Treat the first row as data, and name the columns column_1, column_2 and so on.",
)
@click.option("--force", is_flag=True, help="Overwrite SPEC if it exists.")
@PluginOptions.pass_to()
def new(
    plugins: PluginOptions,
    spec: Path,
    template: str | None,
    preset: str | None,
    data: Path | str | None,
    force: bool,
    **table: Any,
) -> None:
    """Write a small commented spec to SPEC, to run or edit.

    SPEC ends in .toml, or in .json, which has no comments. With --data, the spec is written for
    your own table, with --target, or images, which determine preparation, layers, loss and sizes.
    """
    from declnet import (
        OutputError,
        TableSource,
        attributing_errors,
        require_free,
        verified,
        write_atomically,
    )
    from declnet_plugins.new.profiling import TableChoices
    from declnet_plugins.new.template import Template, choose_template, example_spec

    suffix = spec.suffix.lower()
    if suffix not in (".toml", ".json"):
        raise OutputError(f"{spec}: a spec's name ends in .toml or .json")
    choices = TableChoices(**table)
    if data is None and (preset or choices != TableChoices()):
        raise click.UsageError(
            "--preset, --target, --task, --features, --exclude, --folds, --test, --minutes, "
            "--time, --series, --horizon and --no-header go with --data"
        )
    if preset and template:
        raise click.UsageError("with --data, --template and --preset are the same; give one")
    registry, sampling, files = plugins.registry, None, dict[str, bytes]()
    with attributing_errors(registry):
        if data is None:
            chosen = choose_template(template, "example", registry)
            written, notes = example_spec(chosen, registry), [*_lacking(type(chosen))]
            files = verified(Template.files, chosen)
        else:
            argument = DataArgument(data, registry, "--data")
            with argument.naming_errors():
                is_table = isinstance(argument.source, TableSource)
                use: Use = "table" if is_table else "arrays"
                named = preset or template
                chosen = choose_template(named, use, registry)
                if is_table:
                    is_named = named is not None
                    written, notes, sampling = _for_table(
                        chosen, argument, spec, choices, named=is_named
                    )
                else:
                    written, notes = _for_arrays(chosen, argument, spec, choices)
    text = _as_json(spec, written.text) if suffix == ".json" else written.text
    try:
        require_free(spec, force)
        for name in _write_missing(files, spec):
            notes.append(f"{name}: written too, which comes with the template")
        write_atomically(spec, text.encode())
    except OSError as error:  # from a name that is too long
        raise OutputError(f"{spec}: cannot be written: {error.strerror or error}") from None
    for note in (*notes, *_missing_files(written.document, spec.parent, registry)):
        print_line(f"note: {note}", err=True)
    if sampling is not None:
        from declnet_plugins.new.large_tables import cost_notes

        with attributing_errors(registry):
            for note in cost_notes(spec, sampling, registry):
                print_line(f"note: {note}", err=True)
    command = "tune" if "tune" in written.document else "run"
    print_line(f"{spec}: written. Next:")
    print_line(f"  declnet {command} {shlex.quote(str(spec))}", wrap=False)


def _for_table(
    template: Template, data: DataArgument, spec: Path, choices: TableChoices, *, named: bool
) -> tuple[TemplateSpec, list[str], Sampling | None]:
    """Return the spec for a table, notes about it, and the sample of a large table.

    Args:
        template: the template for tables.
        named: whether the user named it; otherwise a series gets the one for series.
    """
    from declnet import verified
    from declnet_plugins.new.large_tables import size_notes
    from declnet_plugins.new.profiling import profile_of
    from declnet_plugins.new.template import Template, choose_template, spec_for_profile

    registry = data.registry
    if named and choices.is_series and not template.takes_series:
        raise click.UsageError(f'the preset "{template.type}" does not take --time, for series')
    finds_series = not named or template.takes_series
    table = profile_of(data, spec.parent, choices, finds_series=finds_series)
    if table.series is not None and not named:
        template = choose_template(None, "series", registry)
    _require_rows_for(table)
    if table.others and not template.several_targets:
        raise click.UsageError(_one_target(template, registry))
    written = spec_for_profile(template, table, registry)
    _require_division(written, table, template)
    searched = written.document.get("tune", {})
    if table.minutes is not None and searched.get("minutes") != table.minutes:
        raise click.UsageError(f'the preset "{template.type}" does not take --minutes')
    notes = [
        *size_notes(table),
        *(f'column "{name}" {note.text}' for name, note in table.notes.items()),
        *_revealing(table, written),
        *verified(Template.notes_for_table, template, table),
        *_unused(table, written, spec),
        *_like_identifiers(table),
    ]
    return written, notes, table.sampling


def _for_arrays(
    template: Template, data: DataArgument, spec: Path, choices: TableChoices
) -> tuple[TemplateSpec, list[str]]:
    """Return the spec for arrays, e.g. of images, and notes about it."""
    from declnet import verified
    from declnet_plugins.new.arrays import arrays_profile_of
    from declnet_plugins.new.template import Template, spec_for_arrays

    arrays = arrays_profile_of(data, spec.parent, choices)
    written = spec_for_arrays(template, arrays, data.registry)
    _require_division(written, arrays, template)
    return written, [*verified(Template.notes_for_arrays, template, arrays)]


def _require_division(
    written: TemplateSpec, profile: TableProfile | ArraysProfile, template: Template
) -> None:
    """Raise UsageError unless a spec has the folds and the test data that the user asked for."""
    held_out = written.document["data"]
    if profile.folds is not None and held_out.get("folds", 1) != max(profile.folds, 1):
        raise click.UsageError(f'the preset "{template.type}" does not take --folds')
    if profile.test is not None and held_out.get("test", 0) != profile.test:
        raise click.UsageError(f'the preset "{template.type}" does not take --test')


def _write_missing(files: Mapping[str, bytes], spec: Path) -> Iterator[Path]:
    """Write the files of a template that do not exist; yield their paths.

    Raises:
        OSError: a file cannot be written.
    """
    from declnet import write_atomically

    for name, content in files.items():
        path = spec.parent / name
        if not path.exists() and path != spec:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
            yield path


def _as_json(spec: Path, toml: str) -> str:
    """Return a spec as JSON, parsed again."""
    import json
    import tomllib

    from declnet import OutputError, escaped

    document = tomllib.loads(toml)
    text = escaped(json.dumps(document, indent=2, ensure_ascii=False, default=str)) + "\n"
    if json.loads(text) != document:
        raise OutputError(f"{spec}: JSON cannot express this spec; name a .toml file")
    return text


def _require_rows_for(table: TableProfile) -> None:
    """Raise UsageError if a table has too few rows, or too few of a class, to hold some out."""
    from declnet import class_name

    folds, test = table.folds, table.test
    if test and not 1 <= round(test * table.rows) < table.rows:
        side = "none" if test < 1 / 2 else "all"  # as rounded where data is split
        raise click.UsageError(f"--test {test:g} would hold out {side} of the {table.rows} rows")
    if folds is None:
        return
    if 2 * folds > table.rows:
        raise click.UsageError(
            f"--folds {folds} is too many for {table.rows} rows; at most half as many"
        )
    for name, kind in table.targets.items():
        counts = table.columns[name].counts if kind != "values" else {}
        single = next((value for value, count in counts.items() if count < 2), None)
        if single is not None and folds > 1:
            raise click.UsageError(
                f'--folds {folds} needs two rows of each class, but "{name}" is '
                f'"{class_name(single)}" in one row only; leave that row out, or give --folds 1'
            )


def _one_target(template: Template, registry: Registry) -> str:
    """Return the message that a template does not take several targets."""
    from declnet_plugins.new.template import templates_for

    able = [other.type for other in templates_for("table", registry) if other.several_targets]
    others = f", but {', '.join(able)} take more" if able else ""
    return f'the preset "{template.type}" takes one --target{others}'


def _like_identifiers(table: TableProfile) -> Iterator[str]:
    """Yield a sentence for each target of numbers that may identify the rows."""
    for name, task in table.targets.items() if table.series is None else ():
        column = table.columns[name]
        differs = column.whole and column.distinct == column.rows >= FEWEST_IDENTIFIERS
        if task == "values" and (column.counts_rows or differs):
            yield (
                f'the target "{name}" has another whole number in each row: an identifier cannot '
                "be predicted, an amount can"
            )


def _revealing(table: TableProfile, written: TemplateSpec) -> Iterator[str]:
    """Yield a sentence for each column in use that reveals a target."""
    for name, evidence in table.revealing.items():
        is_time = table.series is not None and name == table.series.time
        if not is_time and (written.features is None or name in written.features):
            yield (
                f'column "{name}" {evidence}; if it is known only after the target, leave it out: '
                f"--exclude {shlex.quote(name)}"
            )


def _unused(table: TableProfile, written: TemplateSpec, spec: Path) -> Iterator[str]:
    """Yield a sentence about the columns that a template did not use, if any."""
    used = written.features
    names = [
        column.name for column in table.features if used is not None and column.name not in used
    ]
    if names:
        shown = ", ".join(f'"{name}"' for name in names[:MOST_SHOWN])
        more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
        yield f"not used to predict: {shown}{more}; see {spec}"


def _lacking(template: type[Template]) -> Iterator[str]:
    """Yield a sentence for each requirement of a template's spec that is not installed."""
    from declnet import SpecError, parse_spec

    try:
        parse_spec({"plugins": [*template.requires]})
    except SpecError as error:
        for problem in error.problems:
            if problem.path[:1] == ("plugins",):
                yield f"{problem.message} ({problem.help})"


def _missing_files(document: dict[str, Any], folder: Path, registry: Registry) -> Iterator[str]:
    """Yield a sentence for each missing file that a spec's data sources read."""
    from pydantic_core import PydanticCustomError, ValidationError

    from declnet import DataSource

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
