"""What a page is made of; the template knows only these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Table:
    """Rows of text; the first cell of each names the row.

    Attributes:
        caption: what the table holds, for those who cannot see where it stands.
        columns: the headings.
        rows: a text for each column.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Chart:
    """A chart, and the same in words and in numbers.

    Attributes:
        title: its heading.
        description: what it shows, for those who cannot see it.
        spec: in Vega-Lite; the page adds the width and the style.
        table: the numbers behind it.
        note: a line under the title.
        logarithmic: whether the page offers a logarithmic y axis.
        wide: whether it takes a whole row of the page.
        small: whether it is one of many.
    """

    title: str
    description: str
    spec: dict[str, Any]
    table: Table | None = None
    note: str = ""
    logarithmic: bool = False
    wide: bool = False
    small: bool = False


@dataclass(frozen=True)
class ConfusionMatrix:
    """How often each class was predicted for each.

    Attributes:
        classes: their names.
        rows: for each true class, the count and the share of its samples, by predicted class.
    """

    classes: tuple[str, ...]
    rows: tuple[tuple[tuple[int, float], ...], ...]


@dataclass(frozen=True)
class Tile:
    """A figure that is shown large."""

    label: str
    value: str


@dataclass(frozen=True)
class PredictionFigures:
    """What a model's predictions look like on a data set.

    Attributes:
        note: which data set, how many samples; or why there are no figures.
    """

    note: str
    charts: tuple[Chart, ...] = ()
    confusion: ConfusionMatrix | None = None
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class NetworkFigure:
    """The network as a graph.

    Attributes:
        drawing: an SVG element; empty if there is none.
        table: the layers.
        note: how large it is, or why it is not shown.
    """

    note: str
    drawing: str = ""
    table: Table | None = None


@dataclass(frozen=True)
class ParameterFigures:
    """The parameters' distributions, and the gradients' where they can be had."""

    note: str
    charts: tuple[Chart, ...] = ()
    table: Table | None = None


@dataclass(frozen=True)
class RunFigures:
    """All that the page shows of one run.

    Attributes:
        label: what tells it from the page's other runs.
        status: e.g. `finished`.
        facts: when, how long, and the like.
        error: what stopped it, if something did.
        spec: highlighted HTML.
        manifest: rows of key and value.
    """

    label: str
    name: str
    status: str
    facts: tuple[Tile, ...]
    tiles: tuple[Tile, ...]
    error: str
    predictions: PredictionFigures | None
    network: NetworkFigure | None
    parameters: ParameterFigures | None
    spec: str
    manifest: Table


@dataclass(frozen=True)
class Page:
    """The whole page.

    Attributes:
        final: figures of the finished models; None if no run finished.
        curves: over all runs.
        differences: of the runs' specs; None for a single run.
        runs: those that are shown one by one.
        left_out: how many are only in the curves and tables.
    """

    title: str
    made: str
    final: Table | None
    curves: tuple[Chart, ...]
    differences: Table | None
    runs: tuple[RunFigures, ...] = field(default=())
    left_out: int = 0
