"""`declnet new`: writes a commented spec to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from declnet.cli.spec_templates import TEMPLATES


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
@click.option("--force", is_flag=True, help="Overwrite SPEC if it exists.")
def new(spec: Path, template: str, force: bool) -> None:
    """Write a small commented spec to SPEC, to run as it is or to change.

    SPEC ends in .toml, or in .json, which has no comments.
    """
    import shlex
    import tomllib

    from declnet.cli.spec_templates import as_json, missing, template_text
    from declnet.errors import OutputError

    suffix = spec.suffix.lower()
    if suffix not in (".toml", ".json"):
        raise OutputError(f"{spec}: a spec's name ends in .toml or .json")
    text = template_text(template)
    _write(spec, as_json(text) if suffix == ".json" else text, force)
    for each in missing(tomllib.loads(text)["data"], spec.parent):
        click.echo(f"note: {each}", err=True)
    click.echo(f"{spec}: written. Next:")
    click.echo(f"  declnet run {shlex.quote(str(spec))}")


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
