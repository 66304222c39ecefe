"""Shows problems on stderr, in colour on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from declnet.errors import Diagnostic


def show_problems(problems: Sequence[Diagnostic]) -> None:
    """Prints the problems, if there are any; `NO_COLOR` is honoured."""
    if not problems:
        return
    from declnet.report.diagnostics import plain, rendered

    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    click.echo(rendered(problems, _painted if coloured else plain), err=True)


def _painted(text: str, colour: str) -> str:
    return click.style(text, fg=colour, bold=True)
