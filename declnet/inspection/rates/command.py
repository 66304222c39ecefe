"""`declnet find-rate`."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from declnet.cli.display.diagnostics import show_diagnostics
from declnet.cli.display.streams import print_document, print_line
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
    from declnet.inspection.rates import RateSearch
    from declnet.inspection.trainings import Curve, Trial

WIDTH = 64
"""Width of the curve in columns."""


@click.command("find-rate", short_help="Suggest a learning rate for a spec.")
@spec_argument
@set_option
@no_plugin_option
@click.option(
    "--budget",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="RUNS",
    help="Total training budget, in runs of the spec; 0: only the range test.",
)
@click.option("--apply", is_flag=True, help="Write the suggestion into SPEC; nothing else changes.")
@format_option("the curve, the comparisons and the suggestion.")
def find_rate(
    spec: Path,
    overrides: tuple[str, ...],
    disabled: tuple[str, ...],
    budget: float,
    apply: bool,
    form: str,
) -> None:
    """Suggest a learning rate for SPEC.

    A range test trains with a rate that grows with every update until the loss diverges. Lower
    rates are then compared in short trainings. Short runs may exceed the budget.
    """
    from declnet.errors import dotted
    from declnet.inspection.rates import find_rate as search
    from declnet.inspection.trainings import Curve, rate_of
    from declnet.runs.storage.writing import json_document
    from declnet.spec.document.editing import written

    if apply and overrides:
        raise click.UsageError(
            "--apply cannot be combined with --set: the rate would suit another spec"
        )
    registry = registry_without(disabled)
    loaded, checked = valid_spec(spec, overrides, registry)
    path, rate = rate_of(loaded)
    path = loaded.source_map.defining_path(path)
    target = _EditableFile(spec, path, rate) if apply else None
    show_diagnostics(checked.warnings)
    shown: list[Trial] = []

    def show(step: Curve | Trial) -> None:
        if form == "json":
            return
        if isinstance(step, Curve):
            _show_curve(step)
        else:
            if not shown:
                print_line()
            show_trial(step, is_first=not shown)
            shown.append(step)

    found = search(loaded, registry, budget=budget, checked=checked, watch=show)
    if target is not None:
        target.write(found.suggested)
    if form == "json":
        data = json_document(_as_data(found) | {"applied": apply})
        print_document(data.decode())
        return
    key = dotted(found.path)
    print_line()
    print_line(f"suggested: {key} = {written(found.suggested)}, {_reason(found)}")
    print_line(f"cost: {found.runs:.1f} runs ({found.updates} updates)")
    if apply:
        print_line(f"written to {spec}")


class _EditableFile:
    """A spec file in which a number will be set.

    Raises:
        OutputError: it cannot be written to, or the key is in a form that cannot be edited.
    """

    def __init__(self, path: Path, key: KeyPath, number: float) -> None:
        from declnet.errors import OutputError
        from declnet.spec.document.document import read_document
        from declnet.spec.document.editing import with_number

        self._path, self._key = path.resolve(), key  # keeps a symbolic link
        self._content = self._path.read_bytes()
        self._source = read_document(path).source
        try:
            with self._path.open("r+b"):
                pass
            if not os.access(self._path.parent, os.W_OK):
                raise PermissionError(0, "its folder is read-only")
            with_number(self._source, key, number)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
        except ValueError as error:
            raise OutputError(f"{path}: {error}; set it by hand") from None

    def write(self, number: float) -> None:
        """Set the number; raise OutputError if the file has changed since it was read."""
        from declnet.errors import OutputError
        from declnet.runs.storage.writing import write_atomically
        from declnet.spec.document.editing import with_number, written

        text = with_number(self._source, self._key, number)
        mark = self._content[:3] if self._content.startswith(b"\xef\xbb\xbf") else b""
        by_hand = f"set the learning rate to {written(number)} by hand"
        try:
            if self._path.read_bytes() != self._content:
                raise OutputError(f"{self._path} was changed in the meantime; {by_hand}")
            mode = self._path.stat().st_mode
            write_atomically(self._path, mark + text.encode())
            self._path.chmod(mode)
        except OSError as error:
            message = f"{self._path}: cannot be written: {error.strerror}; {by_hand}"
            raise OutputError(message) from None


def _show_curve(curve: Curve) -> None:
    from declnet.cli.display.terminal import sparkline
    from declnet.spec.document.editing import written

    bound = max(curve.losses[0], curve.smoothed[0])
    line = sparkline([min(each, bound) for each in curve.smoothed], WIDTH)
    first, last = written(curve.rates[0], 2), written(curve.rates[-1], 2)
    end = "then the loss diverged" if curve.diverged else "without diverging"
    print_line(f"range test: rates {first} to {last} in {len(curve.rates)} updates, {end}")
    print_line(f"loss {curve.losses[0]:.3g}, at best {min(curve.smoothed):.3g}")
    print_line()
    print_line(f"  {line}")
    print_line(f"  {first}{last.rjust(max(1, len(line) - len(first)))}")


def show_trial(trial: Trial, *, is_first: bool) -> None:
    """Print a training as a row, below the columns' names if it is the first."""
    from declnet.spec.document.editing import written

    if is_first:
        print_line(f"{'rate':>10}  {'updates':>8}  {'loss':>10}")
    loss = "diverged" if trial.diverged else f"{trial.loss:.4g}"
    print_line(f"{written(trial.rate, 4):>10}  {trial.updates:>8}  {loss:>10}")


def _reason(found: RateSearch) -> str:
    """Return why a rate is suggested, in one line."""
    from declnet.spec.document.editing import written

    longest = max((trial.updates for trial in found.trials), default=0)
    last = [trial for trial in found.trials if trial.updates == longest]
    best = next((each for each in last if each.rate == found.suggested), None)
    if best is None or best.diverged:
        return "a third of the rate with the lowest loss in the range test"
    rates = len({trial.rate for trial in found.trials})
    said = f"lowest {found.judged_by} of {rates} rates: {best.loss:.3g} in {longest} updates"
    own = max(
        (trial for trial in found.trials if trial.rate == found.current),
        key=lambda each: each.updates,
        default=None,
    )
    if found.current == found.suggested:
        return f"as in the spec: {said}"
    if own is None:
        return f"{said} (the spec has {written(found.current, 4)})"
    loss = "diverged" if own.diverged else f"{own.loss:.3g} in {own.updates}"
    return f"{said} (the spec's {written(found.current, 4)}: {loss})"


def _as_data(found: RateSearch) -> dict[str, Any]:
    from declnet.errors import dotted

    curve = found.curve
    return {
        "key": dotted(found.path),
        "current": found.current,
        "suggested": found.suggested,
        "reason": _reason(found),
        "curve": {
            "rates": list(curve.rates),
            "losses": list(curve.losses),
            "diverged": curve.diverged,
        },
        "trials": [asdict(trial) for trial in found.trials],
        "compared_by": found.judged_by,
        "updates": found.updates,
        "runs": found.runs,
    }
