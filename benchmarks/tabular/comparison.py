"""Comparing the results of methods on the sets that all of them have finished."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabular.comparing import geometric_mean, normalized
from tabular.methods import BASELINES, OUTSIDE_THE_SCALE
from tabular.results import Key, Record

Array = Any

DIGITS = 5
"""Of the mean error: records have six, so equal errors may differ in the last one."""
FLOOR = 0.002
"""Added to errors before their ratio is taken, since some are 0."""


@dataclass(frozen=True)
class Comparison:
    """The results of methods on the sets that all of them have finished.

    Attributes:
        measure: the name of the measure; smaller is better.
        sets: the names of the sets.
        methods: the names of the methods, the best first.
        splits: how many splits of each set are compared.
        errors: (sets, methods), the mean of the splits.
        seconds: (sets, methods), processor time of the fits, their geometric mean.
        processors: the machines' processors.
        missing: for each set that is left out, the methods without results.
    """

    measure: str
    sets: tuple[str, ...]
    methods: tuple[str, ...]
    splits: tuple[int, ...]
    errors: Array
    seconds: Array
    processors: tuple[str, ...]
    missing: Mapping[str, Sequence[str]]

    @property
    def normalized(self) -> Array:
        """Return the normalized errors (sets, methods)."""
        in_scale = [name not in OUTSIDE_THE_SCALE for name in self.methods]
        return normalized(self.errors, np.array(in_scale))

    @property
    def relative(self) -> Array | None:
        """Return the logarithms (sets, methods) of errors relative to the best baseline's.

        None if a baseline has not been measured.
        """
        if not set(BASELINES) <= set(self.methods):
            return None
        errors = np.log(self.errors + FLOOR)
        best = errors[:, [self.at(name) for name in BASELINES]].min(axis=1, keepdims=True)
        return errors - best

    @property
    def firsts(self) -> Array:
        """Return on how many sets no method has a lower error (methods,)."""
        return (self.errors <= self.errors.min(axis=1, keepdims=True)).sum(axis=0)

    def at(self, method: str) -> int:
        """Return the position of a method."""
        return self.methods.index(method)


def compare(
    records: Mapping[Key, Record],
    sets: Sequence[str],
    methods: Iterable[str],
    measure: str = "error",
) -> Comparison | None:
    """Compare the methods that have results by the splits that all of them have finished.

    Args:
        records: the results.
        sets: the names of the sets; those without any result are ignored.
        methods: the names of the methods.
        measure: the name of the measure; sets without it are ignored.

    Returns:
        The comparison, or None if no set was finished by all methods.
    """
    splits: dict[tuple[str, str], set[int]] = {}
    for (name, split, method), record in records.items():
        if measure in record:
            splits.setdefault((name, method), set()).add(split)
    methods = [method for method in methods if any((name, method) in splits for name in sets)]
    common, missing = {}, {}
    for name in sets:
        finished = [splits.get((name, method), set()) for method in methods]
        if any(finished):
            common[name] = sorted(set.intersection(*finished))
            missing[name] = [
                method for method, done in zip(methods, finished, strict=True) if not done
            ]
    whole = [name for name, shared in common.items() if shared]
    if not whole:
        return None
    errors, seconds, processors = np.empty((len(whole), len(methods))), [], set()
    for at, name in enumerate(whole):
        rows = [[records[name, split, method] for method in methods] for split in common[name]]
        errors[at] = np.mean([[record[measure] for record in row] for row in rows], axis=0)
        times = np.array([[record["processor_seconds"] for record in row] for row in rows])
        seconds.append([geometric_mean(times[:, column]) for column in range(len(methods))])
        processors |= {record["processor"] for row in rows for record in row}
    compared = Comparison(
        measure,
        tuple(whole),
        tuple(methods),
        tuple(len(common[name]) for name in whole),
        errors.round(DIGITS),
        np.array(seconds),
        tuple(sorted(processors)),
        {name: lacking for name, lacking in missing.items() if name not in whole},
    )
    order = np.argsort(compared.normalized.mean(axis=0), kind="stable")
    return Comparison(
        measure,
        compared.sets,
        tuple(methods[at] for at in order),
        compared.splits,
        compared.errors[:, order],
        compared.seconds[:, order],
        compared.processors,
        compared.missing,
    )
