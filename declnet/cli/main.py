"""`declnet`: the group of all commands, and the mapping from errors to exit codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

import click

from declnet import __version__
from declnet.cli.check import check, explain
from declnet.cli.compare import compare, runs
from declnet.cli.diff import diff
from declnet.cli.display.streams import command_streams, print_line
from declnet.cli.pack import pack
from declnet.cli.plugin_commands import CommandGroup
from declnet.cli.predict import evaluate, predict
from declnet.cli.process import run_confirmed
from declnet.cli.run import resume, run
from declnet.cli.show import show
from declnet.cli.sweep import sweep
from declnet.cli.tune import tune
from declnet.display.characters import escaped_line


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 success, 1 the run failed, 2 invalid spec or usage, 130 interrupted.",
)
@click.version_option(__version__, message="declnet %(version)s")
def command() -> None:
    """Train neural networks declared in TOML or JSON."""


for subcommand in (
    check,
    explain,
    show,
    diff,
    run,
    resume,
    evaluate,
    predict,
    pack,
    sweep,
    tune,
    runs,
    compare,
):
    command.add_command(subcommand)


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    run_confirmed(run_command_line, _print_lost_end)


def run_command_line() -> int:
    """Run the command line in this process, and return its exit code."""
    with command_streams() as out:
        status = _status()
        out.flush()
        if out.failure is not None and not isinstance(out.failure, BrokenPipeError):
            _print_error(f"cannot write the output: {out.failure.strerror}")
            status = status or 1
    return status


def _print_lost_end(how: str) -> None:
    _print_error(
        f"the process ended, with {how}, before the command did",
        "`declnet plugins check NAME` finds a component that ends its process; "
        "SIGKILL may mean that memory ran out",
    )


def _status() -> int:
    """Run the command line, print its error if it fails, and return its exit code."""
    try:
        status = command.main(standalone_mode=False)
    except click.ClickException as error:
        error.message = escaped_line(error.message)  # type: ignore[misc]  # final, says click
        error.show()
        _print_notes(error)
        return error.exit_code
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except SystemExit as ended:  # of a plugin's command
        if isinstance(ended.code, str):
            print_line(ended.code, err=True)
            _print_notes(ended)
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except (KeyboardInterrupt, click.Abort) as error:
        # click raises Abort from what interrupted it; before 8.1.4, without a cause
        cause = error.__cause__ or error.__context__ or error
        for line in ("interrupted", *getattr(cause, "__notes__", ())):
            print_line(line, err=True)
        return 130
    except Exception as error:
        # importing it slows `--help` by 5 %
        from declnet.errors import (
            DeclnetError,
            SpecError,
            error_message,
            without_passwords,
        )

        if not isinstance(error, DeclnetError):
            raise
        if isinstance(error, SpecError):
            from declnet.cli.display.diagnostics import show_diagnostics

            show_diagnostics(error.problems)
        elif error.reasons:
            for message, hint in error.reasons:
                _print_error(message, hint)
        else:
            message = str(error.args[0]) if error.details else error_message(error)
            _print_error(without_passwords(message), details=error.details)
        _print_notes(error)
        return error.exit_code
    return status if isinstance(status, int) else 0


def _print_notes(error: BaseException) -> None:
    for note in getattr(error, "__notes__", ()):
        print_line(f"  = note: {note}", err=True)


def _print_error(message: str, hint: str | None = None, details: Iterable[str] = ()) -> None:
    print_line(f"error: {message}", err=True)
    for line in details:
        print_line(f"  {line}", err=True)
    if hint:
        print_line(f"  = help: {hint}", err=True)
