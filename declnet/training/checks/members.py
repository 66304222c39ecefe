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
from declnet.spec.members import INCONSISTENT, Members
from declnet.spec.model import RunSpec
from declnet.spec.parsed import ParsedSpec
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
        problems |= dict.fromkeys(_disagreements(members, checked))
        problems |= dict.fromkeys(_unscored(members, checked[0]))
        problems |= dict.fromkeys(_biases(members))
    return tuple(problems)


def _disagreements(members: Members, checked: Sequence[Checked]) -> Iterator[Diagnostic]:
    """Yield the members whose predictions differ from the first member's in form or targets."""
    specs = [member.spec for member in members.members]
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


def _unscored(members: Members, checked: Checked) -> Iterator[Diagnostic]:
    """Yield the losses whose predictions cannot be scored, so that weights cannot be selected."""
    spec, train = members.members[0].spec, checked.data.get("train")
    tasks = _facts(spec, checked).get("outputs", ()) if members.selects else ()
    for head, task in zip(spec.heads, tasks, strict=False):
        target = None if train is None else train.targets.get(head.target or "")
        is_odd = (
            task.task == "values" and target is not None and task.units != prod(target.target_shape)
        )
        if task.scores or is_odd:
            message = f'weights cannot be selected for the predictions of "{head.loss.type}"'
            hint = "give each member a weight"
            problem = Diagnostic(message, hint, ("loss",), INCONSISTENT)
            yield from spec.source_map.locate([problem])


def _biases(members: Members) -> Iterator[Diagnostic]:
    """Yield the callbacks that choose by the rows on which weights are selected."""
    for member in members.members if members.selects else ():
        spec, problems = member.spec, list[Diagnostic]()
        for number, callback in enumerate(spec.training.callbacks):
            monitored = verified(Callback.monitors, callback)
            if callback.selects_epoch and spec.data.folds is not None:
                continue  # other rows select the epoch by which a row is predicted
            if any(name.startswith(VALIDATION) for name in monitored):
                message = f'"{callback.type}" chooses by the validation data, on which the weights '
                message += "are selected, so they would favor this member"
                hint = "remove it, and set the number of epochs; or give the members weights"
                at = ("training", "callbacks", number)
                problems.append(Diagnostic(message, hint, at, INCONSISTENT))
        yield from spec.source_map.locate(problems)
