"""The execution of a run by one process, from the first step or a checkpoint to the end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from math import inf
from shlex import quote
from typing import Any

from declnet.contracts.attribution import attributing_errors
from declnet.contracts.runs.callback import Callback, EpochFinished, EpochLogged
from declnet.errors import ChangedFileError, DeclnetError
from declnet.runs.behavior import BEHAVIOR_FILE, Behavior
from declnet.runs.callbacks import ActiveRun, Callbacks, FollowedModel
from declnet.runs.computed import Compute, of_model, of_training
from declnet.runs.epoch_selection import EpochSelection
from declnet.runs.inference.analyzing import ANALYSES_FILE, AnalysisResult, set_loaded_again
from declnet.runs.inference.calibration import (
    CollectedPredictions,
    FittedCalibration,
    calibrating,
    stored,
    thresholded,
)
from declnet.runs.inference.held_out import HeldOutPredictions
from declnet.runs.inference.member import Member, readings_of
from declnet.runs.inference.observing import (
    MOST_STREAMED,
    Observed,
    joined_baseline,
    joined_references,
    never_predicted,
)
from declnet.runs.inference.predictor import Predictor
from declnet.runs.model_card import card_of_run
from declnet.runs.options import RunOptions
from declnet.runs.ready_run import ReadyRun
from declnet.runs.result import RunResult
from declnet.runs.signals import held_back, require_time
from declnet.runs.storage import folder
from declnet.runs.storage.checkpoints import KEEP_LAST
from declnet.runs.storage.documents import Baseline
from declnet.runs.storage.record import Record
from declnet.training.evaluation import Evaluation
from declnet.training.metrics import history_metrics
from declnet.training.numerics import one_blas_thread
from declnet.training.state import StateError
from declnet.training.trainer import Event


class Session:
    """A run in progress, from its trainer's state on.

    Args:
        ready: what the run needs, from its trainer's state on.
        record: the record of the run's folder; None writes nothing.
        options: how the run is followed, and what ends it early.
        history: the rows of earlier sessions.
    """

    def __init__(
        self,
        ready: ReadyRun,
        record: Record | None,
        options: RunOptions,
        history: list[dict[str, Any]] | None = None,
    ) -> None:
        self._ready, self._record, self._options = ready, record, options
        self._trainer, self._model = ready.trainer, ready.prepared.model
        self._history, spec = history or [], ready.spec
        directory = record.directory if record is not None else None
        self._active = ActiveRun(
            spec.name,
            self._trainer.epochs,
            directory,
            FollowedModel(self._model, self._trainer.evaluated_parameters),
            self._trainer,
            history_metrics(spec.heads, validated="validation" in ready.prepared.data),
            options.notice,
        )
        self._callbacks = Callbacks(spec.training.callbacks)
        self._between_steps = self._is_written = False
        self._is_described = False
        self._baselines: dict[str, Baseline] = {}
        self._references: dict[str, tuple[Baseline, ...]] = {}
        self._calibrations: dict[str, FittedCalibration] = {}
        self._held_out: HeldOutPredictions | None = None
        self._selection = EpochSelection.needed(ready.prepared, self._trainer, self._active)

    def carry_out(self, saved: Mapping[str, Any] | None = None) -> RunResult:
        """Execute the run to its end, and record the outcome in its folder.

        Args:
            saved: the content of a checkpoint besides the trainer's state; None for a new run.
        """
        with self._options.follow(self._ready.spec) as self._listener:
            return self._carry_out(saved)

    def _carry_out(self, saved: Mapping[str, Any] | None) -> RunResult:
        active, model, record = self._active, self._model, self._record
        evaluated = self._trainer.evaluated_parameters
        self._started = self._saved = time.perf_counter()
        if saved is not None:
            self._started -= saved["seconds"]
            active.restore(saved["run"])
        try:
            with attributing_errors(self._ready.registry), one_blas_thread():
                self._callbacks.start(active, saved["callbacks"] if saved is not None else ())
                if self._selection is not None:
                    self._selection.start((saved or {}).get("selection"))
                self._trainer.observe(self._callbacks.observers())
                self._trainer.follow(
                    self._callbacks.followers(Callback.after_update),
                    self._callbacks.followers(Callback.epoch_trained),
                )
                evaluated.source = self._callbacks.evaluated()
                self._train()
                self._callbacks.training_ended()
                evaluated.forget()
                evaluated.enter(active.final)
                self._calibrate()
                if self._selection is not None:
                    self._held_out = self._selection.predictions(self._history[-1]["epoch"])
                metrics = self._evaluate()
                analyses = tuple(self._analyze())
                seconds = self._seconds()
                if record is not None:
                    more = {
                        "baseline": self._baselines,
                        "references": self._references,
                        "warnings": tuple(active.warnings),
                    }
                    ending, others = self._ending() | more, self._other_files(analyses)
                    card = None
                    if self._options.has_card:
                        predictor = Predictor([self._member()])
                        card = partial(card_of_run, predictor, metrics=metrics)
                    record.finished(model, metrics, seconds, ending, others, card)
                self._is_written, self._between_steps = True, False
                self._callbacks.finished(metrics)
                if record is not None and not active.keeps_checkpoints:
                    record.forget_checkpoints()
        except BaseException as error:
            self._end_early(error)
            raise
        return RunResult(
            metrics,
            self._history,
            model,
            active.directory,
            seconds,
            **self._ending(),
            baselines=self._baselines,
            references=self._references,
            warnings=tuple(active.warnings),
            analyses=analyses,
            spec=self._ready.spec,
            preparation=self._ready.prepared.preparation,
            registry=self._ready.registry,
            calibrations=self._calibrations,
        )

    def _train(self) -> None:
        """Continue training; code that runs between two events also runs between two steps."""
        with held_back() if self._record is not None else nullcontext() as deliver_signal:
            if not self._active.has_stopped():
                for event in self._trainer.events():
                    self._notify(event)
                    self._save_if_due()
                    self._between_steps = True
                    if deliver_signal is not None:
                        deliver_signal()
                    if self._active.has_stopped():
                        break
                    if self._trainer.epoch < self._trainer.epochs:
                        require_time()
                    self._between_steps = False
            self._between_steps = True

    def _notify(self, event: Event) -> None:
        if isinstance(event, EpochLogged):
            self._history.append(event.row())
            if self._record is not None:
                self._record.epoch(self._history[-1])
        if self._record is not None:
            self._record.keep_up()
        if self._listener is not None:
            self._listener(event)
        if isinstance(event, EpochFinished):
            self._callbacks.after_epoch(event)
            if self._selection is not None:
                self._selection.after_epoch(event)
        if isinstance(event, EpochLogged):
            self._callbacks.epoch_finished(event)
            stop_when = self._options.stop_when
            reason = stop_when(event) if stop_when is not None else None
            if reason is not None:
                self._active.stop(reason)

    def _save_if_due(self) -> None:
        epochs = self._trainer.epoch if self._trainer.batch == 0 else 0
        seconds = time.perf_counter() - self._saved
        if self._record is not None and self._active.needs_checkpoint(epochs, seconds):
            self._save()

    def _save(self) -> None:
        """Write a checkpoint, unless within an epoch whose metrics cannot be saved."""
        active, trainer = self._active, self._trainer
        try:
            training = trainer.state().plain()
        except StateError:
            return
        content = {
            "training": training,
            "run": active.state(),
            "callbacks": self._callbacks.state(),
            "seconds": self._seconds(),
        }
        if self._selection is not None:
            content["selection"] = self._selection.state()
        if self._record is not None:
            if not self._is_described:
                self._record.write_behavior(self._behavior(of_training(self._ready.prepared)))
                self._is_described = True
            self._record.checkpoint(
                content,
                trainer.epoch,
                trainer.batch,
                trainer.step,
                best=active.best,
                keep_last=active.keep_last or KEEP_LAST,
            )
        active.requested = active.best = False
        self._saved = time.perf_counter()

    def _calibrate(self) -> None:
        """Fit the calibrators to the finished model's predictions for the validation data."""
        model, heads, prepared = self._model, self._ready.spec.heads, self._ready.prepared
        if not any(head.calibration for head in heads):
            return
        predicted = [CollectedPredictions() for _ in heads]
        watches = [of_head.add for of_head in predicted]
        evaluation = Evaluation(model, heads, prepared.data["validation"], watches)
        self._trainer.evaluated(evaluation, self._history[-1]["epoch"], ())
        readings = readings_of(heads, model, prepared.preparation)
        self._calibrations = {
            head.name: FittedCalibration.fitted(head, reading, *of_head.joined())
            for head, reading, of_head in zip(heads, readings, predicted, strict=True)
            if head.calibration
        }

    def _evaluate(self) -> dict[str, dict[str, float]]:
        """Return the finished model's metrics by data set; note simpler forecasts and warnings."""
        model, fitted, epoch = self._model, self._calibrations, self._history[-1]["epoch"]
        heads = thresholded(self._ready.spec.heads, fitted)
        readings = readings_of(heads, model, self._ready.prepared.preparation, fitted)
        metrics: dict[str, dict[str, float]] = {}
        all_observed: list[list[Observed]] = []
        for name, data in self._ready.prepared.data.items():
            most = MOST_STREAMED if data.window is not None else inf
            observed = [Observed(reading, most) for reading in readings]
            if name == "validation" and self._held_out is not None:
                metrics[name] = self._held_out.evaluate(self._member(), data, observed)
            else:
                unscale = calibrating(heads, fitted, data.unscale)
                ready = replace(data, unscale=unscale)
                evaluation = Evaluation(model, heads, ready, [one.add for one in observed])
                with ChangedFileError.during(f"the final evaluation of the {name} data"):
                    metrics[name] = self._trainer.evaluated(evaluation, epoch)
            all_observed.append(observed)
            pairs = list(zip(heads, observed, strict=True))
            baseline = joined_baseline(
                heads, [of_head.baseline(head.metrics.values()) for head, of_head in pairs]
            )
            if baseline is not None and baseline.metrics:
                self._baselines[name] = baseline
            references = joined_references(
                heads, [of_head.references(head, data.references) for head, of_head in pairs]
            )
            if references:
                self._references[name] = references
        for number, (head, reading) in enumerate(zip(heads, readings, strict=True)):
            of_head = [of_set[number] for of_set in all_observed]
            true, predicted = (
                sum(getattr(of_set, counts) for of_set in of_head)
                for counts in ("true", "predicted")
            )
            warning = never_predicted(true, predicted, reading.class_names)
            if warning is not None:
                prefix = f"{head.name}: " if head.name else ""
                self._active.warnings.append(f"{prefix}{warning}")
        return metrics

    def _analyze(self) -> Iterator[AnalysisResult]:
        """Yield the results of the spec's analyses; one that fails is a warning, the run ends."""
        ready = self._ready
        if not ready.spec.analyses:
            return
        predictor = Predictor([self._member()])
        name = next(name for name in ("test", "validation", "train") if name in ready.prepared.data)
        expected = ready.prepared.data[name].fingerprint
        try:
            data = set_loaded_again(predictor, ready.data, name, expected)
        except DeclnetError as error:
            self._active.warn(f"no analyses: {error}")
            return
        for analysis in ready.spec.analyses:
            try:
                with attributing_errors(ready.registry):
                    result = data.result(analysis)
            except DeclnetError as error:
                self._active.warn(f"no result of an analysis: {error}")
            else:
                yield result

    def _member(self) -> Member:
        """Return the trained model."""
        ready, fitted = self._ready, self._calibrations
        preparation = ready.prepared.preparation
        return Member(self._model, preparation, ready.spec, ready.registry, fitted)

    def _behavior(self, aspects: Mapping[str, Compute]) -> bytes:
        """Return the file that says what the run's components compute."""
        return BEHAVIOR_FILE.write(Behavior.recorded(self._ready.prepared.rows, aspects))

    def _other_files(self, analyses: tuple[AnalysisResult, ...]) -> dict[str, bytes]:
        """Return the files besides the weights and metrics."""
        files = {folder.BEHAVIOR: self._behavior(of_model(self._member()))}
        if self._calibrations:
            files[folder.CALIBRATION] = stored(self._calibrations)
        if self._held_out is not None:
            files[folder.HELD_OUT] = self._held_out.stored()
        if analyses:
            files[folder.ANALYSES] = ANALYSES_FILE.write(analyses)
        return files

    def _end_early(self, error: BaseException) -> None:
        """Record how the run ended; interrupting an already finished run changes nothing."""
        interrupted = not isinstance(error, Exception)
        self._trainer.evaluated_parameters.leave()
        if self._record is not None and self._between_steps and interrupted:
            try:
                self._save()
                self._trainer.evaluated_parameters.enter()
            except Exception as another:  # report the interruption
                error.add_note(f"no checkpoint could be written: {another}")
        if self._record is not None and interrupted and not self._is_written:
            path = quote(str(self._record.directory))
            error.add_note(f"to continue this run: declnet resume {path}")
        self._callbacks.failed(error)
        if self._record is not None and not (self._is_written and interrupted):
            more, others = {"warnings": tuple(self._active.warnings)}, dict[str, bytes]()
            if interrupted:
                with suppress(Exception):  # a failure must not lose the weights
                    aspects = {**of_training(self._ready.prepared), **of_model(self._member())}
                    others[folder.BEHAVIOR] = self._behavior(aspects)
            self._record.failed(self._model, error, self._seconds(), more, others)

    def _ending(self) -> dict[str, Any]:
        """Return how the training ended, for the result and the manifest."""
        active = self._active
        return {"epochs": self._trainer.epoch, "stopped": active.stopped, "restored": active.origin}

    def _seconds(self) -> float:
        return time.perf_counter() - self._started
