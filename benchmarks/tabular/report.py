"""The tables of a report, in Markdown: a section for each group of sets and kind of method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabular.comparing import geometric_mean, interval, ranks, standard_errors, wins
from tabular.comparison import Comparison, compare
from tabular.methods import (
    BAGGED_METHODS,
    METHODS,
    NEW,
    PAIRS,
    REPEATED_PAIRS,
    SINGLE_METHODS,
    TUNED_METHODS,
)
from tabular.reporting import TUNED
from tabular.results import Key, Record
from tabular.sets import members
from tabular.tasks import MORE_SPLITS, PARTS

Array = Any

RARE = 0.11
"""The largest share of the rarest class on sets whose average precision is compared."""


@dataclass(frozen=True)
class Section:
    """Methods that were compared on some sets.

    Attributes:
        title: what they are.
        errors: the comparison by errors.
        others: the comparisons by other measures, each with its title.
        pairs: the methods that are compared in pairs.
        on_more_splits: what `repeated` found.
    """

    title: str
    errors: Comparison
    others: Mapping[str, Comparison]
    pairs: Sequence[tuple[str, str]]
    on_more_splits: Mapping[tuple[str, str], Array]


def sections_of(
    records: dict[Key, Record], sets: Sequence[str], methods: Sequence[str]
) -> list[Section]:
    """Return what the results allow to be compared, reporting sets first.

    Raises:
        ValueError: there is nothing.
    """
    with_tuned = (*TUNED_METHODS, *BAGGED_METHODS)
    candidates = [
        ("Reporting sets", members("reporting"), tuple(BAGGED_METHODS)),
        ("Reporting sets, with tuned methods", TUNED, with_tuned),
        ("Development sets", members("original"), tuple(BAGGED_METHODS)),
        ("Development sets with a rare class", members("rare"), tuple(BAGGED_METHODS)),
        ("Development sets with prose", members("texts"), tuple(BAGGED_METHODS)),
        ("Development sets, single models", members("original"), tuple(SINGLE_METHODS)),
    ]
    sections = []
    for title, group, family in candidates:
        names = [name for name in sets if name in group]
        compared = [method for method in family if method in methods]
        errors = compare(records, names, compared)
        if errors is None or (
            family is with_tuned and not set(TUNED_METHODS) & set(errors.methods)
        ):
            continue
        others = {}
        if family[0] not in SINGLE_METHODS:
            others = _other_measures(records, names, compared)
        sections.append(Section(title, errors, others, *_pairs_of(records, names, errors)))
    if not sections:
        raise ValueError("no set has the results of all methods; choose some with --methods")
    return sections


def _other_measures(
    records: Mapping[Key, Record], sets: Sequence[str], methods: Sequence[str]
) -> dict[str, Comparison]:
    """Return the comparisons by log loss and, on sets with a rare class, average precision."""
    with_rare = {
        name for (name, *_), record in records.items() if 0 < record.get("rarest", 0) <= RARE
    }
    comparisons = {
        "Log loss": compare(records, sets, methods, "log_loss"),
        "1 - average precision where a class is rare": compare(
            records, [name for name in sets if name in with_rare], methods, "missed_precision"
        ),
    }
    return {title: compared for title, compared in comparisons.items() if compared is not None}


def _pairs_of(
    records: Mapping[Key, Record], sets: Sequence[str], compared: Comparison
) -> tuple[list[tuple[str, str]], dict[tuple[str, str], Array]]:
    """Return the pairs of a section's methods, and what `repeated` found."""
    if NEW in compared.methods:
        return [(NEW, method) for method in compared.methods if method != NEW], {}
    pairs = [pair for pair in PAIRS if set(pair) <= set(compared.methods)]
    return pairs, repeated(records, sets, compared.methods)


def repeated(
    records: Mapping[Key, Record], sets: Sequence[str], methods: Sequence[str]
) -> dict[tuple[str, str], Array]:
    """Return, for pairs that were compared on more splits, the errors (sets, splits, 2).

    Sets without all of the results are left out, and pairs without sets.
    """
    pairs = {}
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
            pairs[pair] = np.array(errors)
    return pairs


def lines_of(sections: Sequence[Section]) -> Iterator[str]:
    """Yield the lines of the report."""
    for number, section in enumerate(sections):
        if number:
            yield ""
        yield f"## {section.title}"
        yield ""
        yield _extent(section.errors)
        yield ""
        yield from _ranking(section.errors)
        if section.pairs:
            yield ""
            yield from _pairs(section.errors, section.pairs)
        if section.on_more_splits:
            yield ""
            yield from _repeated(section.on_more_splits)
        for title, compared in section.others.items():
            yield ""
            yield f"### {title}"
            yield ""
            yield from _ranking(compared)
            pairs = [pair for pair in section.pairs if set(pair) <= set(compared.methods)]
            if pairs:
                yield ""
                yield from _pairs(compared, pairs)
            yield ""
            yield from _errors(compared)
        yield ""
        if section.others:
            yield "### Errors"
            yield ""
        yield from _errors(section.errors)


