"""What the input of `declnet predict` has that the training data does not, on one line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from declnet.cli.display.diagnostics import show_note
from declnet.data.preparing.unusual_cells import CellWatch, UnusualCells
from declnet.display.words import counted
from declnet.runs.inference.predictions import Predictions

MOST_COLUMNS = 3
"""Columns that are named, at most."""

FEW = 3
"""Cells that may be chance in any data of more rows."""

FACTOR = 3
"""How many times as many cells as the training data leads to expect are worth a note."""


class UnusualInputs:
    """Counts the cells that are unlike the training data.

    A new category is always worth a note. Numbers outside of the range and missing cells are if
    there are many more than data like the training data would have.

    Args:
        watches: the predictor's.
    """

    def __init__(self, watches: Sequence[CellWatch | None]) -> None:
        self._training = {
            name: cells
            for watch in watches
            if watch is not None
            for name, cells in watch.training.items()
        }
        self._counts: dict[str, UnusualCells] = {}

    def counted(
        self, parts: Iterable[Mapping[str, Predictions]]
    ) -> Iterator[Mapping[str, Predictions]]:
        """Yield the parts unchanged."""
        for part in parts:
            UnusualCells.accumulate(self._counts, next(iter(part.values())).unusual.items())
            yield part

    def show(self, rows: int) -> None:
        """Print a note on the columns with most of such cells among that many rows, if any."""
        notable = {}
        for name, cells in self._counts.items():
            texts = self._texts(name, cells, rows)
            if texts:
                notable[name] = f'"{name}" {" and ".join(texts)}'
        if not notable:
            return
        worst = sorted(notable, key=self._total, reverse=True)
        named = ", ".join(notable[name] for name in worst[:MOST_COLUMNS])
        more = len(worst) - MOST_COLUMNS
        others = f", and {counted(more, 'more column')}" if more > 0 else ""
        show_note(f"unlike the training data, in {counted(rows, 'row')}: {named}{others}")

    def _total(self, name: str) -> int:
        cells = self._counts[name]
        return cells.missing + cells.unseen + cells.outside

    def _texts(self, name: str, cells: UnusualCells, rows: int) -> list[str]:
        """Return what is notable about a column."""
        texts, training = [], self._training.get(name)
        if cells.unseen:
            texts.append(f"has {cells.unseen:,} unseen")
        if training is None:
            return texts
        if _is_notable(cells.outside, rows, training.expected_outside):
            limits = f"{training.low:.6g} to {training.high:.6g}"
            texts.append(f"has {cells.outside:,} outside of {limits}")
        if _is_notable(cells.missing, rows, training.expected_missing):
            texts.append(f"is missing in {cells.missing:,}")
        return texts


def _is_notable(count: int, rows: int, expected: float) -> bool:
    """Return whether a count is more than chance; the expected share is of the rows."""
    return count > min(FEW, rows - 1) and count > FACTOR * rows * expected
