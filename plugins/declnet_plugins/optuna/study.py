"""A study of Optuna in a database, as `declnet tune` uses it."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from declnet import RunError, Scalar, StudyContext, StudyTrial
from declnet import TrialState as State
from declnet_plugins.optuna.sampling import distribution_of, pruner_of, sampler_of
from declnet_plugins.optuna.storage import explained, open_storage, shown
from declnet_plugins.optuna.working_copy import WorkingCopy

if TYPE_CHECKING:
    from declnet_plugins.optuna.searcher import OptunaSearcher

WORKER, STOPPED, SECONDS, SPACE = (
    f"declnet:{name}" for name in ("worker", "stopped", "seconds", "space")
)
"""Attributes of trials, and the last one of the study."""

STATES: Mapping[TrialState, State] = {
    TrialState.RUNNING: "running",
    TrialState.WAITING: "running",
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
ENDS: Mapping[State, TrialState] = {state: trial_state for trial_state, state in STATES.items()}


@dataclass
class _RunningTrial:
    """A trial that this process has in progress, which no other one changes.

    Attributes:
        steps: the steps that it has reported.
        stopped: the step after which the pruner stopped it, if it did.
    """

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
        self._running: dict[int, _RunningTrial] = {}
        with ExitStack() as stack, self._explained():
            stack.callback(self._disconnect)  # unless the study is opened
            options: dict[str, Any] = {
                "study_name": searcher.study or context.name,
                "direction": "minimize" if context.better == "lower" else "maximize",
            }
            self._study = optuna.create_study(storage=self._storage, load_if_exists=True, **options)
            self._require_same()
            self._id = self._storage.get_study_id_from_name(self._study.study_name)
            self._copy = WorkingCopy(
                self._storage,
                (WORKER, context.worker),
                sampler=sampler_of(searcher.sampler, context),
                pruner=pruner_of(searcher.pruner, context),
                **options,
            )
            for trial in self._trials():
                if (
                    trial.state == TrialState.RUNNING
                    and trial.user_attrs.get(WORKER) == context.worker
                ):
                    self._complete(trial)
            stack.pop_all()

    def ask(self) -> StudyTrial | None:
        """Return a new trial, or None after the last point of a grid."""
        with self._explained():
            return self._ask_grid() if self._is_grid else self._complete(self._add({}))

    def trials(self) -> Sequence[StudyTrial]:
        """Return all trials by number."""
        with self._explained():
            return [_as_trial(trial) for trial in self._trials() if WORKER in trial.user_attrs]

    def _trials(self) -> Sequence[FrozenTrial]:
        """Return all trials, which the working copy has unless another process shares the study."""
        trials = self._copy.trials(self._id)
        if trials is None:
            trials = self._study.get_trials(deepcopy=False)
            self._copy.read(trials)
        return trials

    def report(self, number: int, step: int, value: float) -> bool:
        """Add a value, to be stored with others; return whether the pruner stops the trial."""
        trial = self._running[number]
        if trial.stopped is not None:
            return step >= trial.stopped
        if step in trial.steps and step < max(trial.steps):
            return False  # decided before the process was killed
        if step not in trial.steps:
            trial.steps.add(step)
            self._copy.report(number, step, value)
        stops = self._copy.should_prune(number)
        if stops or self._copy.is_due():
            with self._explained():
                self._copy.write()
                if stops:
                    self._copy.note(number, STOPPED, step)
                    trial.stopped = step
        return stops

    def tell(self, number: int, state: State, value: float | None, seconds: float) -> None:
        """Store how a trial ended."""
        with self._explained():
            trial = self._running.pop(number, None)
            if trial is not None:
                self._copy.note(number, SECONDS, seconds)
                self._copy.tell(number, ENDS[state], value)

    def importance(self) -> Mapping[str, float]:
        """Return the importance by PED-ANOVA; empty with too few finished trials."""
        with self._explained():
            self._trials()
            study = self._copy.study
            done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            if len({trial.value for trial in done}) < 2:
                return {}
            if len(self._context.space) == 1:
                return {self._context.space[0].key: 1.0}
            try:
                shares = optuna.importance.get_param_importances(study)
            except (ValueError, RuntimeError):  # e.g. keys that had one value only
                return {}
            return {key: float(share) for key, share in shares.items()}

    def close(self) -> None:
        """Store what has waited, and close the connections."""
        with self._explained():
            self._copy.write()
        self._disconnect()

    def _disconnect(self) -> None:
        self._storage.remove_session()
        self._storage.engine.dispose()

    def _ask_grid(self) -> StudyTrial | None:
        """Return a trial of the next point; of two processes that take it, the first one has it."""
        points = self._context.grid_points()
        while True:
            proposed = [trial.params for trial in self._trials()]
            point = next((candidate for candidate in points if candidate not in proposed), None)
            if point is None:
                return None
            added = self._add(point)
            before = self._trials()[: added.number]
            if point not in (trial.params for trial in before):
                return self._complete(added)
            self._copy.tell(added.number, TrialState.FAIL, None)

    def _add(self, values: Mapping[str, Scalar]) -> FrozenTrial:
        """Add a trial of this worker in one transaction, once all before it have their reports."""
        self._copy.write()
        distributions = {
            dimension.key: distribution_of(dimension)
            for dimension in self._context.space
            if dimension.key in values
        }
        new = optuna.trial.create_trial(
            state=TrialState.RUNNING,
            params=dict(values),
            distributions=distributions,
            user_attrs={WORKER: self._context.worker},
        )
        trials = self._trials()
        new._trial_id = self._storage.create_new_trial(self._id, new)
        new.number = self._storage.get_trial_number_from_id(new._trial_id)
        if new.number == len(trials):
            self._copy.add(new)
        else:  # another process has added one meanwhile
            self._copy.read(self._study.get_trials(deepcopy=False))
        return new

    def _complete(self, added: FrozenTrial) -> StudyTrial:
        """Choose the values that a trial does not have yet."""
        values = self._copy.suggest(added.number, self._context.space)
        stopped = added.user_attrs.get(STOPPED)
        steps = set(added.intermediate_values)
        self._running[added.number] = _RunningTrial(steps, stopped)
        return StudyTrial(added.number, values, worker=self._context.worker)

    def _require_same(self) -> None:
        """Raise RunError if the study of this name searches something else."""
        context = self._context
        searched = {
            "objective": context.objective,
            "better": context.better,
            "space": [repr(dimension) for dimension in context.space],
        }
        known = self._study.user_attrs.get(SPACE)
        if known is None:
            self._study.set_user_attr(SPACE, searched)
        elif known != json.loads(json.dumps(searched)):
            differ = ", ".join(key for key, value in searched.items() if known.get(key) != value)
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
