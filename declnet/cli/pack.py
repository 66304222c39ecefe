"""`declnet pack`."""

from __future__ import annotations

from pathlib import Path

import click

from declnet.cli.display.streams import print_line
from declnet.cli.options import PATH, run_argument


@click.command(short_help="Write the model of a run to one file.")
@run_argument
@click.option(
    "-o",
    "--output",
    type=PATH,
    required=True,
    help="File to write; its name must end in `.declnet`.",
)
@click.option("--force", is_flag=True, help="Overwrite OUTPUT if it exists.")
def pack(run: Path, output: Path, *, force: bool) -> None:
    """Write the model of RUN, the folder of a run, to one file.

    RUN may be a folder of folds, seeds or members, or of a study that selects weights, whose models
    are used as one. Every command that reads the folder of a run reads the file, too.

    The file has the spec, weights, preparation, calibration, metrics and history of each run, the
    model card and the versions of what the models need, but neither data nor checkpoints. The same
    run gives the same bytes.
    """
    from declnet.display.words import counted
    from declnet.runs.packing import pack_run

    digest = pack_run(run, output, force=force)
    print_line(f"{output}: {counted(output.stat().st_size, 'byte')}, sha256:{digest}")
