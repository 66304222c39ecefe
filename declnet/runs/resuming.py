"""`resume`: resume a killed or interrupted run, or a group, with bit-identical results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from declnet.contracts.attribution import attributing_errors
from declnet.contracts.runs.callback import Callback
from declnet.contracts.runs.executor import Executor
from declnet.data.sources.loading import GivenData
from declnet.errors import DeclnetError, OutputError, ResumeError
from declnet.registry.registry import Registry
from declnet.registry.spelling import alternatives
from declnet.runs.display.progress import followed
from declnet.runs.inference.predictor import Predictor
from declnet.runs.notices import Notice, warn
from declnet.runs.ready_run import ReadyRun, make_ready_run
from declnet.runs.result import RunResult
from declnet.runs.run import given_data
from declnet.runs.session import Listener, Session, StopWhen
from declnet.runs.storage import folder
from declnet.runs.storage.checkpoints import Checkpoint
from declnet.runs.storage.documents import Manifest, read_manifest
from declnet.runs.storage.folder import locked, require_no_links
from declnet.runs.storage.manifest import changes, first_manifest
from declnet.runs.storage.origins import spec_of_run
from declnet.runs.storage.record import Record, with_nan
from declnet.runs.storage.writing import read_bytes
from declnet.runs.stored_run import StoredRun, open_run
from declnet.spec.model import RunSpec
from declnet.training.state import StateError, TrainingState

if TYPE_CHECKING:
    from declnet.runs.many.group import Group


def resume(
    path: str | Path,
    data: GivenData | Mapping[str, GivenData] | None = None,
    *,
    jobs: int | None = None,
    on: Executor | None = None,
    minutes: float | None = None,
    allow_changes: bool = False,
    listener: Listener | None = None,
    notice: Notice | None = None,
    warned: Notice | None = None,
    registry: Registry | None = None,
    progress: bool = False,
    stop_when: StopWhen | None = None,
) -> RunResult | Group:
    """Resume a run from its last intact checkpoint, or train what is left of a group of runs.

    The final weights, history and metrics are bit-identical to those without an interruption. What
    has finished is not trained again.

    Args:
        path: the folder of a run, of folds or seeds, of a sweep or of a study.
        data: the data that the program originally passed, if any; as for `declnet.run`.
        jobs: as for `declnet.run`, `declnet.sweep` and `declnet.tune`.
        on: as for `declnet.run`.
        minutes: the new time after which a group ends; default: that of a study's spec.
        allow_changes: whether to resume even if the spec, the data, or the versions of plugins,
            declnet or NumPy have changed since a run began. Its manifest lists the changes.
        listener: called with each event of the training of one run.
        notice: called with a sentence saying where one run resumes, and one for each damaged
            checkpoint; for a finished run, as for `load_model`.
        warned: called with each warning of a callback when it occurs, as `notice` of `declnet.run`.
        registry: where names are looked up; default: all installed plugins.
        progress: whether to show the progress of one run, as for `declnet.run`.
        stop_when: as for `declnet.run`.

    Returns:
        The result, as of `declnet.run`; for a sweep or a study its folder.

    Raises:
        OutputError: it is not a folder of runs, or another process is working in it.
        OriginError: a component would come from a different distribution than when the run began.
        ResumeError: something has changed, or the checkpoint does not fit the changes.
        SpecError: the spec is no longer valid.
        DataError: the data is no longer available or is invalid.
        RunError: a run could not be finished.
    """
    if not (Path(path) / folder.MANIFEST).exists() and (Path(path) / folder.GROUP).is_file():
        from declnet.runs.many.running import resume_group

        return resume_group(
            path,
            data,
            jobs=jobs,
            on=on,
            minutes=minutes,
            allow_changes=allow_changes,
            listener=listener,
            registry=registry,
        )
    return resume_run(
        path,
        data,
        allow_changes=allow_changes,
        listener=listener,
        notice=notice,
        warned=warned,
        registry=registry,
        progress=progress,
        stop_when=stop_when,
    )


def resume_run(
    run_directory: str | Path,
    data: GivenData | Mapping[str, GivenData] | None = None,
    *,
    allow_changes: bool = False,
    listener: Listener | None = None,
    notice: Notice | None = None,
    warned: Notice | None = None,
    registry: Registry | None = None,
    progress: bool = False,
    stop_when: StopWhen | None = None,
) -> RunResult:
    """Resume one run, with the arguments of `resume`; raise as `resume` does."""
    directory = Path(run_directory)
    stored_notice, notice = notice, notice or (lambda _: None)
    _require_run(directory)
    with locked(directory):
        manifest = _read_manifest(directory)
        if manifest is not None and manifest.status == "finished":
            notice("this run is finished; nothing to resume")
            result = stored_result(open_run(directory, registry, notice=stored_notice))
            _notify_callbacks(result.predictor, directory, result.metrics, warned or warn)
            return result
        require_no_links(directory)
        spec_file = _read_spec(directory)
        spec, view = spec_of_run(directory, manifest, registry, training=True)
        if data is None and spec.data.train is None:
            raise ResumeError(
                f"{directory}: a program gave this run its data; give the same to declnet.resume"
            )
        ready = make_ready_run(spec, view, given_data(data) if data is not None else None)
        current = first_manifest(ready, spec_file)
        if manifest is None:
            text, preparation = spec_file.decode(), ready.prepared.preparation
            record = Record.begun(directory, text, preparation, current)
            with followed(spec, listener, progress=progress) as following:
                session = Session(ready, record, following, notice=warned, stop_when=stop_when)
                return session.carry_out()
        different = changes(manifest, current)
        if different and not allow_changes:
            raise ResumeError(
                f"{directory}: resuming would not reproduce an uninterrupted run, because this has "
                f"changed since the run began: {'; '.join(different)}. Undo the changes, or allow "
                "them with --allow-changes, which lists them in the manifest"
            )
        record = Record(
            directory, replace(current, started=manifest.started, resumed=manifest.resumed)
        )
        checkpoint, saved = _newest(record, ready, notice)
        record.resumed(ready.trainer.epoch, ready.trainer.step, different)
        length = saved["history"]["bytes"] if saved is not None else 0
        rows = record.rewind(checkpoint, length, ready.prepared.preparation)
        with followed(spec, listener, progress=progress) as following:
            return Session(ready, record, following, rows, warned, stop_when).carry_out(saved)


def stored_result(stored: StoredRun) -> RunResult:
    """Return the result of a finished run, from its folder.

    Raises:
        OutputError: the folder is damaged.
        DeclnetError: as `StoredRun.predictor` does.
    """
    metrics = {name: with_nan(each) for name, each in stored.metrics.items()}
    _require_losses(stored.path, metrics)
    history, manifest = [with_nan(row) for row in stored.history], stored.manifest
    predictor = stored.predictor()
    return RunResult(
        metrics,
        history,
        predictor.model,
        stored.path,
        manifest.seconds or 0.0,
        manifest.epochs or history[-1]["epoch"] + 1,
        manifest.stopped,
        manifest.restored,
        manifest.baseline,
        manifest.warnings,
        spec=predictor.spec,
        preparation=predictor.preparation,
        registry=predictor.registry,
        calibrations=predictor.calibrations,
    )


def _notify_callbacks(
    predictor: Predictor, directory: Path, metrics: dict[str, dict[str, float]], warned: Notice
) -> None:
    """Notify callbacks that a run has finished, since a kill may have prevented that."""
    try:
        with attributing_errors(predictor.registry):
            for callback in predictor.spec.training.callbacks:
                callback.found_finished(directory.absolute(), metrics)
    except DeclnetError as error:  # e.g. a server is gone; the run is as good as before
        warned(str(error))


def spec_to_resume(run_directory: Path, registry: Registry) -> RunSpec:
    """Return the spec of the run in a folder, to follow its training.

    Raises:
        OutputError: it is not a run's folder.
        SpecError: its spec.toml is invalid.
    """
    _require_run(run_directory)
    manifest = _read_manifest(run_directory)
    spec, _ = spec_of_run(run_directory, manifest, registry, training=True)
    return spec


def _newest(
    record: Record, ready: ReadyRun, notice: Notice
) -> tuple[Checkpoint | None, dict[str, Any] | None]:
    """Restore the trainer from the newest intact checkpoint; return the checkpoint and content."""
    for checkpoint, saved in record.checkpoints.read(notice):
        if not record.history.begins_as(saved["history"]):
            notice(
                f"{record.directory / folder.HISTORY} has changed since {checkpoint.file} was "
                "written; using the previous checkpoint"
            )
            continue
        try:
            ready.trainer.restore(TrainingState.of(saved["training"]))
        except StateError as error:
            raise ResumeError(f"{record.directory}: {checkpoint.file}: {error}") from None
        notice(f"resuming at epoch {checkpoint.epoch}, after {checkpoint.step} steps")
        return checkpoint, saved
    notice(f"no checkpoint to resume from: starting over{_how_to_keep_some(ready)}")
    return None, None


def _how_to_keep_some(ready: ReadyRun) -> str:
    """Return how a run has checkpoints, unless it asks for them or no installed callback would."""
    if any(callback.writes_checkpoints for callback in ready.spec.training.callbacks):
        return ""
    entries = ready.registry.entries(Callback.kind)
    types = [entry.type for entry in entries if entry.component.writes_checkpoints]
    named = alternatives(f'"{type_}"' for type_ in types)
    return f"; to keep checkpoints, add the callback {named} to training.callbacks" if types else ""


def has_begun(directory: Path) -> bool:
    """Return whether a run has written its spec or its manifest into a folder."""
    return any((directory / name).exists() for name in (folder.SPEC, folder.MANIFEST))


def _require_run(directory: Path) -> None:
    """Raise OutputError unless the folder has a manifest, or a spec and only `BEGUN` files."""
    if (directory / folder.MANIFEST).is_file():
        return
    if not directory.is_dir():
        what = "is a file, not a run's folder" if directory.exists() else "there is no such folder"
        raise OutputError(f"{directory}: {what}")
    others = {path.name for path in directory.iterdir() if not path.name.startswith(".")} - BEGUN
    if not (directory / folder.SPEC).is_file() or others:
        message = f"this is not a run's folder (a run's folder has a {folder.MANIFEST})"
        raise OutputError(f"{directory}: {message}")


BEGUN = {
    *(folder.SPEC, folder.PREPARATION, folder.PREPARATION_ARRAYS, folder.WEIGHTS, folder.METRICS),
    *(folder.CALIBRATION, folder.ANALYSES, folder.HISTORY),
}
"""Files that a run may write before its manifest; a run that was killed may have only these."""


def _read_manifest(directory: Path) -> Manifest | None:
    return read_manifest(directory) if (directory / folder.MANIFEST).exists() else None


def _read_spec(directory: Path) -> bytes:
    try:
        return read_bytes(directory / folder.SPEC)
    except OSError as error:
        message = f"{directory / folder.SPEC}: cannot be read: {error.strerror}"
        raise ResumeError(message) from None


def _require_losses(directory: Path, metrics: Mapping[str, Mapping[str, float]]) -> None:
    for data, values in metrics.items():
        for name in ("loss", "data_loss", "regularization_loss"):
            if name not in values:
                raise OutputError(f"{directory / folder.METRICS}: {data} has no {name}")
