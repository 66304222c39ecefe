"""The content of a page; templates use only these classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from declnet import AxisScale, ResultTable


@dataclass(frozen=True)
class Chart:
    """A chart, with its content as text and numbers too.

    Attributes:
        title: its heading.
        description: what it shows, for screen readers.
        spec: the Vega-Lite spec; the page adds the width and the style.
        table: the numbers behind it.
        note: a line under the title.
        logarithmic: whether the page offers a logarithmic y axis.
        scale: that of the y axis as it is drawn at first, if it was chosen.
        wide: whether it takes a whole row of the page.
        small: whether it is one of many.
    """

    title: str
    description: str
    spec: dict[str, Any]
    table: ResultTable | None = None
    note: str = ""
    logarithmic: bool = False
    wide: bool = False
    small: bool = False
    scale: AxisScale | None = None


@dataclass(frozen=True)
class Tile:
    """A value shown in large type."""

    label: str
    value: str


@dataclass(frozen=True)
class Section:
    """A section about a run: its predictions, its analyses, its network or its parameters.

    Attributes:
        note: what it is about, or why nothing is shown.
        drawing: an SVG element; empty if there is none.
    """

    note: str
    charts: tuple[Chart, ...] = ()
    tables: tuple[ResultTable, ...] = ()
    drawing: str = ""


@dataclass(frozen=True)
class PanelSection:
    """A section that a plugin adds.

    Attributes:
        id: of the section, unique within a run.
        title: its heading.
        html: its content.
        error: why it has no content.
        charts: below its HTML.
        tables: below the charts.
    """

    id: str
    title: str
    html: str = ""
    error: str = ""
    charts: tuple[Chart, ...] = ()
    tables: tuple[ResultTable, ...] = ()


@dataclass(frozen=True)
class RunSection:
    """Everything that the page shows about one run.

    Attributes:
        label: a name that is unique on the page.
        status: e.g. `finished`.
        facts: start time, duration and the like.
        tiles: final metrics, in large type.
        predictions: a section for each loss by its name, `""` for the only one.
        analyses: those stored in the run's folder; None if there are none.
        error: the error that stopped it, if any.
        spec: highlighted HTML.
        manifest: rows of key and value.
        panels: sections added by plugins.
    """

    label: str
    status: str
    facts: tuple[Tile, ...]
    tiles: tuple[Tile, ...]
    error: str
    predictions: Mapping[str, Section]
    network: Section
    parameters: Section
    spec: str
    manifest: ResultTable
    panels: tuple[PanelSection, ...] = ()
    analyses: Section | None = None


@dataclass(frozen=True)
class GroupSection:
    """What the page shows about the models of several runs as one.

    Attributes:
        label: the name of their folder.
        note: how their predictions are made, or why nothing is shown.
        tables: metrics, members, and the spread over the runs.
        predictions: as for a run.
        analyses: of the models together; None if there are none.
    """

    label: str
    note: str
    tables: tuple[ResultTable, ...] = ()
    predictions: Mapping[str, Section] = field(default_factory=dict)
    analyses: Section | None = None


@dataclass(frozen=True)
class Page:
    """The whole page.

    Attributes:
        title: its heading.
        generated: the time of generation.
        final: metrics of the finished model, or of several with what differs in their specs; None
            if no run finished.
        curves: over all runs.
        runs: the runs shown one by one.
        left_out: the number of runs that are only in the curves and tables.
        together: for each folder of folds, seeds or members, its models as one.
    """

    title: str
    generated: str
    final: ResultTable | None
    curves: tuple[Chart, ...]
    runs: tuple[RunSection, ...] = field(default=())
    left_out: int = 0
    together: tuple[GroupSection, ...] = ()
