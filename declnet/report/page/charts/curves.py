"""Charts of the loss, the metrics and the learning rate over the epochs, of one run or several."""

from __future__ import annotations

from collections.abc import Mapping

from declnet.report.page.charts.curve_spec import curve_spec
from declnet.report.page.charts.series import VALIDATION, Curves, Rows, curves_of
from declnet.report.page.content import Chart, Table
from declnet.report.page.numbers import ABSENT, shown_number
from declnet.report.page.statistics.thinning import even_positions

NOT_DRAWN = ("epoch", "learning_rate", "data_loss", "regularization_loss")
"""Keys of a history that are no figures of their own; the learning rate comes last."""
TABLE_ROWS = 40


def curve_charts(histories: Mapping[str, Rows]) -> tuple[Chart, ...]:
    """A chart for the loss, each metric and the learning rate, as far as they were logged.

    Args:
        histories: the logged epochs by run.
    """
    all_curves = [curves_of(histories, name) for name in [*figures_of(histories), "learning_rate"]]
    return tuple(_chart(curves) for curves in all_curves if curves.series)


def figures_of(histories: Mapping[str, Rows]) -> list[str]:
    """The figures that were logged, of training or validation, the loss first."""
    keys = dict.fromkeys(key for rows in histories.values() for row in rows for key in row)
    names = dict.fromkeys(key.removeprefix(VALIDATION) for key in keys)
    return sorted(
        (name for name in names if name not in NOT_DRAWN), key=lambda name: name != "loss"
    )


def _chart(curves: Curves) -> Chart:
    title = curves.title
    return Chart(
        title=title[:1].upper() + title[1:],
        description=_description(curves),
        spec=curve_spec(curves),
        table=_table(curves),
        note=_lowest(curves),
        logarithmic=all(value > 0 for each in curves.series for _, value in each.points),
        wide=curves.name == "loss",
    )


def _description(curves: Curves) -> str:
    ends = []
    for series in curves.series:
        (first, start), (last, end) = series.points[0], series.points[-1]
        start_text, end_text = shown_number(float(start)), shown_number(float(end))
        change = f"from {start_text} at epoch {first} to {end_text} at epoch {last}"
        ends.append(f"{curves.label(series)} {change}")
    return f"Line chart of {curves.title} by epoch: {'; '.join(ends)}."


def _lowest(curves: Curves) -> str:
    """Where the validation loss was lowest, which tells when training went on for too long."""
    validation = [each for each in curves.series if each.part == "validation"]
    if curves.several or curves.name != "loss" or not validation:
        return ""
    epoch, value = min(validation[0].points, key=lambda point: point[1])
    return f"Lowest on validation data: {shown_number(float(value))} at epoch {epoch:,}."


def _table(curves: Curves) -> Table:
    """The values at some of the epochs, few enough to be read."""
    epochs = sorted({epoch for each in curves.series for epoch, _ in each.points})
    kept = [epochs[position] for position in even_positions(len(epochs), TABLE_ROWS)]
    values = [dict(each.points) for each in curves.series]
    rows = tuple(
        (
            str(epoch),
            *(shown_number(float(each[epoch])) if epoch in each else ABSENT for each in values),
        )
        for epoch in kept
    )
    some = "" if len(kept) == len(epochs) else f", {len(kept)} of {len(epochs)} logged epochs"
    columns = ("epoch", *(curves.label(each) for each in curves.series))
    return Table(f"{curves.title} by epoch{some}", columns, rows)
