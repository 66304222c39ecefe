"""`declnet run`: trains and evaluates a spec."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from declnet.cli.options import (
    no_plugin_option,
    registry_without,
    set_option,
    spec_argument,
)
from declnet.cli.reading import right_spec
from declnet.cli.showing import show_problems

if TYPE_CHECKING:
    from declnet.runs.run import RunResult


@click.command(short_help="Train and evaluate a spec.")
@spec_argument
@set_option
@no_plugin_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The run's folder, new or empty.  [default: runs/<name>-<number>]",
)
@click.option("--quiet", is_flag=True, help="No log lines and no progress, only the result.")
def run(
    spec: Path,
    overrides: tuple[str, ...],
    disabled: tuple[str, ...],
    out: Path | None,
    quiet: bool,
) -> None:
    """Train and evaluate SPEC, a TOML or JSON file."""
    from declnet.report.progress import followed
    from declnet.runs.run import run as run_spec

    signal.signal(signal.SIGTERM, _interrupt)
    registry = registry_without(disabled)
    loaded, checked = right_spec(spec, overrides, registry)
    show_problems(checked.warnings)
    with followed(loaded.training.epochs, quiet=quiet) as listener:
        result = run_spec(
            loaded,
            out=out or Path("runs"),
            numbered=out is None,
            listener=listener,
            registry=registry,
            checked=checked,
        )
    _print_result(result)


def _print_result(result: RunResult) -> None:
    from declnet.report.log_line import figures

    for name, values in result.metrics.items():
        click.echo(f"{name}: {figures(values)}")
    click.echo(f"{result.seconds:.2f} s, {result.directory}")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """A request to terminate ends a run as Ctrl-C does."""
    raise KeyboardInterrupt
