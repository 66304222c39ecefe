"""Pruning in memory: a copy of a study that decides, and whose reports are stored together."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

SECONDS_BETWEEN_WRITES = 1.0
"""The longest time that a report waits to be stored, for other machines to see it."""

VALUES = "trial_intermediate_values"
"""Optuna's table of what trials reported."""


class PrunedStudy:
    """A copy of a study in memory, with the reports of this process.

    A commit for each report would take longer than the epoch that it is about.

    Args:
        storage: the study's database.
        worker: the attribute of trials that names their process, and that of this one.
        options: of `optuna.create_study`: the study's name, direction and pruner.
    """

    def __init__(
        self, storage: optuna.storages.RDBStorage, worker: tuple[str, str], **options: Any
    ) -> None:
        self._storage, self._worker, self._options = storage, worker, options
        self._ids: list[int] = []
        self._running: dict[int, optuna.Trial] = {}
        self._attributes: dict[int, dict[str, Any]] = {}
        self._waiting: list[dict[str, Any]] = []
        self._written = time.monotonic()
        self._table: Any = None
        self._copy = self._empty()

    def _empty(self) -> optuna.Study:
        sampler = optuna.samplers.RandomSampler()
        return optuna.create_study(sampler=sampler, **self._options)

    def read(self, trials: Sequence[FrozenTrial]) -> None:
        """Take the trials of the database; those of this process change only here."""
        name, own = self._worker
        if any(each.user_attrs.get(name) != own for each in trials):
            self._ids, self._copy = [], self._empty()
        elif len(trials) == len(self._ids):
            return
        for trial in trials[len(self._ids) :]:
            self._ids.append(trial._trial_id)
            self._copy.add_trial(trial)
            number = len(self._ids) - 1
            if trial.state == TrialState.RUNNING and trial.user_attrs.get(name) == own:
                self._running[number] = optuna.Trial(self._copy, number)
                self._attributes.setdefault(number, dict(trial.system_attrs))
        for number, running in self._running.items():  # what is not stored yet
            for row in self._waiting:
                if row["trial_id"] == self._ids[number]:
                    running.report(row["intermediate_value"], row["step"])

    def report(self, number: int, step: int, value: float) -> None:
        """Add a report."""
        self._running[number].report(value, step)
        row = {"trial_id": self._ids[number], "step": step, "intermediate_value": value}
        self._waiting.append(row | {"intermediate_value_type": "FINITE"})

    def should_prune(self, number: int) -> bool:
        """Return whether the pruner stops a trial after its last report."""
        return bool(self._running[number].should_prune())

    def is_due(self) -> bool:
        """Return whether reports have waited long enough to be stored."""
        return time.monotonic() > self._written + SECONDS_BETWEEN_WRITES

    def tell(self, number: int, state: TrialState, value: float | None) -> None:
        """Add how a trial ended."""
        self.write()
        trial = self._running.pop(number, None)
        if trial is not None:
            self._copy.tell(trial, value, state=state)

    def write(self) -> None:
        """Store the reports in one transaction, and what a pruner notes about trials."""
        from sqlalchemy import MetaData, Table, insert

        self._written = time.monotonic()
        if self._waiting:
            rows, self._waiting = self._waiting, []
            with self._storage.engine.begin() as connection:
                if self._table is None:
                    self._table = Table(VALUES, MetaData(), autoload_with=connection)
                connection.execute(insert(self._table), rows)
        for number, trial in self._running.items():
            known = self._attributes[number]
            found: Mapping[str, Any] = trial.storage.get_trial_system_attrs(number)
            for key, value in found.items():
                if known.get(key) != value:
                    known[key] = value
                    self._storage.set_trial_system_attr(self._ids[number], key, value)
