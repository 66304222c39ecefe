"""`declnet import`: turn a network that was trained elsewhere into a spec and weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from declnet.cli.display.streams import print_line
from declnet.cli.options import PATH, PluginOptions, no_plugin_option
from declnet.cli.process import interrupt_on_signals

if TYPE_CHECKING:
    from declnet.contracts.formats.importer import Importer
    from declnet.registry.registry import Registry


@click.command("import", short_help="Convert a network from another library to a spec and weights.")
@click.argument("file", type=PATH)
@click.option(
    "-o",
    "--output",
    required=True,
    type=PATH,
    metavar="FOLDER|SPEC",
    help="Folder for spec.toml and weights.safetensors, or the name of a spec, ending in .toml.",
)
@click.option(
    "--format",
    "form",
    metavar="TYPE",
    help="Format of FILE; `declnet plugins` lists the importers.  [default: from the suffix of "
    "FILE]",
)
@click.option(
    "--set",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help='An option of the format, e.g. outputs=["probabilities"].',
)
@click.option(
    "--mapping",
    type=PATH,
    metavar="FILE",
    help="TOML file that names the layers and their arrays, for a FILE that holds only weights.",
)
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@no_plugin_option
def import_(
    file: Path,
    output: Path,
    form: str | None,
    options: tuple[str, ...],
    mapping: Path | None,
    force: bool,
    disabled: tuple[str, ...],
) -> None:
    """Write the network in FILE as a spec with initial weights.

    Each part of FILE becomes a layer, which is printed; a part without a corresponding layer is an
    error. Before anything is written, the predictions of both networks for random inputs are
    compared.
    """
    from declnet.runs.exchange.importing import import_network
    from declnet.spec.document.overrides import parse_override

    interrupt_on_signals()
    overrides = (parse_override(text, number) for number, text in enumerate(options, start=1))
    fields = {override.key: override.value for override in overrides}
    if mapping is not None:
        fields["mapping"] = mapping
    registry = PluginOptions(disabled).registry
    importer = _importer(file, form, fields, registry)
    summary = import_network(importer, file, output, registry, overwrite=force)
    width = max(map(len, summary.mapping), default=0)
    lines = [f"{layer:<{width}}  {origin}".rstrip() for layer, origin in summary.mapping.items()]
    lines += [f"left out: {part}" for part in summary.left_out]
    if summary.difference is None:
        lines.append("predictions: not compared, since the file has only weights")
    else:
        lines.append(
            f"predictions: at most {summary.difference:.2g} apart, for {summary.samples} random "
            "samples"
        )
    written = f"{summary.parameters:,} parameters in {summary.weights}"
    lines.append(f"{summary.spec}: written, with {written}")
    for line in lines:
        print_line(line)


def _importer(
    file: Path, form: str | None, options: dict[str, Any], registry: Registry
) -> Importer:
    """Return the importer that is named, or that reads files of this suffix."""
    from pydantic import ValidationError

    from declnet.contracts.attribution import attributing_errors
    from declnet.contracts.formats.importer import Importer
    from declnet.contracts.returned import why_unavailable
    from declnet.errors import OutputError

    table = {**options, "type": form or _by_suffix(file, registry)}
    try:
        importer = Importer.from_declaration(table, {"registry": registry})
    except ValidationError as error:
        found = (f"{'.'.join(map(str, each['loc']))} {each['msg']}" for each in error.errors())
        fields = registry.find("importer", table["type"]).model_fields
        known = "; ".join(f"{name}: {each.description}" for name, each in fields.items())
        message = f'importer "{table["type"]}": {"; ".join(found)} (its options: {known})'
        raise OutputError(message) from None
    with attributing_errors(registry):
        why = why_unavailable(importer)
    if why is not None:
        raise OutputError(f'files of the format "{importer.type}" cannot be read: {why}')
    return importer


def _by_suffix(file: Path, registry: Registry) -> str:
    from declnet.errors import OutputError
    from declnet.runs.exchange.suffixes import formats_by_suffix

    found = formats_by_suffix("importer", file.name.lower(), registry)
    if len(found) == 1:
        return found[0]
    if found:
        message = f"{file}: several importers read such files: {', '.join(found)}"
        raise OutputError(f"{message}; choose one: --format {found[0]}")
    entries = list(registry.entries("importer"))
    known = ", ".join(suffix for entry in entries for suffix in entry.component.suffixes)
    suffix = f"files that end in {file.suffix}" if file.suffix else "files without a suffix"
    installed = f"the installed ones read {known}" if known else "none is installed"
    raise OutputError(f"{file}: no importer reads {suffix}; {installed}")
