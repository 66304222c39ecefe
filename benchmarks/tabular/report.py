"""The tables of a report, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabular.comparing import (
    geometric_mean,
    interval,
    normalized,
    ranks,
    standard_errors,
    wins,
)
from tabular.methods import OUTSIDE_THE_SCALE, PAIRS, REPEATED_PAIRS
from tabular.results import Key, Record
from tabular.tasks import MORE_SPLITS, PARTS, SPLITS

Array = Any

DIGITS = 5
"""Of the mean error: records have six, so equal errors may differ in the last one."""


@dataclass(frozen=True)
class Comparison:
    """The results of methods on the sets that all of them have finished.

    Attributes:
        sets: the names of the sets.
        methods: the names of the methods, the best first.
        errors: (sets, methods), the mean of the splits.
        seconds: (sets, splits, methods), processor time of the fits.
        processors: the machines' processors.
        missing: how many sets are left out.
    """

    sets: tuple[str, ...]
    methods: tuple[str, ...]
    errors: Array
    seconds: Array
    processors: tuple[str, ...]
    missing: int

    @property
    def normalized(self) -> Array:
        """Return the normalized errors (sets, methods)."""
        in_scale = [name not in OUTSIDE_THE_SCALE for name in self.methods]
        return normalized(self.errors, np.array(in_scale))

    def at(self, method: str) -> int:
        """Return the position of a method."""
        return self.methods.index(method)


def compare(records: dict[Key, Record], sets: Sequence[str], methods: Sequence[str]) -> Comparison:
    """Compare the methods that have results on the sets where none is missing.

    Raises:
        ValueError: there is no such set.
    """
    known = {method for _, _, method in records}
    methods = [each for each in methods if each in known]
    whole = [
        name
        for name in sets
        if all((name, split, method) in records for split in range(SPLITS) for method in methods)
    ]
    if not methods or not whole:
        raise ValueError("no set has the results of all methods; choose some with --methods")
    found = [
        [[records[name, split, method] for method in methods] for split in range(SPLITS)]
        for name in whole
    ]
    errors = np.array([[[each["error"] for each in row] for row in rows] for rows in found])
    seconds = [[[each["processor_seconds"] for each in row] for row in rows] for rows in found]
    processors = {each["processor"] for rows in found for row in rows for each in row}
    compared = Comparison(
        tuple(whole),
        tuple(methods),
        errors.mean(axis=1).round(DIGITS),
        np.array(seconds),
        tuple(sorted(processors)),
        len(sets) - len(whole),
    )
    order = np.argsort(compared.normalized.mean(axis=0), kind="stable")
    return Comparison(
        compared.sets,
        tuple(methods[at] for at in order),
        compared.errors[:, order],
        compared.seconds[:, :, order],
        compared.processors,
        compared.missing,
    )


def repeated(
    records: Mapping[Key, Record], sets: Sequence[str], methods: Sequence[str]
) -> dict[tuple[str, str], Array]:
    """Return, for pairs that were compared on more splits, the errors (sets, splits, 2).

    Sets without all of the results are left out, and pairs without sets.
    """
    found = {}
    for pair in REPEATED_PAIRS:
        keys = [
            [[(name, split, method) for method in pair] for split in range(MORE_SPLITS)]
            for name in sets
        ]
        errors = [
            [[records[key]["error"] for key in row] for row in rows]
            for rows in keys
            if set(pair) <= set(methods) and all(key in records for row in rows for key in row)
        ]
        if errors:
            found[pair] = np.array(errors)
    return found


def lines_of(
    compared: Comparison, on_more_splits: Mapping[tuple[str, str], Array]
) -> Iterator[str]:
    """Yield the lines of the report.

    Args:
        compared: the results of all methods.
        on_more_splits: what `repeated` found.
    """
    left_out = f" ({compared.missing} more lack results of some method)" if compared.missing else ""
    yield (
        f"{len(compared.sets)} sets{left_out}, {SPLITS} splits each. Times are of one thread of "
        f"{' and of '.join(compared.processors)}."
    )
    yield ""
    yield from _ranking(compared)
    pairs = [each for each in PAIRS if set(each) <= set(compared.methods)]
    if pairs:
        yield ""
        yield from _pairs(compared, pairs)
    if on_more_splits:
        yield ""
        yield from _repeated(on_more_splits)
    yield ""
    yield from _errors(compared)


def _ranking(compared: Comparison) -> Iterator[str]:
    yield "| method | mean normalized error | 95 % interval | mean rank | seconds per fit |"
    yield "|---|---:|---:|---:|---:|"
    scaled, places = compared.normalized, ranks(compared.errors)
    for at, method in enumerate(compared.methods):
        low, high = interval(scaled[:, at])
        seconds = geometric_mean(compared.seconds[:, :, at])
        yield (
            f"| {method} | {scaled[:, at].mean():.3f} | {low:.3f} to {high:.3f} | "
            f"{places[:, at].mean():.2f} | {seconds:.3g} |"
        )


def _pairs(compared: Comparison, pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield "| method | against | difference | 95 % interval | lower, equal, higher | times as fast |"
    yield "|---|---|---:|---:|---:|---:|"
    for ours, theirs in pairs:
        first, second = compared.at(ours), compared.at(theirs)
        differences = compared.normalized[:, first] - compared.normalized[:, second]
        low, high = interval(differences)
        ours_errors, their_errors = compared.errors[:, first], compared.errors[:, second]
        lower, equal, higher = wins(ours_errors, their_errors)
        least, most = interval(ours_errors < their_errors)
        ratio = geometric_mean(compared.seconds[:, :, second] / compared.seconds[:, :, first])
        yield (
            f"| {ours} | {theirs} | {differences.mean():+.3f} | {low:+.3f} to {high:+.3f} | "
            f"{lower} ({lower / len(compared.sets):.0%}; {least:.0%} to {most:.0%}), {equal}, "
            f"{higher} | {ratio:.3g} |"
        )


def _repeated(on_more_splits: Mapping[tuple[str, str], Array]) -> Iterator[str]:
    """Yield the pairs on more splits, with the sets on which the difference is beyond chance."""
    yield (
        f"| method | against | sets | {MORE_SPLITS} splits: lower, equal, higher | "
        "beyond two standard errors: lower, higher |"
    )
    yield "|---|---|---:|---:|---:|"
    for (ours, theirs), errors in on_more_splits.items():
        means = errors.mean(axis=1).round(DIGITS)
        lower, equal, higher = wins(means[:, 0], means[:, 1])
        least, most = interval(means[:, 0] < means[:, 1])
        differences = errors[:, :, 0] - errors[:, :, 1]
        tested = PARTS["test"] / (1 - PARTS["test"])
        beyond = 2 * standard_errors(differences, tested)
        mean = differences.mean(axis=1)
        yield (
            f"| {ours} | {theirs} | {len(errors)} | {lower} ({lower / len(errors):.0%}; "
            f"{least:.0%} to {most:.0%}), {equal}, {higher} | "
            f"{np.sum(mean < -beyond)}, {np.sum(mean > beyond)} |"
        )


def _errors(compared: Comparison) -> Iterator[str]:
    """Yield the error of each method on each set, in percent, the lowest bold."""
    yield f"| set | {' | '.join(compared.methods)} |"
    yield "|---|" + "---:|" * len(compared.methods)
    for name, errors in zip(compared.sets, compared.errors, strict=True):
        cells = [f"{100 * each:.2f}" for each in errors]
        best = f"{100 * errors.min():.2f}"
        yield f"| {name} | {' | '.join(f'**{c}**' if c == best else c for c in cells)} |"
