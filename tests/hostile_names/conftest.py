"""Tables that differ only in names, hostile or plain, each with a spec and a run."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from declnet import SPACES, literal_value
from declnet.contracts.network.inputs import is_name
from tests.hostile_names.names import hostile_names

NAMES = int(os.environ.get("DECLNET_TEST_NAMES", "73"))  # `.ci/long` has more

CATEGORIES, CLASSES, LAYERS, ROWS = 4, 4, 4, 90
NUMBERS, TEXTS = (14, 10) if NAMES < 1000 else (50, 40)

IN_A_BATCH = NUMBERS + TEXTS + TEXTS * CATEGORIES + CLASSES + LAYERS + 1
"""Names of a table: of columns, categories, classes, layers and the target."""

BATCHES = -(-NAMES // IN_A_BATCH)

CHANGES = (
    "training.epochs=2",
    "model.layers.0.units=4",
    "model.layers.3.units=4",
    'analyses=["importance", "partial_dependence"]',
)
"""What makes the spec that `declnet new` writes quick to train, and more to report."""


@dataclass(frozen=True)
class Names:
    """The names of a table and its model.

    Attributes:
        columns: of the features and, last, the target.
        cells: the categories of each column of text.
        classes: of the target.
        layers: of layers.
    """

    columns: list[str]
    cells: list[list[str]]
    classes: list[str]
    layers: list[str]

    @classmethod
    def hostile(cls, batch: int) -> Names:
        """Return the names of a batch; one in four has NUL characters."""
        names = hostile_names(batch, spaces=batch % 4 != 1, nul=batch % 4 == 3)
        columns = list(islice(names, NUMBERS + TEXTS + 1))
        layers = list(islice(filter(is_name, names), LAYERS))
        texts = (name.strip(SPACES) for name in names)  # as cells
        cells = [sorted(islice(texts, CATEGORIES)) for _ in range(TEXTS)]
        return cls(columns, cells, sorted(islice(texts, CLASSES)), layers)

    @classmethod
    def plain(cls) -> Names:
        """Return names without a meaning in any language, in the same order."""
        columns = [f"column_{number:02}" for number in range(NUMBERS + TEXTS + 1)]
        cells = [[f"cell_{a:02}_{b}" for b in range(CATEGORIES)] for a in range(TEXTS)]
        classes = [f"class_{number}" for number in range(CLASSES)]
        return cls(columns, cells, classes, [f"layer_{number}" for number in range(LAYERS)])

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the table."""
        rng = np.random.default_rng(0)
        for row in range(ROWS):
            numbers = [round(float(number), 3) for number in rng.normal(size=NUMBERS)]
            texts = [known[int(rng.integers(CATEGORIES))] for known in self.cells]
            cells = [*numbers, *texts, self.classes[row % CLASSES]]
            yield dict(zip(self.columns, cells, strict=True))

    def renaming(self) -> dict[str, str]:
        """Return plain names for these names, and for the texts that declnet derives from them."""
        plain = Names.plain()
        names = [*self.columns, *self.classes, *self.layers]
        others = [*plain.columns, *plain.classes, *plain.layers]
        renaming = dict(zip(names, others, strict=True))
        for name, other in list(renaming.items()):
            for text in ("probability of {}", "probability_{}", "Partial dependence on {}"):
                renaming[text.format(name)] = text.format(other)
        columns = self.columns[NUMBERS:-1]
        for name, cells, known in zip(columns, self.cells, plain.cells, strict=True):
            for cell, other in zip(cells, known, strict=True):
                renaming[cell] = other
                renaming[f"{name}={cell}"] = f"{renaming[name]}={other}"
        return renaming


@dataclass(frozen=True, eq=False)
class Case:
    """A table, with the spec that `declnet new` wrote and its run.

    Attributes:
        folder: has the table, the spec `s.toml` and the run `r`.
        table: its file.
        names: its names.
        declnet: runs the command line in the folder; it must end with `code`, by default 0.
    """

    folder: Path
    table: Path
    names: Names
    declnet: Callable[..., Any]
    _results: dict[Any, Any] = field(default_factory=dict)

    @property
    def features(self) -> list[str]:
        return self.names.columns[:-1]

    @property
    def target(self) -> str:
        return self.names.columns[-1]

    def renamed(self, value: Any) -> Any:
        """Return parsed data with plain names in place of the case's names."""
        return _renamed(value, self.names.renaming())

    def result(self, write: Callable[[Case], Any]) -> Any:
        """Return the result of a function for this case, computed once."""
        if write not in self._results:
            self._results[write] = write(self)
        return self._results[write]


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {_renamed(key, names): _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(rows[0])
        table.writerows(row.values() for row in rows)


def _case(folder: Path, names: Names, suffix: str, command_line: Callable[..., Any]) -> Case:
    table = folder / f"t{suffix}"
    _write(table, list(names.rows()))

    def declnet(*arguments: object, code: int = 0) -> Any:
        done = command_line(*arguments)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    case = Case(folder, table, names, declnet)
    declnet("new", "s.toml", "--data", table.name, "--target", case.target, "--preset", "mlp")
    named = [
        f"model.layers.{position}.name={json.dumps(literal_value(name), ensure_ascii=False)}"
        for position, name in zip((0, 3), names.layers, strict=False)
    ]
    changes = [f"--set={change}" for change in (*CHANGES, *named)]
    declnet("run", "s.toml", "--out", "r", "--quiet", *changes)
    return case


@pytest.fixture(scope="session")
def plain_case(tmp_path_factory, command_in) -> Callable[[str], Case]:
    """Return the plain table as a file with a suffix, written once."""
    cases: dict[str, Case] = {}

    def make(suffix: str) -> Case:
        if suffix not in cases:
            folder = tmp_path_factory.mktemp("plain")
            cases[suffix] = _case(folder, Names.plain(), suffix, command_in(folder))
        return cases[suffix]

    return make


@pytest.fixture(scope="session", params=range(BATCHES))
def cases(request, tmp_path_factory, command_in, plain_case) -> tuple[Case, Case]:
    """Return a hostile table and its plain twin, as JSON Lines or, every fourth time, CSV."""
    suffix = ".csv" if request.param % 4 == 1 else ".jsonl"
    folder = tmp_path_factory.mktemp("hostile")
    names = Names.hostile(request.param)
    return _case(folder, names, suffix, command_in(folder)), plain_case(suffix)
