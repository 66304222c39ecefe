"""`declnet find-rate`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from declnet import SpecOptions, number_literal, print_json, print_line, sparkline

if TYPE_CHECKING:
    from declnet.inspection.rates.search import RateSearch
    from declnet.inspection.rates.trainings import Curve, Trial

WIDTH = 64
"""Width of the curve in columns."""


@click.command("find-rate", short_help="Suggest a learning rate for a spec.")
@SpecOptions.pass_to()
@click.option(
    "--budget",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="RUNS",
    help="Total training budget, in runs of the spec; 0: only the range test.",
)
@click.option("--apply", is_flag=True, help="Write the suggestion into SPEC; nothing else changes.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="json: the curve, the comparisons and the suggestion.",
)
def find_rate(options: SpecOptions, budget: float, apply: bool, form: str) -> None:
    """Suggest a learning rate for SPEC.

    A range test trains with a rate that grows with every update until the loss diverges. Lower
    rates are then compared in short trainings. Short runs may exceed the budget.
    """
    from declnet.inspection.rates.search import find_rate as search
    from declnet.inspection.rates.trainings import Curve, rate_of

    if apply and options.overrides:
        raise click.UsageError(
            "--apply cannot be combined with --set: the rate would suit another spec"
        )
    spec = options.load()
    path, rate = rate_of(spec)
    path = spec.source_map.defining_path(path)
    in_file = options.editable_number(path, rate) if apply else None
    trials: list[Trial] = []

    def show(step: Curve | Trial) -> None:
        if form == "json":
            return
        if isinstance(step, Curve):
            _show_curve(step)
            return
        if not trials:
            print_line()
        show_trial(step, is_first=not trials)
        trials.append(step)

    outcome = search(options.start(), budget=budget, watch=show)
    if in_file is not None:
        in_file.set(outcome.suggested, "the learning rate")
    if form == "json":
        print_json(_as_data(outcome) | {"applied": apply})
        return
    print_line()
    print_line(
        f"suggested: {_dotted(outcome)} = {number_literal(outcome.suggested)}, {_reason(outcome)}"
    )
    print_line(f"cost: {outcome.runs:.1f} runs ({outcome.updates} updates)")
    if apply:
        print_line(f"written to {options.path}")


def _dotted(outcome: RateSearch) -> str:
    return ".".join(map(str, outcome.path))


def _show_curve(curve: Curve) -> None:
    bound = max(curve.losses[0], curve.smoothed[0])
    line = sparkline([min(loss, bound) for loss in curve.smoothed], WIDTH)
    first, last = number_literal(curve.rates[0], 2), number_literal(curve.rates[-1], 2)
    end = "then the loss diverged" if curve.diverged else "without diverging"
    print_line(f"range test: rates {first} to {last} in {len(curve.rates)} updates, {end}")
    print_line(f"loss {curve.losses[0]:.3g}, at best {min(curve.smoothed):.3g}")
    print_line()
    print_line(f"  {line}")
    print_line(f"  {first}{last.rjust(max(1, len(line) - len(first)))}")


def show_trial(trial: Trial, *, is_first: bool) -> None:
    """Print a training as a row, below the columns' names if it is the first."""
    if is_first:
        print_line(f"{'rate':>10}  {'updates':>8}  {'loss':>10}")
    loss = "diverged" if trial.diverged else f"{trial.loss:.4g}"
    print_line(f"{number_literal(trial.rate, 4):>10}  {trial.updates:>8}  {loss:>10}")


def _reason(outcome: RateSearch) -> str:
    """Return why a rate is suggested, in one line."""
    current, suggested, trials = outcome.current, outcome.suggested, outcome.trials
    longest = max((trial.updates for trial in trials), default=0)
    last = [trial for trial in trials if trial.updates == longest]
    best = next((trial for trial in last if trial.rate == suggested), None)
    if best is None or best.diverged:
        return "a third of the rate with the lowest loss in the range test"
    rates = len({trial.rate for trial in trials})
    reason = f"lowest {outcome.criterion} of {rates} rates: {best.loss:.3g} in {longest} updates"
    if current == suggested:
        return f"as in the spec: {reason}"
    of_current = [trial for trial in trials if trial.rate == current]
    if not of_current:
        return f"{reason} (the spec has {number_literal(current, 4)})"
    trial = max(of_current, key=lambda trial: trial.updates)
    loss = "diverged" if trial.diverged else f"{trial.loss:.3g} in {trial.updates}"
    return f"{reason} (the spec's {number_literal(current, 4)}: {loss})"


def _as_data(outcome: RateSearch) -> dict[str, Any]:
    curve = outcome.curve
    return {
        "key": _dotted(outcome),
        "current": outcome.current,
        "suggested": outcome.suggested,
        "reason": _reason(outcome),
        "curve": asdict(curve),
        "trials": [asdict(trial) for trial in outcome.trials],
        "compared_by": outcome.criterion,
        "updates": outcome.updates,
        "runs": outcome.runs,
    }
