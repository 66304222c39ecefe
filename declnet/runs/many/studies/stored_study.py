"""`open_study`: the folder of a study, with its trials and what is known of them.

`study.json` has the spec with its section `[tune]`, and is written first: from then on the study
can be resumed. `summary.json` is what was known of all trials when it was written last; each trial
that this folder's process trained is a run's folder, or one of seeds or folds, in `trials/`.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

from declnet.contracts.network.metric_names import Better
from declnet.contracts.runs.searcher import StudyTrial
from declnet.contracts.strict_model import LocatedString
from declnet.errors import SpecError
from declnet.registry.registry import Registry
from declnet.runs.many.groups.documents import (
    STUDY_FILE,
    STUDY_SUMMARY,
    StudyContent,
    StudySummary,
)
from declnet.runs.many.groups.stored_group import StoredGroup, write_described
from declnet.runs.storage.folder import STUDY, SUMMARY, TRIALS, read_json, writing
from declnet.runs.storage.writing import write_atomically
from declnet.spec.document.source_map import SourceMap
from declnet.spec.model import RunSpec, resolved_toml
from declnet.spec.points import Point
from declnet.spec.tuning import TUNE, Tuning
from declnet.spec.validate import validate_point
from declnet.training.checks.tuning import Objective, objective_of

BEST = "best.toml"

_TEXT, _FOLDER = "declnet:text", "declnet:folder"
"""Keys of a string from a file in another folder."""


def begin_study(directory: Path, spec: RunSpec) -> None:
    """Write what a study consists of, before its first trial.

    Args:
        directory: the folder, which exists and is empty.
        spec: the spec, with a section `[tune]`.

    Raises:
        RunError: it cannot be written.
    """
    import tomli_w

    assert spec.tuning is not None  # noqa: S101  # checked
    document = {**spec.tuning.base.document, TUNE: dict(spec.tuning.section)}
    content = StudyContent(
        "running",
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.0,
        worker=uuid4().hex,
        folder=str(spec.folder),
        document=tomli_w.dumps(_tagged(document)),
    )
    write_described(directory / STUDY, STUDY_FILE.write(content))


def open_study(path: str | Path, registry: Registry | None = None) -> StoredStudy:
    """Open the folder of a study, finished or not.

    Args:
        path: the folder that `declnet tune` wrote.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        OutputError: the folder has no study, or it cannot be read.
    """
    return StoredStudy(path, registry)


class StoredStudy(StoredGroup[StudyContent]):
    """The folder of a study.

    Attributes:
        path: the folder.
        content: the content of `study.json`.
    """

    file, purpose = STUDY, "describes a study"
    stored = STUDY_FILE

    @property
    def worker(self) -> str:
        """What identifies this folder among those that share the study."""
        return self.content.worker

    @cached_property
    def spec(self) -> RunSpec:
        """The spec with its own values.

        Raises:
            SpecError: it is no longer valid.
        """
        document = _untagged(tomllib.loads(self.content.document))
        return self._validated(Point("", {}, None, SourceMap(document)))

    @property
    def tuning(self) -> Tuning:
        """What is searched."""
        assert self.spec.tuning is not None  # noqa: S101  # begun with one
        return self.spec.tuning

    @cached_property
    def objective(self) -> Objective:
        """What is improved.

        Raises:
            SpecError: the spec is no longer valid.
        """
        objective, problems = objective_of(self.spec, self.tuning)
        if objective is None:
            raise SpecError(problems)
        return objective

    @property
    def better(self) -> Better:
        """Which values of the objective are better."""
        return self.objective.better

    @cached_property
    def summary(self) -> StudySummary | None:
        """The content of `summary.json`; None before there is one.

        Raises:
            OutputError: it cannot be read.
        """
        path = self.path / SUMMARY
        return read_json(path, STUDY_SUMMARY) if path.is_file() else None

    @cached_property
    def trials(self) -> tuple[StudyTrial, ...]:
        """All trials by number, including trials of other folders, as of the last summary.

        Raises:
            OutputError: the summary cannot be read.
        """
        return self.summary.trials if self.summary is not None else ()

    @property
    def best(self) -> StudyTrial | None:
        """The best finished trial; None without one."""
        return best_of(self.trials, self.better)

    @property
    def importance(self) -> dict[str, float]:
        """How much each key matters to the objective, as of the last summary; may be empty."""
        return self.summary.importance if self.summary is not None else {}

    def trial_folder(self, number: int) -> Path:
        """Return the folder of a trial; it is not there if another machine trained it."""
        return self.path / TRIALS / f"{number:04}"

    def spec_of(self, trial: StudyTrial) -> RunSpec:
        """Return the spec of a trial, with the study's name and its own values.

        Raises:
            SpecError: the values do not go together.
        """
        return self._validated(self.tuning.point(trial.values))

    def _validated(self, point: Point) -> RunSpec:
        return validate_point(point, self._registry, Path(self.content.folder)).require()

    def limit(self, minutes: float) -> None:
        """Change the time after which the study ends, over all resumptions.

        Raises:
            RunError: it cannot be written.
        """
        import tomli_w

        document = tomllib.loads(self.content.document)
        document[TUNE]["minutes"] = minutes
        self.note(document=tomli_w.dumps(document))
        for name in ("spec", "objective"):
            self.__dict__.pop(name, None)

    def write_summary(self, trials: Sequence[StudyTrial], importance: Mapping[str, float]) -> None:
        """Write what is known of all trials.

        Raises:
            RunError: it cannot be written.
        """
        best = best_of(trials, self.better)
        content = StudySummary(
            self.spec.name,
            str(self.objective),
            self.better,
            self.content.status,
            self.content.seconds,
            best.number if best is not None else None,
            dict(importance),
            tuple(trials),
        )
        write_described(self.path / SUMMARY, STUDY_SUMMARY.write(content))
        for name in ("summary", "trials"):
            self.__dict__.pop(name, None)

    def write_best(self, trial: StudyTrial) -> None:
        """Write the spec of the best trial, with a comment that says where it comes from.

        Raises:
            RunError: it cannot be written.
        """
        keys = ", ".join(each.key for each in self.tuning.space)
        text = (
            f"# Trial {trial.number} of the study {self.path.resolve().name}, the best of "
            f"{len(self.trials)}: {self.objective} = {trial.value:.6g}\n"
            f"# {time.strftime('%Y-%m-%d')}, found by declnet tune; it searched {keys}\n\n"
            f"{resolved_toml(self.spec_of(trial))}"
        )
        with writing(self.path / BEST):
            write_atomically(self.path / BEST, text.encode())


def best_of(trials: Sequence[StudyTrial], better: Better) -> StudyTrial | None:
    """Return the finished trial with the best value, the first of equal ones; None without one."""
    sign = 1 if better == "lower" else -1
    done = [each for each in trials if each.state == "finished" and each.value is not None]
    return min(done, key=lambda each: (sign * (each.value or 0.0), each.number), default=None)


def _tagged(value: Any) -> Any:
    """Return a document whose strings keep the folders of their files."""
    if isinstance(value, Mapping):
        return {key: _tagged(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_tagged(each) for each in value]
    if isinstance(value, LocatedString):
        return {_TEXT: str(value), _FOLDER: str(value.folder)}
    return value


def _untagged(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_TEXT, _FOLDER}:
            return LocatedString(value[_TEXT], Path(value[_FOLDER]))
        return {key: _untagged(each) for key, each in value.items()}
    return [_untagged(each) for each in value] if isinstance(value, list) else value
