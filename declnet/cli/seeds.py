"""The options `--seeds`, a compact list of seeds, and `--jobs`, the number of parallel runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

MOST = 10_000
"""Maximum seeds in one command; more than that is taken for a typo."""

LARGEST = 2**53
"""The largest seed that a spec allows."""

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def parse_seeds(text: str) -> tuple[int, ...]:
    """Parse seeds such as `0..9`, `0,3,7` or `0..4,10`, in order; ranges include both ends.

    Raises:
        BadParameter: the text has another form, or a seed is too large or given twice.
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
        raise click.BadParameter(f"duplicate seed {twice}")
    return tuple(seeds)


def _range(text: str) -> range:
    match = re.fullmatch(r"([0-9]{1,17})(?:\.\.([0-9]{1,17}))?", text)
    if match is None:
        raise click.BadParameter(f'"{text}" is not a valid seed; write e.g. 0..9 or 0,3,7')
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
    """Return the option `--seeds`, whose value is a tuple of integers or None."""
    return click.option(
        "--seeds", metavar="SEEDS", callback=_parsed, required=required, help=description
    )


jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many runs to train in parallel; if more than 1, each in a process with one BLAS "
    "thread.",
)
