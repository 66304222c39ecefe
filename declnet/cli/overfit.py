"""`declnet overfit`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from declnet.cli.display.diagnostics import show_diagnostics
from declnet.cli.display.streams import print_document, print_line
from declnet.cli.find_rate import show_trial
from declnet.cli.options import (
    format_option,
    no_plugin_option,
    registry_without,
    set_option,
    spec_argument,
)
from declnet.cli.reading import valid_spec

if TYPE_CHECKING:
    from declnet.errors import KeyPath
    from declnet.inspection.layers import Fault
    from declnet.inspection.overfitting import Overfitting
    from declnet.inspection.trainings import Trial
    from declnet.spec.model import RunSpec

PATHS: dict[str, KeyPath] = {
    "optimizer": ("optimizer", "learning_rate"),
    "data": ("data", "train"),
    "model": ("model",),
}
"""The keys of the sections that a fault may be in."""


@click.command(short_help="Overfit a few samples, or find what prevents it.")
@spec_argument
@set_option
@no_plugin_option
@click.option(
    "--samples",
    type=click.IntRange(min=2),
    default=16,
    show_default=True,
    help="Number of training samples, at least one of each class.",
)
@click.option(
    "--updates",
    type=click.IntRange(min=1),
    default=5000,
    show_default=True,
    help="Maximum number of updates of each training.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Time limit for all trainings together, in seconds.",
)
@format_option("the trainings, the layers and the cause of failure.")
def overfit(
    spec: Path,
    overrides: tuple[str, ...],
    disabled: tuple[str, ...],
    samples: int,
    updates: int,
    seconds: float,
    form: str,
) -> int:
    """Train SPEC on a few samples until their loss is about zero.

    A network that cannot do this cannot learn from more samples either. If the loss stays high, or
    a layer does not learn, the layer and the reason are printed, and the exit code is 1.
    """
    from declnet.inspection.overfitting import overfit as carry_out
    from declnet.runs.storage.writing import json_document

    registry = registry_without(disabled)
    loaded, checked = valid_spec(spec, overrides, registry)
    show_diagnostics(checked.warnings)
    shown: list[Trial] = []

    def show(attempt: Trial) -> None:
        if form == "text":
            show_trial(attempt, is_first=not shown)
            shown.append(attempt)

    found = carry_out(
        loaded,
        registry,
        samples=samples,
        updates=updates,
        seconds=seconds,
        checked=checked,
        watch=show,
    )
    is_right = found.succeeded and found.fault is None
    if form == "json":
        print_document(json_document(asdict(found)).decode())
    else:
        _show(found, loaded)
    return 0 if is_right else 1


def _show(found: Overfitting, spec: RunSpec) -> None:
    from declnet.display.words import counted
    from declnet.spec.document.editing import written

    classes = f" of {found.classes} classes" if found.classes is not None else ""
    samples = f"{counted(found.samples, 'sample')}{classes}"
    best = found.best
    if found.succeeded:
        after = f"after {best.updates} updates with a learning rate of {written(best.rate, 4)}"
        print_line()
        print_line(f"{samples}: the loss is about zero ({best.loss:.3g}) {after}")
    else:
        stays = f"the loss stays at {best.loss:.3g}"
        print_line()
        print_line(f"{samples}: {stays}; {found.wanted:.3g} would be about zero")
    if found.note is not None:
        print_line(f"note: {found.note}")
    if not found.succeeded:
        _show_layers(found)
    if found.fault is not None:
        _show_fault(found.fault, spec)


def _show_fault(fault: Fault, spec: RunSpec) -> None:
    path = PATHS[fault.name] if fault.layer is None else ("model", "layers", fault.layer)
    place = spec.source_map.place_of(path)
    print_line(f'error: "{fault.name}": {fault.reason}')
    if place is not None:
        print_line(f"  --> {place}")
    print_line(f"  = help: {fault.help}")


def _show_layers(found: Overfitting) -> None:
    from declnet.cli.display.terminal import print_table
    from declnet.display.tables import ResultTable, kinds_of

    def percent(share: float | None) -> str:
        return "" if share is None else f"{share:.0%}"

    rows = tuple(
        (
            layer.name,
            percent(layer.dead),
            percent(layer.saturated),
            "" if layer.change is None else f"{layer.change:.2g}",
        )
        for layer in found.layers
    )
    columns = ("layer", "dead units", "saturated", "relative change")
    print_line()
    print_table(ResultTable("", columns, rows, kinds=kinds_of(columns[1:])))
