"""The trials of a study in its folder, for searchers that keep none themselves.

`trials.jsonl` has a line for each trial that was proposed, each report, and each end. A line that a
kill cut off is removed, as if it had not been written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan

from declnet.contracts.returned import verified
from declnet.contracts.runs.searcher import (
    Scalar,
    Searcher,
    StudyContext,
    StudyTrial,
    TrialState,
)
from declnet.contracts.serialization import Omitted
from declnet.runs.storage.folder import reading, writing
from declnet.runs.storage.writing import append_line, read_bytes
from declnet.stored import Stored

JOURNAL = "trials.jsonl"


@dataclass(frozen=True)
class _Line:
    """What became known of a trial: its values, a report, or its end.

    Attributes:
        values: of a trial that was proposed.
        step: when it reported the value.
        stop: whether the searcher then stopped it.
        state: how it ended, with the value.
    """

    trial: int
    values: Omitted[Mapping[str, Scalar] | None] = None
    step: Omitted[int | None] = None
    value: Omitted[float | None] = None
    stop: Omitted[bool] = False
    state: Omitted[TrialState | None] = None
    seconds: Omitted[float | None] = None


_LINE = Stored[_Line](_Line)


class TrialJournal:
    """A study whose folder keeps the trials that a searcher proposes.

    Raises:
        OutputError: the file cannot be read.
    """

    def __init__(self, searcher: Searcher, study: StudyContext) -> None:
        self._searcher, self._study = searcher, study
        self._path = study.directory / JOURNAL
        self._trials: dict[int, StudyTrial] = {}
        self._stops: dict[tuple[int, int], bool] = {}
        self._read()

    def ask(self) -> StudyTrial | None:
        """See `OpenStudy.ask`."""
        number, trials = len(self._trials), self.trials()
        values = verified(Searcher.propose, self._searcher, self._study, number, trials)
        if values is None:
            return None
        self._note(_Line(number, values))
        return self._trials[number]

    def trials(self) -> Sequence[StudyTrial]:
        """See `OpenStudy.trials`."""
        return tuple(self._trials.values())

    def report(self, number: int, step: int, value: float) -> bool:
        """See `OpenStudy.report`."""
        if (number, step) not in self._stops:
            trial = self._trials[number]
            reported = replace(trial, reported={**trial.reported, step: value})
            others = [each for each in self._trials.values() if each.number != number]
            stop = verified(Searcher.should_stop, self._searcher, self._study, reported, others)
            self._note(_Line(number, step=step, value=value, stop=stop))
        return self._stops[number, step]

    def tell(self, number: int, state: TrialState, value: float | None, seconds: float) -> None:
        """See `OpenStudy.tell`."""
        if self._trials[number].state == "running":
            self._note(_Line(number, value=value, state=state, seconds=seconds))

    def importance(self) -> Mapping[str, float]:
        """See `OpenStudy.importance`."""
        return verified(Searcher.importance, self._searcher, self._study, self.trials())

    def close(self) -> None:
        """See `OpenStudy.close`."""

    def _read(self) -> None:
        if not self._path.exists():
            return
        with reading(self._path):
            content = read_bytes(self._path)
            whole = content[: content.rfind(b"\n") + 1]
            if whole != content:
                with self._path.open("r+b") as file:
                    file.truncate(len(whole))
            for line in whole.splitlines():
                self._apply(_LINE.parse(line))

    def _note(self, line: _Line) -> None:
        with writing(self._path):
            append_line(self._path, _LINE.plain(line))
        self._apply(line)

    def _apply(self, line: _Line) -> None:
        """Change the trials by a line; raise ValueError if it is about none of them."""
        number = line.trial
        if line.values is not None:
            self._trials[number] = StudyTrial(number, line.values, worker=self._study.worker)
            return
        trial = self._trials.get(number)
        if trial is None:
            raise ValueError(f"there is no trial {number}")
        if line.step is not None:
            reported = {**trial.reported, line.step: nan if line.value is None else line.value}
            self._trials[number] = replace(trial, reported=reported)
            self._stops[number, line.step] = line.stop
        elif line.state is not None:
            self._trials[number] = replace(
                trial, state=line.state, value=line.value, seconds=line.seconds
            )
