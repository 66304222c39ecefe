"""A study in memory, which samples and prunes; its changes are stored in batches."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial, TrialState

from declnet import Dimension, Scalar
from declnet_plugins.optuna.sampling import distribution_of, suggested

SECONDS_BETWEEN_WRITES = 1.0
"""The longest time that a report waits to be stored, for other machines to see it."""

REPORTS, VALUES = "trial_intermediate_values", "trial_params"
"""Optuna's tables of what trials reported, and of their values."""


class WorkingCopy:
    """A copy of a study in memory, which has what this process does before the database has it.

    A commit for each report would take longer than the epoch that it is about, and reading a study
    from the database to sample from it longer than a small run.

    Args:
        storage: the study's database.
        worker: the attribute of trials that names their process, and that of this one.
        options: of `optuna.create_study`: the study's name, direction, sampler and pruner.

    Attributes:
        study: the copy.
    """

    def __init__(
        self, storage: optuna.storages.RDBStorage, worker: tuple[str, str], **options: Any
    ) -> None:
        self._storage, self._worker, self._options = storage, worker, options
        self._ids: list[int] = []
        self._is_alone = True
        self._running: dict[int, optuna.Trial] = {}
        self._attributes: dict[int, dict[str, Any]] = {}
        self._waiting: dict[str, list[dict[str, Any]]] = {REPORTS: [], VALUES: []}
        self._written = time.monotonic()
        self._tables: dict[str, Any] = {}
        self.study = optuna.create_study(**options)

    def trials(self, study_id: int) -> Sequence[FrozenTrial] | None:
        """Return all trials of the database; None if another process has trials there, too."""
        from sqlalchemy import text

        if not self._is_alone:
            return None
        count = text("SELECT COUNT(*) FROM trials WHERE study_id = :id")
        with self._storage.engine.connect() as connection:
            has_all = connection.scalar(count, {"id": study_id}) == len(self._ids)
        return self.study.get_trials(deepcopy=False) if has_all else None

    def read(self, trials: Sequence[FrozenTrial]) -> None:
        """Update the copy from the database; only this process changes its own trials."""
        self._is_alone = all(map(self._is_own, trials))
        if not self._is_alone:
            self._ids, self.study = [], optuna.create_study(**self._options)
        for trial in trials[len(self._ids) :]:
            self.add(trial)
        for number, running in self._running.items():  # what is not stored yet
            for row in self._waiting[REPORTS]:
                if row["trial_id"] == self._ids[number]:
                    running.report(row["intermediate_value"], row["step"])

    def add(self, trial: FrozenTrial) -> int:
        """Take the next trial of the database, and return its number."""
        self._ids.append(trial._trial_id)
        self.study.add_trial(trial)
        number = len(self._ids) - 1
        if trial.state == TrialState.RUNNING and self._is_own(trial):
            self._running[number] = optuna.Trial(self.study, number)
            self._attributes.setdefault(number, dict(trial.system_attrs))
        return number

    def _is_own(self, trial: FrozenTrial) -> bool:
        name, worker = self._worker
        return bool(trial.user_attrs.get(name) == worker)

    def note(self, number: int, key: str, value: Any) -> None:
        """Set an attribute of a running trial, here and in the database."""
        self._running[number].set_user_attr(key, value)
        self._storage.set_trial_user_attr(self._ids[number], key, value)

    def suggest(self, number: int, space: Sequence[Dimension]) -> dict[str, Scalar]:
        """Return the values of a trial, and store those that the database lacks."""
        trial, values = self._running[number], dict[str, Scalar]()
        stored = trial.params.keys()
        for dimension in space:
            if not dimension.applies(values):
                continue
            value = values[dimension.key] = suggested(trial, dimension)
            if dimension.key not in stored:
                distribution = distribution_of(dimension)
                row = {"trial_id": self._ids[number], "param_name": dimension.key}
                row["param_value"] = distribution.to_internal_repr(value)
                row["distribution_json"] = distribution_to_json(distribution)
                self._waiting[VALUES].append(row)
        self.write()
        return values

    def report(self, number: int, step: int, value: float) -> None:
        """Add a report."""
        self._running[number].report(value, step)
        row = {"trial_id": self._ids[number], "step": step, "intermediate_value": value}
        self._waiting[REPORTS].append(row | {"intermediate_value_type": "FINITE"})

    def should_prune(self, number: int) -> bool:
        """Return whether the pruner stops a trial after its last report."""
        return bool(self._running[number].should_prune())

    def is_due(self) -> bool:
        """Return whether reports have waited long enough to be stored."""
        return time.monotonic() > self._written + SECONDS_BETWEEN_WRITES

    def tell(self, number: int, state: TrialState, value: float | None) -> None:
        """Add how a trial ended."""
        self.study.tell(self._running[number], value, state=state)
        self.write()
        del self._running[number]
        values = [value] if value is not None else None
        self._storage.set_trial_state_values(self._ids[number], state, values)

    def write(self) -> None:
        """Store what waits in one transaction, and what Optuna notes about trials."""
        from sqlalchemy import MetaData, Table, insert

        self._written = time.monotonic()
        if any(self._waiting.values()):
            with self._storage.engine.begin() as connection:
                for name, rows in self._waiting.items():
                    if name not in self._tables:
                        self._tables[name] = Table(name, MetaData(), autoload_with=connection)
                    if rows:
                        connection.execute(insert(self._tables[name]), rows)
            self._waiting = {name: [] for name in self._waiting}
        for number, trial in self._running.items():
            stored = self._attributes[number]
            attributes: Mapping[str, Any] = trial.storage.get_trial_system_attrs(number)
            for key, value in attributes.items():
                if stored.get(key) != value:
                    stored[key] = value
                    self._storage.set_trial_system_attr(self._ids[number], key, value)
