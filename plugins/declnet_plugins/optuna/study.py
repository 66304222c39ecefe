"""A study of Optuna in a database, as `declnet tune` uses it."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import optuna
from optuna.trial import FrozenTrial, TrialState

from declnet import RunError, Scalar, StudyContext, StudyTrial
from declnet import TrialState as State
from declnet_plugins.optuna.pruning import PrunedStudy
from declnet_plugins.optuna.sampling import (
    distribution_of,
    pruner_of,
    sampler_of,
    suggested,
)
from declnet_plugins.optuna.storage import explained, open_storage, shown

if TYPE_CHECKING:
    from declnet_plugins.optuna.searcher import OptunaSearcher

WORKER, ASKED, STOPPED, SECONDS, SPACE = (
    f"declnet:{name}" for name in ("worker", "asked", "stopped", "seconds", "space")
)
"""Attributes of trials, and the last one of the study."""

STATES: Mapping[TrialState, State] = {
    TrialState.RUNNING: "running",
    TrialState.WAITING: "running",
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
ENDS: Mapping[State, TrialState] = {state: each for each, state in STATES.items()}


@dataclass
class _OwnTrial:
    """A trial that this process has in progress, which no other one changes.

    Attributes:
        steps: the steps that it has reported.
        stopped: the step after which the pruner stopped it, if it did.
    """

    trial: optuna.Trial
    steps: set[int]
    stopped: int | None = None


class OptunaStudy:
    """An open study.

    Args:
        context: what is known of the study.
        searcher: what proposes the trials.
        url: the database, without a password.

    Raises:
        RunError: the database cannot be reached, or has another study of this name.
    """

    def __init__(self, context: StudyContext, searcher: "OptunaSearcher", url: str) -> None:
        self._context, self._url, self._env = context, url, searcher.password_env
        self._is_grid = searcher.sampler == "grid"
        self._storage = open_storage(url, self._env)
        self._own: dict[int, _OwnTrial] = {}
        with self._explained():
            options: dict[str, Any] = {
                "study_name": searcher.study or context.name,
                "direction": "minimize" if context.better == "lower" else "maximize",
            }
            self._study = optuna.create_study(
                storage=self._storage,
                sampler=sampler_of(searcher.sampler, context),
                load_if_exists=True,
                **options,
            )
            self._require_same()
            pruner, worker = pruner_of(searcher.pruner, context), (WORKER, context.worker)
            self._pruned = PrunedStudy(self._storage, worker, pruner=pruner, **options)
            for each in self._study.get_trials(deepcopy=False):
                if each.state == TrialState.RUNNING and self._is_own(each):
                    self._complete(each)
            self._pruned.read(self._study.get_trials(deepcopy=False))

    def ask(self) -> StudyTrial | None:
        """Return a new trial, or None after the last point of a grid."""
        with self._explained():
            self._pruned.write()
            trial = self._ask_grid() if self._is_grid else self._complete(self._add({}))
            self._pruned.read(self._study.get_trials(deepcopy=False))
            return trial

    def trials(self) -> Sequence[StudyTrial]:
        """Return all trials by number."""
        with self._explained():
            found = self._study.get_trials(deepcopy=False)
            return [_as_trial(each) for each in found if WORKER in each.user_attrs]

    def report(self, number: int, step: int, value: float) -> bool:
        """Add a value, to be stored with others; return whether the pruner stops the trial."""
        own = self._own[number]
        if own.stopped is not None:
            return step >= own.stopped
        if step in own.steps and step < max(own.steps):
            return False  # decided before the process was killed
        if step not in own.steps:
            own.steps.add(step)
            self._pruned.report(number, step, value)
        stops = self._pruned.should_prune(number)
        if stops or self._pruned.is_due():
            with self._explained():
                self._pruned.write()
                if stops:
                    own.trial.set_user_attr(STOPPED, step)
                    own.stopped = step
        return stops

    def tell(self, number: int, state: State, value: float | None, seconds: float) -> None:
        """Store how a trial ended."""
        with self._explained():
            own = self._own.pop(number, None)
            if own is not None:
                self._pruned.tell(number, ENDS[state], value)
                own.trial.set_user_attr(SECONDS, seconds)
                self._study.tell(own.trial, value, state=ENDS[state], skip_if_finished=True)

    def importance(self) -> Mapping[str, float]:
        """Return the importance by PED-ANOVA; empty with too few finished trials."""
        with self._explained():
            done = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            if len({each.value for each in done}) < 2:
                return {}
            if len(self._context.space) == 1:
                return {self._context.space[0].key: 1.0}
            try:
                found = optuna.importance.get_param_importances(self._study)
            except (ValueError, RuntimeError):  # e.g. keys that had one value only
                return {}
            return {key: float(share) for key, share in found.items()}

    def close(self) -> None:
        """Store what has waited, and close the connections."""
        with self._explained():
            self._pruned.write()
        self._storage.remove_session()
        self._storage.engine.dispose()

    def _ask_grid(self) -> StudyTrial | None:
        """Return a trial of the next point; of two processes that take it, the first one has it."""
        points = self._context.grid_points()
        while True:
            taken = [each.params for each in self._study.get_trials(deepcopy=False)]
            point = next((each for each in points if each not in taken), None)
            if point is None:
                return None
            added = self._add(point)
            if point not in (
                each.params
                for each in self._study.get_trials(deepcopy=False)
                if each.number < added.number
            ):
                return self._complete(added)
            self._study.tell(added.number, state=TrialState.FAIL)

    def _add(self, values: Mapping[str, Scalar]) -> FrozenTrial:
        """Add a trial of this worker in one transaction."""
        token = uuid4().hex
        distributions = {
            each.key: distribution_of(each) for each in self._context.space if each.key in values
        }
        self._study.add_trial(
            optuna.trial.create_trial(
                state=TrialState.RUNNING,
                params=dict(values),
                distributions=distributions,
                user_attrs={WORKER: self._context.worker, ASKED: token},
            )
        )
        found = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return next(each for each in reversed(found) if each.user_attrs.get(ASKED) == token)

    def _complete(self, added: FrozenTrial) -> StudyTrial:
        """Choose the values that a trial does not have yet."""
        trial = optuna.Trial(self._study, added._trial_id)
        values: dict[str, Scalar] = {}
        for each in self._context.space:
            if each.applies(values):
                values[each.key] = suggested(trial, each)
        stopped = added.user_attrs.get(STOPPED)
        self._own[added.number] = _OwnTrial(trial, set(added.intermediate_values), stopped)
        return StudyTrial(added.number, values, worker=self._context.worker)

    def _is_own(self, trial: FrozenTrial) -> bool:
        return bool(trial.user_attrs.get(WORKER) == self._context.worker)

    def _require_same(self) -> None:
        """Raise RunError if the study of this name searches something else."""
        context = self._context
        own = {
            "objective": context.objective,
            "better": context.better,
            "space": [repr(each) for each in context.space],
        }
        known = self._study.user_attrs.get(SPACE)
        if known is None:
            self._study.set_user_attr(SPACE, own)
        elif known != json.loads(json.dumps(own)):
            differ = ", ".join(key for key, each in own.items() if known.get(key) != each)
            raise RunError(
                f'{shown(self._url)}: its study "{self._study.study_name}" has another {differ}; '
                "give this one another name with `study`"
            )

    def _explained(self) -> AbstractContextManager[None]:
        return explained(self._url, self._env, "the database failed")


def _as_trial(trial: FrozenTrial) -> StudyTrial:
    state, seconds = STATES[trial.state], trial.user_attrs.get(SECONDS)
    return StudyTrial(
        trial.number,
        dict(trial.params),
        state,
        trial.value if state == "finished" else None,
        dict(trial.intermediate_values),
        str(trial.user_attrs.get(WORKER, "")),
        float(seconds) if seconds is not None else None,
    )
