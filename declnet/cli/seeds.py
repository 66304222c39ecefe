"""`--seeds`: several seeds, written briefly; and `--jobs`: how many to train at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

MOST = 10_000
"""Seeds in one command; more than that is a slip of the keyboard."""

LARGEST = 2**53
"""As the spec has it."""

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def parse_seeds(text: str) -> tuple[int, ...]:
    """The seeds of `0..9`, `0,3,7` or `0..4,10`, in the order in which they stand; both ends count.

    Raises:
        BadParameter: the text is nothing of the sort, or a seed is too large or stands twice.
    """
    seeds: list[int] = []
    for part in text.split(","):
        seeds += _range(part.strip())
        if len(seeds) > MOST:
            raise click.BadParameter(f"more than {MOST} seeds")
    if max(seeds) > LARGEST:
        raise click.BadParameter(f"{max(seeds)} is larger than 2^53")
    if len(set(seeds)) < len(seeds):
        twice = next(seed for seed in seeds if seeds.count(seed) > 1)
        raise click.BadParameter(f"{twice} stands twice")
    return tuple(seeds)


def _range(text: str) -> range:
    match = re.fullmatch(r"([0-9]{1,17})(?:\.\.([0-9]{1,17}))?", text)
    if match is None:
        raise click.BadParameter(f'"{text}" is no seed; write e.g. 0..9 or 0,3,7')
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise click.BadParameter(f'"{text}" runs backwards; write {last}..{first}')
    if last - first >= MOST:
        raise click.BadParameter(f'"{text}" are more than {MOST} seeds')
    return range(first, last + 1)


def _parsed(
    context: click.Context,  # noqa: ARG001
    parameter: click.Parameter,  # noqa: ARG001
    text: str | None,
) -> tuple[int, ...] | None:
    return None if text is None else parse_seeds(text)


def seeds_option(description: str, *, required: bool = False) -> Decorator:
    """The option `--seeds`, given as a tuple of numbers, or None."""
    return click.option(
        "--seeds", metavar="SEEDS", callback=_parsed, required=required, help=description
    )


jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many runs to train at once; more than 1: each in a process of its own with one BLAS "
    "thread.",
)
