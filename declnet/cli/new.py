"""`declnet new`: writes a commented spec to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from click.core import ParameterSource

from declnet.cli.options import no_plugin_option, registry_without
from declnet.cli.spec_templates import TEMPLATES

if TYPE_CHECKING:
    from declnet.registry.registry import Registry


def _known(context: click.Context, parameter: click.Parameter, name: str) -> str:  # noqa: ARG001
    """The name of a template; unlike `click.Choice`, it says what a misspelt one may have meant."""
    if name not in TEMPLATES:
        from declnet.registry.spelling import suggestion

        hint = suggestion(name, TEMPLATES, "templates")
        raise click.BadParameter(f'there is no template "{name}" ({hint})')
    return name


@click.command(
    short_help="Write a first spec, commented, to run and to change.",
    epilog="\b\nTemplates:\n"
    + "\n".join(f"  {name:<16}{description}" for name, description in TEMPLATES.items()),
)
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--template",
    metavar="NAME",
    default="classification",
    show_default=True,
    callback=_known,
    help=f"What to begin with: {', '.join(TEMPLATES)}.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="A table, CSV or Parquet, to write a spec for in place of a template.",
)
@click.option("--target", metavar="COLUMN", help="Of the table: what is to be predicted.")
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    help="Of the table: classes or a number.  [default: by the values of the target]",
)
@click.option("--force", is_flag=True, help="Overwrite SPEC if it exists.")
@no_plugin_option
@click.pass_context
def new(
    context: click.Context,
    spec: Path,
    template: str,
    data: Path | None,
    target: str | None,
    task: Literal["classification", "regression"] | None,
    force: bool,
    disabled: tuple[str, ...],
) -> None:
    """Write a small commented spec to SPEC, to run as it is or to change.

    SPEC ends in .toml, or in .json, which has no comments. With --data and --target the spec is for
    your own table: what it holds decides preparation, layers, loss and sizes.
    """
    import shlex
    import tomllib

    from declnet.cli.spec_templates import as_json, missing, template_text
    from declnet.errors import OutputError

    suffix = spec.suffix.lower()
    if suffix not in (".toml", ".json"):
        raise OutputError(f"{spec}: a spec's name ends in .toml or .json")
    if data is None:
        if target is not None or task is not None:
            raise click.UsageError("--target and --task go with --data, the file of a table")
        text = template_text(template)
    else:
        if context.get_parameter_source("template") is not ParameterSource.DEFAULT:
            raise click.UsageError("--template and --data exclude each other")
        text = _for_table(data, target, spec, registry_without(disabled), task)
    _write(spec, as_json(text) if suffix == ".json" else text, force)
    for each in missing(tomllib.loads(text)["data"], spec.parent):
        click.echo(f"note: {each}", err=True)
    click.echo(f"{spec}: written. Next:")
    click.echo(f"  declnet run {shlex.quote(str(spec))}")


def _for_table(
    data: Path,
    target: str | None,
    spec: Path,
    registry: Registry,
    task: Literal["classification", "regression"] | None,
) -> str:
    from declnet.cli.table_spec.spec_for_file import spec_for_file
    from declnet.components.attribution import attributing_errors

    with attributing_errors(registry):
        return spec_for_file(data, target, spec.parent, registry, task)


def _write(path: Path, text: str, force: bool) -> None:
    """Writes a file; raises OutputError if it exists (unless forced) or cannot be written."""
    from declnet.errors import OutputError
    from declnet.runs.writing import write_atomically

    try:
        if path.is_dir():
            raise OutputError(f"{path}: is a folder; name a file")
        if not path.parent.is_dir():
            raise OutputError(f"{path}: there is no folder {path.parent}; make it first")
        if force:
            write_atomically(path, text.encode())
        else:
            with path.open("xb") as file:
                file.write(text.encode())
    except FileExistsError:
        message = f"{path}: it exists already; nothing was written (--force overwrites it)"
        raise OutputError(message) from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
