"""Checks of members: that their predictions have a mean, and their weights can be selected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from declnet.contracts.data.table import Table
from declnet.contracts.returned import verified
from declnet.contracts.runs.callback import Callback
from declnet.errors import Diagnostic
from declnet.spec.heads import VALIDATION
from declnet.spec.members import INCONSISTENT
from declnet.spec.model import RunSpec
from declnet.spec.partial import ParsedSpec
from declnet.training.tasks import task_of

if TYPE_CHECKING:
    from declnet.training.checks.check import Checked


def problems_of_members(parsed: ParsedSpec, checked: Sequence[Checked]) -> tuple[Diagnostic, ...]:
    """Return the problems of all members, and of their mean.

    Args:
        parsed: the spec with members.
        checked: the result of checking each member.
    """
    problems = dict.fromkeys(parsed.source_map.locate(parsed.diagnostics))
    problems |= dict.fromkeys(chain(*(result.problems for result in checked)))
    members = parsed.spec.members if parsed.spec is not None else None
    if members is not None and not any(result.errors for result in checked):
        specs = [member.spec for member in members.members]
        problems |= dict.fromkeys(disagreements(specs, checked))
        if members.selects:
            remedy = "give each member a weight"
            problems |= dict.fromkeys(selection_problems(specs, checked[0], remedy))
    return tuple(problems)


def disagreements(specs: Sequence[RunSpec], checked: Sequence[Checked]) -> Iterator[Diagnostic]:
    """Yield the members whose predictions differ from the first one's in form or targets."""
    facts = [_facts(spec, result) for spec, result in zip(specs, checked, strict=True)]
    for number, spec in enumerate(specs):
        for noun, fact in facts[number].items():
            if fact != facts[0].get(noun, fact):
                message = f'"{spec.name}" has other {noun} than "{specs[0].name}", so there is no '
                message += "mean of their predictions"
                at, hint = ("data",), "give both the same target"
                if noun == "outputs":
                    at, hint = ("model",), "give both an output of the same size, for such a loss"
                problem = Diagnostic(message, hint, at, INCONSISTENT)
                yield from spec.source_map.locate([problem])


def _facts(spec: RunSpec, checked: Checked) -> dict[str, Any]:
    """Return what members must have in common, as far as it is known, by its name in messages."""
    facts: dict[str, Any] = {}
    if checked.nodes:
        nodes, last = {node.name: node for node in checked.nodes}, checked.nodes[-1]
        dtype = np.dtype(spec.model.dtype)
        facts["outputs"] = [
            task_of(head.loss, nodes.get(head.output or "", last).output_shape, dtype)
            for head in spec.heads
        ]
    if isinstance(checked.loaded, Table):
        facts["targets"] = checked.loaded.target_columns
    return facts


def selection_problems(
    specs: Sequence[RunSpec], first: Checked, remedy: str
) -> Iterator[Diagnostic]:
    """Yield why weights of members cannot be selected.

    Args:
        specs: their specs.
        first: the result of checking the first one.
        remedy: what to do instead of selecting weights.
    """
    yield from _unscored(specs[0], first, remedy)
    yield from _biases(specs, remedy)


def _unscored(spec: RunSpec, checked: Checked, remedy: str) -> Iterator[Diagnostic]:
    """Yield the losses whose predictions cannot be scored, so that weights cannot be selected."""
    train, tasks = checked.data.get("train"), _facts(spec, checked).get("outputs", ())
    for head, task in zip(spec.heads, tasks, strict=False):
        target = None if train is None else train.targets.get(head.target or "")
        is_odd = (
            task.task == "values" and target is not None and task.units != prod(target.target_shape)
        )
        if task.scores or is_odd:
            message = f'weights cannot be selected for the predictions of "{head.loss.type}"'
            problem = Diagnostic(message, remedy, ("loss",), INCONSISTENT)
            yield from spec.source_map.locate([problem])


def _biases(specs: Sequence[RunSpec], remedy: str) -> Iterator[Diagnostic]:
    """Yield the callbacks that choose by the rows on which weights are selected."""
    for spec in specs:
        problems = list[Diagnostic]()
        for number, callback in enumerate(spec.training.callbacks):
            monitored = verified(Callback.monitors, callback)
            if callback.selects_epoch and spec.data.folds is not None:
                continue  # other rows select the epoch by which a row is predicted
            if any(name.startswith(VALIDATION) for name in monitored):
                message = f'"{callback.type}" chooses by the validation data, on which the weights '
                message += "are selected, so they would favor this member"
                hint = f"remove it, and set the number of epochs; or {remedy}"
                at = ("training", "callbacks", number)
                problems.append(Diagnostic(message, hint, at, INCONSISTENT))
        yield from spec.source_map.locate(problems)
