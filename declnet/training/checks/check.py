"""All checks of a spec, in one pass.

A check is a function that takes the `CheckContext` of a run and yields diagnostics. `check_spec`
makes all checks that `CHECKS` lists, in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from declnet.caching import computed_once, shares_results
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.data.dataset import DataInfo
from declnet.data.sets import PreparedSets
from declnet.data.splits import Data
from declnet.data.synthetic_rows import sampled
from declnet.errors import Diagnostic, SpecError
from declnet.graph.initial_weights import StartingPoint
from declnet.graph.shapes import Network, Node
from declnet.registry.registry import Registry
from declnet.spec.model import RunSpec
from declnet.spec.partial import ParsedSpec
from declnet.spec.requirements import registry_for
from declnet.training.checks import (
    calibration,
    components,
    data,
    graph,
    heads,
    leakage,
    model,
    sizes,
    targets,
)
from declnet.training.checks.context import CheckContext
from declnet.training.checks.description import Described, describe, previews, sure_errors
from declnet.training.checks.members import problems_of_members

Check = Callable[[CheckContext], Iterable[Diagnostic]]

CHECKS: tuple[Check, ...] = (
    data.note_warnings,
    data.short_series,
    data.unused_transforms,
    data.columns_of_many_values,
    heads.losses_without_output,
    heads.unusable_data,
    heads.losses_without_target,
    heads.layer_problems,
    heads.targets_without_loss,
    graph.unusable_initializers,
    graph.group_problems,
    data.unlike_training_data,
    data.empty_data,
    sizes.size_problems,
    data.class_problems,
    data.integer_problems,
    graph.unusable_weights,
    components.component_problems,
    components.evaluated_problems,
    targets.output_problems,
    components.schedule_problems,
    targets.label_problems,
    calibration.calibration_problems,
    model.linear_problems,
    model.frozen_problems,
    graph.engine_problems,
    graph.memory_problems,
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
