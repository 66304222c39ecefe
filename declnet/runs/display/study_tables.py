"""The tables of a study's summary: its trials, and how much each key matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from declnet.display.tables import Kind, ResultTable, TableChart, kinds_of
from declnet.runs.many.documents import StudySummary


def summary_tables(summary: StudySummary) -> Iterator[ResultTable]:
    """Yield the trials of a study by number, with their objective drawn, and what keys matter."""
    keys = dict.fromkeys(key for trial in summary.trials for key in trial.values)
    rows = tuple(
        (trial.number, trial.state, *map(trial.values.get, keys), trial.value)
        for trial in summary.trials
    )
    columns = ("trial", "state", *keys, summary.objective)
    kinds: dict[str, Kind] = {**kinds_of(keys, "setting"), summary.objective: "number"}
    chart = TableChart("lines", "trial", (summary.objective,), axis="auto")
    note = summary.gain.sentence(summary.objective) if summary.gain is not None else ""
    yield ResultTable(summary.name, columns, rows, note, kinds, chart)
    if summary.importance:
        yield importance_table(summary.importance)


def importance_table(importance: Mapping[str, float]) -> ResultTable:
    """Return how much each key matters to the objective of a study."""
    rows = tuple(importance.items())
    chart = TableChart("bars", "key", ("importance",))
    kinds: dict[str, Kind] = {"importance": "share"}
    return ResultTable("", ("key", "importance"), rows, kinds=kinds, chart=chart)
