"""What `declnet new` says about a large table: its size, and what training on it takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from declnet import DeclnetError, Registry, load_spec, training_cost
from declnet_plugins.new.profile import Sampling, TableProfile

PASSES = 2
"""Passes over a table before a stream is trained on, relative to one that parses its cells."""


def size_notes(table: TableProfile) -> Iterator[str]:
    """Yield sentences about a large table's size, and how it is read."""
    sampling = table.sampling
    if sampling is None:
        return
    yield (
        f"the table has {sampling.rows:,} rows in {sampling.size / 1e6:,.0f} MB; "
        f"{len(sampling.table):,} random ones decided on the spec"
    )
    if table.streams:
        yield "training reads it in parts: stream = true"
    elif sampling.in_blocks:
        yield "folds take all rows in memory; without --folds, training would read them in parts"
    else:
        yield (
            "training reads all rows into memory, since this file cannot be read in blocks; as "
            "Parquet it can"
        )


def cost_notes(spec: Path, sampling: Sampling, registry: Registry) -> Iterator[str]:
    """Yield a sentence about the time and memory that training a written spec takes, about."""
    try:
        run = load_spec(spec, registry=registry)
        features = getattr(run.data.train, "features", None)
        sample = replace(sampling.table, features=features)
        cost = training_cost(run, sample, sampling.rows, registry)
    except DeclnetError:
        return  # running it will report the error
    if cost is not None:
        yield (
            f"training takes roughly {_duration(cost.seconds)} for {cost.epochs} epochs, after "
            f"{_duration(PASSES * sampling.seconds)} of reading, and {cost.memory / 1e9:.1f} GB of "
            "memory"
        )


def _duration(seconds: float) -> str:
    """Return a duration in the unit in which it has one or two digits, about."""
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1.0, seconds):.0f} s"
