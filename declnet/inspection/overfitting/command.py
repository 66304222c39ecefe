"""`declnet overfit`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from declnet import (
    ResultTable,
    SpecOptions,
    number_literal,
    print_json,
    print_line,
    print_table,
)
from declnet.inspection.rates.command import show_trial

if TYPE_CHECKING:
    from declnet import RunSpec
    from declnet.inspection.overfitting.layers import Fault
    from declnet.inspection.overfitting.overfit import Overfitting
    from declnet.inspection.rates.trainings import KeyPath, Trial

PATHS: dict[str, KeyPath] = {
    "optimizer": ("optimizer", "learning_rate"),
    "data": ("data", "train"),
    "model": ("model",),
}
"""The keys of the sections that a fault may be in."""


@click.command(short_help="Overfit a few samples, or find what prevents it.")
@SpecOptions.pass_to()
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
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="json: the trainings, the layers and the cause of failure.",
)
def overfit(options: SpecOptions, samples: int, updates: int, seconds: float, form: str) -> int:
    """Train SPEC on a few samples until their loss is about zero.

    A network that cannot do this cannot learn from more samples either. If the loss stays high, or
    a layer does not learn, the layer and the reason are printed, and the exit code is 1.
    """
    from declnet.inspection.overfitting.overfit import overfit as train

    spec = options.load()
    shown: list[Trial] = []

    def show(attempt: Trial) -> None:
        if form == "text":
            show_trial(attempt, is_first=not shown)
            shown.append(attempt)

    outcome = train(options.start(), samples=samples, updates=updates, seconds=seconds, watch=show)
    if form == "json":
        names = {"goal": "wanted"}  # the name of the first versions
        print_json({names.get(name, name): value for name, value in asdict(outcome).items()})
    else:
        _show(outcome, spec)
    return 0 if outcome.succeeded and outcome.fault is None else 1


def _show(outcome: Overfitting, spec: RunSpec) -> None:
    samples = "1 sample" if outcome.samples == 1 else f"{outcome.samples} samples"
    if outcome.classes is not None:
        samples += f" of {outcome.classes} classes"
    best = outcome.best
    print_line()
    if outcome.succeeded:
        rate = number_literal(best.rate, 4)
        after = f"after {best.updates} updates with a learning rate of {rate}"
        print_line(f"{samples}: the loss is about zero ({best.loss:.3g}) {after}")
    else:
        stays = f"the loss stays at {best.loss:.3g}"
        print_line(f"{samples}: {stays}; {outcome.goal:.3g} would be about zero")
    if outcome.note is not None:
        print_line(f"note: {outcome.note}")
    if not outcome.succeeded:
        _show_layers(outcome)
    if outcome.fault is not None:
        _show_fault(outcome.fault, spec)


def _show_fault(fault: Fault, spec: RunSpec) -> None:
    path = PATHS[fault.name] if fault.layer is None else ("model", "layers", fault.layer)
    place = spec.source_map.place_of(path)
    print_line(f'error: "{fault.name}": {fault.reason}')
    if place is not None:
        print_line(f"  --> {place}")
    print_line(f"  = help: {fault.help}")


def _show_layers(outcome: Overfitting) -> None:
    def percent(share: float | None) -> str:
        return "" if share is None else f"{share:.0%}"

    rows = tuple(
        (
            layer.name,
            percent(layer.dead),
            percent(layer.saturated),
            "" if layer.change is None else f"{layer.change:.2g}",
        )
        for layer in outcome.layers
    )
    columns = ("layer", "dead units", "saturated", "relative change")
    print_line()
    print_table(ResultTable("", columns, rows, kinds=dict.fromkeys(columns[1:], "number")))
