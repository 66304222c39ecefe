"""Checks on templates: what they write for `declnet new` is a valid spec, which trains."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from declnet import (
    Array,
    DataError,
    DataInfo,
    SpecError,
    Table,
    check_spec,
    load_spec,
    parse_spec,
    run,
    verified,
)
from declnet.testing import CheckFailed, CheckSkipped, Subject, calling, check
from declnet_plugins.new.arrays import ArraysProfile
from declnet_plugins.new.profile import TargetKind
from declnet_plugins.new.template import PASSED, Template, spec_for_arrays

ROWS = 200

EVERY_TYPE = "columns of every type"

TRAINED = (f"{EVERY_TYPE} and three classes to predict", f"{EVERY_TYPE} with odd names")
"""The tables for which models are trained, too."""

NOT_INSTALLED = "E008"
"""The code of a requirement that no installed distribution satisfies."""

ODD_NAMES = {
    "size": 'size "m²" \\ a.b',
    "rooms": "${rooms} # 'all'",
    "new": "new = true]",
    "city": "city\tname",
    "y": 'the "y" ${HOME}',
}
"""Names that are not what they look like in TOML or as variables."""


def _tables() -> Iterator[tuple[str, Table, TargetKind]]:
    """Yield tables with columns of every type, and what their target is to be predicted as."""
    rng = np.random.default_rng(7)
    size, rooms = rng.normal(100, 30, ROWS), rng.integers(1, 6, ROWS)
    gaps = np.where(rng.random(ROWS) < 0.1, np.nan, size)
    city = np.array(["Bern", 'the "Lyon"', "Turin", None], object)[rng.integers(0, 4, ROWS)]
    numbers = {"size": size, "rooms": rooms}
    mixed = {"size": gaps, "rooms": rooms, "new": rng.random(ROWS) > 0.5, "city": city}
    price, visits = size + 20 * rooms, rng.poisson(rooms).astype(np.int64)
    kind = np.array(["flat", "house", 'a "loft"'], object)[rooms % 3]
    for columns, described in ((numbers, "numbers"), (mixed, EVERY_TYPE)):
        targets: dict[str, tuple[Any, TargetKind]] = {
            "a number": (price, "values"),
            "a count": (visits, "values"),
            "three classes": (kind, "classes"),
            "yes or no": (size > 100, "binary"),
        }
        for target, (y, task) in targets.items():
            table = {**columns, "y": y}
            yield f"{described} and {target} to predict", Table(table, "y"), task
        odd = {ODD_NAMES[name]: column for name, column in {**columns, "y": price}.items()}
        yield f"{described} with odd names", Table(odd, ODD_NAMES["y"]), "values"


def _arrays() -> Iterator[tuple[str, Array, Array]]:
    """Yield arrays of samples, and labels of three classes."""
    rng = np.random.default_rng(8)
    labels = np.arange(60) % 3
    yield "color images", rng.integers(0, 256, (60, 3, 9, 12)).astype(np.uint8), labels
    yield "gray images", rng.random((60, 1, 16, 16)), labels
    yield "rows of numbers", rng.normal(size=(60, 5)), labels


@check
def writes_a_valid_example(subject: Subject) -> None:
    """Writes an example that is a valid spec, unless it requires what is not installed."""
    template: Template = subject.instance
    if not template.has_example():
        raise CheckSkipped("it writes specs for tables only")
    with calling("spec"):
        text = verified(Template.spec, template)
        tomllib.loads(text)
    with calling("files"):
        files = verified(Template.files, template)
    with TemporaryDirectory() as name, _valid("what spec() returns"):
        for file, content in {**files, "spec.toml": text.encode()}.items():
            path = Path(name, file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        load_spec(Path(name, "spec.toml"), registry=subject.registry)


@check
def writes_valid_specs_for_tables(subject: Subject) -> None:
    """Writes a spec that can be checked and trained for each table that it does not refuse."""
    template: Template = subject.instance
    if not template.takes_tables():
        raise CheckSkipped("it takes no tables")
    refusals = []
    for name, table, kind in _tables():
        try:
            with calling(f"spec_for_table, for {name}", allows=DataError):
                written = Template.write_spec(
                    table, {str(table.target): kind}, subject.registry, template.type
                )
        except DataError as error:
            refusals.append(f"{name}: {error}")
            continue
        with _valid(f"the spec for {name}", "; raise DataError for a table that it cannot serve"):
            spec = parse_spec(written.document, subject.registry)
            data = {"train": Table(table.columns, table.target, written.features)}
            check_spec(spec, subject.registry, data, suspects=False).require_right()
            if name in TRAINED:
                run(spec, data, registry=subject.registry, stop_when=lambda _: "it trains")
    if len(refusals) == len([*_tables()]):
        raise CheckSkipped(f"it takes none of the tables of the kit, e.g. {refusals[0]}")


@check
def writes_valid_specs_for_arrays(subject: Subject) -> None:
    """Writes a spec that can be checked and trained for arrays that it does not refuse."""
    template: Template = subject.instance
    if not template.takes_arrays():
        raise CheckSkipped("it takes no arrays")
    refusals = []
    for name, x, y in _arrays():
        arrays = ArraysProfile(PASSED, DataInfo.of(x, y))
        try:
            with calling(f"spec_for_arrays, for {name}", allows=DataError):
                written = spec_for_arrays(template, arrays, subject.registry)
        except DataError as error:
            refusals.append(f"{name}: {error}")
            continue
        written.document["data"].pop("train")
        with _valid(f"the spec for {name}", "; raise DataError for arrays that it cannot serve"):
            spec = parse_spec(written.document, subject.registry)
            data = {"train": (x, y)}
            run(spec, data, registry=subject.registry, stop_when=lambda _: "it trains")
    if len(refusals) == len([*_arrays()]):
        raise CheckSkipped(f"it takes none of the arrays of the kit, e.g. {refusals[0]}")


CHECKS = (writes_a_valid_example, writes_valid_specs_for_tables, writes_valid_specs_for_arrays)


@contextmanager
def _valid(what: str, advice: str = "") -> Iterator[None]:
    """Fail with the first error of a spec; skip if it requires what is not installed."""
    try:
        with calling(what, allows=SpecError):
            yield
    except SpecError as error:
        first, *others = error.problems
        for problem in error.problems:
            if problem.code == NOT_INSTALLED:
                raise CheckSkipped(f"{what} requires what is not installed: {problem}") from None
        more = f" (and {len(others)} more)" if others else ""
        raise CheckFailed(f"{what} is not valid: {first}{more}{advice}") from None