def _extent(compared: Comparison) -> str:
    """Return how much was compared, and which sets are left out."""
    least, most = min(compared.splits), max(compared.splits)
    splits = f"{least} splits each" if least == most else f"{least} to {most} splits each"
    splits = "1 split each" if most == 1 else splits
    processors = " and of ".join(compared.processors)
    text = f"{len(compared.sets)} sets, {splits}. Times are of one thread of {processors}."
    if compared.missing:
        lacking = "; ".join(
            f"{name} (no result of {', '.join(map(_name, methods))})" if methods else name
            for name, methods in compared.missing.items()
        )
        text += f" Left out: {lacking}."
    return text


def _name(method: str) -> str:
    """Return the name of a method in a section, whose others are bagged too."""
    return method.removesuffix(" bagged") if METHODS[method].protocol == "bagged" else method


def _ranking(compared: Comparison) -> Iterator[str]:
    relative = compared.relative
    headings = ["method", "mean normalized error", "95 % interval", "mean rank", "first on"]
    if relative is not None:
        headings += ["of scikit-learn's best", "95 % interval"]
    yield from _head([*headings, "seconds per fit"], texts=1)
    scaled, places = compared.normalized, ranks(compared.errors)
    for at, method in enumerate(compared.methods):
        low, high = interval(scaled[:, at])
        cells = [
            _name(method),
            f"{scaled[:, at].mean():.3f}",
            f"{low:.3f} to {high:.3f}",
            f"{places[:, at].mean():.2f}",
            f"{compared.firsts[at]}",
        ]
        if relative is not None:
            least, most = np.exp(interval(relative[:, at]))
            mean = np.exp(relative[:, at].mean())
            cells += [f"{mean:.3f}", f"{least:.3f} to {most:.3f}"]
        yield _row([*cells, f"{geometric_mean(compared.seconds[:, at]):.3g}"])


def _pairs(compared: Comparison, pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    headings = ["method", "against", "difference", "95 % interval", "lower, equal, higher"]
    yield from _head([*headings, "times as fast"], texts=2)
    for ours, theirs in pairs:
        first, second = compared.at(ours), compared.at(theirs)
        differences = compared.normalized[:, first] - compared.normalized[:, second]
        low, high = interval(differences)
        ours_errors, their_errors = compared.errors[:, first], compared.errors[:, second]
        ratio = geometric_mean(compared.seconds[:, second] / compared.seconds[:, first])
        cells = [_name(ours), _name(theirs), f"{differences.mean():+.3f}"]
        cells += [f"{low:+.3f} to {high:+.3f}", _wins(ours_errors, their_errors), f"{ratio:.3g}"]
        yield _row(cells)


def _wins(ours: Array, theirs: Array) -> str:
    """Return on how many sets our error is lower, with the interval of the share, equal, higher."""
    lower, equal, higher = wins(ours, theirs)
    least, most = interval(ours < theirs)
    return f"{lower} ({lower / len(ours):.0%}; {least:.0%} to {most:.0%}), {equal}, {higher}"


def _repeated(on_more_splits: Mapping[tuple[str, str], Array]) -> Iterator[str]:
    """Yield the pairs on more splits, with the sets on which the difference is beyond chance."""
    headings = ["method", "against", "sets", f"{MORE_SPLITS} splits: lower, equal, higher"]
    yield from _head([*headings, "beyond two standard errors: lower, higher"], texts=2)
    for (ours, theirs), errors in on_more_splits.items():
        means = errors.mean(axis=1).round(5)
        differences = errors[:, :, 0] - errors[:, :, 1]
        tested = PARTS["test"] / (1 - PARTS["test"])
        beyond = 2 * standard_errors(differences, tested)
        mean = differences.mean(axis=1)
        cells = [ours, theirs, f"{len(errors)}", _wins(means[:, 0], means[:, 1])]
        yield _row([*cells, f"{np.sum(mean < -beyond)}, {np.sum(mean > beyond)}"])


def _errors(compared: Comparison) -> Iterator[str]:
    """Yield the error of each method on each set, the lowest bold; log loss as it is, else in %."""
    yield from _head(["set", *map(_name, compared.methods)], texts=1)
    scale, digits = (1, 3) if compared.measure == "log_loss" else (100, 2)
    for name, errors in zip(compared.sets, compared.errors, strict=True):
        cells = [f"{scale * error:.{digits}f}" for error in errors]
        best = f"{scale * errors.min():.{digits}f}"
        yield _row([name, *(f"**{cell}**" if cell == best else cell for cell in cells)])


def _head(headings: Sequence[str], texts: int) -> Iterator[str]:
    """Yield the head of a table, whose columns but the first are aligned on the right."""
    yield _row(headings)
    yield "|" + "---|" * texts + "---:|" * (len(headings) - texts)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
