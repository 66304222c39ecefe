"""`declnet resume`: goes on with a run that was killed or interrupted."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from declnet.cli.options import no_plugin_option, registry_without
from declnet.cli.run import interrupt


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--allow-changes",
    is_flag=True,
    help="Go on though the spec, the data or versions have changed; the manifest will list what.",
)
@no_plugin_option
@click.option("--quiet", is_flag=True, help="No log lines and no progress, only the result.")
@click.option("--plain", is_flag=True, help="On a terminal too, print what goes into a pipe.")
def resume(
    run: Path, allow_changes: bool, disabled: tuple[str, ...], quiet: bool, plain: bool
) -> None:
    """Go on with RUN, the folder of a run that was killed or interrupted.

    It ends with the same bits as a run that was never stopped. A finished run is left as it is.
    """
    from declnet.report.progress import followed
    from declnet.report.result import print_result
    from declnet.runs.resuming import resume as resume_run
    from declnet.runs.resuming import training_of

    signal.signal(signal.SIGTERM, interrupt)
    registry = registry_without(disabled)
    training = training_of(run, registry)
    with followed(training, quiet=quiet, plain=plain) as listener:
        result = resume_run(
            run,
            allow_changes=allow_changes,
            listener=listener,
            notice=lambda sentence: click.echo(sentence, err=True),
            registry=registry,
        )
    print_result(result, training.metrics, quiet=quiet, plain=plain)
