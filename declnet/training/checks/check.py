"""All checks of a spec, in one pass.

A check is a function that takes the `CheckContext` of a run and yields diagnostics. `check_spec`
makes all checks that `CHECKS` lists, in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from math import prod
from typing import Any

import numpy as np

from declnet.caching import computed_once, shares_results
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.data.dataset import DataInfo
from declnet.contracts.data.table import Table
from declnet.contracts.returned import verified
from declnet.contracts.runs.callback import Callback
from declnet.data.sets import PreparedSets
from declnet.data.splits import Data
from declnet.data.synthetic_rows import sampled
from declnet.errors import Diagnostic, SpecError
from declnet.graph.initial_weights import StartingPoint
from declnet.graph.shapes import Network, Node
from declnet.registry.registry import Registry
from declnet.spec.heads import VALIDATION
from declnet.spec.members import INCONSISTENT
from declnet.spec.model import RunSpec
from declnet.spec.partial import ParsedSpec
from declnet.spec.requirements import registry_for
from declnet.training.checks import (
    calibration,
    components,
    data,
    leakage,
    model,
    targets,
)
from declnet.training.checks.context import CheckContext
from declnet.training.checks.description import Described, describe, previews, sure_errors
from declnet.training.tasks import task_of

Check = Callable[[CheckContext], Iterable[Diagnostic]]

CHECKS: tuple[Check, ...] = (
    data.note_warnings,
    data.short_series,
    data.unused_transforms,
    data.columns_of_many_values,
    targets.losses_without_output,
    targets.unusable_data,
    targets.losses_without_target,
    targets.layer_problems,
    targets.targets_without_loss,
    model.unusable_initializers,
    model.group_problems,
    data.unlike_training_data,
    data.empty_data,
    data.size_problems,
    data.class_problems,
    data.integer_problems,
    model.unusable_weights,
    components.component_problems,
    components.evaluated_problems,
    targets.output_problems,
    components.schedule_problems,
    targets.label_problems,
    calibration.calibration_problems,
    model.linear_problems,
    model.frozen_problems,
    model.engine_problems,
    model.memory_problems,
)
"""All checks; each comes after those whose errors would make its own redundant."""

SUSPICIONS: tuple[Check, ...] = (targets.one_class_warnings, leakage.leakage_warnings)
"""Checks that take as long as all others, and find no errors, only warnings."""


@dataclass(frozen=True)
class Checked:
    """The result of a check.

    Attributes:
        network: the model's layers with their shapes; None unless all are known.
        data: what is known about each data set, by name.
        memory: bytes that the run will hold, by purpose; None if unknown.
        problems: every error and warning, with locations, in the order of the spec.
        sets: the prepared data, if the check had to load it.
        loaded: the training data before it was split and prepared, if it was loaded.
        no_features: its columns that are not features, with their purposes.
        starting: what is loaded from a file, if `model.initial_weights` loads a part of the model.
    """

    network: Network | None
    data: Mapping[str, DataInfo]
    memory: Mapping[str, int] | None
    problems: tuple[Diagnostic, ...]
    sets: PreparedSets | None = None
    loaded: Data | None = None
    no_features: Mapping[str, str] = field(default_factory=dict)
    starting: StartingPoint | None = None

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The model's layers; empty unless all are known."""
        return self.network.nodes if self.network is not None else ()

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The problems that prevent the run from starting."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The problems that are valid but suspicious."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    def require_right(self) -> None:
        """Raise SpecError, without the warnings, if there are errors."""
        if self.errors:
            raise SpecError(self.errors)


def check_spec(
    spec: RunSpec | ParsedSpec,
    registry: Registry | None = None,
    data: Mapping[str, Data] | None = None,
    *,
    suspects: bool = True,
) -> Checked:
    """Check a spec against its data, loading as little data as possible.

    A spec with errors is checked as far as its parts are valid on their own. Runs that share their
    data share the result.

    Args:
        data: data sets passed by a program in place of the spec's.
        suspects: whether to make the checks of `SUSPICIONS` too, which only warn.

    Returns:
        What was found. Its `problems` are the diagnostics, and `require_right()` raises a SpecError
        if there are errors among them.

    Raises:
        ComponentError: a component raised, or returned a value its contract does not allow.
    """
    parsed = spec if isinstance(spec, ParsedSpec) else ParsedSpec.of(spec)
    if parsed.members:
        of_members = [
            check_spec(member, registry, data, suspects=suspects and number == 0)
            for number, member in enumerate(parsed.members)
        ]
        problems = problems_of_members(parsed, of_members)
        return replace(of_members[0], problems=problems, sets=None)
    valid, document = parsed.spec, parsed.source_map.document
    plugins = valid.plugins if valid is not None else document.get("plugins")
    registry = registry_for(plugins, registry)
    seed = valid.seed if valid is not None else 0

    def check(described: Described, checks: tuple[Check, ...]) -> Checked:
        return _checked(
            parsed,
            CheckContext(parsed.partial, registry, described, seed, data, parsed.diagnostics),
            checks,
        )

    with attributing_errors(registry):
        if data is None and parsed.partial.data.stream is not None:
            # reading all of a stream takes long, so what its first samples prove is reported before
            early = [check(preview, CHECKS) for preview in previews(parsed.partial)]
            sure = sure_errors([checked.errors for checked in early])
            if sure:
                return replace(early[0], problems=tuple(sure), sets=None)
        described = describe(parsed.partial, seed, data)
        check_all = partial(check, described, CHECKS + SUSPICIONS if suspects else CHECKS)
        if not shares_results() or valid is None or parsed.diagnostics:
            return check_all()
        sections = [section for name, section in vars(valid).items() if name != "seed"]
        about = described.infos, described.problems, parsed.source_map, registry, suspects
        key = "check", sections, *about
        checked = computed_once((described.sets, described.loaded), key, check_all)
        # a check may have loaded data for its limits, which depends on the seed
        return checked if described.sets is not None else replace(checked, sets=None)


def _checked(parsed: ParsedSpec, context: CheckContext, checks: Iterable[Check]) -> Checked:
    """Make checks of a run, one after another."""
    for check in checks:
        for problem in check(context):
            context.reported.append(problem)  # the next ones depend on it
    problems = parsed.source_map.as_written(context.reported)
    sets = context.sets
    return Checked(
        context.inferred.network,
        context.infos,
        context.memory,
        parsed.source_map.locate([*parsed.diagnostics, *problems]),
        # a run needs no more of it than to draw synthetic rows
        replace(sets, raw={"train": sampled(sets.raw["train"])}) if sets is not None else None,
        context.described.loaded,
        context.spec.data.no_features,
        context.initial_weights[0],
    )


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
