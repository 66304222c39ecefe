"""`declnet import`: turn a network that was trained elsewhere into a spec and weights."""

from __future__ import annotations

from pathlib import Path

import click

from declnet import PluginOptions

PATH = click.Path(path_type=Path)


@click.command("import", short_help="Convert a model from another library to a run.")
@click.argument("file", type=PATH)
@click.option(
    "-o",
    "--output",
    required=True,
    type=PATH,
    metavar="FOLDER|SPEC",
    help="Folder for a finished run, or the name of a spec to train, ending in .toml.",
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
    "overrides",
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
@PluginOptions.pass_to()
def import_(
    plugins: PluginOptions,
    file: Path,
    output: Path,
    form: str | None,
    overrides: tuple[str, ...],
    mapping: Path | None,
    force: bool,
) -> None:
    """Write the network in FILE as the folder of a run, which predicts, exports and serves.

    Each part of FILE becomes a transform or a layer, which is printed; a part without a
    corresponding one is an error. Before anything is written, the predictions of both are compared.
    """
    from declnet import parse_override, print_line
    from declnet_plugins.exchange.files import format_for
    from declnet_plugins.exchange.importer import Importer
    from declnet_plugins.exchange.importing import import_network

    parsed = [parse_override(text, number) for number, text in enumerate(overrides, start=1)]
    options = {override.key: override.value for override in parsed}
    if mapping is not None:
        options["mapping"] = mapping
    registry = plugins.registry
    importer = format_for(Importer, file, form, options, registry)
    summary = import_network(importer, file, output, registry, overwrite=force)
    parts = [*summary.prepared, *summary.mapping.items()]
    width = max((len(name) for name, _ in parts), default=0)
    lines = [f"{name:<{width}}  {origin}".rstrip() for name, origin in parts]
    lines += [f"left out: {part}" for part in summary.left_out]
    if summary.difference is None:
        lines.append("predictions: not compared, since the file has only weights")
    elif summary.odd_samples:
        lines.append(
            f"predictions: at most {summary.difference:.2g} of the largest apart, for "
            f"{summary.samples} rows; the same for {summary.odd_samples} rows with missing, "
            "unknown or extreme cells"
        )
    else:
        lines.append(
            f"predictions: at most {summary.difference:.2g} apart, for {summary.samples} random "
            "samples"
        )
    written = f"{summary.parameters:,} parameters in {summary.weights}"
    lines.append(f"{summary.spec}: written, with {written}")
    for line in lines:
        print_line(line)
