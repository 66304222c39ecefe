"""Kill the groups of plans before each of some file operations, and resume them.

Run as a program with an empty folder and the least number of kills, it prints the number of kills,
and fails at the first group that does not end like one that was never killed. The groups belong to
a third-party plan, which decides by the outcomes, and to a search with several runs per trial.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from declnet import (
    DONE,
    WAIT,
    Journal,
    OutputError,
    Plan,
    Step,
    Task,
    open_group,
    parse_spec,
    resume,
    sweep,
    tune,
)
from declnet.testing.examples import registry_with

sys.path.insert(0, str(Path(__file__).parents[1]))
from killed_anywhere import FILES, SPEC, in_a_process, warm_up  # a program, like this one


class Halving(Plan):
    """A plan that trains each point on a first fold, and the better half of them on the next."""

    type = "halving"
    rates: tuple[float, ...] = (0.001, 0.5, 0.05)

    def next(self, journal: Journal) -> Task | Step:
        """Return the next run of a point that is left."""
        alive = list(self.rates)
        for fold in (1, 2):
            for rate in alive:
                task = Task(f"{rate}/fold-{fold}", {"optimizer.learning_rate": rate}, fold=fold)
                if task.folder not in journal.tasks:
                    return task
            outcomes = {rate: journal.outcomes.get(f"{rate}/fold-{fold}") for rate in alive}
            if None in outcomes.values():
                return WAIT
            losses = {r: o.metric("validation.loss") for r, o in outcomes.items() if o is not None}
            alive = sorted(alive, key=lambda rate: losses[rate])[: -(-len(alive) // 2)]
        return DONE


REGISTRY = registry_with([Halving])
TUNE = {
    "trials": 4,
    "seeds": [3, 4],
    "search": "random",
    "space": {"optimizer.learning_rate": {"low": 0.01, "high": 1.0, "log": True}},
}


def bits(directory: Path) -> dict[str, bytes]:
    paths = [path for path in sorted(directory.rglob("*")) if path.name in FILES]
    return {str(path.relative_to(directory)): path.read_bytes() for path in paths}


def tasks(directory: Path) -> list[Task]:
    return list(open_group(directory, REGISTRY).journal.tasks.values())


def complete(begin: Callable[..., Any], spec: Any, out: Path, options: dict[str, Any]) -> None:
    try:
        resume(out, jobs=1, registry=REGISTRY)
    except OutputError:  # it had not begun
        begin(spec, out=out, jobs=1, registry=REGISTRY, **options)


def main(folder: Path, most: int) -> None:
    os.fsync = lambda _: None  # slow; a kill, unlike a power cut, loses nothing that was written
    labels = np.arange(30) % 3
    np.savez(folder / "data.npz", x=np.eye(3)[labels], y=labels)
    warm_up(folder)
    kills = 0
    for begin, document, options in (
        (sweep, {**SPEC, "data": {**SPEC["data"], "folds": 3}}, {"plan": Halving()}),
        (tune, {**SPEC, "tune": TUNE}, {}),
    ):
        if begin is sweep:
            del document["data"]["validation"]
        spec = parse_spec(document, REGISTRY, folder=folder)
        whole, arguments = folder / f"whole-{begin.__name__}", {"registry": REGISTRY, **options}
        assert in_a_process(None, begin, spec, out=whole, jobs=1, **arguments) == 0
        step = 11 if most >= 100 else 97
        for number in itertools.count(0, step):
            out = folder / f"out-{begin.__name__}-{number}"
            if in_a_process(number, begin, spec, out=out, jobs=1, **arguments) == 0:
                break
            kills += 1
            assert in_a_process(None, complete, begin, spec, out, options) == 0, number
            assert tasks(out) == tasks(whole), number
            assert bits(out) == bits(whole), number
            left = [path for path in out.rglob(".*") if path.is_file()]
            assert not left, (number, left)
    sys.stdout.write(f"{kills}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]))
