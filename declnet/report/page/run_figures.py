"""All that a page shows of one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from declnet.registry.registry import Registry
from declnet.report.page.content import RunFigures, Table, Tile
from declnet.report.page.highlighting import highlighted_toml
from declnet.report.page.model_of_run import load_run
from declnet.report.page.network.figure import network_figure
from declnet.report.page.numbers import ABSENT, shown_duration, shown_number, shown_time
from declnet.report.page.parameter_figures import parameter_figures
from declnet.report.page.predictions.figures import SETS, prediction_figures
from declnet.runs import folder
from declnet.runs.reading import StoredRun

MOST_TILES = 4


def run_figures(run: StoredRun, label: str, registry: Registry) -> RunFigures:
    """Everything of a run, finished or not; what is missing is said where it would stand."""
    manifest = run.manifest
    loaded = load_run(run, registry)
    return RunFigures(
        label=label,
        name=str(manifest.get("name", label)),
        status=str(manifest.get("status", "unknown")),
        facts=_facts(run),
        tiles=_tiles(run),
        error=str(manifest.get("error") or ""),
        predictions=prediction_figures(loaded, registry),
        network=network_figure(run, loaded),
        parameters=parameter_figures(run, loaded, registry),
        spec=highlighted_toml((run.directory / folder.SPEC).read_text("utf-8")),
        manifest=Table("Manifest", ("key", "value"), tuple(_flat(manifest))),
    )


def _facts(run: StoredRun) -> tuple[Tile, ...]:
    manifest = run.manifest
    facts = [Tile("seed", str(manifest.get("seed", ABSENT)))]
    if "started" in manifest:
        facts.append(Tile("started", shown_time(manifest["started"])))
    if isinstance(manifest.get("seconds"), int | float):
        facts.append(Tile("took", shown_duration(manifest["seconds"])))
    if run.history:
        facts.append(Tile("last epoch", shown_number(run.history[-1].get("epoch"))))
    if manifest.get("stopped"):
        facts.append(Tile("stopped early", str(manifest["stopped"])))
    return tuple(facts)


def _tiles(run: StoredRun) -> tuple[Tile, ...]:
    """The figures of the finished model, those of unseen data first; else of the last epoch."""
    tiles = [
        Tile(f"{name} {figure.replace('_', ' ')}", shown_number(value))
        for name in SETS
        for figure, value in _metrics_first(run.metrics.get(name, {}))
    ]
    if not tiles and run.history:
        last = run.history[-1]
        skipped = ("epoch", "learning_rate", "data_loss", "regularization_loss")
        tiles = [
            Tile(f"{key.replace('_', ' ')}, last epoch", shown_number(value))
            for key, value in last.items()
            if key not in skipped and key.removeprefix("validation_") not in skipped
        ]
    return tuple(tiles[:MOST_TILES])


def _metrics_first(figures: Mapping[str, float]) -> list[tuple[str, float]]:
    kept = [(key, value) for key, value in figures.items() if not key.endswith("_loss")]
    return sorted(kept, key=lambda pair: pair[0] == "loss")


def _flat(value: Any, key: str = "") -> list[tuple[str, str]]:
    """The manifest's single values by dotted key."""
    if isinstance(value, Mapping):
        items = [(f"{key}.{name}" if key else str(name), each) for name, each in value.items()]
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        items = [(f"{key}.{index}", each) for index, each in enumerate(value)]
    else:
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        return [(key, text)]
    return [row for name, each in items for row in _flat(each, name)]
