"""All checks of a spec, in one pass."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from declnet.caching import computed_once, shares_results
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.data.data_source import DataInfo
from declnet.contracts.network.inputs import InputInfo, lengths_of
from declnet.contracts.network.metric_names import Better
from declnet.data.replacing import column_names
from declnet.data.sets import PreparedSets
from declnet.data.splits import Data
from declnet.errors import Diagnostic, SpecError
from declnet.graph.initial_weights import StartingPoint
from declnet.graph.initializers import initializer_problems
from declnet.graph.kernels import engine_problem, engine_warnings
from declnet.graph.parameters import slots_of
from declnet.graph.shapes import Inferred, Network, Node, infer
from declnet.registry.registry import Registry
from declnet.spec.model import RunSpec
from declnet.spec.partial import PartialSpec
from declnet.spec.requirements import registry_for
from declnet.spec.validate import ParsedSpec
from declnet.training.checks.calibration import calibration_problems
from declnet.training.checks.components import component_problems, known_epochs
from declnet.training.checks.data import Described, class_problems, data_problems, describe
from declnet.training.checks.heads import checked_heads, output_problems_of, target_problems_of
from declnet.training.checks.integers import input_problems, within_limits
from declnet.training.checks.leakage import leakage_warnings
from declnet.training.checks.members import problems_of_members
from declnet.training.checks.model import frozen_problems, linear_problems, output_problems
from declnet.training.checks.parameters import group_problems, weight_problems
from declnet.training.checks.schedules import schedule_problems
from declnet.training.checks.streams import previews, sure_errors
from declnet.training.checks.targets import label_problems, one_class_warnings, target_problems
from declnet.training.memory import run_memory, too_large
from declnet.training.metrics import history_metrics


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
        suspects: whether to look for columns that leak the target, which takes as long as all
            other checks and finds no errors, only warnings.

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
    registry = registry_for(
        valid.plugins if valid is not None else document.get("plugins"), registry
    )
    seed = valid.seed if valid is not None else 0
    with attributing_errors(registry):
        partial = parsed.partial
        if data is None and partial.data.stream is not None:
            # reading all of a stream takes long, so what its first samples prove is reported before
            early = [
                _check_described(preview, parsed, registry, seed, None, False)
                for preview in previews(partial)
            ]
            sure = sure_errors([checked.errors for checked in early])
            if sure:
                return replace(early[0], problems=tuple(sure), sets=None)
        described = describe(partial, seed, data)
        check = functools.partial(
            _check_described, described, parsed, registry, seed, data, suspects
        )
        if not shares_results() or valid is None or parsed.diagnostics:
            return check()
        sections = [section for name, section in vars(valid).items() if name != "seed"]
        about = parsed.source_map, registry, described.infos, described.problems, suspects
        checked = computed_once(
            (described.sets, described.loaded), ("check", sections, *about), check
        )
        # data that the check loaded, for its limits, may be that of another seed
        return checked if described.sets is not None else replace(checked, sets=None)


def _check_described(
    described: Described,
    parsed: ParsedSpec,
    registry: Registry,
    seed: int,
    data: Mapping[str, Data] | None,
    suspects: bool,
) -> Checked:
    """Check a spec on described data; the seed counts only where more data is loaded."""
    partial = parsed.partial
    infos, problems = described.infos, list(described.problems)
    train = infos.get("train")
    inputs, layers = _inputs(partial, described), partial.layers
    inferred = computed_once(  # which most points of a sweep share
        (registry,),
        ("inferred", [vars(part) for part in layers], inputs, partial.outputs),
        functools.partial(infer, layers, inputs, registry, partial.outputs),
    )
    problems += inferred.problems
    problems += target_problems_of(partial, infos, described.loaded)
    if ("model", "outputs") not in [problem.path[:2] for problem in inferred.problems]:
        ends = output_problems_of(partial, inferred)
        problems = [*_without_lost(problems, ends, partial, inferred), *ends]
    problems += initializer_problems(inferred.complete, registry)
    if inferred.complete and partial.optimizer is not None:
        problems += group_problems(slots_of(inferred.complete), partial.optimizer.groups)
    problems += data_problems(partial, infos, described.sets)
    if described.sets is None:  # else the data was loaded, with its classes
        problems += class_problems(partial, infos)
    described, limited = within_limits(partial, described, seed, data, inferred)
    problems += limited or input_problems(inferred.nodes, train)
    starting, loading_problems = weight_problems(partial, inferred.complete)
    problems += loading_problems
    validated = _is_validated(partial, described, [*parsed.diagnostics, *problems])
    metrics = _metrics(partial, validated, [*parsed.diagnostics, *problems])
    heads = checked_heads(partial, inferred, infos)
    columns = column_names(described.loaded) if described.loaded is not None else ()
    of_components = component_problems(partial, heads, infos, inferred, metrics, columns)
    by_head = [output_problems(head.part.loss, head.nodes, registry) for head in heads]
    for head, faults in zip(heads, by_head, strict=True):
        if all(fault.code != "E043" for fault in (*of_components, *faults)):
            problems += target_problems(head.part, head.infos, head.nodes, registry)
    problems += [*of_components, *(fault for faults in by_head for fault in faults)]
    problems += schedule_problems(partial, infos)
    for head in heads:
        problems += label_problems(head.part, partial.data, head.infos, head.nodes, registry)
    if suspects:
        problems += one_class_warnings(partial, described.sets)
        problems += leakage_warnings(partial, described.sets)
    problems += calibration_problems(partial, heads, validated, described.sets)
    problems += linear_problems(inferred.nodes, registry)
    problems += frozen_problems(inferred.complete, known_epochs(partial.training, infos))
    memory = run_memory(partial, described.held, inferred.network, registry)
    demands = too_large(memory), engine_problem(partial.engine, registry)
    problems += [problem for problem in demands if problem is not None]
    problems += engine_warnings(partial.engine)
    return Checked(
        inferred.network,
        infos,
        memory,
        parsed.source_map.locate([*parsed.diagnostics, *parsed.source_map.as_written(problems)]),
        described.sets and replace(described.sets, raw={}),  # which a run would hold in vain
        described.loaded,
        partial.data.no_features,
        starting,
    )


def _without_lost(
    problems: Sequence[Diagnostic],
    ends: Sequence[Diagnostic],
    partial: PartialSpec,
    inferred: Inferred,
) -> list[Diagnostic]:
    """Leave out what follows from an error in the name of a loss, or in its `output`.

    That is a layer whose output nothing takes, and the target of the same name.
    """
    reported = {problem.path[:2] for problem in ends}
    names = {head.output for head in partial.heads if head.path in reported}
    lost = [("model", "layers", at) for at, name in enumerate(inferred.names) if name in names]
    named = [("E023", path) for path in lost] + [("E046", problem.path) for problem in ends]
    return [problem for problem in problems if (problem.code, problem.path) not in named]


def _inputs(partial: PartialSpec, described: Described) -> Mapping[str, InputInfo | None] | None:
    """Return the model's inputs; None for what is unknown as the data is invalid."""
    train, named = described.infos.get("train"), partial.data.inputs
    known = train.inputs if train is not None else {}
    if named is not None and not set(known).issuperset(named):
        lengths = InputInfo((), "integer", optional=True)
        return dict.fromkeys(named) | {lengths_of(name): lengths for name in named}
    return known or None


def _is_validated(
    partial: PartialSpec, described: Described, problems: Iterable[Diagnostic]
) -> bool | None:
    """Return whether the run has validation data; None if the data is invalid."""
    errors = (problem for problem in problems if problem.severity == "error")
    if any(problem.path[:1] == ("data",) for problem in errors):
        return None
    data = partial.data
    sets = described.sets  # of which a column may decide on the split
    loaded = {*sets.blocks} if sets is not None else set()
    named = {*described.infos, *loaded, *data.sources, *data.fractions}
    return data.folds is not None or "validation" in named


def _metrics(
    partial: PartialSpec, validated: bool | None, problems: Iterable[Diagnostic]
) -> dict[str, Better | None]:
    """Return the metrics in a row of the history; empty if data or metrics are invalid."""
    unknown = [head.metrics_path for head in partial.heads]
    wrong = [problem.path for problem in problems if problem.severity == "error"]
    if validated is None or any(place[: len(path)] == path for place in wrong for path in unknown):
        return {}
    return history_metrics(partial.heads, validated)
