"""Checks of a study: its objective, and its searcher's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from declnet.contracts.attribution import attributing_errors
from declnet.contracts.network.directions import LOSSES, Better, Direction
from declnet.contracts.returned import verified
from declnet.contracts.runs.searcher import Searcher, StudyContext
from declnet.data.splits import Data
from declnet.errors import Diagnostic, KeyPath
from declnet.registry.registry import Registry
from declnet.registry.spelling import suggestion
from declnet.spec.heads import VALIDATION
from declnet.spec.members import INCONSISTENT, WEIGHTS, splits_of
from declnet.spec.model import RunSpec
from declnet.spec.tuning import UNMATCHED, Tuning
from declnet.spec.validate import validate_point
from declnet.spec.varying_keys import TUNE
from declnet.training.checks.check import Checked, check_spec, disagreements, selection_problems
from declnet.training.metrics import directions


@dataclass(frozen=True)
class Objective:
    """The objective that a study improves: a metric, or its distance from a number.

    Attributes:
        data: the data set.
        name: the metric.
        better: which values of the metric are better.
    """

    data: str
    name: str
    better: Better

    def __str__(self) -> str:
        """Return it as in a spec, or as a formula."""
        is_metric = isinstance(self.better, str)
        return self.metric if is_metric else f"|{self.metric} - {self.better:g}|"

    @property
    def metric(self) -> str:
        """The metric with its data set."""
        return f"{self.data}.{self.name}"

    @property
    def direction(self) -> Direction:
        """Whether higher or lower values of the objective are better."""
        return self.better if isinstance(self.better, str) else "lower"

    def value_of(self, metric: float) -> float:
        """Return the objective for a value of the metric."""
        return metric if isinstance(self.better, str) else abs(metric - self.better)

    @property
    def in_history(self) -> str | None:
        """The name in the history, which has no metrics of the test data."""
        prefixes = {"train": "", "validation": VALIDATION}
        return f"{prefixes[self.data]}{self.name}" if self.data in prefixes else None


def objective_of(spec: RunSpec, tuning: Tuning) -> tuple[Objective | None, list[Diagnostic]]:
    """Return what a study improves, and the errors and warnings in that."""
    data, keys, at = spec.data, tuning.keys, (TUNE, "objective")
    validated = data.validation is not None or data.folds is not None
    sets = ["train", *(["validation"] * validated), *(["test"] * (data.test is not None))]
    known = directions(spec.heads)
    if keys.objective is None and not validated:
        hint = "add [data] validation or folds, or name an objective, e.g. train.loss"
        message = "a study compares trials on validation data, but there is none"
        return None, [Diagnostic(message, hint, (TUNE,), UNMATCHED, focus="key")]
    measured = [name for name in known if known[name] is not None and name not in LOSSES]
    objective = keys.objective or f"validation.{(measured or ['loss'])[0]}"
    first, _, name = objective.partition(".")
    if first not in sets or name not in known:
        names = [f"{data_set}.{name}" for data_set in sets for name in known]
        hint = suggestion(objective, names, "metrics of this spec")
        return None, [Diagnostic(f'no trial has the metric "{objective}"', hint, at, "E014")]
    better = keys.better if keys.better is not None else known[name]
    if better is None:
        message = f'nothing says which values of "{name}" are better'
        hint = 'add better = "higher", better = "lower", or the best number'
        return None, [Diagnostic(message, hint, at, UNMATCHED)]
    warnings = []
    if first == "test":
        message = "the test data chooses the best trial, so it cannot test that trial"
        hint = "name a metric of validation data; with this objective, no trial is stopped early"
        warnings = [Diagnostic(message, hint, at, "W013")]
    return Objective(first, name, better), warnings


def study_context(
    spec: RunSpec, tuning: Tuning, objective: Objective, directory: Path, worker: str = ""
) -> StudyContext:
    """Return what a searcher knows of a study.

    Args:
        spec: the spec with its own values.
        tuning: what is searched.
        objective: what is improved.
        directory: the study's folder.
        worker: what identifies the folder.
    """
    runs = len(tuning.keys.seeds or (0,)) * (spec.data.folds or 1 if spec.data.fold is None else 1)
    epochs = spec.training.most_epochs
    return StudyContext(
        spec.name,
        directory,
        tuning.space,
        str(objective),
        objective.direction,
        spec.seed,
        tuning.keys.trials,
        epochs and runs * epochs,
        worker,
    )


def study_problems(
    spec: RunSpec, registry: Registry, data: Mapping[str, Data] | None = None
) -> Iterator[Diagnostic]:
    """Yield what is wrong in a study: its objective, its searcher, and the ends of its space.

    Args:
        spec: the spec with its own values; one without a study has no problems.
        registry: where names are looked up, as the spec sees it.
        data: data sets passed by a program in place of the spec's.
    """
    tuning = spec.tuning
    if tuning is None:
        return
    objective, problems = objective_of(spec, tuning)
    yield from problems
    if objective is None:
        return
    at: KeyPath = (TUNE, "search") if "search" in tuning.section else (TUNE,)
    with attributing_errors(registry):
        context = study_context(spec, tuning, objective, Path())
        for problem in verified(Searcher.check_study, tuning.searcher, context):
            path = (*at, *problem.path) if at != (TUNE,) else at
            focus = problem.focus if at != (TUNE,) else "key"
            yield replace(problem, path=path, focus=focus)
        specs, results = list[RunSpec](), list[Checked]()
        for point in tuning.extremes():
            parsed = validate_point(point, registry, spec.folder)
            checked = check_spec(parsed, registry, data)
            yield from checked.problems
            if parsed.spec is not None and not checked.errors:
                specs.append(parsed.spec)
                results.append(checked)
        if tuning.keys.weights is not None and specs:
            yield from _problems_of_weights(spec, specs, results)


def _problems_of_weights(
    spec: RunSpec, specs: Sequence[RunSpec], checked: Sequence[Checked]
) -> Iterator[Diagnostic]:
    """Yield why weights of trials cannot be selected.

    Args:
        spec: the spec with its own values.
        specs: those of some trials.
        checked: the results of checking these.
    """
    at, remedy = (TUNE, WEIGHTS), f"remove {WEIGHTS} from [{TUNE}]"
    if spec.data.folds is None and not spec.data.validation:
        message = "weights are selected on validation data, which the spec does not have"
        yield Diagnostic(message, "add data.folds or data.validation", at, INCONSISTENT)
        return
    differ = "hold out other rows than each other"
    if all(splits_of(trial) == splits_of(spec) for trial in specs):
        differ = "predict other things than each other"
        if not any(True for _ in disagreements(specs, checked)):
            yield from selection_problems(specs, checked[0], remedy)
            return
    message = f"some trials {differ}, so no weights of them can be selected"
    yield Diagnostic(message, f"search other keys, or {remedy}", at, INCONSISTENT)
