"""Problems and notes on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from declnet.errors import Diagnostic


def show_problems(problems: Sequence[Diagnostic]) -> None:
    """Print the problems, if there are any; in color on a terminal unless `NO_COLOR` is set."""
    if not problems:
        return
    from declnet.report.diagnostics import plain, rendered

    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    click.echo(rendered(problems, _painted if coloured else plain), err=True)


def show_note(sentence: str) -> None:
    """Print what a person should know, but need not act on."""
    click.echo(f"note: {sentence}", err=True)


def _painted(text: str, colour: str) -> str:
    return click.style(text, fg=colour, bold=True)
