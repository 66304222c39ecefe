"""`declnet explain`: what a problem's code means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from declnet.codes.catalogue import Code

WIDEST = 90
"""Columns of prose, on a wider terminal too."""


def _known(context: click.Context, parameter: click.Parameter, code: str | None) -> str | None:  # noqa: ARG001
    """A code as the catalogue has it, whatever case it is written in."""
    from declnet.codes.catalogue import catalogue
    from declnet.registry.spelling import closest

    if code is None or code.upper() in catalogue():
        return code and code.upper()
    close = closest(code, map(str.lower, catalogue()))
    hint = f'did you mean "{close.upper()}"?' if close else "`declnet explain` lists all"
    raise click.BadParameter(f'there is no code "{code}" ({hint})')


@click.command(short_help="Say more about a problem by its code, e.g. E010.")
@click.argument("code", required=False, callback=_known)
def explain(code: str | None) -> None:
    """Explain CODE, e.g. E012: what it means, what to do, and an example; lists all without it."""
    from declnet.codes.catalogue import catalogue

    if code is not None:
        click.echo(explanation(catalogue()[code]))
        return
    from declnet.report.terminal import print_table

    print_table(None, ("code", "title"), [(each.code, each.title) for each in catalogue().values()])


def explanation(code: Code) -> str:
    """All that there is to say of a code, in lines of a terminal's width."""
    from shutil import get_terminal_size
    from textwrap import indent

    width = min(get_terminal_size().columns, WIDEST)
    severity = "warning" if code.code.startswith("W") else "error"
    return "\n\n".join(
        [
            f"{severity}[{code.code}]: {code.title}",
            click.wrap_text(code.text, width),
            "Wrong:",
            indent(code.wrong, "    "),
            "Right:",
            indent(code.right, "    "),
        ]
    )
