"""`tune`: search the keys that the section `[tune]` of a spec varies, and resume that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from declnet.contracts.returned import why_unavailable
from declnet.contracts.runs.executor import Executor
from declnet.contracts.runs.searcher import StudyTrial
from declnet.data.sharing import sharing_data
from declnet.data.sources.loading import GivenData
from declnet.data.splits import Data
from declnet.errors import Diagnostic, RunError, SpecError
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.runs.many.execution.dispatch import given_for, ignore, outcomes_of
from declnet.runs.many.execution.tasks import Follow
from declnet.runs.many.groups.callbacks import telling_group
from declnet.runs.many.studies.stored_study import StoredStudy, begin_study, open_study
from declnet.runs.many.studies.study_runner import StudyRunner
from declnet.runs.storage.folder import claimed, locked
from declnet.spec.model import RunSpec
from declnet.spec.requirements import registry_for
from declnet.spec.tuning import TUNE
from declnet.spec.validate import GivenSpec, as_spec
from declnet.training.checks.tuning import study_problems

TrialListener = Callable[[StudyTrial], object]
"""Called with each trial that has ended."""


def tune(
    spec: GivenSpec,
    data: GivenData | Mapping[str, GivenData] | None = None,
    *,
    out: str | Path,
    numbered: bool = False,
    jobs: int = 1,
    on: Executor | None = None,
    listener: TrialListener | None = None,
    registry: Registry | None = None,
) -> StoredStudy:
    """Search for the best values of the keys that the section `[tune]` of a spec varies.

    A trial that fails does not affect the others. With `jobs=1`, the same spec and seed give the
    same trials.

    Args:
        spec: as for `run`, with `[tune]`.
        data: data to use instead of the spec's, as for `run`.
        out: the folder of the study, new or empty.
        numbered: whether to write to a new folder `<name>-study-<number>` within `out` instead.
        jobs: how many trials to train at once on this machine; 1 with `data`.
        on: where to train them; default: on this machine.
        listener: called with each trial that has ended, in this thread.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        SpecError: the spec is invalid, with its own or other values, or has no `[tune]`; nothing
            was written.
        DataError: the data is invalid; nothing was written.
        OutputError: the folder is not empty; nothing in it was changed.
        RunError: the folder cannot be written to, or the searcher or the executor fails.
    """
    spec = as_spec(spec, registry)
    given = _given(data, on, jobs)
    require_tuning(spec)
    with sharing_data():
        problems = list(study_problems(spec, registry_for(spec.plugins, registry), given))
        if any(each.severity == "error" for each in problems):
            raise SpecError(spec.source_map.locate(problems))
        with claimed(Path(out), f"{spec.name}-study", numbered=numbered) as parent:
            begin_study(parent, spec)
            return _trained(parent, given, jobs, on, listener, registry)


def resume_study(
    path: str | Path,
    data: GivenData | Mapping[str, GivenData] | None = None,
    *,
    jobs: int = 1,
    on: Executor | None = None,
    minutes: float | None = None,
    allow_changes: bool = False,
    listener: TrialListener | None = None,
    registry: Registry | None = None,
) -> StoredStudy:
    """Train what is left of a study; trials that have ended stay.

    Args:
        path: the folder that `tune` or `declnet tune` wrote.
        data: the data that the program originally passed, if any.
        jobs: as for `tune`.
        on: as for `tune`.
        minutes: the new time after which the study ends; default: as its spec says.
        allow_changes: as for `resume`.
        listener: as for `tune`.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        OutputError: the folder has no study, or another process is working in it.
        DeclnetError: as `tune` does.
    """
    given, directory = _given(data, on, jobs), open_study(path).path
    with sharing_data(), locked(directory):
        if minutes is not None:
            open_study(directory, registry).limit(minutes)
        return _trained(directory, given, jobs, on, listener, registry, allow_changes=allow_changes)


def require_tuning(spec: RunSpec) -> None:
    """Require a spec to say what to search.

    Raises:
        SpecError: it has no section `[tune]`, or its searcher cannot be used here.
    """
    if spec.tuning is None:
        message = f'the spec "{spec.name}" has no section "{TUNE}"'
        hint = f"add [{TUNE}] with trials and a space"
        raise SpecError(spec.source_map.locate([Diagnostic(message, hint, (TUNE,), "E011")]))
    missing = why_unavailable(spec.tuning.searcher)
    if missing is not None:
        at = (TUNE, "search") if "search" in spec.tuning.section else (TUNE,)
        raise SpecError(spec.source_map.locate([Diagnostic(missing, None, at, "E060")]))


def train_trials(
    study: StudyRunner,
    stored: StoredStudy,
    registry: Registry,
    *,
    jobs: int = 1,
    disabled: Sequence[str] = (),
    follow: Follow = ignore,
    executor: Executor | None = None,
) -> None:
    """Train what is left of a study, and write what is known of it then, also when interrupted.

    Args:
        study: the study in progress.
        stored: its folder.
        registry: where names are looked up.
        jobs: as for `outcomes_of`, as are the others.
    """
    outcomes = outcomes_of(
        study,
        registry,
        jobs=jobs,
        disabled=disabled,
        follow=follow,
        executor=executor,
        parent=stored.path,
    )
    try:
        with (
            telling_group(stored.path, lambda: stored.spec.training.callbacks, registry),
            closing(outcomes),
        ):
            for outcome in outcomes:
                study.finished(outcome)
    except KeyboardInterrupt:
        study.interrupted()
        raise
    study.finish()


def _trained(
    parent: Path,
    data: Mapping[str, Data] | None,
    jobs: int,
    executor: Executor | None,
    listener: TrialListener | None,
    registry: Registry | None,
    *,
    allow_changes: bool = False,
) -> StoredStudy:
    """Train what is left of a study, and summarize it."""

    def ended(trial: StudyTrial, _error: str | None) -> None:
        if listener is not None:
            listener(trial)

    stored, own = open_study(parent, registry), registry or default_registry()
    runner = StudyRunner(stored, own, ended, data, allow_changes=allow_changes)
    with closing(runner):
        train_trials(runner, stored, own, jobs=jobs, executor=executor)
    return stored


def _given(
    data: GivenData | Mapping[str, GivenData] | None, executor: Executor | None, jobs: int
) -> Mapping[str, Data] | None:
    """Return what `given_for` does; raise RunError if the trials are for other processes."""
    if data is not None and jobs > 1:
        raise RunError("trials at once train in other processes, without this data: use jobs=1")
    return given_for(data, executor)
