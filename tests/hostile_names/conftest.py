"""Two tables that differ in names alone, hostile ones and plain ones, with a run of each."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from declnet import literal_value
from declnet.contracts.network.inputs import is_name
from tests.hostile_names.names import hostile_names

NUMBERS, TEXTS, CATEGORIES, CLASSES, LAYERS, ROWS = 14, 10, 4, 4, 4, 90

IN_A_BATCH = NUMBERS + TEXTS + TEXTS * CATEGORIES + CLASSES + LAYERS + 1
"""Names of a table: of columns, categories, classes and the target."""

BATCHES = -(-int(os.environ.get("DECLNET_TEST_NAMES", "138")) // IN_A_BATCH)

Names = tuple[list[str], list[list[str]], list[str], list[str]]
"""The names of the columns, of the categories of each with text, of the classes, and of layers."""

CHANGES = (
    "training.epochs=2",
    "model.layers.0.units=4",
    "model.layers.3.units=4",
    'analyses=["importance", "partial_dependence"]',
)
"""What makes the spec that `declnet new` writes quick to train, and more to report."""


@dataclass(frozen=True)
class Case:
    """A table and what the command line made of it.

    Attributes:
        folder: has the table, the spec `s.toml` and the run `r`.
        columns: the names of the features.
        target: the name of the target.
        classes: the names of the classes.
        layers: the names of four layers.
        plain: the plain name for each hostile name.
        declnet: runs the command line in the folder; it must succeed.
    """

    folder: Path
    table: Path
    columns: list[str]
    target: str
    classes: list[str]
    layers: list[str]
    plain: dict[str, str]
    declnet: Callable[..., Any]

    def renamed(self, value: Any) -> Any:
        """Return parsed data with plain names in place of these."""
        if isinstance(value, dict):
            return {self.renamed(key): self.renamed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.renamed(item) for item in value]
        return self.plain.get(value, value) if isinstance(value, str) else value


def _names(batch: int, raw: bool) -> Names:
    stream = hostile_names(batch, raw=raw)
    columns = list(islice(stream, NUMBERS + TEXTS + 1))
    layers = list(islice(filter(is_name, stream), LAYERS))
    cells = [sorted(islice(stream, CATEGORIES)) for _ in range(TEXTS)]
    return columns, cells, sorted(islice(stream, CLASSES)), layers


def _renaming(names: Names) -> dict[str, str]:
    """Return plain names for names, and for the texts that declnet makes of them."""
    (columns, cells, classes, layers), plain = names, _plain_names()
    renaming = dict(
        zip([*columns, *classes, *layers], [*plain[0], *plain[2], *plain[3]], strict=True)
    )
    for name in (*columns, *classes):
        for text in ("probability of {}", "probability_{}", "Partial dependence on {}"):
            renaming[text.format(name)] = text.format(renaming[name])
    for name, known, others in zip(columns[NUMBERS:-1], cells, plain[1], strict=True):
        for cell, other in zip(known, others, strict=True):
            renaming[cell] = other
            renaming[f"{name}={cell}"] = f"{renaming[name]}={other}"
    return renaming


def _plain_names() -> Names:
    columns = [f"column_{number:02}" for number in range(NUMBERS + TEXTS + 1)]
    cells = [[f"cell_{a:02}_{b}" for b in range(CATEGORIES)] for a in range(TEXTS)]
    classes = [f"class_{number}" for number in range(CLASSES)]
    return columns, cells, classes, [f"layer_{number}" for number in range(LAYERS)]


def _rows(
    columns: list[str], cells: list[list[str]], classes: list[str]
) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(0)
    for row in range(ROWS):
        numbers = [round(float(number), 3) for number in rng.normal(size=NUMBERS)]
        texts = [known[int(rng.integers(CATEGORIES))] for known in cells]
        yield dict(zip(columns, [*numbers, *texts, classes[row % CLASSES]], strict=True))


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(rows[0])
        table.writerows(row.values() for row in rows)


@pytest.fixture(scope="session", params=range(BATCHES))
def cases(request, tmp_path_factory, command_in) -> tuple[Case, Case]:
    """A hostile table and its plain twin, as CSV or JSON Lines, each with a run."""
    batch = request.param
    raw = batch % 2 == 1
    hostile, plain = _names(batch, raw), _plain_names()
    found = []
    for name, (columns, cells, classes, layers) in (("hostile", hostile), ("plain", plain)):
        folder = tmp_path_factory.mktemp(name)
        table = folder / ("t.jsonl" if raw else "t.csv")
        _write(table, list(_rows(columns, cells, classes)))
        run_command = command_in(folder)

        def declnet(*arguments: object, code: int = 0, run_command=run_command) -> Any:
            done = run_command(*arguments)
            assert done.returncode == code, done.stderr
            assert "Traceback" not in done.stderr
            return done

        *features, target = columns
        case = Case(folder, table, features, target, classes, layers, _renaming(hostile), declnet)
        declnet("new", "s.toml", "--data", table.name, "--target", target, "--preset", "mlp")
        named = [
            f"model.layers.{position}.name={json.dumps(literal_value(name))}"
            for position, name in zip((0, 3), layers, strict=False)
        ]
        declnet(
            "run",
            "s.toml",
            "--out",
            "r",
            "--quiet",
            *(f"--set={each}" for each in (*CHANGES, *named)),
        )
        found.append(case)
    return found[0], found[1]
