"""The trials of a study in its folder, for searchers that keep none themselves.

`trials.jsonl` has a line for each trial that was proposed, each report, and each end. A line that a
kill cut off is removed, as if it had not been written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from declnet.contracts.returned import verified
from declnet.contracts.runs.searcher import Searcher, StudyContext, StudyTrial, TrialState
from declnet.errors import OutputError
from declnet.runs.storage.folder import writing
from declnet.runs.storage.writing import append_line, read_bytes

JOURNAL = "trials.jsonl"


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
        self._note({"ask": number, "values": values})
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
            self._note({"report": number, "step": step, "value": value, "stop": stop})
        return self._stops[number, step]

    def tell(self, number: int, state: TrialState, value: float | None, seconds: float) -> None:
        """See `OpenStudy.tell`."""
        if self._trials[number].state == "running":
            self._note({"tell": number, "state": state, "value": value, "seconds": seconds})

    def importance(self) -> Mapping[str, float]:
        """See `OpenStudy.importance`."""
        return verified(Searcher.importance, self._searcher, self._study, self.trials())

    def close(self) -> None:
        """See `OpenStudy.close`."""

    def _read(self) -> None:
        if not self._path.exists():
            return
        try:
            content = read_bytes(self._path)
            whole = content[: content.rfind(b"\n") + 1]
            if whole != content:
                with self._path.open("r+b") as file:
                    file.truncate(len(whole))
            for line in whole.splitlines():
                self._take(json.loads(line))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OutputError(f"{self._path}: cannot be read: {error}") from None

    def _note(self, line: Mapping[str, Any]) -> None:
        with writing(self._path):
            append_line(self._path, line)
        self._take(line)

    def _take(self, line: Mapping[str, Any]) -> None:
        if "ask" in line:
            number, worker = int(line["ask"]), self._study.worker
            self._trials[number] = StudyTrial(number, dict(line["values"]), worker=worker)
        elif "report" in line:
            number, step = int(line["report"]), int(line["step"])
            trial = self._trials[number]
            reported = {**trial.reported, step: float(line["value"])}
            self._trials[number] = replace(trial, reported=reported)
            self._stops[number, step] = bool(line["stop"])
        else:
            number = int(line["tell"])
            ended = {key: line[key] for key in ("state", "value", "seconds")}
            self._trials[number] = replace(self._trials[number], **ended)
